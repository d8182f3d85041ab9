import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../helpers/needs.ts';

const LIB = fileURLToPath(new URL('../../lib/index.ts', import.meta.url));

/** The limit of bounded workers in a fresh process. */
function bounded(before: string): number {
  const script = `import { probe, Ring } from ${JSON.stringify(LIB)};
    ${before};
    const ring = new Ring(64);
    console.log(ring.workerLimits.bounded);
    ring.close();`;
  const args = ['--conditions=uring-source', '--import', 'tsx', '--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

test('probe() does not lower how many workers the next ring gets', needs('REGISTER_IOWQ_MAX_WORKERS'), () => {
  assert.equal(bounded('probe()'), bounded(''));
});
