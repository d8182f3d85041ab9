/** Forms that tools write calls in, and envelopes that logs put around them. INDEX.txt and FORMS.md tell where they are from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DecodedRecord, DecodeStats } from '../../lib/host/decode/decoded.ts';
import { decode } from '../../lib/host/decode.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/observe');
const fixture = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8');

interface Result {
  readonly records: readonly DecodedRecord[];
  readonly stats: DecodeStats;
}

async function read(input: Parameters<typeof decode>[0]): Promise<Result> {
  const decoding = decode(input);
  const records: DecodedRecord[] = [];
  for await (const record of decoding) records.push(record);
  return { records, stats: decoding.stats };
}

const calls = ({ records }: Result) => records.filter((record) => record.type === 'register');

// ---- one record in every form ---------------------------------------------------------------------------------------

interface Form {
  readonly name: string;
  readonly text: string;
  readonly right: { readonly is: 'call' | 'operation' | 'seccomp' | 'unreadable' | 'other' };
}

const TYPES: { readonly [type in DecodedRecord['type']]?: Form['right']['is'] } = {
  register: 'call',
  operation: 'operation',
  seccomp: 'seccomp',
  malformed: 'unreadable',
};

const forms: readonly Form[] = JSON.parse(fixture('forms-CONSTRUCTED.json'));

test('there is a form of every tool', () => {
  assert.ok(forms.length > 75, `${forms.length}`);
});

for (const { name, text, right } of forms) {
  test(`${name}: ${right.is}`, async () => {
    const { records, stats } = await read(`${text}\n`);
    const { is, ...known } = right;
    assert.deepEqual(
      records.map(({ type }) => TYPES[type]),
      is === 'other' ? [] : [is],
    );
    assert.equal(stats.lines, 1);
    const [record = {}] = records;
    for (const [key, value] of Object.entries(known)) {
      assert.deepEqual(Object.getOwnPropertyDescriptor(record, key)?.value, value, key);
    }
  });
}

test('one record decodes the same over many lines, in an array over many lines, and alone', async () => {
  for (const { name, text, right } of forms.filter(({ text }) => /^\{.*\}$/.test(text))) {
    const value: unknown = JSON.parse(text.replace(/\b\d{16,}\b/g, (digits) => digits.slice(0, 15)));
    const flat = await read(JSON.stringify(value));
    const pretty = JSON.stringify(value, undefined, 2);
    for (const many of [pretty, pretty.replaceAll('\n', '\r\n'), JSON.stringify([value], undefined, 2)]) {
      const { records, stats } = await read(`${many}\n`);
      const withoutLine = (record: DecodedRecord) =>
        record.type === 'malformed' ? 'unreadable' : { ...record, line: 0 };
      if (right.is !== 'unreadable')
        assert.deepEqual(records.map(withoutLine), flat.records.map(withoutLine), name);
      else assert.ok(stats.malformed > 0, name);
      assert.equal(stats.used + stats.other + stats.malformed, stats.lines);
      assert.equal(stats.lines, many.split('\n').length);
    }
  }
});

test('an array of events tells every one of them, and one that is not readable is not hidden by the others', async () => {
  const events = forms.filter(({ name }) => /^(?:tracee-0|tetragon-kprobe|auditbeat-ecs)/.test(name));
  const array = `[${events.map(({ text }) => text).join(',')}]`;
  assert.equal(calls(await read(array)).length, events.length);
  const { stats } = await read(array.replace('"fd","type":"unsigned int","value":3', '"fd","value":"x"'));
  assert.deepEqual([stats.calls, stats.malformed], [events.length - 1, 1]);
});

test('a line that was stored in parts is one line: by the mark of CRI, or without its line feed in Docker', async () => {
  const [{ text } = { text: '' }] = forms;
  const [head, tail] = [text.slice(0, 700), text.slice(700)];
  for (const cut of [text.indexOf('io_uring_register') + 4, 700]) {
    const parts = [text.slice(0, cut), text.slice(cut)];
    const cri = parts.map((part, i) => `2026-01-01T00:00:00.1Z stdout ${i === 0 ? 'P' : 'F'} ${part}`);
    const docker = parts.map((part, i) =>
      JSON.stringify({ log: i === 0 ? part : `${part}\n`, stream: 'stdout', time: '2026-01-01T00:00:00Z' }),
    );
    for (const lines of [cri, docker]) {
      const result = await read(`${lines.join('\n')}\n`);
      assert.deepEqual([calls(result).length, result.stats.used, result.stats.malformed], [1, 2, 0]);
    }
  }
  // the rest does not come
  const { stats } = await read(`2026-01-01T00:00:00.1Z stdout P ${head}\nother ${tail.slice(0, 0)}`);
  assert.deepEqual([stats.lines, stats.malformed, stats.other], [2, 1, 1]);
});

// ---- recordings -----------------------------------------------------------------------------------------------------

/** Calls by opcode, bit, result and count: what one program does is the same for each of its threads. */
function multiset(result: Result): Map<string, number> {
  const found = new Map<string, number>();
  for (const { opcode, useRegisteredRing, ret, nrArgs } of calls(result)) {
    const key = `${opcode}${useRegisteredRing ? 'R' : ''} ${ret} ${nrArgs}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

const RECORDED = [
  ...['strace-6.13-verbose.txt', 'strace-6.13-raw.txt', 'strace-6.13-times.txt'],
  ...['strace-7.2-verbose.txt', 'strace-7.2-raw.txt', 'strace-7.2-times.txt', 'perf-trace-6.1.txt'],
];

test('a time of perf trace that no clock can show is none, and the call is kept', async () => {
  const row = (took: string): string =>
    `1.000 (${took} ms): x/7 io_uring_register(fd: 3, opcode: 2, arg: 0x7f00, nr_args: 1) = 0`;
  const times = ['0.012', '12.5', `${'9'.repeat(15)}.0`, `${'9'.repeat(400)}.0`];
  const result = await read(times.map(row).join('\n'));
  assert.deepEqual(
    calls(result).map((call) => [call.durationNs, call.ret]),
    [
      [12_000n, 0],
      [12_500_000n, 0],
      [undefined, 0],
      [undefined, 0],
    ],
  );
  assert.equal(result.stats.malformed, 0);
});

test('strace of two versions with three flag sets, and perf trace, tell the same 100 calls of one program', async () => {
  const first = multiset(await read(fixture('strace-7.2-raw.txt')));
  for (const name of RECORDED) {
    const result = await read(fixture(name));
    assert.deepEqual([result.stats.calls, result.stats.setups], [100, 4], name);
    assert.deepEqual([result.stats.incomplete, result.stats.malformed], [0, 0], name);
    assert.deepEqual(multiset(result), first, name);
  }
  const [call] = calls(await read(fixture('strace-7.2-times.txt')));
  assert.deepEqual([call?.comm, call?.durationNs], ['regs', 0n]);
  const named = calls(await read(fixture('strace-7.2-times.txt'))).map(({ comm }) => comm);
  assert.ok(named.includes('wörk er, (x) <'), `${new Set(named).size} names`);
});

test('tracefs tells the same calls with every option and clock; one that leaves out the thread is not guessed', async () => {
  const parts = fixture('trace-text-6.18-options.txt')
    .split(/^#### .*\n/m)
    .slice(1);
  assert.equal(parts.length, 11);
  const first = multiset(await read(parts[0] ?? ''));
  for (const part of parts) {
    const result = await read(part);
    assert.deepEqual(multiset(result), first, part.slice(0, 80));
    assert.deepEqual([result.stats.malformed, result.stats.setups, result.stats.calls], [0, 1, 12]);
  }
  const [enter, end] = [
    'sys_io_uring_register(fd: 3, opcode: 2, arg: 0x1000, nr_args: 1)\n',
    'sys_io_uring_register -> 0x0\n',
  ];
  const tangled = await read(enter + enter.replace('fd: 3', 'fd: 4') + end + end + enter + end);
  assert.deepEqual(
    calls(tangled).map(({ fd, ret, complete }) => [fd, ret, complete]),
    [
      [3, undefined, false],
      [4, undefined, false],
      [3, 0, true],
    ],
  );
});

test('trace-cmd report tells a call with every option: latency, raw fields, raw and relative times', async () => {
  const result = await read(fixture('trace-text-trace-cmd-3.3.txt'));
  assert.deepEqual([result.stats.malformed, result.stats.used], [0, 21]);
  const all = calls(result);
  assert.equal(all.length, 7);
  for (const [i, { fd, opcodeName, nrArgs, ret, tid, cpu, ring, comm, monoNs }] of all.entries()) {
    assert.deepEqual([fd, opcodeName, nrArgs, ret, tid, cpu], [4, 'REGISTER_FILES', 3, -16, 151, 1], `${i}`);
    assert.match(ring ?? '', /^r\d$/);
    assert.match(comm ?? '', /^wörk er/);
    // of a clock that counts something it is not known
    const times = [8_282_732_000n, 8_282_731_741n];
    assert.ok(i === 4 ? monoNs === undefined : monoNs !== undefined && times.includes(monoNs), `${monoNs}`);
  }
});

test('a command line that names the call is no call', async () => {
  const line =
    'type=PROCTITLE msg=audit(11/29/26 12:38:12.259:7) : proctitle=auditctl -a always,exit -S io_uring_register\n';
  const { stats } = await read(line);
  assert.deepEqual([stats.other, stats.malformed, stats.calls], [1, 0, 0]);
});

test('a call that its ring and its end tell of is one call', async () => {
  const { stats, records } = await read(fixture('trace-text-exits-and-rings.txt'));
  assert.deepEqual([stats.calls, stats.malformed], [100, 0]);
  assert.equal(records.filter((record) => record.type === 'register' && record.ret === undefined).length, 0);
});

test('perf script and bpftrace tell calls whole', async () => {
  const script = await read(fixture('perf-script-6.1.txt'));
  const [first] = calls(script);
  assert.deepEqual(
    [first?.source, first?.fd, first?.opcode, first?.ring, first?.complete],
    ['perf', 3, 2, 'r1', true],
  );
  assert.deepEqual([script.stats.malformed, script.stats.incomplete], [0, 0]);
  const printed = await read(fixture('bpftrace-0.17-printf.txt'));
  assert.deepEqual([printed.stats.calls, printed.stats.malformed, printed.stats.incomplete], [40, 0, 1]);
  for (const { source, pid, tid } of calls(printed)) assert.ok(source === 'bpftrace' && pid && tid);
});

test('lines as people quote them are read', async () => {
  const { stats, records } = await read(fixture('trace-text-of-bug-reports.log'));
  assert.deepEqual([stats.lines, stats.calls, stats.setups, stats.malformed], [11, 6, 2, 0]);
  const whole = records.filter((record) => record.type === 'register' && record.complete);
  assert.deepEqual(
    whole.map(
      (record) => record.type === 'register' && [record.source, record.fd, record.nrArgs, record.ret],
    ),
    [
      ['ftrace', 21, 256, 0],
      ['ftrace', 21, 256, 0],
      ['perf', 21, 256, 0],
      ['perf', 21, 256, 0],
      ['perf', 21, 3, -9],
    ],
  );
});

test('interpreted audit records tell calls, an operation and what seccomp did', async () => {
  const { records, stats } = await read(fixture('audit-interpreted-2021.log'));
  assert.deepEqual(
    records.map((record) => [
      record.type,
      'ret' in record ? record.ret : undefined,
      'pid' in record ? record.pid : undefined,
    ]),
    [
      ['register', 0, 12437],
      ['register', 1, 12447],
      ['operation', -11, 12447],
      ['register', -9, 12447],
      ['create', 4, 12447],
      ['seccomp', undefined, 4471],
    ],
  );
  assert.equal(stats.malformed, 0);
});

// ---- what is no success ---------------------------------------------------------------------------------------------

test('a call that a filter stopped is no success, whatever stood in the register', async () => {
  const { records } = await read(fixture('strace-6.1-sigsys.log'));
  assert.deepEqual(
    records.map((record) => record.type),
    ['create', 'seccomp'],
  );
  const call = 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0)';
  const signal =
    '--- SIGSYS {si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0x1, si_syscall=__NR_io_uring_register} ---';
  for (const [text, action] of [
    [`${call} = 427\n+++ killed by SIGSYS (core dumped) +++`, 'KILL'],
    [`[pid 7] ${call} = 427\n[pid 8] +++ exited with 0 +++\n[pid 7] +++ killed by SIGSYS +++`, 'KILL'],
    [`${call} = ?\n+++ killed by SIGSYS +++`, 'KILL'],
    // arm64 leaves the first argument
    [`${call} = 3\n+++ killed by SIGSYS +++`, 'KILL'],
    [`${call} = 427\n${signal}\n+++ killed by SIGSYS +++`, 'TRAP'],
    [`7 12:00:00 ${call} = 427 <0.1>\n7 12:00:00 ${signal}`, 'TRAP'],
  ] as const) {
    const result = await read(text);
    assert.deepEqual(
      result.records.map(
        (record) => record.type === 'seccomp' && [record.syscall, record.action, record.source],
      ),
      [['io_uring_register', action, 'strace']],
      text,
    );
    assert.equal(result.stats.malformed, 0);
  }
});

test('a result that looks like a stopped call is given with the next line of its thread', async () => {
  const call = 'io_uring_register(5, IORING_REGISTER_FILES_UPDATE, {offset=0}, 427)';
  for (const text of [
    `${call} = 427`,
    `${call} = 427\nclose(5) = 0`,
    `[pid 7] ${call} = 427\n[pid 8] +++ killed by SIGSYS +++\n[pid 7] +++ exited with 0 +++`.replace(
      '[pid 8] +++ killed by SIGSYS +++\n',
      '',
    ),
  ]) {
    assert.deepEqual(
      calls(await read(text)).map(({ ret, complete }) => [ret, complete]),
      [[427, true]],
      text,
    );
  }
});

test('calls that strace only counted are not readable, unless they were printed too', async () => {
  const row = '  0.00    0.000000           0         2         1 io_uring_register\n';
  const call = 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0\n';
  assert.equal((await read(row)).stats.malformed, 1);
  assert.equal((await read(call + row)).stats.malformed, 1);
  const both = await read(call + call + row);
  assert.deepEqual([both.stats.malformed, both.stats.other, both.stats.calls], [0, 1, 2]);
});

test('setup and enter are told with their arguments, by names and by numbers', async () => {
  const { records } = await read(
    [
      'io_uring_setup(8, {flags=IORING_SETUP_CQSIZE|IORING_SETUP_CLAMP, sq_thread_cpu=0, sq_thread_idle=0, sq_entries=8, cq_entries=32, features=0x1, sq_off={head=0}}) = 3<anon_inode:[io_uring]> <0.000012>',
      'io_uring_setup(0x8, {flags=0x18 /* IORING_SETUP_CQSIZE|IORING_SETUP_CLAMP */, sq_thread_cpu=0}) = -1 EPERM (Operation not permitted)',
      'io_uring_enter(3<anon_inode:[io_uring]>, 1, 2, IORING_ENTER_GETEVENTS|IORING_ENTER_REGISTERED_RING, NULL, 8) = 1',
      'io_uring_enter(0x3, 0x1, 0x2, 0x11, 0, 0x8) = 0x1',
      '[pid 7] io_uring_enter(3, 1, 2, IORING_ENTER_GETEVENTS, NULL, 8 <unfinished ...>',
      '[pid 7] <... io_uring_enter resumed>) = 1',
    ].join('\n'),
  );
  const told = records.map((record) =>
    record.type === 'create'
      ? [record.fd, record.entries, record.flags, record.cqEntries, record.errno]
      : record.type === 'enter' && [record.fd, record.toSubmit, record.minComplete, record.flags, record.ret],
  );
  assert.deepEqual(told, [
    [3, 8, 0x18, 32, undefined],
    [undefined, 8, 0x18, undefined, 'EPERM'],
    [3, 1, 2, 0x11, 1],
    [3, 1, 2, 0x11, 1],
    [3, 1, 2, 1, 1],
  ]);
});
