/** Servers of files by HTTP/1.1 under the same load. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join, normalize } from 'node:path';
import { AsyncRing, type RingSocket } from 'uring';
import { readFile as readByRing } from 'uring/fs';
import type { Family, Kit, Work } from '../harness.ts';
import { listening, load, loadOf, told, twoCpus } from '../servers.ts';

const BYTES = [2048];

function fileOf(folder: string, path: string): string {
  return join(folder, normalize(decodeURIComponent(path)));
}

/** The requests in what has come, and the rest. */
function requestsIn(text: string): { readonly paths: readonly string[]; readonly rest: string } {
  const requests = text.split('\r\n\r\n');
  const rest = requests.pop() ?? '';
  return { paths: requests.map((each) => /^GET (\/[^ ?]*)/.exec(each)?.[1] ?? ''), rest };
}

function answerOf(body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
}

function byHttp([folder = '']: readonly string[]): Promise<Work> {
  return listening(
    createHttpServer(async ({ url = '' }, response) => response.end(await readFile(fileOf(folder, url)))),
  );
}

function byNet([folder = '']: readonly string[]): Promise<Work> {
  const server = createServer({ noDelay: true }, (socket) => {
    let asked = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', async (chunk) => {
      const { paths, rest } = requestsIn(asked + chunk.toString('latin1'));
      asked = rest;
      for (const path of paths) socket.write(answerOf(await readFile(fileOf(folder, path))));
    });
  });
  return listening(server);
}

/** The way of examples/http-server.ts. */
async function serve(ring: AsyncRing, read: (path: string) => Promise<Uint8Array>): Promise<Work> {
  const server = ring.createServer({ host: '127.0.0.1', backlog: 4096 });
  const answer = async (socket: RingSocket): Promise<void> => {
    await using connection = socket;
    let asked = '';
    for await (const chunk of connection) {
      const { paths, rest } = requestsIn(asked + Buffer.from(chunk).toString('latin1'));
      asked = rest;
      for (const path of paths) await connection.writeAll(answerOf(await read(path)));
    }
  };
  void (async () => {
    for await (const socket of server) answer(socket).catch(() => {});
  })();
  return told(await server.port());
}

function byRing([folder = '']: readonly string[]): Promise<Work> {
  const ring = new AsyncRing(4096);
  return serve(ring, async (path) => {
    await using file = await ring.open(fileOf(folder, path));
    return await file.readAll();
  });
}

function byRingFs([folder = '']: readonly string[]): Promise<Work> {
  return serve(new AsyncRing(4096), (path) => readByRing(fileOf(folder, path)));
}

async function start(kit: Kit): Promise<void> {
  const program = loadOf(kit);
  if (program === undefined) return;
  const folder = join(kit.folder, 'http');
  mkdirSync(folder, { recursive: true });
  for (const bytes of BYTES) writeFileSync(join(folder, `${bytes}`), Buffer.alloc(bytes, 'x'));
  const [cpu] = twoCpus(kit);
  await kit.node(['node:http', 'node:net', 'createServer', 'createServer, uring/fs'], [folder], [cpu]);
  await load(kit, program, 'http');
}

export const http: Family = {
  name: 'http',
  title: 'Files by HTTP/1.1, by connections',
  unit: 'a request and its answer',
  how: 'Each request names a file of 2,048 bytes, which is opened and read for it. A load in C has one request under way on each connection, on loopback. The server has one cpu, the load another; CPU time is the server’s.',
  plot: { axes: ['rate', 'cpuRate'] },
  heading: (name) => `${name.split(':')[0]} connections`.replace(/^1 connections/, '1 connection'),
  cases: BYTES.flatMap((bytes) => [1, 64, 512].map((connections) => `${connections}:${bytes}`)),
  count: (name, { isQuick }) => (name.startsWith('1:') ? 4000 : 12_000) / (isQuick ? 4 : 1),
  workers: {
    'node:http': byHttp,
    'node:net': byNet,
    createServer: byRing,
    'createServer, uring/fs': byRingFs,
  },
  sides: start,
  expected: (_, count) => count,
};
