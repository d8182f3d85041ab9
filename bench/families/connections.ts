/** An echo server with thousands of connections, of which few say something at once. */
import type { Family, Kit } from '../harness.ts';
import { load, loadOf, twoCpus } from '../servers.ts';
import { lacksOpenFiles } from '../side.ts';
import { byNet, byServer } from './echo.ts';

const CONNECTIONS = 4000;
const BYTES = 64;
const AT_ONCE = 64;

async function start(kit: Kit): Promise<void> {
  const lack = lacksOpenFiles(CONNECTIONS);
  if (lack !== undefined) {
    kit.skipped.set('all', lack);
    return;
  }
  const program = loadOf(kit);
  if (program === undefined) return;
  const [cpu] = twoCpus(kit);
  await kit.node(['node:net', 'createServer'], [], [cpu]);
  await load(kit, program, 'echo');
}

export const connections: Family = {
  name: 'connections',
  title: 'Echo server with 4,000 connections',
  unit: 'a message of 64 B and its answer',
  how: 'A load in C opens 4,000 connections, which stay; 64 of them at once wait for an answer, one after the other of all 4,000, on loopback. The server has one cpu, the load another; CPU time and memory are the server’s.',
  plot: { axes: ['rate', 'cpuRate'] },
  heading: (name) => `${name.split(':')[0]} connections, ${AT_ONCE} at once`,
  cases: [`${CONNECTIONS}:${BYTES}:${AT_ONCE}`],
  count: (_, { isQuick }) => CONNECTIONS * (isQuick ? 2 : 10),
  workers: { 'node:net': byNet, createServer: byServer },
  sides: start,
  expected: (_, count) => count,
};
