import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ring } from '../../lib/faces/ring.ts';
import { Engine, type Seen } from '../../lib/host/watch/engine.ts';
import {
  type Finding,
  identify,
  inspect,
  RULE_FILE_SCHEMA,
  RULES,
  RuleError,
  ruleSet,
  watch,
} from '../../lib/host.ts';
import { openAndSend } from '../helpers/ring-operations.ts';
import { instancesOf, tracefs } from '../helpers/tracefs.ts';

const ME = process.pid;
const live = { ...tracefs.needs, timeout: 60_000 };
const who = identify(ME);
assert.ok(who);
const CONTAINER = { runtime: 'docker', id: 'a'.repeat(64), pod: undefined } as const;

const common = {
  timeNs: 1n,
  monoNs: 1n,
  tid: 7,
  comm: 'prog',
  cpu: 0,
  ring: 'r1',
  userData: 0n,
  source: 'kernel',
} as const;
const operation = (opcodeName: string, pid = 7): Seen => {
  return { type: 'submit', ...common, pid, id: 1, opcode: 1, opcodeName, flags: '', bySqThread: false };
};
const created = (flags: number, pid = 7): Seen => {
  const sizes = { entries: 8, sqEntries: 8, cqEntries: 16, fd: 3, ret: 3 };
  return {
    type: 'create',
    ...common,
    pid,
    errno: undefined,
    durationNs: 1n,
    complete: true,
    flags,
    ...sizes,
  };
};
const registered = (opcodeName: string, ret: number, timeNs = 1n, pid = 7): Seen => {
  const rest = {
    fd: 3,
    opcode: 1,
    useRegisteredRing: false,
    arg: 0n,
    argText: undefined,
    nrArgs: 0,
  } as const;
  const more = {
    nrArgsIs: 'count',
    errno: undefined,
    durationNs: 1n,
    nrUserFiles: 0,
    nrUserBufs: 0,
  } as const;
  return { type: 'register', ...common, pid, ...rest, ...more, opcodeName, ret, timeNs, complete: true };
};

/** The rules that these records raise, under a rule file, by such a process. */
function raised(
  file: object,
  seen: readonly Seen[],
  asking: Partial<ConstructorParameters<typeof Engine>[1]> = {},
): string[] {
  const engine = new Engine(ruleSet(file), { whoWas: () => who, whoIs: () => who, ...asking });
  return seen.flatMap((each) => engine.see(each)).map(({ rule }) => rule);
}

// ---- rule files ------------------------------------------------------------------------------------------------------

test('a wrong rule file is told where and why', () => {
  for (const [file, where, why] of [
    [[], 'the file', /object/],
    [{ rule: [] }, 'the file.rule', /no such key/],
    [{ enable: ['nothing'] }, 'enable[0]', /no rule nothing/],
    [{ allow: [{}] }, 'allow[0]', /everything/],
    [{ allow: [{ rule: 'nothing', comm: 'x' }] }, 'allow[0].rule', /no rule/],
    [{ allow: [{ uid: -1 }] }, 'allow[0].uid', /from 0/],
    [{ rules: [{ id: 'A b' }] }, 'rules[0].id', /small letters/],
    [{ rules: [{ id: 'a', severity: 'bad' }] }, 'rules[0].severity', /low, medium, high/],
    [
      { rules: [{ id: 'a', title: 'b', severity: 'low', when: { event: 'operation', any: ['OP_X'] } }] },
      'rules[0].when.any[0]',
      /no operation/,
    ],
    [
      { rules: [{ id: 'a', title: 'b', severity: 'low', when: { event: 'operation', any: [] } }] },
      'rules[0].when.any',
      /not empty/,
    ],
    [
      { rules: [{ id: 'a', title: 'b', severity: 'low', when: { event: 'shared', above: 1 } }] },
      'rules[0].when.above',
      /no such key/,
    ],
    [
      { rules: [{ id: 'a', title: 'b', severity: 'low', when: { event: 'x' } }] },
      'rules[0].when.event',
      /event of the schema/,
    ],
  ] as const) {
    assert.throws(
      () => ruleSet(file),
      (error) => {
        assert.ok(error instanceof RuleError);
        assert.equal(error.where, where);
        assert.match(error.message, why);
        return true;
      },
    );
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        ruleSet(value);
      } catch (error) {
        assert.ok(error instanceof RuleError);
      }
    }),
  );
});

test('every built-in rule can be explained, and silenced', () => {
  assert.equal(new Set(RULES.map(({ id }) => id)).size, RULES.length);
  for (const { why, falsePositives, silence, title } of RULES) {
    for (const text of [why, falsePositives, silence, title]) assert.ok(text.length > 10);
  }
  const events = RULE_FILE_SCHEMA.properties.rules.items.properties.when.oneOf.map((each) =>
    JSON.stringify(each),
  );
  for (const { when } of RULES)
    assert.ok(
      events.some((each) => each.includes(`"const":"${when.event}"`)),
      when.event,
    );
  assert.equal(ruleSet({ disable: RULES.map(({ id }) => id) }).rules.length, 0);
  // as a rule of a file each is accepted, and is the same
  for (const { enabled, ...rule } of RULES) {
    const own = JSON.parse(JSON.stringify({ rules: [rule] }));
    const found = ruleSet(own).rules.find(({ id }) => id === rule.id);
    assert.deepEqual(JSON.parse(JSON.stringify(found?.when)), {
      ...JSON.parse(JSON.stringify(rule.when)),
      ...(rule.when.event === 'ring' && { flags: rule.when.flags ?? [] }),
    });
  }
});

// ---- the engine ------------------------------------------------------------------------------------------------------

test('a rule of two operations wants both, of one process, and tells once', () => {
  const [open, connect] = [operation('OP_OPENAT'), operation('OP_CONNECT')];
  assert.deepEqual(raised({}, [open, open]), []);
  assert.deepEqual(raised({}, [open, operation('OP_CONNECT', 8)]), ['outgoing-connection']);
  assert.deepEqual(raised({}, [open, connect, open, connect]).sort(), [
    'open-and-connect',
    'outgoing-connection',
  ]);
  assert.deepEqual(raised({ enable: ['file-opened'], disable: ['outgoing-connection'] }, [open]), [
    'file-opened',
  ]);
});

test('what is allowed is no finding, and nothing else is', () => {
  const connect = [operation('OP_CONNECT')];
  for (const [allowance, rules] of [
    [{ executable: who.exe }, []],
    [{ executable: '/usr/bin/other' }, ['outgoing-connection']],
    [{ comm: 'pr?g' }, []],
    [{ comm: 'prog', rule: 'open-and-connect' }, ['outgoing-connection']],
    [{ comm: 'prog', uid: (who.euid ?? 0) + 1 }, ['outgoing-connection']],
    [{ container: '*' }, ['outgoing-connection']],
  ] as const) {
    assert.deepEqual(raised({ allow: [allowance] }, connect), rules, JSON.stringify(allowance));
  }
});

test('rings by flags, container and program', () => {
  const SQPOLL = 2;
  const HIDDEN = (1 << 14) | (1 << 15);
  assert.deepEqual(raised({}, [created(0), created(SQPOLL), created(1 << 14)]), []);
  assert.deepEqual(raised({}, [created(HIDDEN)]), ['hidden-ring']);
  assert.deepEqual(raised({ enable: ['submission-thread'] }, [created(SQPOLL)]), ['submission-thread']);
  const inside = { ...who, cgroup: { path: '/docker/x', container: CONTAINER, unit: undefined } };
  assert.deepEqual(raised({ enable: ['ring-in-container'] }, [created(0)], { whoWas: () => inside }), [
    'ring-in-container',
  ]);
  assert.deepEqual(raised({ enable: ['ring-in-container'] }, [created(0)]), []);
  const list = (executables: readonly string[]) => ({
    rules: [
      {
        id: 'not-listed',
        title: 'is not on the list',
        severity: 'low',
        when: { event: 'ring', executablesOtherThan: executables },
      },
    ],
  });
  assert.deepEqual(raised(list([who.exe ?? '']), [created(0)]), []);
  assert.deepEqual(raised(list(['/usr/sbin/postgres']), [created(0)]), ['not-listed']);
});

test('register calls: a personality, and a storm of failures within its time', () => {
  assert.deepEqual(raised({}, [registered('REGISTER_PERSONALITY', 1)]), ['personality']);
  const failures = (count: number, apartNs: bigint) =>
    Array.from({ length: count }, (_, i) => registered('REGISTER_FILES', -22, BigInt(i) * apartNs));
  assert.deepEqual(raised({}, failures(199, 1n)), []);
  assert.deepEqual(raised({}, failures(200, 1_000_000n)), ['register-storm']);
  assert.deepEqual(raised({}, failures(400, 100_000_000n)), []);
});

test('a user that changed after a personality, and what only a look at the rings shows', () => {
  const ring = new Ring(8);
  const [own] = inspect({ pid: ME }).rings;
  ring.close();
  assert.ok(own);
  const rings = [{ ...own, pid: 7, sharedWith: [8] }];
  let euid = 0;
  const engine = new Engine(ruleSet({}), {
    whoWas: () => who,
    whoIs: (pid) => ({ ...who, pid, euid, exe: '/usr/bin/same' }),
  });
  engine.see(registered('REGISTER_PERSONALITY', 1));
  assert.deepEqual(engine.look(rings, 1n), []);
  euid = 1000;
  const found: Finding[] = engine.look(rings, 1n);
  assert.deepEqual(
    found.map(({ rule, evidence }) => [rule, evidence]),
    [['personality-after-setuid', 'registered as uid 0, now 1000']],
  );
  const shared = new Engine(ruleSet({}), {
    whoWas: () => who,
    whoIs: (pid) => ({ ...who, exe: `/usr/bin/${pid}` }),
  });
  assert.deepEqual(
    shared.look(rings, 1n).map(({ rule }) => rule),
    ['shared-ring'],
  );
  const limits = ruleSet({
    rules: [
      { id: 'workers', title: 'x', severity: 'low', when: { event: 'workers', above: 1 } },
      { id: 'pinned', title: 'x', severity: 'low', when: { event: 'pinned', aboveBytes: 4096 } },
    ],
  });
  const worker = { tid: 1, comm: 'iou-wrk-7', kind: 'worker', owner: 7, state: 'S', cpu: 0 } as const;
  const busy = [
    { ...own, pid: 7, threads: [worker, { ...worker, tid: 2 }], buffers: { ...own.buffers, bytes: 8192 } },
  ];
  const limited = new Engine(limits, { whoWas: () => who, whoIs: () => who });
  assert.deepEqual(
    limited.look(busy, 1n).map(({ rule, evidence }) => `${rule} ${evidence}`),
    ['workers 2 workers', 'pinned 8192 bytes'],
  );
});

// ---- live ------------------------------------------------------------------------------------------------------------

test('wrong options are named', () => {
  assert.throws(() => watch({ lookMs: 1 }), { name: 'RangeError', message: /options\.lookMs/ });
  // @ts-expect-error misspelt
  assert.throws(() => watch({ rule: 1 }), { name: 'RangeError', message: /spelt "rules"/ });
});

test('a program that opens and connects by a ring is found, and an ordinary one is not', live, async () => {
  const found: Finding[] = [];
  const watching = watch({ tracefs: tracefs.path, bufferKb: 1024 });
  for await (const record of watching) {
    if (record.type === 'start') {
      const ring = new Ring(8);
      ring.prepare.openat('/proc/self/comm');
      ring.submit({ wait: 1 });
      ring.close();
      openAndSend(1);
    }
    if (record.type !== 'finding' || record.pid !== ME) continue;
    found.push(record);
    if (found.length === 2) watching.stop();
  }
  assert.deepEqual(found.map(({ rule }) => rule).sort(), ['open-and-connect', 'outgoing-connection']);
  assert.equal(found[0]?.process?.exe, process.execPath);
  assert.deepEqual(instancesOf(ME), []);
});
