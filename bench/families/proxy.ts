/** Proxies between a load and a server in C. */
import { connect, createServer } from 'node:net';
import { AsyncRing, type RingSocket } from 'uring';
import { type Family, type Kit, setupFlags, type Work } from '../harness.ts';
import { listening, load, loadOf, told, twoCpus } from '../servers.ts';
import { compile, ProcessSide } from '../side.ts';

function byNet([target]: readonly string[]): Promise<Work> {
  const server = createServer({ noDelay: true }, (client) => {
    const to = connect({ port: Number(target), host: '127.0.0.1', noDelay: true });
    for (const each of [client, to]) {
      each.on('error', () => {
        client.destroy();
        to.destroy();
      });
    }
    client.pipe(to).pipe(client);
  });
  return listening(server);
}

/** The way of examples/proxy.ts. */
async function byRing([target]: readonly string[]): Promise<Work> {
  const ring = new AsyncRing(4096);
  const server = ring.createServer({ host: '127.0.0.1', backlog: 4096 });
  const pass = async (accepted: RingSocket): Promise<void> => {
    await using client = accepted;
    await using to = await ring.createConnection({ host: '127.0.0.1', port: target });
    await Promise.all([client.pipeTo(to), to.pipeTo(client)]);
  };
  void (async () => {
    for await (const client of server) pass(client).catch(() => {});
  })();
  return told(await server.port());
}

async function start(kit: Kit): Promise<void> {
  const program = loadOf(kit);
  const echo = compile(kit.folder, 'echo');
  if (program === undefined || echo === undefined) return;
  const [cpu, other] = twoCpus(kit);
  const target = await ProcessSide.start(echo, [`${setupFlags()}`], [other]);
  const { sum: port } = await target.turn('usage', 1, 1);
  await kit.node(['node:net', 'createServer'], [`${port}`], [cpu]);
  await load(kit, program, 'echo');
  const [by, side] = [...kit.sides][0] ?? [];
  if (by === undefined || side === undefined) return;
  kit.sides.set(by, {
    ...side,
    close() {
      side.close();
      target.close();
    },
  });
}

export const proxy: Family = {
  name: 'proxy',
  title: 'A proxy, by connections and bytes of a message',
  unit: 'a message and its answer',
  how: 'The load and the echo server in C of the family above, with a proxy between them. The proxy has one cpu, the others another; CPU time is the proxy’s.',
  plot: { axes: ['rate', 'cpuRate'] },
  heading: (name) =>
    name
      .replace(':', ' connections, ')
      .replace(/^1 connections/, '1 connection')
      .concat(' B'),
  cases: ['1:64', '64:64', '1024:64', '64:16384'],
  count: (name, { isQuick }) => {
    const full = name.startsWith('1:') ? 5000 : 20_000;
    return (name.endsWith(':64') ? full : full / 2) / (isQuick ? 5 : 1);
  },
  workers: { 'node:net': byNet, createServer: byRing },
  sides: start,
  expected: (_, count) => count,
};
