/** What `decode` reads out of the logs of other tools. The samples are the ones that INDEX.txt describes. */
import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { RegisterCall } from '../../lib/host/call.ts';
import type { DecodedRecord, DecodeStats } from '../../lib/host/decode/decoded.ts';
import { type DecodeOptions, decode } from '../../lib/host/decode.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/observe');

const fixture = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8');

interface Result {
  readonly records: readonly DecodedRecord[];
  readonly calls: readonly RegisterCall[];
  readonly stats: DecodeStats;
}

async function read(input: Parameters<typeof decode>[0], options?: DecodeOptions): Promise<Result> {
  const decoding = decode(input, options);
  const records: DecodedRecord[] = [];
  for await (const record of decoding) records.push(record);
  return { records, calls: records.filter((record) => record.type === 'register'), stats: decoding.stats };
}

/** The only call in `text`, of which every line told. */
async function one(text: string): Promise<RegisterCall> {
  const { calls, stats } = await read(text);
  assert.deepEqual([calls.length, stats.used], [1, stats.lines], text);
  const [call] = calls;
  assert.ok(call);
  return call;
}

/** What every source tells of a call. */
const core = ({ fd, opcode, useRegisteredRing, nrArgs, ret }: RegisterCall) => ({
  fd,
  opcode,
  useRegisteredRing,
  nrArgs,
  ret,
});

const NS = 1_000_000_000n;
/** 2026-01-01T00:00:00Z */
const NEW_YEAR = 1_767_225_600n * NS;

// ---- arguments ------------------------------------------------------------------------------------------------------

test('wrong arguments are refused before anything is read', () => {
  // @ts-expect-error: a number is no log
  assert.throws(() => decode(7), { code: 'ERR_INVALID_ARG_TYPE', message: /"input"/ });
  // @ts-expect-error: null neither
  assert.throws(() => decode(null), { code: 'ERR_INVALID_ARG_TYPE' });
  // @ts-expect-error: no such format
  assert.throws(() => decode('', { from: 'dtrace' }), { code: 'ERR_INVALID_ARG_VALUE', message: /'tracee'/ });
  // @ts-expect-error: misspelt
  assert.throws(() => decode('', { form: 'audit' }), { message: /spelt "from"/ });
  // @ts-expect-error: not a boolean
  assert.throws(() => decode('', { all: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /options\.all/ });
});

test('a piece that is neither text nor bytes is refused, and an error of the source is passed on', async () => {
  // @ts-expect-error: numbers are no pieces
  await assert.rejects(read([1, 2]), { code: 'ERR_INVALID_ARG_TYPE', message: /"input"/ });
  await assert.rejects(read(createReadStream(FIXTURES)), { code: 'EISDIR' });
});

test('an empty log has no records', async () => {
  for (const input of ['', new Uint8Array(), [], ['', new Uint8Array()]]) {
    const { records, stats } = await read(input);
    assert.deepEqual([records.length, stats.lines], [0, 0]);
  }
});

// ---- lines ----------------------------------------------------------------------------------------------------------

test('a log cut into pieces anywhere, with LF or CRLF, with or without a last line end, tells the same', async () => {
  // the comm makes some characters longer than a byte
  const text = fixture('tracee-v1beta1-current-CONSTRUCTED.jsonl').replaceAll('allreg', 'äll\u{1f4a7}reg');
  const whole = await read(text);
  assert.deepEqual(
    whole.calls.map(({ comm }) => comm),
    Array(6).fill('äll\u{1f4a7}reg'),
  );
  const bytes = Buffer.from(text);
  const cut = (size: number) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
  for (const input of [bytes, cut(1), cut(7), cut(4096), text.trimEnd(), text.replaceAll('\n', '\r\n')]) {
    assert.deepEqual(await read(input), whole);
  }
  const lines = createInterface({ input: createReadStream(join(FIXTURES, 'strace-6.1-raw.txt')) });
  const ended = async function* () {
    for await (const line of lines) yield `${line}\n`;
  };
  assert.equal((await read(ended())).calls.length, 42);
});

test('a record is given as soon as its last line is there', async () => {
  let isGiven = false;
  async function* slow() {
    yield 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0\nio_uring_reg';
    assert.ok(isGiven, 'the source was asked for more before the record was given');
    yield 'ister(3, IORING_UNREGISTER_BUFFERS, NULL, 0) = 0';
  }
  const opcodes: (number | undefined)[] = [];
  for await (const record of decode(slow())) {
    isGiven = true;
    if (record.type === 'register') opcodes.push(record.opcode);
  }
  assert.deepEqual(opcodes, [3, 1]);
});

test('a line of 2^20 characters is read, of a longer one only what it names is known', async () => {
  const line = (length: number) => {
    const [head, tail] = ['io_uring_register(3, IORING_REGISTER_FILES, [', '], 2) = 0'];
    return `${head}${'7'.repeat(length - head.length - tail.length)}${tail}`;
  };
  const call = 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0';
  const text = `${line(2 ** 20)}\r\n${line(2 ** 20 + 1)}\n${' '.repeat(2 ** 21)}io_uring_register(\n${call}\n`;
  for (const input of [text, Buffer.from(text)]) {
    const { records, stats } = await read(input, { all: true });
    assert.deepEqual(
      records.map(({ type }) => type),
      ['register', 'malformed', 'other', 'register'],
    );
    assert.deepEqual([stats.lines, stats.used, stats.malformed, stats.other], [4, 2, 1, 1]);
    for (const record of records) if ('text' in record) assert.equal(record.text.length, 2 ** 20);
  }
});

test('other lines are given where all are wanted, in order; what names io_uring_register and is not read always', async () => {
  const text =
    'hello\nio_uring_register(3, IORING\n\nio_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0\n';
  const { records } = await read(text, { all: true });
  assert.deepEqual(
    records.map((record) => (record.type === 'register' ? record.opcode : record)),
    [
      { type: 'other', line: 1, text: 'hello' },
      { type: 'malformed', line: 2, text: 'io_uring_register(3, IORING' },
      { type: 'other', line: 3, text: '' },
      3,
    ],
  );
  const { records: fewer, stats } = await read(text);
  assert.deepEqual(
    fewer.map(({ type }) => type),
    ['malformed', 'register'],
  );
  assert.deepEqual([stats.lines, stats.other, stats.malformed, stats.used], [4, 2, 1, 1]);
});

test('a format that was asked for is the only one', async () => {
  const text = `${fixture('strace-6.1-raw.txt')}${fixture('audit-syscall-427-CONSTRUCTED.log')}`;
  const counts = async (from: DecodeOptions['from']) => {
    const { calls, malformed } = (await read(text, { from })).stats;
    return [calls, malformed];
  };
  assert.deepEqual(await counts('auto'), [49, 0]);
  // one of the audit records names the call in a comment
  assert.deepEqual(await counts('strace'), [42, 1]);
  assert.deepEqual(await counts('audit'), [7, 42]);
  assert.deepEqual(await counts('ftrace'), [0, 43]);
});

// ---- Tracee ---------------------------------------------------------------------------------------------------------

const TRACEE = [
  'legacy-raw',
  'legacy-parse-arguments',
  'v1beta1-protojson-2025',
  'v1beta1-current',
  'v1beta1-current-decoded-data',
];

test("Tracee's dialects tell the same six calls", async () => {
  for (const dialect of TRACEE) {
    const { calls, stats } = await read(fixture(`tracee-${dialect}-CONSTRUCTED.jsonl`));
    assert.deepEqual(
      calls.map((call) => [
        call.fd,
        call.opcodeName,
        call.useRegisteredRing,
        call.arg,
        call.nrArgs,
        call.ret,
        call.errno,
      ]),
      [
        [3, 'REGISTER_BUFFERS', false, 0x7ffe7d5bc8b0n, 2, 0, undefined],
        [3, 'REGISTER_FILES', false, 0x7ffe7d5bc8a0n, 3, 0, undefined],
        [3, 'REGISTER_RESTRICTIONS', false, 0x7ffe7d5bc870n, 2, -77, 'EBADFD'],
        [0, 'REGISTER_PROBE', true, 0x55d1f6e9a080n, 64, -22, 'EINVAL'],
        [-1, 'REGISTER_SEND_MSG_RING', false, 0x7ffe7d5bc5a0n, 1, 0, undefined],
        [1234, 'REGISTER_BUFFERS', false, 0n, 0, -9, 'EBADF'],
      ],
      dialect,
    );
    assert.deepEqual(
      calls.map(({ timeNs }) => timeNs),
      [0n, 1n, 2n, 3n, 4n, 5n].map((us) => NEW_YEAR + 123_456_000n + us * 1000n),
      dialect,
    );
    for (const { source, pid, tid, comm, complete } of calls) {
      assert.deepEqual([source, pid, tid, comm, complete], ['tracee', 1421, 1421, 'allreg', true]);
    }
    assert.deepEqual([stats.lines, stats.used], [6, 6]);
  }
});

/** An event of Tracee. */
function tracee(changes: object): string {
  const args = [
    { name: 'fd', value: 3 },
    { name: 'opcode', value: 2 },
    { name: 'arg', value: '0x1000' },
    { name: 'nr_args', value: 1 },
  ];
  return JSON.stringify({ eventName: 'io_uring_register', args, returnValue: 0, ...changes });
}

test('integers of 64 bits keep their last digits, quoted or not', async () => {
  const text = tracee({ timestamp: 'T', comm: 'escaped \\" quote 1234567890123456789' })
    .replace('"T"', '1767225600123456789')
    .replace('"0x1000"', '18446744073709551615');
  const { timeNs, arg } = await one(text);
  assert.deepEqual([timeNs, arg], [1_767_225_600_123_456_789n, 2n ** 64n - 1n]);
  assert.equal((await one(tracee({ returnValue: '-9' }))).errno, 'EBADF');
});

test('a time is an integer, RFC 3339, or seconds and nanoseconds; another one is not known', async () => {
  const timeOf = async (timestamp: unknown) => (await one(tracee({ timestamp }))).timeNs;
  assert.equal(await timeOf({ seconds: '1767225600', nanos: 5 }), NEW_YEAR + 5n);
  assert.equal(await timeOf('2026-01-01T01:00:00.5+01:00'), NEW_YEAR + NS / 2n);
  for (const wrong of ['yesterday', '2026-13-01T00:00:00Z', [], null, 1.5]) {
    assert.equal(await timeOf(wrong), undefined);
  }
});

test('the host sees the process of a container by its own numbers', async () => {
  const { pid, tid } = await one(
    tracee({ processId: 1, hostProcessId: 900, threadId: 2, hostThreadId: 901 }),
  );
  assert.deepEqual([pid, tid], [900, 901]);
});

test("other events and Tracee's log lines between them are no calls; an event without an argument is malformed", async () => {
  const call = tracee({});
  const text = [
    '{"level":"info","msg":"tracing io_uring_register"}',
    call,
    '2026/01/01 00:00:00 INFO starting',
    '{"eventName":"io_uring_create","args":[]}',
    tracee({ args: [] }),
    tracee({ args: [{ name: 'fd', value: 2 ** 32 }] }),
    tracee({ args: 'io_uring_register' }),
    call.replace('"value":2', '"value":4294967296'),
    call.replace('"value":2', '"value":2.5'),
    call.slice(0, -1),
    'null',
  ].join('\n');
  const { stats } = await read(text);
  assert.deepEqual([stats.used, stats.other, stats.malformed], [1, 3, 7]);
});

// ---- strace ---------------------------------------------------------------------------------------------------------

/** The numbers as strace prints them raw, by a reader of their own. */
const RAW = [...fixture('strace-6.1-raw.txt').matchAll(/\((\w+), (\w+), \w+, (\w+)\) +=/g)].map((numbers) => {
  const [fd = 0, opcode = 0, nrArgs = 0] = numbers.slice(1).map(Number);
  return { fd: fd | 0, opcode: opcode & 0x7fffffff, useRegisteredRing: opcode > 0x7fffffff, nrArgs };
});

test("strace's names, its raw numbers and the kernel's trace of one program tell the same 42 calls", async () => {
  assert.equal(RAW.length, 42);
  const named = await read(fixture('strace-6.1-all-opcodes.txt'));
  assert.deepEqual([named.stats.lines, named.stats.used, named.stats.other], [45, 44, 1]);
  assert.deepEqual(
    named.calls.map(core).map(({ ret, ...rest }) => rest),
    RAW,
  );
  const raw = await read(fixture('strace-6.1-raw.txt'));
  assert.deepEqual(raw.calls.map(core), named.calls.map(core));
  const traced = await read(fixture('trace-text-6.18-all-opcodes.txt'));
  const first = traced.calls.filter(({ comm }) => comm === 'allreg');
  assert.deepEqual(first.map(core), named.calls.map(core));
});

test("what strace says about an argument is kept word for word; numbers that it can't name get their names", async () => {
  const { calls } = await read(fixture('strace-6.1-all-opcodes.txt'));
  const by = (opcode: number) => calls.find((call) => call.opcode === opcode);
  assert.equal(
    by(0)?.argText,
    '[{iov_base=0x7f40f4ff5000, iov_len=4096}, {iov_base=0x7f40f4ff6000, iov_len=8192}]',
  );
  assert.equal(by(0)?.arg, undefined);
  assert.equal(
    by(19)?.argText,
    '[[IO_WQ_BOUND]=0, [IO_WQ_UNBOUND]=0] => [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=96365]',
  );
  assert.deepEqual([by(1)?.arg, by(1)?.argText], [0n, undefined]);
  assert.equal(by(26)?.opcodeName, 'REGISTER_PBUF_STATUS');
  assert.deepEqual([by(26)?.arg, by(26)?.argText], [0x7fffd8b75650n, undefined]);
  assert.equal(by(99)?.opcodeName, 'OP_99');
});

test('calls that strace printed in two parts are joined by thread; what the file cuts off is incomplete', async () => {
  const text = fixture('strace-6.1-f-ttt-T-y-unfinished-resumed.txt');
  const { calls, stats } = await read(text);
  assert.deepEqual([stats.lines, stats.used, stats.other, stats.malformed], [60, 58, 2, 0]);
  // four in one part (of these, one was broken), 25 in two, two without their second
  assert.deepEqual([calls.length, stats.incomplete], [31, 2]);
  const whole = calls.filter(({ complete }) => complete);
  for (const { opcode, ret, argText, durationNs, pid, tid, timeNs } of whole) {
    assert.deepEqual([opcode, ret, pid], [19, 0, undefined]);
    assert.equal(argText, '[[IO_WQ_BOUND]=0, [IO_WQ_UNBOUND]=0] => [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=96365]');
    // each thread has a ring of its own, and strace says in the second part how long it took
    assert.ok(durationNs !== undefined && durationNs > 10_000n && durationNs < 100_000n);
    assert.ok(tid !== undefined && timeNs !== undefined);
  }
  for (const { fd, tid } of calls) assert.equal(fd, (tid ?? 0) - 15182);
  const [first] = calls;
  assert.deepEqual([first?.timeNs, first?.durationNs], [1_795_172_544_234_752_000n, 35_000n]);
  for (const { fd, ret, argText } of calls.filter(({ complete }) => !complete)) {
    assert.equal(ret, undefined);
    assert.match(`${fd} ${argText}`, /^[46] \[\[IO_WQ_BOUND\]=0, \[IO_WQ_UNBOUND\]=0\] =>$/);
  }
});

const CALL = 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0)';

test("what strace's options put around a call is taken off", async () => {
  const wanted = { fd: 3, opcode: 3, useRegisteredRing: false, nrArgs: 0, ret: 0 };
  for (const [line, tid, comm] of [
    [`${CALL} = 0`],
    [`${CALL}    = 0 <0.000035>`],
    [`[pid  1234] ${CALL} = 0`, 1234],
    [`[pid 1234<my app>] ${CALL} = 0`, 1234, 'my app'],
    [`1234  ${CALL} = 0`, 1234],
    [`77<cat> 12:30:01.123456 ${CALL} = 0`, 77, 'cat'],
    [`12:30:01 ${CALL} = 0`],
    [`     0.000035 ${CALL} = 0`],
    [`1234 12:30:01 (+     0.000035) ${CALL} = 0`, 1234],
    [`[ 427] [00007f9c4d938829] ${CALL} = 0`],
    ['io_uring_register(3<anon_inode:[io_uring]>, 0x3 /* IORING_UNREGISTER_FILES */, NULL, 0) = 0'],
    ['io_uring_register(3</tmp/a, 0, b>, IORING_UNREGISTER_FILES, NULL, 0) = 0'],
    ['io_uring_register(fd=3, opcode=IORING_UNREGISTER_FILES, arg=NULL, nr_args=0) = 0'],
    [`${CALL} = 0 (INJECTED) (DELAYED)`],
  ] as const) {
    const call = await one(line ?? '');
    assert.deepEqual([core(call), call.tid, call.comm, call.complete], [wanted, tid, comm, true], line);
  }
  assert.equal((await one(`1795172544.234752 ${CALL} = 0`)).timeNs, 1_795_172_544_234_752_000n);
});

test('a result may be an errno without a name, one without a number, or none', async () => {
  const resultOf = async (text: string) => {
    const { ret, errno, complete } = await one(`${CALL} = ${text}`);
    return { ret, errno, complete };
  };
  assert.deepEqual(await resultOf('-1 EINVAL (Invalid argument)'), {
    ret: -22,
    errno: 'EINVAL',
    complete: true,
  });
  assert.deepEqual(await resultOf('-1 (errno 530)'), { ret: -530, errno: 'E530', complete: true });
  assert.deepEqual(await resultOf('? ERESTARTSYS (To be restarted if SA_RESTART is set)'), {
    ret: undefined,
    errno: 'ERESTARTSYS',
    complete: true,
  });
  assert.deepEqual(await resultOf('?'), { ret: undefined, errno: undefined, complete: false });
  assert.deepEqual(await resultOf('? <unavailable>'), { ret: undefined, errno: undefined, complete: false });
});

test('a call whose thread was killed is incomplete', async () => {
  const killed = '<unfinished ...>) = ?';
  for (const text of [
    `${CALL.slice(0, -1)} ${killed}`,
    `${CALL.slice(0, -1)} <detached ...>`,
    `[pid 7] ${CALL.slice(0, -1)} <unfinished ...>\n[pid 7] <... io_uring_register resumed> ${killed}`,
  ]) {
    const { opcode, nrArgs, ret, complete } = await one(text);
    assert.deepEqual([opcode, nrArgs, ret, complete], [3, 0, undefined, false], text);
  }
});

test('names of newer versions of strace are read; a name that we lack is kept', async () => {
  const { calls } = await read(fixture('strace-HEAD-2026-CONSTRUCTED-from-source.txt'));
  assert.deepEqual(
    calls.map(({ opcode, useRegisteredRing, ret }) => [opcode, useRegisteredRing, ret]),
    [
      [8, true, -22],
      [24, false, -2],
      [26, false, 0],
      [31, false, 0],
      [255, false, -22],
    ],
  );
  assert.equal(calls[3]?.fd, -1);
  const { opcode, opcodeName } = await one(
    'io_uring_register(3, IORING_REGISTER_TIME_TRAVEL, 0x1000, 1) = 0',
  );
  assert.deepEqual([opcode, opcodeName], [undefined, 'REGISTER_TIME_TRAVEL']);
});

test('a part of a call whose other part is missing is an incomplete call', async () => {
  const { calls } = await read(
    [
      '[pid 1] <... io_uring_register resumed>[[IO_WQ_BOUND]=8], 2) = 1 <0.000019>',
      '[pid 2] io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0 <unfinished ...>',
      '[pid 2] io_uring_register(4, IORING_REGISTER_PROBE,  <unfinished ...>',
      '[pid 2] <... io_uring_register resumed>) = what',
    ].join('\n'),
  );
  assert.deepEqual(
    calls.map(({ fd, opcode, nrArgs, ret, durationNs, arg, argText, complete }) => [
      fd,
      opcode,
      nrArgs,
      ret,
      durationNs,
      arg,
      argText,
      complete,
    ]),
    [
      [undefined, undefined, 2, 1, 19_000n, undefined, undefined, false],
      [3, 3, 0, undefined, undefined, 0n, undefined, false],
      [4, 8, undefined, undefined, undefined, undefined, undefined, false],
    ],
  );
});

test('two parts are one call where strace names the thread in one of them only', async () => {
  const [begin, end] = [
    'io_uring_register(3, IORING_REGISTER_FILES, [4], <unfinished ...>',
    '<... io_uring_register resumed> 1) = 0',
  ];
  for (const text of [`${begin}\n[pid 7] ${end}`, `[pid 7] ${begin}\n${end}`, `${begin}\n${end}`]) {
    const { opcode, argText, nrArgs, ret, complete } = await one(text);
    assert.deepEqual([opcode, argText, nrArgs, ret, complete], [2, '[4]', 1, 0, true], text);
  }
});

test('with -z and -Z the end of a call that a thread broke stands in the next line, without a thread', async () => {
  const begin = '31799 io_uring_register(3, IORING_REGISTER_FILES, [0, -1], 2 <unfinished ...>';
  const end = ')                                       = -1 EINVAL (Invalid argument)';
  const { ret, errno, complete } = await one(`${begin}\n${end}`);
  assert.deepEqual([ret, errno, complete], [-22, 'EINVAL', true]);
  const probe = await one(
    '[pid 7] io_uring_register(4, IORING_REGISTER_PROBE,  <unfinished ...>\n0x7f00, 3) = -1 EINVAL (x)',
  );
  assert.deepEqual([probe.arg, probe.nrArgs, probe.ret], [0x7f00n, 3, -22]);
  // the end of another thread's call, or another line that ends alike, is no end of this one
  const others = ['31800 close(3) = 0', '31800 +++ exited with 0 +++', 'Nov 30 host x[1]: close(3) = 0', ''];
  for (const other of others) {
    const { calls } = await read(`${begin}\n${other}\n${end}\n31799 <... io_uring_register resumed>) = 0`);
    assert.deepEqual(
      calls.map((call) => [call.ret, call.complete]),
      [[0, true]],
      other,
    );
  }
});

test('a line that new threads broke is put together again, and one that has no rest does not take the next call', async () => {
  const broken = 'io_uring_register(3, IORING_REGISTER_FILES, [4]strace: Process 15187 attached';
  const { calls, stats } = await read(
    [
      broken,
      'strace: Process 15188 attached',
      ', 1) = 0',
      broken,
      '[4, 5strace: Process 15189 attached',
      '], 2) = 0',
      broken,
      `[pid 9] ${CALL} = 0`,
      broken,
      tracee({}),
      broken,
    ].join('\n'),
  );
  assert.deepEqual(
    calls.map(({ argText, nrArgs, opcode, complete }) => [argText, nrArgs, opcode, complete]),
    [
      ['[4]', 1, 2, true],
      ['[4][4, 5]', 2, 2, true],
      ['[4]', undefined, 2, false],
      [undefined, 0, 3, true],
      ['[4]', undefined, 2, false],
      [undefined, 1, 2, true],
      ['[4]', undefined, 2, false],
    ],
  );
  assert.deepEqual([stats.used, stats.other, stats.malformed], [10, 1, 0]);
});

test('calls of others that mention io_uring_register are no calls of it', async () => {
  const { stats } = await read(
    [
      'write(2, "io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0", 58) = 58',
      '[pid 5] <... write resumed>"io_uring_register", 17) = 17',
      'strace: cannot trace io_uring_register',
    ].join('\n'),
  );
  assert.deepEqual([stats.other, stats.malformed, stats.calls], [3, 0, 0]);
});

// ---- audit ----------------------------------------------------------------------------------------------------------

test('audit records tell seven calls, one of another architecture, and execve is none', async () => {
  const { calls, stats } = await read(fixture('audit-syscall-427-CONSTRUCTED.log'));
  assert.deepEqual([stats.lines, stats.used, stats.other], [8, 7, 1]);
  // but for the seventh the six calls that Tracee saw
  const seen = await read(fixture('tracee-legacy-raw-CONSTRUCTED.jsonl'));
  assert.deepEqual(calls.slice(0, 6).map(core), seen.calls.map(core));
  const [first] = calls;
  assert.deepEqual(
    [first?.source, first?.pid, first?.comm, first?.arg, first?.timeNs],
    ['audit', 1421, 'allreg', 0x7ffe7d5bc8b0n, NEW_YEAR + 123_000_000n],
  );
  const arm = calls[6];
  assert.deepEqual([arm?.opcodeName, arm?.pid, arm?.comm], ['UNREGISTER_EVENTFD', 77, 'my app 2']);
});

test('a call that seccomp stopped is told as the kernel logged it', async () => {
  const recorded = fixture('audit-6.18-seccomp-kill-recorded.txt');
  const { records, stats } = await read(recorded);
  assert.deepEqual(records, [
    {
      type: 'seccomp',
      source: 'audit',
      timeNs: 1_795_172_117_601_000_000n,
      pid: 11444,
      comm: 'probe',
      syscall: 'io_uring_setup',
      action: 'KILL_PROCESS',
      signal: 31,
    },
  ]);
  assert.deepEqual([stats.calls, stats.seccomp], [0, 1]);
  const variants = [
    recorded.replace('syscall=425', 'syscall=427').replace('code=0x80000000', 'code=0x7ffc0000'),
    `[ 1234.567890] ${recorded.replace('code=0x80000000', 'code=0x12')}`,
    recorded.replace('audit: type=1326 audit', 'node=web1 type=SECCOMP msg=audit'),
  ];
  const found = await read(variants.join(''));
  assert.deepEqual(
    found.records.map((record) => record.type === 'seccomp' && [record.syscall, record.action]),
    [
      ['io_uring_register', 'LOG'],
      ['io_uring_setup', undefined],
      ['io_uring_setup', 'KILL_PROCESS'],
    ],
  );
  assert.equal((await read(recorded.replace('syscall=425', 'syscall=101'))).stats.other, 1);
});

test('the first value of a key counts, a registers upper half does not, and a call that did not return is incomplete', async () => {
  const record = (rest: string) => `type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=427 ${rest}`;
  const whole = 'success=yes exit=0 a0=ffffffffffffffff a1=700000008 a2=ffffffffffffffff a3=100000002';
  const { fd, opcode, arg, nrArgs } = await one(record(`${whole} a1=5\x1da1=6`));
  assert.deepEqual([fd, opcode, arg, nrArgs], [-1, 8, 2n ** 64n - 1n, 2]);
  const cut = await one(record('a0=3 a1=0 a2=0 a3=0'));
  assert.deepEqual([cut.ret, cut.complete], [undefined, false]);
  for (const wrong of [
    'exit=0 a0=3 a1=0 a2=0',
    'exit=0 a0=x a1=0 a2=0 a3=0',
    'exit=no a0=3 a1=0 a2=0 a3=0',
  ]) {
    assert.equal((await read(record(wrong))).stats.malformed, 1, wrong);
  }
});

test('a comm in hexadecimal may hold anything', async () => {
  const comm = 'x\ny-1 [0]: \x1b"';
  const text = `type=1300 audit(1.0:1): syscall=427 exit=0 a0=3 a1=5 a2=0 a3=0 comm=${Buffer.from(comm).toString('hex')}`;
  assert.equal((await one(text)).comm, comm);
});

// ---- tracefs --------------------------------------------------------------------------------------------------------

test("the kernel's text tells calls with their rings; addresses of rings are not given", async () => {
  const { calls, stats } = await read(fixture('trace-text-6.18-all-opcodes.txt'));
  assert.deepEqual([stats.malformed, stats.incomplete, stats.lostEvents], [0, 0, 0]);
  const [first] = calls;
  assert.deepEqual(
    [first?.source, first?.pid, first?.tid, first?.cpu, first?.comm, first?.monoNs, first?.durationNs],
    ['ftrace', 14446, 14446, 0, 'allreg', 1_900_545_655_000n, 12_000n],
  );
  assert.deepEqual([first?.ring, first?.nrUserFiles, first?.nrUserBufs], ['r1', 0, 2]);
  assert.deepEqual([...new Set(calls.map(({ ring }) => ring))].sort(), ['r1', 'r2', 'r3', 'r4', undefined]);
  const threads = calls.filter(({ comm }) => comm === 'load');
  for (const { pid, tid } of threads) assert.ok(pid === 14447 && tid !== undefined && tid > pid);
});

test('before 6.18 numbers are hexadecimal without 0x', async () => {
  const { calls } = await read(fixture('trace-text-before-6.18-CONSTRUCTED-hex-without-0x.txt'));
  const now = (await read(fixture('trace-text-6.18-all-opcodes.txt'))).calls.slice(0, 20);
  assert.deepEqual(calls.map(core), now.map(core));
  assert.equal(calls[12]?.opcode, 11);
  assert.deepEqual([calls[9]?.opcode, calls[9]?.nrArgs], [8, 0x100]);
});

test('a comm with a line feed splits a line and hides no call', async () => {
  const { calls } = await read(fixture('trace-text-6.18-all-opcodes.txt'));
  const split = calls.slice(-2);
  for (const { comm, tid, fd, opcode, ret } of split) {
    assert.deepEqual([comm, tid, fd, opcode, ret], ['y-1 [0]: z', 14450, -2, 5, -9]);
  }
});

const event = (text: string, tid = 7) => `             app-${tid}       [001] .....  10.000001: ${text}`;
const ENTER = 'sys_io_uring_register(fd: 3, opcode: 0x80000002, arg: 0, nr_args: 1)';
const RING = 'io_uring_register: ring 00000000aaaaaaaa, opcode 2, nr_user_files 1, nr_user_bufs 0, ret 0';
const EXIT = 'sys_io_uring_register -> 0x0';

test('where events were lost, what began is not joined with what ends', async () => {
  const { calls, stats } = await read(fixture('trace-text-6.18-lost-events.txt'));
  assert.equal(stats.lostEvents, 102 + 306 + 204);
  // "-" is where the sample was shortened: a second beginning without an end
  assert.deepEqual([stats.calls, stats.incomplete], [9, 3]);
  const { calls: apart } = await read([event(ENTER), 'CPU:1 [LOST 2 EVENTS]', event(EXIT)].join('\n'));
  assert.deepEqual(
    apart.map(({ opcode, ret, complete }) => [opcode, ret, complete]),
    [
      [2, undefined, false],
      [undefined, 0, false],
    ],
  );
  for (const { durationNs } of calls) assert.ok(durationNs === undefined || durationNs <= 1000n);
});

test('a ring event alone is a call of which begin and end were not seen', async () => {
  const { fd, opcode, useRegisteredRing, ring, nrUserFiles, ret, complete } = await one(event(RING));
  assert.deepEqual(
    [fd, opcode, useRegisteredRing, ring, nrUserFiles, ret, complete],
    [undefined, 2, undefined, 'r1', 1, 0, false],
  );
  // with the field that it had until 5.17
  assert.equal((await one(event(RING.replace(' ret', ' eventfd 0, ret')))).ret, 0);
  const joined = await one([event(ENTER), event(RING), event(EXIT)].join('\n'));
  assert.deepEqual([joined.useRegisteredRing, joined.ring, joined.complete], [true, 'r1', true]);
  // of another opcode: it is not this call's
  const { stats } = await read(
    [event(ENTER), event(RING.replace('opcode 2', 'opcode 3')), event(EXIT)].join('\n'),
  );
  assert.deepEqual([stats.used, stats.calls, stats.incomplete], [3, 2, 2]);
});

test('an event with a number that is none is malformed', async () => {
  for (const text of [
    ENTER.replace('fd: 3', 'fd: three'),
    ENTER.slice(0, -1),
    RING.replace('opcode 2', 'opcode 4294967296'),
    RING.replace('ret 0', 'ret'),
    'sys_io_uring_register -> 0x10000000000000000',
  ]) {
    assert.equal((await read(event(text))).stats.malformed, 1, text);
  }
  assert.equal((await read(`no context ${ENTER}`)).stats.malformed, 1);
});

// ---- bounds ---------------------------------------------------------------------------------------------------------

test('calls that never end are given up, the oldest first, and none is forgotten', async () => {
  const arg = '7'.repeat(50_000);
  function* strace() {
    for (let tid = 1; tid <= 500; tid++) {
      yield `[pid ${tid}] io_uring_register(3, IORING_REGISTER_FILES, [${arg} <unfinished ...>\n`;
    }
  }
  let given = 0;
  const decoding = decode(strace());
  for await (const record of decoding) {
    assert.ok(record.type === 'register' && !record.complete);
    assert.equal(record.tid, ++given);
    // of 25 MB of text, at most 4 MiB wait
    if (given === 1) assert.ok(decoding.stats.used < 90);
  }
  assert.equal(given, 500);

  function* ftrace() {
    for (let tid = 1; tid <= 20_000; tid++) yield `${event(ENTER, tid)}\n`;
  }
  const { calls, stats } = await read(ftrace());
  assert.deepEqual([stats.used, stats.incomplete], [20_000, 20_000]);
  assert.equal(calls[0]?.tid, 1);
});
