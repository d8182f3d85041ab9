/** What `require('uring')` costs. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Family, install, type Kit } from '../harness.ts';
import type { Side } from '../side.ts';

/** Prints milliseconds, microseconds of CPU time, bytes of RSS. */
const PROGRAM = `
const before = process.cpuUsage();
const start = performance.now();
if (process.argv[2] !== 'nothing') require(process.argv[2]);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(before);
console.log(ms, user + system, process.memoryUsage.rss());
`;

/** A program in a folder that has the package, as it was built for the run. */
function programIn(folder: string): string {
  install(folder);
  const program = join(folder, 'load.cjs');
  writeFileSync(program, PROGRAM);
  return program;
}

/** A process for each turn. Its RSS is the sum. */
function side(program: string, what: string): Side {
  return {
    async turn() {
      const [ms = Number.NaN, cpuUs = Number.NaN, rss = 0] = execFileSync(process.execPath, [program, what], {
        encoding: 'utf8',
      })
        .split(' ')
        .map(Number);
      return { ns: ms * 1e6, cpuNs: cpuUs * 1000, p50: 0, p99: 0, sum: rss };
    },
    close() {},
  };
}

export const load: Family = {
  name: 'load',
  title: "require('uring')",
  unit: 'a require()',
  how: 'The package as npm would pack it, in a new process each time. RSS is looked at when it is loaded; what is beyond bare Node is its own.',
  plot: { axes: ['time', 'rss'] },
  cases: ['process'],
  count: () => 1,
  workers: {},
  async sides(kit: Kit) {
    const program = programIn(join(kit.folder, 'load'));
    for (const what of ['nothing', 'koffi', 'uring']) kit.sides.set(what, side(program, what));
  },
};
