/** Logs that are damaged, hostile or no logs: `decode` never throws, and never loses count. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DecodedRecord, DecodeStats } from '../../lib/host/decode/decoded.ts';
import { decode } from '../../lib/host/decode.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/observe');

interface Result {
  readonly records: readonly DecodedRecord[];
  readonly stats: DecodeStats;
}

async function read(pieces: Iterable<Uint8Array | string>, all = true): Promise<Result> {
  const decoding = decode(pieces, { all });
  const records: DecodedRecord[] = [];
  for await (const record of decoding) records.push(record);
  return { records, stats: decoding.stats };
}

/** Lines as everybody counts them. */
function countLines(log: Uint8Array): number {
  const feeds = log.filter((byte) => byte === 0x0a).length;
  return log.length > 0 && log.at(-1) !== 0x0a ? feeds + 1 : feeds;
}

/** Every value is one that its type promises. */
function checkValues(record: DecodedRecord): void {
  for (const [key, value] of Object.entries(record)) {
    if (typeof value === 'number') assert.ok(Number.isSafeInteger(value), `${key} ${value}`);
    if (key === 'arg' && typeof value === 'bigint') assert.equal(BigInt.asUintN(64, value), value);
  }
  if (record.type !== 'register') return;
  const { fd = 0, opcode = 0, nrArgs = 0, pid = 0, tid = 0, cpu = 0 } = record;
  assert.equal(fd | 0, fd);
  for (const unsigned of [opcode, nrArgs]) assert.equal(unsigned >>> 0, unsigned);
  assert.ok(pid >= 0 && tid >= 0 && cpu >= 0);
}

/** Lines about something else that may name the call: another call in strace or an event of Tracee's, remarks, stacks, commands. */
const ANOTHER = /type=(?:PROCTITLE|EXECVE) |\w\(|\w resumed>|strace: |\+\+\+ |--- |^ > |"(?:eventName|name)"/;

/** Everything that must hold, whatever is in the log. */
function check(log: Uint8Array, { records, stats }: Result): void {
  assert.equal(stats.lines, countLines(log));
  assert.equal(stats.used + stats.other + stats.malformed, stats.lines);
  const given = (type: DecodedRecord['type']) => records.filter((record) => record.type === type);
  assert.equal(given('register').length, stats.calls);
  assert.equal(given('create').length, stats.setups);
  assert.equal(given('enter').length, stats.enters);
  assert.equal(given('operation').length, stats.operations);
  assert.equal(given('seccomp').length, stats.seccomp);
  assert.equal(given('malformed').length, stats.malformed);
  assert.equal(given('other').length, stats.other);
  // what names the call is not dropped, unless it is text of another call, or a remark of strace's
  for (const record of given('other')) {
    if (record.type === 'other' && record.text.includes('io_uring_register'))
      assert.match(record.text, ANOTHER);
  }
  const lines = records.flatMap((record) => ('line' in record ? [record.line] : []));
  assert.deepEqual([...new Set(lines)], lines);
  records.forEach(checkValues);
}

function pieces(log: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (log.length + 1)).sort((a, b) => a - b), log.length];
  return at.slice(1).map((end, i) => log.subarray(at[i], end));
}

const samples = readdirSync(FIXTURES)
  .filter((name) => /^(?:tracee|strace|audit|trace-text|perf|bpftrace|forms)-/.test(name))
  .flatMap((name) => readFileSync(join(FIXTURES, name), 'latin1').split('\n'))
  // one line of strace has all of PROBE in it; the others are short
  .filter((line) => line !== '' && line.length < 2500);

const hostile = fc.constantFrom(
  ...['\n', '\r\n', '\0', '\x1b', '\x1d', '"', '\\', '{', '}', '[', ')', ', ', ' ', '=', '-', '0x', '<', '>'],
  ...['\n]-12 [000] ', 'x\ny-1 [0]: z', 'strace: Process 1 attached', ' <unfinished ...>', ') = 0', ') = ?'],
  ...['[pid 15185] ', '<... io_uring_register resumed>', 'io_uring_register(', 'sys_io_uring_register -> '],
  ...['CPU:1 [LOST 9 EVENTS]', 'type=1326 audit(1.0:1): syscall=427', '__proto__', 'constructor', '\xff\xfe'],
  ...['4294967296', '-1', '99999999999999999999999999', `1${'0'.repeat(400)}`, '1e999', 'null', '\ud83d'],
);
const junk = fc.oneof(
  hostile.map((text) => Buffer.from(text, 'latin1')),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);
/** Some bytes of a line replaced: by none, by others; and its end cut off. */
const damage = fc.record({
  edits: fc.array(fc.tuple(fc.nat(), fc.nat(8), junk), { maxLength: 3 }),
  keep: fc.oneof({ weight: 3, arbitrary: fc.constant(Number.POSITIVE_INFINITY) }, fc.nat(400)),
});
const line = fc.tuple(fc.constantFrom(...samples), damage).map(([sample, { edits, keep }]) => {
  let bytes = Buffer.from(sample, 'latin1');
  for (const [where, length, put] of edits) {
    const at = where % (bytes.length + 1);
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + length)]);
  }
  return bytes.subarray(0, keep);
});
const log = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: line }, junk), { maxLength: 12 }),
    fc.constantFrom('\n', '\r\n', ''),
  )
  .map(([lines, end]) =>
    Buffer.concat(
      lines.flatMap((each, i) => (i === 0 ? [each] : [Buffer.from('\n'), each])).concat(Buffer.from(end)),
    ),
  );

test('a damaged log is counted to the last line, however it is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(log, fc.array(fc.nat(), { maxLength: 6 }), async (log, cuts) => {
      const whole = await read([log]);
      check(log, whole);
      assert.deepEqual(await read(pieces(log, cuts)), whole);
    }),
    { numRuns: 2000 },
  );
});

/** Lines that concern nobody, of which many are looked at in one go: some end in the middle of what looks like JSON. */
const NOISE = [
  'Mar  1 10:00:00 host kernel: usb 1-1: new device\n',
  '[pid 77] openat(AT_FDCWD, "/etc/größe", O_RDONLY) = 3\r\n',
  '{"log":"GET /ñandú 200\\n","stream":"stdout","time":"2026-03-01T10:00:00Z"}\n',
  '\uFEFF\n\n日本語\n',
  '{\n  "a": "日本"\n}\n',
  '{\n  "a":\n',
  '{"log":"a part","stream":"stdout"}\n',
  '\0\0\r\n',
].map((each) => Buffer.from(each));
const noise = fc
  .tuple(fc.constantFrom(...NOISE), fc.oneof(fc.constant(0), fc.nat(3), fc.nat(3000)))
  .map(([line, times]) => Buffer.alloc(line.length * times, line));
const noisy = fc
  .array(fc.tuple(noise, line), { maxLength: 5 })
  .chain((parts) =>
    fc
      .constantFrom('\n', '')
      .map((end) =>
        Buffer.concat([
          ...parts.flatMap(([lines, each]) => [lines, each, Buffer.from('\n')]),
          Buffer.from(end),
        ]),
      ),
  );

test('lines that are not looked at one by one are counted, and hide none that tells of a call', async () => {
  await fc.assert(
    fc.asyncProperty(noisy, fc.array(fc.nat(), { maxLength: 6 }), async (log, cuts) => {
      const { records, stats } = await read([log]);
      const wanted = { records: records.filter(({ type }) => type !== 'other'), stats };
      assert.deepEqual(await read([log], false), wanted);
      assert.deepEqual(await read(pieces(log, cuts), false), wanted);
      assert.deepEqual(await read([new TextDecoder().decode(log)], false), wanted);
    }),
    { numRuns: 120 },
  );
});

test('every line of the samples, cut off anywhere, is counted', async () => {
  for (const name of ['tracee-v1beta1-current-CONSTRUCTED.jsonl', 'audit-syscall-427-CONSTRUCTED.log']) {
    const [sample = ''] = readFileSync(join(FIXTURES, name), 'utf8').split('\n');
    for (let length = 0; length <= sample.length; length++) {
      const log = Buffer.from(sample.slice(0, length));
      check(log, await read([log]));
    }
  }
});

test('a hostile line of a megabyte takes no longer than another', async () => {
  const fill = (head: string, unit: string, tail = '') => {
    const times = Math.floor((2 ** 20 - head.length - tail.length) / unit.length);
    return Buffer.from(`${head}${unit.repeat(times)}${tail}`);
  };
  const call = 'io_uring_register(';
  const front = `${call}3, IORING_REGISTER_FILES, `;
  const name = '{"a":"io_uring_register';
  const audit = 'type=SYSCALL msg=audit(1.0:1): syscall=427 io_uring_register ';
  for (const log of [
    fill(name, '\\"'),
    fill(name, '"'),
    fill(`${name}","b":`, '['),
    fill(`${name}","b":[`, '1234567890123456789,', '1]}'),
    fill(call, '3</a>, '),
    fill(call, '3<>, x /* '),
    ...[')', ' ', ') = ', ') = 0', ') = -1 E (', '0, ', ', ]', '<unfinished ...>', '/* '].map((unit) =>
      fill(front, unit),
    ),
    fill('<... io_uring_register resumed>', ', 1 '),
    ...['[pid 1] ', '[1] ', '1.0 ', ' ', '1', '12:00:00 ', '(+ 1.0) '].map((unit) => fill('', unit, front)),
    ...['a0="', 'a="b" ', 'a', '=', 'a0=', '\x1d'].map((unit) => fill(audit, unit)),
    fill('type=SYSCALL audit(', '1', 'io_uring_register'),
    ...['-1 [0] ', ' ', '-', '-1', '[0] '].map((unit) => fill(' ', unit, ': sys_io_uring_register -> 0x0')),
    fill('a-1 [0] 1.0: sys_io_uring_register(fd: ', '0, opcode: '),
    fill('a-1 [0] 1.0: io_uring_register: ring 0, opcode 0, nr_user_files ', '1'),
  ]) {
    const start = performance.now();
    check(log, await read([log, Buffer.from('\n')]));
    const took = performance.now() - start;
    assert.ok(took < 5000, `${Math.round(took)} ms for ${log.subarray(0, 60)}`);
  }
});
