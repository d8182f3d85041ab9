/** Echo servers under the same load. */
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { AsyncRing, alloc, type FixedFile, probe, type RingSocket } from 'uring';
import { type Family, type Kit, setupFlags, type Work } from '../harness.ts';
import { listening, load, loadOf, told, twoCpus } from '../servers.ts';

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

/** Sends back what comes, by Node alone. */
export function byNet(): Promise<Work> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (data) => socket.write(data));
    socket.on('error', () => socket.destroy());
  });
  return listening(server);
}

/** Where a socket listens: getsockname came to the ring with 6.19. */
function portOf(fd: number): number {
  const inode = readlinkSync(`/proc/self/fd/${fd}`).replace(/\D/g, '');
  const line = readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .find((each) => each.trim().split(/\s+/)[9] === inode);
  return Number.parseInt(/:([0-9A-F]{4}) /.exec(line ?? '')?.[1] ?? '0', 16);
}

/** A ring whose sockets are slots of its file table, so that no operation looks up an fd; `answer` serves each of them. */
async function serve(ring: AsyncRing, answer: (socket: FixedFile) => Promise<void>): Promise<Work> {
  ring.registerFiles({ slots: 4096 });
  const server = await ring.socket('IPv4');
  await ring.bind(server, { address: '127.0.0.1', port: 0 });
  await ring.listen(server, 4096);
  const acceptAll = async (): Promise<void> => {
    for await (const socket of ring.acceptMultishot(server, { into: 'alloc' })) {
      ring
        .setsockopt(socket, [IPPROTO_TCP, TCP_NODELAY], 1)
        .then(() => answer(socket))
        .catch(() => {})
        .finally(() => ring.closeFd(socket));
    }
  };
  void acceptAll();
  return told(portOf(server.fd));
}

/** A receive and a send at a time for each connection, as in C. */
function byRing(): Promise<Work> {
  const ring = new AsyncRing(4096);
  return serve(ring, async (socket) => {
    const memory = alloc(16_384);
    let part = memory;
    for (;;) {
      const length = await ring.recv(socket, memory);
      if (length === 0) return;
      // messages of one connection are mostly as long as the one before
      if (part.length !== length) part = memory.subarray(0, length);
      for (let sent = 0; sent < length; )
        sent += await ring.send(socket, sent === 0 ? part : part.subarray(sent));
    }
  });
}

/** One receive for each connection, into buffers that all share. */
function byMultishot(): Promise<Work> {
  const ring = new AsyncRing(4096);
  const pool = ring.registerBufferRing({ entries: 1024, bufferSize: 16_384 });
  return serve(ring, async (socket) => {
    for await (const part of ring.recvMultishot(socket, pool)) {
      const { length } = part.bytes;
      for (let sent = 0; sent < length; )
        sent += await ring.send(socket, sent === 0 ? part.bytes : part.bytes.subarray(sent));
      part.release();
    }
  });
}

async function start(kit: Kit): Promise<void> {
  const program = loadOf(kit);
  if (program === undefined) return;
  const [cpu] = twoCpus(kit);
  await kit.c('C', 'echo', [setupFlags()], [cpu]);
  await kit.node(['node:net', 'createServer'], [], [cpu]);
  const rings = ['AsyncRing', 'AsyncRing, multishot'];
  if (probe().ops.OP_BIND.supported !== false) await kit.node(rings, [], [cpu]);
  else for (const by of rings) kit.skipped.set(by, 'needs OP_BIND, Linux 6.11');
  await load(kit, program, 'echo');
}

/** As a user would write it. */
export async function byServer(): Promise<Work> {
  const ring = new AsyncRing(4096);
  const server = ring.createServer({ host: '127.0.0.1', backlog: 4096 });
  const answer = async (socket: RingSocket): Promise<void> => {
    await using connection = socket;
    for await (const chunk of connection) await connection.writeAll(chunk);
  };
  void (async () => {
    for await (const socket of server) answer(socket).catch(() => {});
  })();
  return told(await server.port());
}

export const echo: Family = {
  name: 'echo',
  title: 'Echo server, by connections and bytes of a message',
  unit: 'a message and its answer',
  how: 'A load in C keeps one message under way on each connection, on loopback, and compares the answers. The server has one cpu, the load another; CPU time is the server’s.',
  plot: { axes: ['rate', 'cpuRate'] },
  heading: (name) =>
    name
      .replace(':', ' connections, ')
      .replace(/^1 connections/, '1 connection')
      .concat(' B'),
  cases: ['1:64', '64:64', '1024:64', '1:16384', '64:16384', '1024:16384'],
  count: (name, { isQuick }) => {
    const full = name.startsWith('1:') ? 10_000 : 40_000;
    return (name.endsWith(':64') ? full : full / 2) / (isQuick ? 5 : 1);
  },
  workers: {
    AsyncRing: byRing,
    'AsyncRing, multishot': byMultishot,
    createServer: byServer,
    'node:net': byNet,
  },
  sides: start,
  expected: (_, count) => count,
};
