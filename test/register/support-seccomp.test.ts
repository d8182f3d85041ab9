import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { askQuery, askRing, isRefusal } from '../../lib/register/ask.ts';
import { hasIoUring } from '../../lib/sys/host.ts';
import { ConfinedCopy, cannotConfine } from '../helpers/confined.ts';

const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;
const EPERM = 1;
const ENOSYS = 38;

type Outcome = 'done' | { readonly name: string; readonly code: string; readonly message: string };

/** How a table's answers are known, and how many are not. */
interface TableSeen {
  readonly by: readonly string[];
  readonly unknown: number;
}

/** What the script sees. */
interface Seen {
  readonly tables: Readonly<Record<'register' | 'ops' | 'setup' | 'features', TableSeen>>;
  readonly required: Outcome;
  readonly setup: Outcome;
  readonly register: Outcome;
}

function refusal(outcome: Outcome): Exclude<Outcome, 'done'> {
  assert.ok(outcome !== 'done', 'it must be refused');
  return outcome;
}

const SCRIPT = `
import { SyscallError } from './lib/errors.ts';
import { register } from './lib/register/call.ts';
import { explainSetup } from './lib/register/explain.ts';
import { probe } from './lib/register/support.ts';
import { sys } from './lib/sys/syscall.ts';
import { Params } from './structs/setup.ts';

function outcome(run) {
  try {
    run();
    return 'done';
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
}

const support = probe();
const tables = Object.fromEntries(['register', 'ops', 'setup', 'features'].map((table) => {
  const answers = Object.values(support[table]);
  const by = [...new Set(answers.map((answer) => answer.by))];
  return [table, { by, unknown: answers.filter(({ supported }) => supported === undefined).length }];
}));
const required = outcome(() => support.require('REGISTER_BUFFERS', 'OP_NOP', 'SETUP_SQPOLL', 'FEAT_NODROP'));
const setup = outcome(() => {
  const result = sys.setup(8, Params.encode({}));
  if (result >= 0) return;
  const { unsupported, hint } = explainSetup(-result, { entries: 8, flags: 0 });
  throw unsupported ?? new SyscallError('io_uring_setup', -result, { hint });
});
console.log(JSON.stringify({ tables, required, setup, register: outcome(() => register(0x7fffff00, 0, null, 0)) }));
`;

const filter = (errno: number, ...syscalls: number[]) => ({ seccomp: { errno, syscalls } });
const refused = isRefusal(Number(askRing())) && 'io_uring is forbidden here already';
const skip = cannotConfine(filter(EPERM, SETUP)) || refused;

describe('under a seccomp filter', { skip }, () => {
  let copy: ConfinedCopy;
  const see = (errno: number, ...syscalls: number[]): Seen => copy.run(SCRIPT, filter(errno, ...syscalls));

  before(() => {
    copy = new ConfinedCopy();
  });
  after(() => copy.remove());

  it('EPERM of all calls leaves nothing known, throws nothing in probe(), and is named in errors', () => {
    const { tables, required, setup, register } = see(EPERM, SETUP, ENTER, REGISTER);
    for (const { by } of Object.values(tables)) assert.deepEqual(by, ['none']);
    assert.equal(required, 'done');
    for (const outcome of [setup, register]) {
      const { code, message, name } = refusal(outcome);
      assert.equal(code, 'EPERM');
      assert.match(name, /^(Syscall|Register)Error$/);
      assert.match(message, /a seccomp filter forbids io_uring: /);
    }
  });

  it('ENOSYS of all calls is told from a kernel without io_uring by what the kernel shows', () => {
    const { tables, required, setup, register } = see(ENOSYS, SETUP, ENTER, REGISTER);
    for (const { by } of Object.values(tables)) assert.deepEqual(by, ['none']);
    assert.equal(required, 'done');
    const wanted =
      hasIoUring() === true
        ? { code: 'ENOSYS', message: /a seccomp filter forbids io_uring: / }
        : { code: 'ERR_URING_UNSUPPORTED', message: /has no io_uring/ };
    for (const outcome of [setup, register]) {
      const { code, message } = refusal(outcome);
      assert.equal(code, wanted.code);
      assert.match(message, wanted.message);
    }
  });

  it('a filter of io_uring_register alone leaves what setup tells', () => {
    const { tables, setup, register } = see(EPERM, REGISTER);
    assert.deepEqual(tables.register.by, ['none']);
    assert.deepEqual(tables.ops.by, ['none']);
    assert.deepEqual(tables.setup, { by: ['setup'], unknown: 0 });
    assert.deepEqual(tables.features, { by: ['features'], unknown: 0 });
    assert.equal(setup, 'done');
    assert.match(refusal(register).message, /a seccomp filter forbids io_uring: /);
  });

  it('a filter of io_uring_setup alone leaves what register calls without a ring tell', () => {
    const { tables, setup, register } = see(EPERM, SETUP);
    if (askQuery() === undefined) {
      assert.deepEqual(tables.register, { by: ['range'], unknown: 0 });
      for (const table of ['ops', 'setup', 'features'] as const)
        assert.deepEqual(tables[table].by, ['none'], table);
    } else {
      for (const table of Object.values(tables)) assert.deepEqual(table, { by: ['query'], unknown: 0 });
    }
    assert.match(refusal(setup).message, /a seccomp filter or a security module forbids io_uring_setup/);
    assert.equal(refusal(register).code, 'EBADF');
  });
});
