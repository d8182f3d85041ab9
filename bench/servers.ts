/** Servers under a load in C. */
import type { AddressInfo, Server } from 'node:net';
import type { Kit, Work } from './harness.ts';
import { compile, ProcessSide, type Side } from './side.ts';

/** A server tells the CPU time that it has used, and its port. */
export function told(port: number): Work {
  return async () => {
    const { user, system } = process.cpuUsage();
    return { ns: 1, cpuNs: (user + system) * 1000, p50: 0, p99: 0, sum: port };
  };
}

/** A server of Node.js, when it listens. */
export function listening(server: Server): Promise<Work> {
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
      const address: AddressInfo | string | null = server.address();
      resolve(told(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** The load is timed, the server's CPU time and memory are looked at. */
function underLoad(server: ProcessSide, load: ProcessSide): Side {
  return {
    async turn(name, count, seed) {
      const before = await server.turn('usage', 1, 1);
      const timed = await load.turn(name, count, seed);
      const after = await server.turn('usage', 1, 1);
      return { ...timed, cpuNs: (after.cpuNs - before.cpuNs) / count };
    },
    forgetPeak: () => server.forgetPeak(),
    peakMib: () => server.peakMib(),
    close() {
      load.close();
      server.close();
    },
  };
}

/** The cpu of servers, and that of what drives them. */
export function twoCpus(kit: Kit): readonly [server: number, load: number] {
  const [server = 0, load = server] = kit.cpus(2);
  return [server, load];
}

/** The program that is the load; undefined where there is no compiler, which is said. */
export function loadOf(kit: Kit): string | undefined {
  const program = compile(kit.folder, 'load');
  if (program === undefined) kit.skipped.set('all', 'the load needs a C compiler');
  return program;
}

/** Puts a load before each server. @param what what the servers do */
export async function load(kit: Kit, program: string, what: 'echo' | 'http'): Promise<void> {
  const [, cpu] = twoCpus(kit);
  for (const [by, server] of kit.sides) {
    if (!(server instanceof ProcessSide)) continue;
    const { sum: port } = await server.turn('usage', 1, 1);
    kit.sides.set(by, underLoad(server, await ProcessSide.start(program, [`${port}`, what], [cpu])));
  }
}
