/** The text that the kernel prints for a ring: what is read from it, and that nothing in it can harm. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFdinfo, type RingState } from '../../lib/host/fdinfo.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/observe');

function fixture(name: string): string {
  return readFileSync(join(FIXTURES, `fdinfo-${name}.txt`), 'utf8');
}

/** What a ring without anything says on 6.18. */
const IDLE = fixture('6.18-plain-idle');

/** The idle ring, some of its lines replaced. */
function ring(changes: { readonly [key: string]: string }): RingState {
  const lines = Object.entries(changes).reduce(
    (text, [key, lines]) => text.replace(new RegExp(`^${key}:.*$`, 'm'), () => `${key}:\t${lines}`),
    IDLE,
  );
  return parseFdinfo(lines);
}

// ---- junk -----------------------------------------------------------------------------------------------------------

/** Every number in the state is one that the type promises. */
function check(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${value}`);
  if (typeof value === 'bigint') assert.equal(BigInt.asUintN(64, value), value);
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(check);
}

const keys = IDLE.match(/^[A-Za-z ]+(?=:)/gm) ?? [];
const junk = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('-1', '4294967296', '99999999999999999999999', '0x', '0xfffffffffffffffff', 'NaN', '1e9'),
  fc.constantFrom(
    '\n',
    '\n\n',
    '\t',
    ': ',
    '=',
    ',',
    '/',
    '    0: ',
    '  op=',
    'user_data:',
    '__proto__:',
    '\0',
  ),
  fc.constantFrom(...keys.map((key) => `\n${key}:\t`)),
);

test('junk, huge numbers and cut text never throw, and give no number that is none', () => {
  const texts = readdirSync(FIXTURES).filter((name) => name.startsWith('fdinfo-'));
  const whole = fc.constantFrom(...texts.map((name) => readFileSync(join(FIXTURES, name), 'utf8')));
  const text = fc.oneof(
    fc.array(junk, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.tuple(whole, fc.nat(2000)).map(([each, length]) => each.slice(0, length)),
    fc
      .tuple(whole, fc.nat(2000), junk, fc.nat(40))
      .map(([each, at, part, drop]) => each.slice(0, at) + part + each.slice(at + drop)),
  );
  fc.assert(
    fc.property(text, (each) => check(parseFdinfo(each))),
    { numRuns: 2000 },
  );
});

test('lines of a MiB and a million lines take no longer than their length', () => {
  const begin = performance.now();
  for (const part of [
    'a',
    ' ',
    '1',
    ':',
    ', ',
    'a:',
    '\t\n',
    '    0: ',
    'op=1 ',
    '\\',
    '<none>\n',
    '1: /\n',
  ]) {
    const long = part.repeat(2 ** 20 / part.length);
    check(parseFdinfo(long));
    for (const key of ['SQEs', 'CQEs', 'UserFiles', 'UserBufs', 'PollList', 'NAPI', 'New']) {
      check(ring({ [key]: `1\n    0: ${long}` }));
    }
  }
  // 84 texts of a MiB: what goes up with the square would take hours
  assert.ok(performance.now() - begin < 30_000);
});

test('a number that its field can not have is left out, and the rest is read', () => {
  const state = ring({
    SqHead: '-',
    CqTail: '99999999999999999999',
    UserBufs: '1\n    0: 0x1/1e3\n    1: 0x1000/8',
  });
  assert.equal(state.sq, undefined);
  assert.equal(state.cq, undefined);
  assert.deepEqual(state.userBufs, [{ slot: 1, address: 0x1000n, bytes: 8 }]);
});

test('a key like __proto__ is a key like others', () => {
  const { extra } = parseFdinfo(`${IDLE}__proto__:\t1\n`);
  assert.deepEqual(Object.keys(extra), ['pos', 'flags', 'mnt_id', '__proto__']);
  assert.equal(Object.getPrototypeOf(extra), Object.prototype);
});

test('a name of a file with a newline can not forge other keys before 6.13, where names are not escaped', () => {
  const forged = 'x\nSqThread:\t77\nino:\t1\nUserFiles:\t9\nUserBufs:\t1\n    0: 0x1/1\nNAPI:\tenabled';
  const state = ring({ UserFiles: `1\n    0: ${forged}` });
  assert.equal(state.sqPoll, undefined);
  assert.equal(state.ino, 35992);
  assert.deepEqual(state.files, { used: 1, slots: 1 });
  assert.deepEqual(state.buffers, { used: 0, slots: 0, bytes: 0 });
  assert.equal(state.napi?.mode, 'off');
});

// ---- recorded -------------------------------------------------------------------------------------------------------

test('an idle ring: its size, and nothing in it', () => {
  assert.deepEqual(parseFdinfo(IDLE), {
    busy: false,
    ino: 35992,
    sq: { entries: 8, head: 0, tail: 0, cached: 0, pending: 0 },
    cq: { entries: 16, head: 0, tail: 0, cached: 0, pending: 0 },
    sqes: [],
    cqes: [],
    overflow: [],
    sqPoll: undefined,
    files: { used: 0, slots: 0 },
    buffers: { used: 0, slots: 0, bytes: 0 },
    userFiles: [],
    userBufs: [],
    personalities: [],
    pollList: [],
    napi: { mode: 'off', busyPollUs: undefined, prefer: undefined },
    extra: { pos: '0', flags: '02000002', mnt_id: '17' },
  });
  assert.deepEqual(parseFdinfo(fixture('6.18-r-disabled')).sq, parseFdinfo(IDLE).sq);
});

test('completions: those in the queue and six that overflowed', () => {
  const { cq, cqes, overflow } = parseFdinfo(fixture('6.18-cq-overflow'));
  assert.deepEqual(cq, { entries: 8, head: 0, tail: 8, cached: 8, pending: 8 });
  assert.deepEqual(
    cqes.map(({ index, userData }) => [index, userData]),
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i, 100n + BigInt(i)]),
  );
  assert.deepEqual(
    overflow.map(({ userData }) => userData),
    [108n, 109n, 110n, 111n, 112n, 113n],
  );
  assert.deepEqual(overflow[0], { index: undefined, userData: 108n, res: 0, flags: 0, big: [] });
});

test('registered files and buffers: paths, addresses, and empty slots left out', () => {
  const state = parseFdinfo(fixture('6.18-files-buffers-personality'));
  assert.deepEqual(state.files, { used: 3, slots: 4 });
  assert.deepEqual(state.userFiles, [
    { slot: 0, path: '/dev/null' },
    { slot: 2, path: 'anon_inode:[eventfd]' },
    { slot: 3, path: 'pipe:[35996]' },
  ]);
  assert.deepEqual(state.buffers, { used: 2, slots: 3, bytes: 69_632 });
  assert.deepEqual(state.userBufs[1], { slot: 1, address: 0x7faa64fa9000n, bytes: 65_536 });
});

test('tables without anything in them are no busy ring', () => {
  const state = parseFdinfo(fixture('6.18-sparse-tables'));
  assert.equal(state.busy, false);
  assert.deepEqual(state.files, { used: 0, slots: 3 });
  assert.deepEqual(state.buffers, { used: 0, slots: 2, bytes: 0 });
});

test('two polls, a completion, and an entry that the kernel has not consumed', () => {
  const { sq, cqes, pollList } = parseFdinfo(fixture('6.18-polls-cqe-unsubmitted-sqe'));
  assert.equal(sq?.pending, 1);
  assert.deepEqual(cqes, [{ index: 0, userData: 77n, res: 0, flags: 0, big: [] }]);
  const armed = { op: 'OP_POLL_ADD', taskWorks: 0 };
  assert.deepEqual(pollList, [armed, armed]);
});

test('entries of a ring with SQ array, field by field', () => {
  const { sqes } = parseFdinfo(fixture('6.18-sqes-with-sq-array'));
  assert.deepEqual(sqes, [
    {
      index: 0,
      op: 'OP_READ',
      fd: 1,
      flags: 0,
      offset: 4096n,
      address: 0x1000n,
      rwFlags: 0,
      bufIndex: 0,
      userData: 3735928559n,
      big: [],
    },
    {
      index: 1,
      op: 'OP_SEND',
      fd: 5,
      flags: 4,
      offset: 0n,
      address: 0n,
      rwFlags: 0,
      bufIndex: 0,
      userData: 7n,
      big: [],
    },
  ]);
});

test('a submission thread, its cpu and its times', () => {
  const { sqPoll } = parseFdinfo(fixture('6.18-sqpoll'));
  assert.deepEqual(sqPoll, { tid: 10613, cpu: 1, totalUs: 191_490, workUs: 0 });
});

test('busy polling, in microseconds', () => {
  const { napi } = parseFdinfo(fixture('6.18-napi-dynamic-defer-taskrun'));
  assert.deepEqual(napi, { mode: 'dynamic', busyPollUs: 50, prefer: true });
});

test('a ring in use says nothing but its inode', () => {
  const { busy, ino, sq, files, buffers } = parseFdinfo(fixture('6.18-busy-ring-lock-held'));
  assert.equal(busy, true);
  assert.equal(ino, 36849);
  assert.equal(sq, undefined);
  assert.deepEqual(files, { used: undefined, slots: undefined });
  assert.deepEqual(buffers, { used: undefined, slots: undefined, bytes: undefined });
});

test('Linux 5.10 to 5.15: no queues, file names without folder, personalities', () => {
  const state = parseFdinfo(fixture('5.10-5.15-CONSTRUCTED-from-kernel-source'));
  assert.equal(state.busy, false);
  assert.deepEqual([state.ino, state.sq, state.cq, state.napi, state.sqPoll], Array(5).fill(undefined));
  assert.deepEqual(state.files, { used: 1, slots: 2 });
  assert.deepEqual(state.userFiles, [{ slot: 0, path: 'data.bin' }]);
  assert.deepEqual(state.userBufs, [{ slot: 0, address: 0x7f1c30000000n, bytes: 4096 }]);
  assert.deepEqual(state.personalities, [
    { id: 1, uids: Array(4).fill(1000), gids: Array(4).fill(1000), groups: [27, 1000], capEff: 0n },
  ]);
  assert.deepEqual(state.pollList, [{ op: 'OP_POLL_ADD', taskWorks: 0 }]);
});

// ---- what differs between kernels -----------------------------------------------------------------------------------

test('up to 6.12 an empty slot of buffers is the last address, of any length', () => {
  const rows =
    '    0: 0xffffffffffffffff/4294967295\n    1: 0xffffffffffffffff/1\n    2: 0x7f0000000000/4294967295';
  const { buffers } = ring({ UserBufs: `3\n${rows}` });
  assert.deepEqual(buffers, { used: 1, slots: 3, bytes: 4_294_967_295 });
});

test('before 6.9 numbers were told without the lock: a table without rows is a busy ring', () => {
  const old = IDLE.replace(/^(?:SqTotalTime|SqWorkTime|NAPI):.*\n/gm, '');
  const { busy, files } = parseFdinfo(old.replace('UserFiles:\t0', 'UserFiles:\t2'));
  assert.deepEqual([busy, files], [true, { used: undefined, slots: 2 }]);
  assert.equal(
    parseFdinfo(old.replace('UserFiles:\t0', 'UserFiles:\t2\n    0: <none>\n    1: <none>')).busy,
    false,
  );
  assert.equal(ring({ UserBufs: '2' }).busy, true);
});

test('operations are numbers before 6.0', () => {
  const row = '    0: opcode:22, fd:3, flags:10, user_data:18446744073709551615';
  const [entry] = ring({ SQEs: `1\n${row}` }).sqes;
  assert.deepEqual([entry?.op, entry?.flags, entry?.userData], ['OP_READ', 0x10, 0xffff_ffff_ffff_ffffn]);
  assert.equal(ring({ SQEs: '1\n    0: opcode:250, fd:3' }).sqes[0]?.op, 'OP_250');
  assert.equal(ring({ SQEs: '1\n    0: opcode:EPOLL, fd:3' }).sqes[0]?.op, 'OP_EPOLL_CTL');
});

test('big entries and completions have their second halves; the blank lines between them are nothing', () => {
  const half = Array.from({ length: 8 }, (_, i) => `, e${i}:0x${i}f`).join('');
  const state = ring({
    SQEs: `1\n    3: opcode:URING_CMD, fd:3, flags:0, off:1, addr:0x2, rw_flags:0x3, buf_index:4 user_data:5${half}`,
    CQEs: '2\n    0: user_data:7, res:-22, flag:8002, extra1:9, extra2:10\n\n    1: user_data:8, res:0, flag:0, extra1:0, extra2:0\n',
  });
  assert.deepEqual(state.sqes[0]?.big, [0xfn, 0x1fn, 0x2fn, 0x3fn, 0x4fn, 0x5fn, 0x6fn, 0x7fn]);
  assert.deepEqual(state.cqes[0], { index: 0, userData: 7n, res: -22, flags: 0x8002, big: [9n, 10n] });
  assert.equal(state.cqes.length, 2);
});

test('counters that have wrapped still tell how many wait', () => {
  const { sq, cq } = ring({ SqHead: '4294967295', SqTail: '2', CqHead: '4294967290', CqTail: '0' });
  assert.deepEqual([sq?.pending, cq?.pending], [3, 6]);
});

test('rows of large tables are not indented, and escaped paths are what they were', () => {
  const { userFiles } = ring({
    UserFiles: '200000\n99999: /a\\040b\\012c\\134d\n100000: /dev/null\n100001: a\\040b',
  });
  assert.deepEqual(userFiles, [
    { slot: 99_999, path: '/a b\nc\\d' },
    { slot: 100_000, path: '/dev/null' },
    // the names of older kernels are not escaped
    { slot: 100_001, path: 'a\\040b' },
  ]);
});

test('5.16 puts two tabs after a key', () => {
  assert.equal(ring({ SqMask: '\t0xff' }).sq?.entries, 256);
});

test('busy polling as other kernels and modes tell it', () => {
  const mode = (lines: string) => ring({ NAPI: lines }).napi;
  assert.deepEqual(mode('enabled\nnapi_busy_poll_to:\t50\nnapi_prefer_busy_poll:\tfalse'), {
    mode: 'dynamic',
    busyPollUs: 50,
    prefer: false,
  });
  assert.equal(mode('enabled\nnapi tracking:\tstatic')?.mode, 'static');
  assert.equal(mode('enabled\nnapi tracking:\tclever')?.mode, 'unknown');
  assert.equal(mode('unknown mode (3)')?.mode, 'unknown');
});

test('what a newer kernel adds is kept word for word', () => {
  const { ZcrxIfqs, Mood } = parseFdinfo(`${IDLE}ZcrxIfqs:\t1\n    0: netdev=lo\nMood:\tgood\n`).extra;
  assert.deepEqual([ZcrxIfqs, Mood], ['1\n    0: netdev=lo', 'good']);
});
