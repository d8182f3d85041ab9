import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { LOADER, moduleAt } from '../helpers/loader.ts';
import { needs } from '../helpers/needs.ts';

/** The limit of bounded workers in a fresh process. */
function bounded(before: string): number {
  const script = `import { probe, Ring } from ${JSON.stringify(moduleAt('lib/index.ts'))};
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
