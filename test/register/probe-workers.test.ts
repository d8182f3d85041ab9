import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { needs } from '../helpers/needs.ts';
import { LOADER } from '../helpers/scenario.ts';

const LIB = import.meta.resolve('../../lib/index.ts').replace(/ts$/, LOADER.length > 0 ? 'ts' : 'js');

/** The limit of bounded workers in a fresh process. */
function bounded(before: string): number {
  const script = `import { probe, Ring } from ${JSON.stringify(LIB)};
    ${before};
    const ring = new Ring(64);
    console.log(ring.workerLimits.bounded);
    ring.close();`;
  const args = [...LOADER, '--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

test('probe() does not lower how many workers the next ring gets', needs('REGISTER_IOWQ_MAX_WORKERS'), () => {
  assert.equal(bounded('probe()'), bounded(''));
});
