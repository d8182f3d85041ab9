import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { alloc } from '../../lib/index.ts';
import { mapQueues, nextSqe, nop, setup } from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { confinedUring, type Ended, shell, startUring, uring } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';
import { needs } from '../helpers/needs.ts';
import { holder, running } from '../helpers/processes.ts';
import { complete, ringTest } from '../helpers/rings.ts';

const TITLES = 'RING PID COMM USER SQ/CQ PEND OVF FILES MEM WRK HELD';
const WIDE_TITLES =
  'RING PID COMM USER FD SQ CQ SQ-PEND CQ-PEND OVERFLOW FILES BUFS BUFBYTES POLL SQPOLL NAPI WRK HOLDERS IN';
const PID = `${process.pid}`;
const NOBODY = 65534;
/** Queues are told, and rings have an inode of their own, since 5.16; an opcode of 5.18 is asked for in its place. */
const QUEUES = needs('REGISTER_RING_FDS');

function ps(...args: string[]): string {
  const { status, stdout, stderr } = uring(['ps', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Some of what JSON says of a ring. */
interface Ring {
  readonly sq: { readonly entries: number };
  readonly cq: { readonly entries: number };
  readonly sq_poll: object | null;
}

type Title =
  | 'PID'
  | 'COMM'
  | 'USER'
  | 'FD'
  | 'RING'
  | 'SQ'
  | 'CQ'
  | 'FILES'
  | 'BUFS'
  | 'BUFBYTES'
  | 'POLL'
  | 'SQPOLL'
  | 'HOLDERS'
  | 'HELD'
  | 'MEM'
  | 'SQ/CQ'
  | 'TROUBLE'
  | 'TID'
  | 'KIND'
  | 'SLOT'
  | 'FILE';

/** The rows of a table by column; a cell may contain single blanks. */
function cells(text: string): { readonly [T in Title]?: string }[] {
  const [titles = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
  return rows.map((row) => Object.fromEntries(titles.map((title, i) => [title, row[i] ?? ''])));
}

// ---- what is wrong --------------------------------------------------------------------------------------------------

test('a pid that is none, and options that are not there, are errors of usage', () => {
  for (const args of [
    ['--pid', '0'],
    ['--pid', '1x'],
    ['--pid', '2147483648'],
    ['--watch', '0'],
    ['5x'],
    ['--metrics', '--json'],
  ]) {
    const { status, stdout, stderr } = uring(['ps', ...args]);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^uring: ps: .*see "uring ps --help"\n$/);
  }
});

test('a process that does not exist is named', () => {
  const { status, stdout, stderr } = uring(['ps', '--pid', '2147483647']);
  assert.deepEqual([status, stdout], [1, '']);
  assert.equal(stderr, 'uring: ps: process 2147483647: there is none (ESRCH)\n');
});

// ---- rings ----------------------------------------------------------------------------------------------------------

test('without rings there are only the titles, or nothing', () => {
  assert.equal(ps('--pid', PID).replaceAll(/ +/g, ' '), `${TITLES}\n`);
  for (const option of ['--no-header', '--json']) assert.equal(ps('--pid', PID, option), '');
  assert.equal(ps('--pid', PID, '--no-header', '--threads', '--files'), '');
});

ringTest('a ring is a row of numbers, its files and threads are tables of their own', QUEUES, (scope) => {
  const ring = scope.ring(8, { sqPoll: true });
  // before its first turn the submission thread has neither its name nor its number
  ring.prepare.nop();
  complete(ring, 1);
  ring.registerFiles([scope.fd(openSync('/dev/null', 'r')), -1]);
  ring.registerBuffers([alloc(4096), alloc(65_536)]);
  const text = ps(PID, '--wide', '--files', '--threads');
  const [rings = '', threads = '', files = '', totals] = text.split('\n\n');
  assert.match(totals ?? '', /^1 ring of 1 process/);
  assert.equal(rings.trim().split('\n')[0]?.trim().replaceAll(/ +/g, ' '), WIDE_TITLES);
  const [row] = cells(rings);
  assert.ok(row);
  assert.deepEqual([row.PID, row.FD, row.SQ, row.CQ], [PID, `${ring.fd}`, '8', '16']);
  assert.deepEqual([row.FILES, row.BUFS, row.BUFBYTES, row.HOLDERS], ['1/2', '2/2', '69632', PID]);
  const thread = /^(\d+)(?:@\d+)?(?: \d+%)?$/.exec(row.SQPOLL ?? '');
  assert.ok(cells(threads).some(({ TID, KIND }) => TID === thread?.[1] && KIND === 'sqpoll'));
  const [file] = cells(files);
  assert.deepEqual([file?.FD, file?.RING, file?.SLOT], [`${ring.fd}`, row.RING, '0']);
  assert.match(file?.FILE ?? '', /null$/);
});

ringTest('JSON has every number; those of 64 bits are strings', QUEUES, (scope) => {
  const { fd, params } = setup(4);
  const queues = mapQueues(scope.fd(fd), params);
  scope.defer(() => queues.unmap());
  nop(nextSqe(queues)).userData = 2 ** 53 - 1;
  queues.publish();
  const ring = JSON.parse(ps('--pid', PID, '--json'));
  assert.deepEqual([ring.v, ring.type, ring.pid, ring.fd, ring.source], [1, 'ring', process.pid, fd, 'fd']);
  assert.deepEqual(ring.sq, { entries: 4, head: 0, tail: 1, cached: 0, pending: 1 });
  assert.equal(ring.sqes[0].op, 'IORING_OP_NOP');
  assert.equal(ring.sqes[0].user_data, '9007199254740991');
  assert.deepEqual([ring.sq_poll, ring.shared_with, ring.user_bufs], [null, [], []]);
  assert.equal(ring.extra.pos, '0');
  assert.deepEqual(
    [ring.exe, ring.ppid, ring.ancestry[0].pid],
    [process.execPath, process.ppid, process.ppid],
  );
  for (const key of ['overflow', 'poll_list', 'personalities', 'threads', 'workers']) {
    assert.ok(Array.isArray(ring[key]), key);
  }
});

/** Runs `code` in Node.js, which writes a line when it is ready. */
const node = (code: string): [string, string, string] => [
  process.execPath,
  '-e',
  `${code}; setInterval(() => {}, 1000)`,
];

ringTest('a name that would draw on the terminal stays on its line', {}, async (scope) => {
  const code = `fs.writeFileSync('/proc/self/comm', 'x\\ny-1 \\x1b[2J'); console.log()`;
  await running(node(code), { fds: [scope.ring().fd] }, (pid) => {
    const text = ps('--pid', `${pid}`, '--wide');
    assert.equal(text.split('\n').length, 5);
    assert.ok(text.includes(' x\\ny-1 \\x1b[2J '), text);
  });
});

ringTest('a ring of many processes is one row, and JSON has all that hold it', QUEUES, async (scope) => {
  const ring = scope.ring();
  const others: number[] = [];
  for (let i = 0; i < 5; i++) others.push(await holder(scope, [ring.fd]));
  const all = [process.pid, ...others].sort((a, b) => a - b);
  const { ino } = JSON.parse(ps(PID, '--json'));
  const row = cells(ps()).find(({ RING }) => RING === `${ino}`);
  assert.deepEqual([row?.PID, row?.HELD], [`${all[0]}`, '6']);
  const wide = cells(ps('--wide')).find(({ RING }) => RING === `${ino}`);
  assert.equal(wide?.HOLDERS, `${all.slice(0, 3)},+3`);
  const rings: readonly { ino: number; pid: number; holders: { pid: number }[]; shared_with: number[] }[] =
    ps('--json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const found = rings.filter((each) => each.ino === ino);
  assert.deepEqual(
    found.map(({ holders, shared_with }) => [holders.map(({ pid }) => pid), shared_with]),
    [[all, all.slice(1)]],
  );
  // of the processes that are asked for
  assert.equal(cells(ps(`${all[1]}`, `${all[2]}`)).find(({ RING }) => RING === `${ino}`)?.HELD, '2');
});

ringTest('what is wrong with a ring is told, and a ring without trouble is left out', QUEUES, (scope) => {
  scope.ring();
  const stalled = setup(4);
  const queues = mapQueues(scope.fd(stalled.fd), stalled.params);
  scope.defer(() => queues.unmap());
  nop(nextSqe(queues));
  queues.publish();
  const rows = cells(ps(PID, '--trouble'));
  assert.deepEqual(
    rows.slice(0, 1).map((row) => [row.PID, row['SQ/CQ'], row.TROUBLE]),
    [[PID, '4/8', 'SQ stalled at 1']],
  );
  assert.equal(rows.filter((row) => row.PID === PID).length, 1);
  const { trouble } = JSON.parse(ps(PID, '--trouble', '--json'));
  assert.deepEqual(trouble, ['SQ stalled at 1']);
});

ringTest('a line fits 80 columns, and the last one tells what all have together', QUEUES, (scope) => {
  const ring = scope.ring(4096, { cqEntries: 8192 });
  ring.registerBuffers([alloc(3 * 2 ** 20)]);
  ring.registerFiles(Array.from({ length: 1000 }, () => -1));
  const lines = ps(PID).trimEnd().split('\n');
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(
    lines.at(-1) ?? '',
    /^1 ring of 1 process, \d+ workers?, 3M pinned, 0\/0 pending, 0 overflowed$/,
  );
  assert.equal(ps(PID, '--no-header').trim().split('\n').length, 1);
});

ringTest('--metrics is OpenMetrics text, of which every value is a number', QUEUES, (scope) => {
  scope.ring().registerBuffers([alloc(4096)]);
  const lines = ps(PID, '--metrics').trimEnd().split('\n');
  assert.equal(lines.at(-1), '# EOF');
  const samples = lines.filter((line) => !line.startsWith('#'));
  for (const line of samples) assert.match(line, /^uring_[a-z_]+(?:\{pid="\d+",comm="[^"]*"\})? \d+$/);
  assert.ok(samples.some((line) => line.startsWith('uring_pinned_bytes{') && line.endsWith(' 4096')));
  const families = lines.flatMap((line) => /^# TYPE (\S+) gauge$/.exec(line)?.[1] ?? []);
  assert.deepEqual([...new Set(families)], families);
  for (const line of samples) assert.ok(families.includes(line.split(/[{ ]/)[0] ?? ''), line);
});

ringTest('--watch looks again and again until it is ended', QUEUES, async (scope) => {
  const ring = scope.ring();
  const child = startUring(['ps', PID, '--json', '--watch', '0.1']);
  scope.defer(() => child.kill('SIGKILL'));
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout });
  for (let i = 0; i < 3; i++) {
    const [line] = await once(lines, 'line');
    assert.equal(JSON.parse(line).fd, ring.fd);
  }
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

ringTest('--maps shows a ring whose fd is closed', QUEUES, (scope) => {
  const { fd, params } = setup(4);
  const queues = mapQueues(fd, params);
  scope.defer(() => queues.unmap());
  sys.close(fd);
  assert.deepEqual(cells(ps('--pid', PID)), []);
  const [row] = cells(ps('--pid', PID, '--maps'));
  assert.deepEqual([row?.PID, row?.['SQ/CQ'], row?.FILES, row?.MEM], [PID, '-', '-', '-']);
  assert.match(row?.RING ?? '', /^\d+$/);
});

/** The rings of a Node.js that has read a file. */
async function libuvRings(UV_USE_IO_URING: string): Promise<readonly Ring[]> {
  const env = { ...process.env, UV_USE_IO_URING };
  let rings: readonly Ring[] = [];
  await running(node(`fs.readFile('/etc/hostname', () => console.log())`), { env }, (pid) => {
    rings = ps('--pid', `${pid}`, '--json')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  });
  return rings;
}

test(
  'the rings that libuv makes for Node.js are seen, and there are none where it makes none',
  QUEUES,
  async () => {
    assert.deepEqual(await libuvRings('0'), []);
    const rings = await libuvRings('1');
    const sizes = (polled: boolean) =>
      rings
        .filter((ring) => (ring.sq_poll !== null) === polled)
        .map(({ sq, cq }) => `${sq.entries}/${cq.entries}`);
    assert.deepEqual([...new Set(sizes(true))], ['64/128']);
    assert.deepEqual([...new Set(sizes(false))], ['256/512']);
  },
);

test('a reader that has seen enough ends it quietly', () => {
  const { status, stderr } = shell('set -o pipefail; uring ps | head -0');
  assert.equal(status, 0, stderr);
});

// ---- other users ----------------------------------------------------------------------------------------------------

/** The command as nobody; as whoever runs the tests when that is not root. */
function asNobody(...args: string[]): Ended {
  if (process.geteuid?.() !== 0) return uring(['ps', ...args]);
  return confinedUring({ uid: NOBODY }, ['ps', ...args]);
}

/** A process of another user's. */
const FOREIGN = process.geteuid?.() === 0 ? process.pid : 1;

/** Why it can't be tried. */
function cannotBeNobody(): string | false {
  if (process.geteuid?.() !== 0) {
    return statSync('/proc/1').uid === process.geteuid?.() && 'needs a process of another user';
  }
  const reason = cannotConfine({ uid: NOBODY });
  if (reason !== false) return reason;
  return confinedUring({ uid: NOBODY }, ['--version']).status !== 0 && 'nobody may read this checkout';
}

const reason = cannotBeNobody();
const OTHERS = reason === false ? {} : { skip: reason };

ringTest(
  'an ordinary user sees its own rings, a note about the others, and no error',
  OTHERS,
  async (scope) => {
    const isRoot = process.geteuid?.() === 0;
    const ring = scope.ring();
    const other = `${await holder(scope, [ring.fd], isRoot ? NOBODY : undefined)}`;
    const { status, stdout, stderr } = asNobody();
    assert.equal(status, 0);
    const rows = cells(stdout);
    const user = readFileSync('/etc/passwd', 'utf8').match(/^([^:]*):[^:]*:65534:/m)?.[1] ?? '65534';
    // of the two that hold it an ordinary user sees both where they are its own, the first by name
    const found = rows.find(({ PID: pid }) => pid === (isRoot ? other : PID));
    assert.deepEqual([found?.USER, found?.HELD], [isRoot ? user : found?.USER, isRoot ? '1' : '2'], stdout);
    if (isRoot) assert.equal(found?.COMM, 'sleep');
    assert.equal(
      rows.some(({ PID: pid }) => pid === PID),
      !isRoot,
    );
    assert.match(stderr, /^uring: \d+ process(?:es)? not readable \(run as root for all\)\n$/);
    assert.equal(asNobody('--strict').status, 5);
  },
);

test('a process of another user that is asked for is not permitted', OTHERS, () => {
  const { status, stdout, stderr } = asNobody('--pid', `${FOREIGN}`);
  assert.deepEqual([status, stdout], [3, '']);
  assert.equal(stderr, `uring: ps: process ${FOREIGN}: not readable (EACCES); run as root, or as its user\n`);
});
