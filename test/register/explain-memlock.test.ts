import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { askRange } from '../../lib/register/ask.ts';
import { kernelVersion } from '../../lib/sys/host.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { ConfinedCopy, type Confinement, cannotConfine } from '../helpers/confined.ts';

/** What came of a call: the error's fields, or 'done'. */
type Outcome =
  | 'done'
  | { readonly name: string; readonly code: string; readonly message: string; readonly hint: string };

/** What the script tried. */
interface Outcomes {
  readonly fits: Outcome;
  readonly tooLarge: Outcome;
  readonly second: Outcome;
  readonly tagged: Outcome;
  readonly sparse: Outcome;
  readonly update: Outcome;
  readonly region: Outcome;
  readonly setup: 'done' | { readonly hint: string };
}

function refusal(outcome: Outcome): Exclude<Outcome, 'done'> {
  assert.ok(outcome !== 'done', 'it must be refused');
  return outcome;
}

const SCRIPT = `
import { explainSetup } from './lib/register/explain.ts';
import { registerBuffers, registerBuffers2, registerBuffersUpdate } from './lib/register/buffers.ts';
import { registerMemRegion } from './lib/register/instance.ts';
import { alloc } from './lib/sys/memory.ts';
import { sys } from './lib/sys/syscall.ts';
import { Params } from './structs/setup.ts';

function ring() {
  // the kernel gives back what an earlier process of this user locked only after a while
  for (let tries = 0; tries < 100; tries++) {
    const fd = sys.setup(4, Params.encode({}));
    if (fd >= 0) return fd;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
  throw new Error('no ring');
}

function outcome(run) {
  try {
    run();
    return 'done';
  } catch ({ name, code, message, hint }) {
    return { name, code, message, hint };
  }
}

const kib = 1024;
const large = alloc(2048 * kib + 100);
const half = alloc(600 * kib);
const first = ring();
const sparse = ring();
const results = {
  fits: outcome(() => registerBuffers(first, [half])),
  tooLarge: outcome(() => registerBuffers(ring(), [large.subarray(100)])),
  second: outcome(() => registerBuffers(ring(), [half])),
  tagged: outcome(() => registerBuffers2(ring(), { buffers: [large.subarray(0, 2048 * kib)], tags: [1] })),
  sparse: outcome(() => registerBuffers2(sparse, { sparse: 1 })),
  update: outcome(() => registerBuffersUpdate(sparse, { offset: 0, buffers: [large.subarray(0, 2048 * kib)] })),
  region: outcome(() => registerMemRegion(ring(), { size: 2048 * kib })),
};
const result = sys.setup(32768, Params.encode({}));
results.setup = result >= 0 ? 'done' : explainSetup(-result, { entries: 32768, flags: 0 });
console.log(JSON.stringify(results));
`;

/** Skips only where the kernel itself says that it lacks the opcode. */
function lacks(opcode: number): string | false {
  return askRange(opcode) === false && `this kernel has no register opcode ${opcode}`;
}

/** Root becomes nobody; anybody else stays. */
const confinement: Confinement = {
  memlockKib: 1024,
  ...(process.geteuid?.() === 0 && { uid: 65_534 }),
};

describe('an ordinary user with 1024 KiB of locked memory', { skip: cannotConfine(confinement) }, () => {
  let outcomes: Outcomes;
  let copy: ConfinedCopy;

  before(() => {
    copy = new ConfinedCopy();
    outcomes = copy.run<Outcomes>(SCRIPT, confinement);
  });
  after(() => copy.remove());

  const remedy = 'the soft limit is 1024 KiB: raise it (ulimit -l, LimitMEMLOCK=) or register less';

  it('registers a buffer of 600 KiB', () => {
    assert.equal(outcomes.fits, 'done');
  });

  it('is told what a buffer of 2048 KiB across one page more needs', () => {
    const needed = 2048 + pageSize() / 1024;
    assert.deepEqual(outcomes.tooLarge, {
      name: 'RegisterError',
      code: 'ENOMEM',
      message: `ENOMEM: not enough memory, io_uring_register REGISTER_BUFFERS (needs ${needed} KiB of locked memory, ${remedy})`,
      hint: `needs ${needed} KiB of locked memory, ${remedy}`,
    });
  });

  it('is told that the first buffer is in the way of the second', () => {
    const { code, hint } = refusal(outcomes.second);
    assert.equal(code, 'ENOMEM');
    assert.match(hint, /^needs 600 KiB of locked memory beside what this user's rings hold/);
  });

  const needs2048 = { code: 'ENOMEM', hint: `needs 2048 KiB of locked memory, ${remedy}` };

  it('is told the same of buffers with tags, whose list lies behind a pointer', { skip: lacks(15) }, () => {
    const { code, hint } = refusal(outcomes.tagged);
    assert.deepEqual({ code, hint }, needs2048);
  });

  it('is told the same of an empty slot that is filled', { skip: lacks(16) }, () => {
    assert.equal(outcomes.sparse, 'done');
    const { code, hint } = refusal(outcomes.update);
    assert.deepEqual({ code, hint }, needs2048);
  });

  it('is told the same of a region', { skip: lacks(34) }, () => {
    const { code, hint } = refusal(outcomes.region);
    assert.deepEqual({ code, hint }, needs2048);
  });

  it('is told what a ring of 32768 entries needs, where the kernel counts rings', (t) => {
    const { major = 0, minor = 0 } = kernelVersion() ?? {};
    if (outcomes.setup === 'done') {
      assert.ok(major < 6 || (major === 6 && minor < 14), 'from 6.14 on rings count');
      return t.skip('this kernel does not count rings as locked memory');
    }
    // 2 MiB of entries, 1 MiB of completions, the array and the header
    const needed =
      (32_768 * 64 + Math.ceil((64 + 65_536 * 16 + 32_768 * 4) / pageSize()) * pageSize()) / 1024;
    assert.deepEqual(outcomes.setup, { hint: `needs ${needed} KiB of locked memory, ${remedy}` });
  });
});
