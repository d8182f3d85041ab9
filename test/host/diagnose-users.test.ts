/** The doctor as an ordinary user, with much and little locked memory. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CheckName, Diagnosis } from '../../lib/host/diagnose.ts';
import { askRing } from '../../lib/register/ask.ts';
import { kernelVersion } from '../../lib/sys/host.ts';
import { ConfinedCopy, type Confinement, cannotConfine } from '../helpers/confined.ts';

const SCRIPT = `
import { diagnose } from './lib/host/diagnose.ts';
console.log(JSON.stringify(await diagnose()));
`;

/** Root becomes a user whom nobody else is: locked memory is charged to the user. Anybody else stays. */
function limited(memlockKib: number, offset: number): Confinement {
  const user = process.geteuid?.() === 0 ? { uid: 70_000 + ((process.pid * 4 + offset) % 400_000) } : {};
  return { memlockKib, ...user };
}

const skip = cannotConfine(limited(8192, 0)) || (typeof askRing() === 'number' && 'no ring can be made here');

describe('the doctor of an ordinary user', { skip }, () => {
  let copy: ConfinedCopy;
  const ask = (confinement: Confinement): Diagnosis => copy.run<Diagnosis>(SCRIPT, confinement);
  const statusOf = ({ checks }: Diagnosis, name: CheckName): string =>
    checks.find((check) => check.name === name)?.status ?? 'missing';

  before(() => {
    copy = new ConfinedCopy();
  });
  after(() => copy.remove());

  it('finds nothing in the way with the usual 8192 KiB', () => {
    const { usable, cause, verdict } = ask(limited(8192, 1));
    assert.equal(usable, true, verdict);
    assert.equal(cause, undefined);
  });

  it('warns of 64 KiB: rings can be made, buffers can not be registered', () => {
    let diagnosis = ask(limited(64, 2));
    // what other processes of this user had locked may come back only now
    for (let more = 5; more > 0 && diagnosis.cause === 'memlock'; more--) diagnosis = ask(limited(64, 2));
    assert.equal(diagnosis.usable, true, diagnosis.verdict);
    assert.equal(statusOf(diagnosis, 'memlock'), 'warn');
    const { evidence = '', fix } = diagnosis.checks.find(({ name }) => name === 'memlock') ?? {};
    assert.match(
      evidence,
      /^soft 64 KiB, hard 64 KiB, no CAP_IPC_LOCK, .*a registered buffer of 64 KiB: ENOMEM$/,
    );
    assert.match(fix ?? '', /ulimit -l .*LimitMEMLOCK=.*Cost: /);
  });

  it('fails by memlock with none, where the kernel counts rings', (t) => {
    const diagnosis = ask(limited(0, 3));
    if (statusOf(diagnosis, 'memlock') === 'warn') {
      const { major = 0, minor = 0 } = kernelVersion() ?? {};
      assert.ok(major < 6 || (major === 6 && minor < 14), 'from 6.14 on rings count');
      t.skip('this kernel counts rings no longer, or not yet again');
      return;
    }
    assert.equal(diagnosis.usable, false);
    assert.equal(diagnosis.cause, 'memlock');
    assert.equal(statusOf(diagnosis, 'memlock'), 'fail');
    assert.match(
      diagnosis.verdict,
      /^io_uring does not work here: too little locked memory for a ring: .* may have 0 KiB/,
    );
    assert.match(diagnosis.fix ?? '', /ulimit -l/);
  });
});
