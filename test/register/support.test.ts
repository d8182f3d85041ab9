import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { UnsupportedError } from '../../lib/errors.ts';
import { askQuery, askRange, askRing, askSetup, isRefusal, setupTrial } from '../../lib/register/ask.ts';
import { type Answer, gather, probe, type Support } from '../../lib/register/support.ts';
import { kernelRelease, kernelVersion } from '../../lib/sys/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { QueryHdr } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import { koffi } from '../../structs/koffi.ts';
import { features, ops, setupFlags } from '../../structs/ops.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { Probe, ProbeOp } from '../../structs/rsrc.ts';
import { Params } from '../../structs/setup.ts';
import { replace, restore } from '../helpers/replace.ts';
import { threadNames } from '../helpers/rings.ts';

const TABLES = { register: registerOps, ops, setup: setupFlags, features };
type Table = keyof typeof TABLES;
const TABLE_NAMES: readonly Table[] = ['register', 'ops', 'setup', 'features'];

/** A kernel of test/fixtures/abi/kernels.json, measured by a C program. */
interface Measured {
  readonly features: string;
  readonly ops: readonly number[];
  readonly register: Readonly<Record<string, string>>;
  readonly registerRaw: Readonly<Record<string, string>>;
  readonly setupFlags: string;
}

function isMeasured(value: object): value is Measured {
  return 'registerRaw' in value && 'setupFlags' in value;
}

const fixture = new URL('../fixtures/abi/kernels.json', import.meta.url);
const everything: Record<string, object> = JSON.parse(readFileSync(fixture, 'utf8'));
const measured = new Map(
  Object.entries(everything).flatMap(([release, value]) =>
    isMeasured(value) ? [[release, value] as const] : [],
  ),
);

/** The names that are supported, of one table. */
function names(support: Support, table: Table): string[] {
  return Object.entries<Answer>(support[table]).flatMap(([name, { supported }]) => (supported ? [name] : []));
}

function expectedNames(kernel: Measured, table: Table): string[] {
  const has = {
    register: (value: number) => kernel.register[value] === 'supported',
    ops: (value: number) => kernel.ops.includes(value),
    setup: (value: number) => (Number(kernel.setupFlags) & value) !== 0,
    features: (value: number) => (Number(kernel.features) & value) !== 0,
  }[table];
  return TABLES[table].filter(({ value }) => has(value)).map(({ name }) => name);
}

function assertEqualsMeasured(support: Support, kernel: Measured): void {
  for (const table of TABLE_NAMES)
    assert.deepEqual(names(support, table), expectedNames(kernel, table), table);
}

function methods(support: Support, table: Table): string[] {
  return [...new Set(Object.values<Answer>(support[table]).map(({ by }) => by))];
}

/** Skips nothing on a kernel that has REGISTER_QUERY: there `undefined` is a failure. */
const noQuery =
  askRange(constants.IORING_REGISTER_QUERY) === false && 'this kernel has no REGISTER_QUERY (6.18)';
const refused = isRefusal(Number(askRing())) && 'io_uring is forbidden here';

afterEach(() => restore());

describe('a name that no table has', () => {
  it('is a RangeError that names it', () => {
    const support = probe();
    const invalid = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE', message: /'OP_REED'/ };
    // @ts-expect-error TypeScript finds it too
    assert.throws(() => support.supports('OP_REED'), invalid);
    // @ts-expect-error and here
    assert.throws(() => support.require('OP_READ', 'OP_REED'), invalid);
  });

  it('is refused before anything is said of the names before it', () => {
    const { support } = pretend(kernelOf('5.10.262'));
    // @ts-expect-error no such name
    assert.throws(() => support.require('REGISTER_BPF_FILTER', 'IORING_OP_READ'), RangeError);
  });

  it('is not found among what objects inherit', () => {
    // @ts-expect-error no such name
    assert.throws(() => probe().supports('constructor'), RangeError);
  });
});

describe('a misspelt option of probe()', () => {
  it('is named, with the one that was meant', () => {
    // @ts-expect-error no such option
    assert.throws(() => probe({ frehs: true }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /options\.frehs.*"fresh"/,
    });
  });
});

describe('probe()', () => {
  it('has an answer for each row of the four tables, with its since', () => {
    const support = probe();
    for (const table of TABLE_NAMES) {
      const answers = Object.entries<Answer>(support[table]).map(([name, { since }]) => ({ name, since }));
      assert.deepEqual(
        answers,
        TABLES[table].map(({ name, since }) => ({ name, since })),
      );
    }
    assert.equal(support.kernel, kernelRelease);
  });

  it('says how each answer is known', { skip: refused }, () => {
    const support = probe();
    const first = askQuery() === undefined ? 'range' : 'query';
    assert.deepEqual(methods(support, 'register'), [first]);
    assert.deepEqual(methods(support, 'setup'), [first === 'query' ? 'query' : 'setup']);
    assert.deepEqual(methods(support, 'features'), [first === 'query' ? 'query' : 'features']);
    assert.deepEqual(methods(support, 'ops'), ['probe']);
  });

  it('asks once, and again only when told to', () => {
    assert.equal(probe(), probe());
    assert.notEqual(probe({ fresh: true }), probe({ fresh: true }));
    assert.deepEqual(probe({ fresh: true }).setup, probe().setup);
  });

  it('cannot be changed by who reads it', () => {
    const support = probe();
    assert.ok(
      Object.isFrozen(support) && Object.isFrozen(support.ops) && Object.isFrozen(support.ops.OP_NOP),
    );
  });

  it('equals what a C program measured on a kernel of this series', (t) => {
    const here = kernelVersion();
    const release = [...measured.keys()].findLast((each) => {
      const { major, minor } = kernelVersion(each) ?? {};
      return major === here?.major && minor === here?.minor;
    });
    const kernel = measured.get(release ?? '');
    if (kernel === undefined) return t.skip(`no kernel of the series of ${kernelRelease} was measured`);
    assertEqualsMeasured(probe(), kernel);
  });
});

describe('the methods', () => {
  it('agree on every register opcode: REGISTER_QUERY and the range of numbers', { skip: noQuery }, () => {
    const count = askQuery()?.nrRegisterOpcodes;
    assert.ok(count !== undefined, 'a kernel that has REGISTER_QUERY answers it');
    for (let opcode = 0; opcode < count + 40; opcode++)
      assert.equal(askRange(opcode), opcode < count, `${opcode}`);
  });

  it('agree on every operation: REGISTER_QUERY counts at least what REGISTER_PROBE finds', {
    skip: noQuery,
  }, () => {
    const count = askQuery()?.nrRequestOpcodes ?? 0;
    const ring = askRing();
    assert.ok(typeof ring !== 'number' && ring.ops !== undefined);
    assert.ok(Math.max(...ring.ops) < count);
  });

  it('agree on every feature: REGISTER_QUERY and a ring', { skip: noQuery }, () => {
    const ring = askRing();
    assert.ok(typeof ring !== 'number');
    assert.equal(askQuery()?.featureFlags, BigInt(ring.features));
  });

  it('agree on every setup flag: REGISTER_QUERY and both trials', { skip: noQuery }, () => {
    const known = askQuery()?.ringSetupFlags ?? 0n;
    assert.equal(setupTrial(), 'dry');
    for (const row of setupFlags) {
      const wanted = (known & BigInt(row.value)) !== 0n;
      assert.equal(askSetup(row, 'dry'), wanted, `${row.name}, dry`);
      assert.equal(askSetup(row, 'ring'), wanted, `${row.name}, on a ring`);
    }
  });

  it('agree in all they say', { skip: noQuery }, () => {
    const query = gather(askQuery()).support;
    const without = gather(undefined).support;
    for (const table of TABLE_NAMES) assert.deepEqual(names(without, table), names(query, table), table);
  });

  it('leave no fd, no mapping and no thread behind', { skip: refused }, async () => {
    const fds = (): number => readdirSync('/proc/self/fd').length;
    // libuv has rings of its own from Node 22 on
    const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('[io_uring]').length;
    const before = [fds(), mappings()];
    gather(undefined);
    for (const row of setupFlags) askSetup(row, 'ring');
    assert.deepEqual([fds(), mappings()], before);
    const deadline = Date.now() + 5000;
    while (pollers().length > 0 && Date.now() < deadline) await setTimeout(5);
    assert.deepEqual(pollers(), []);
  });
});

/** Threads of rings that poll. */
function pollers(): string[] {
  return threadNames().filter((comm) => comm.startsWith('iou-sqp'));
}

// ---- other kernels -------------------------------------------------------------------------------------------

const RING = 1_000_000;
const { IORING_SETUP_NO_MMAP, IORING_REGISTER_PROBE } = constants;
const ENOMEM = 12;
const EINVAL = 22;
const EBADF = 9;

function kernelOf(release: string): Measured {
  const kernel = measured.get(release);
  assert.ok(kernel !== undefined, release);
  return kernel;
}

/** Flags that real kernels refuse without another one. */
const INCOMPLETE: readonly (readonly [flag: number, needs: number])[] = [
  [0x4, 0x2],
  [0x200, 0x2100],
  [0x2000, 0x1000],
  [0x8000, 0x4000],
  [0x20000, 0x1],
  [0x100000, 0x10000],
];

function fakeSetup(kernel: Measured, params: Uint8Array): number {
  const value = Params.decode(params);
  if ((value.flags & ~Number(kernel.setupFlags)) !== 0) return -EINVAL;
  if (INCOMPLETE.some(([flag, needs]) => (value.flags & flag) !== 0 && (value.flags & needs) === 0))
    return -EINVAL;
  if ((value.flags & IORING_SETUP_NO_MMAP) !== 0) return -14;
  Params.encodeInto(params, { ...value, features: Number(kernel.features) });
  return RING;
}

function fakeProbe(kernel: Measured, address: number | bigint, count: number): number {
  const list = Array.from({ length: count }, (_, op) => ({ op, flags: kernel.ops.includes(op) ? 1 : 0 }));
  const bytes = Probe.encode({ lastOp: Math.max(...kernel.ops), opsLen: kernel.ops.length, ops: list });
  assert.equal(bytes.length, Probe.size + count * ProbeOp.size);
  koffi?.encode(BigInt(address), koffi.array('uint8_t', bytes.length), bytes);
  return 0;
}

/** What is gathered on a kernel that answers as `kernel`, by the methods that every kernel has. */
function pretend(kernel: Measured): ReturnType<typeof gather> {
  replace(sys, 'setup', (_: number, params: Uint8Array) => fakeSetup(kernel, params));
  replace(sys, 'close', () => 0);
  replace(sys, 'register', (fd: number, opcode: number, address: number | bigint, count: number) => {
    if (fd === RING && opcode === IORING_REGISTER_PROBE) return fakeProbe(kernel, address, count);
    return kernel.registerRaw[opcode]?.startsWith('EBADF') ? -EBADF : -EINVAL;
  });
  const gathered = gather(undefined);
  restore();
  return gathered;
}

describe('a kernel without REGISTER_QUERY', () => {
  for (const [release, kernel] of measured) {
    it(`is known by harmless calls: as ${release}`, () => {
      const { support, lasting } = pretend(kernel);
      assertEqualsMeasured(support, kernel);
      assert.ok(lasting);
      const by = TABLE_NAMES.map((table) => methods(support, table));
      assert.deepEqual(by, [['range'], ['probe'], ['setup'], ['features']]);
    });
  }

  it('makes require() throw for what it lacks, with since and release', () => {
    const { support } = pretend(kernelOf('5.10.262'));
    support.require('REGISTER_BUFFERS2', 'OP_READ_FIXED', 'SETUP_SQPOLL', 'FEAT_RSRC_TAGS');
    assert.throws(
      () => support.require('OP_READ', 'REGISTER_CLONE_BUFFERS'),
      (error) => {
        assert.ok(error instanceof UnsupportedError);
        assert.equal(error.code, 'ERR_URING_UNSUPPORTED');
        assert.equal(error.need, 'REGISTER_CLONE_BUFFERS');
        assert.equal(error.since, '6.12');
        assert.equal(error.kernel, kernelRelease);
        assert.match(error.message, /^REGISTER_CLONE_BUFFERS: needs Linux 6\.12, this is /);
        return true;
      },
    );
    assert.equal(support.supports('REGISTER_CLONE_BUFFERS'), false);
    assert.equal(support.supports('REGISTER_BUFFERS2'), true);
  });
});

/** Every kind of call fails with this errno. */
function failing(errno: { setup: number; register: number }): ReturnType<typeof gather> {
  replace(sys, 'setup', () => -errno.setup);
  replace(sys, 'register', () => -errno.register);
  return gather(askQuery());
}

describe('what cannot be known', () => {
  for (const errno of [1, 13, 38]) {
    it(`is undefined where every call is refused with errno ${errno}, and passes require()`, () => {
      const { support } = failing({ setup: errno, register: errno });
      for (const table of TABLE_NAMES) {
        for (const answer of Object.values<Answer>(support[table])) {
          assert.equal(answer.supported, undefined);
          assert.equal(answer.by, 'none');
        }
      }
      support.require('REGISTER_BPF_FILTER', 'OP_READ', 'SETUP_SQ_REWIND', 'FEAT_NODROP');
    });
  }

  it('are the register opcodes of a kernel that looks at the fd before the opcode', () => {
    const { support } = failing({ setup: 1, register: EBADF });
    assert.deepEqual(methods(support, 'register'), ['none']);
  });

  it('are the register opcodes where everything is answered with EINVAL: that proves nothing', () => {
    const { support } = failing({ setup: 1, register: EINVAL });
    assert.deepEqual(methods(support, 'register'), ['none']);
  });

  it('is what a question that the kernel did not understand would have told', () => {
    const asked = (result: number): ReturnType<typeof askQuery> => {
      replace(sys, 'register', (_fd: number, _opcode: number, address: number | bigint) => {
        koffi?.encode(BigInt(Number(address) + QueryHdr.at.result), 'int32_t', result);
        return 0;
      });
      return askQuery();
    };
    assert.equal(asked(-95), undefined);
    // a success that told nothing
    assert.equal(asked(0), undefined);
  });

  it('are the operations where REGISTER_PROBE is forbidden, but not the features', () => {
    replace(sys, 'register', () => -1);
    const { support } = gather(askQuery());
    assert.deepEqual(methods(support, 'ops'), ['none']);
    assert.deepEqual(methods(support, 'register'), ['none']);
    if (refused !== false) return;
    assert.deepEqual(methods(support, 'features'), ['features']);
    assert.deepEqual(methods(support, 'setup'), ['setup']);
    assert.equal(support.features.FEAT_NODROP.supported, true);
  });
});

describe('a failure that passes', () => {
  after(() => probe({ fresh: true }));

  it('is asked again: no memory for a ring is no answer', () => {
    replace(sys, 'setup', () => -ENOMEM);
    const poor = probe({ fresh: true });
    assert.notEqual(poor.ops.OP_NOP.by, 'probe');
    restore();
    assert.notEqual(probe(), poor);
    assert.equal(probe(), probe());
  });

  it('does not make a setup flag unsupported: the flag was known, the memory was missing', () => {
    replace(sys, 'setup', () => -ENOMEM);
    const { support, lasting } = gather(undefined);
    assert.equal(support.setup.SETUP_SQPOLL.supported, true);
    assert.equal(lasting, false);
  });
});
