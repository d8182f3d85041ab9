/** What the library is to reach on any machine: ratios within one run. */
import { allowance, MANY } from './families/register.ts';
import { digits, duration } from './format.ts';
import { difference, find, of, type Row, ratio, type Summary } from './measure.ts';

export interface Verdict {
  readonly what: string;
  readonly target: string;
  /** With its quartiles. */
  readonly value: string;
  readonly isMet: boolean;
  /** Is it a time or memory of this machine, rather than a ratio of two sides? */
  readonly isOfMachine: boolean;
}

type Rows = readonly Row[];

/** A number to be compared, if it was measured. */
type Value = Summary | undefined;

function compared(
  rows: Rows,
  family: string,
  name: string,
  a: string,
  b: string,
  metric: 'ns' | 'cpuNs',
): Value {
  const [first, second] = [find(rows, family, name, a), find(rows, family, name, b)];
  return first && second ? ratio(first, second, metric) : undefined;
}

function atLeast(what: string, limit: number, value: Value): Verdict[] {
  if (value === undefined) return [];
  const { low, median, high } = value;
  const shown = `${digits(median)} (${digits(low)} to ${digits(high)})`;
  return [{ what, target: `≥ ${limit} ×`, value: shown, isMet: median >= limit, isOfMachine: false }];
}

function atMost(what: string, limit: number, value: Value, text: (value: number) => string): Verdict[] {
  if (value === undefined) return [];
  const { low, median, high } = value;
  const shown = `${text(median)} (${text(low)} to ${text(high)})`;
  return [
    {
      what,
      target: `≤ ${text(limit)}`,
      value: shown,
      isMet: median <= limit,
      isOfMachine: text === duration || text === isMib,
    },
  ];
}

const isTimes = (value: number) => `${digits(value)} ×`;
const isBytes = (value: number) => `${digits(value)} B`;
const isMib = (value: number) => `${digits(value)} MiB`;

/** How many times as many as `than`. */
function faster(rows: Rows, family: string, name: string, by: string, than: string): Value {
  return compared(rows, family, name, than, by, 'ns');
}

/** The case that uses most of what it may take longer than C. */
function registerVerdict(rows: Rows, by: string, what: string, target: string): Verdict[] {
  const worst = rows
    .filter((row) => row.family === 'register' && row.by === by)
    .flatMap((row) => {
      const c = find(rows, 'register', row.case, 'C');
      return c === undefined
        ? []
        : [{ name: row.case, over: difference(row, c, 'ns'), allowed: allowance(by, row.case) }];
    })
    .sort((a, b) => b.over.median / b.allowed - a.over.median / a.allowed)[0];
  if (worst === undefined) return [];
  const { name, over, allowed } = worst;
  const { low, median, high } = over;
  const spread = `(${duration(low)} to ${duration(high)})`;
  return [
    {
      what,
      target,
      value: `${name}: ${duration(median)} ${spread} of ${duration(allowed)}`,
      isMet: median <= allowed,
      isOfMachine: true,
    },
  ];
}

function loading(rows: Rows): Verdict[] {
  const [uring, nothing] = ['uring', 'nothing'].map((by) => find(rows, 'load', 'process', by));
  if (uring === undefined || nothing === undefined) return [];
  const { low, median, high } = difference(uring, nothing, 'sum');
  const beyond = { low: low / 2 ** 20, median: median / 2 ** 20, high: high / 2 ** 20 };
  return [
    ...atMost("require('uring')", 40e6, of(uring, 'ns'), duration),
    ...atMost("require('uring'): RSS over Node's", 12, beyond, isMib),
  ];
}

function heapOf(rows: Rows, by: string): Value {
  const row = find(rows, 'heap', 'bytes', by);
  return row && of(row, 'sum');
}

/** What the cost with 100,000 in flight is, in terms of that with `few`. */
function flatness(rows: Rows, by: string, few: string): Value {
  const [many, some] = ['100000', few].map((name) => find(rows, 'inflight', name, by));
  return many && some ? ratio(many, some, 'ns') : undefined;
}

/** A timer of 1 ms beside large reads: its 99th percentile, and what that costs. */
function besides(rows: Rows): Verdict[] {
  const row = find(rows, 'beside', '1MiB', 'AsyncRing');
  const what = 'A timer of 1 ms beside 32 reads of 1 MiB';
  return [
    ...atMost(`${what}: p99`, 6e6, row && of(row, 'p99'), duration),
    ...atLeast(
      `${what}: reads, to FileHandle`,
      1,
      faster(rows, 'beside', '1MiB', 'AsyncRing', 'FileHandle.read'),
    ),
  ];
}

/** What linked operations cost, a tree of small files, and a log. */
function programs(rows: Rows): Verdict[] {
  return [
    ...atMost(
      'A chain of three, to three awaits: by CPU time',
      1.3,
      compared(rows, 'chain', '32', 'AsyncRing.chain', 'three awaits', 'cpuNs'),
      isTimes,
    ),
    ...atLeast('A tree, to fs.copyFile', 1, faster(rows, 'tree', '2,000', 'AsyncRing', 'fs.copyFile')),
    ...atLeast(
      'A log, to fs.promises',
      1.2,
      faster(rows, 'log', '64', 'AsyncRing, RWF_DSYNC', 'fs.promises'),
    ),
  ];
}

/** How much longer than C the owner of 1,024 buffers takes for each: registered, unregistered, their tags taken. */
function ownedBuffers(rows: Rows): Verdict[] {
  const [ring, c] = ['Ring member', 'C'].map((by) => find(rows, 'register', `buffers:${MANY}`, by));
  if (ring === undefined || c === undefined) return [];
  const { low, median, high } = difference(ring, c, 'ns');
  const each = { low: low / MANY, median: median / MANY, high: high / MANY };
  return atMost('Ring.registerBuffers over C: a buffer', 150, each, duration);
}

/** The table of routes: what goes through the ring is no slower there, and what Node has kept would not be much faster. */
function routes(rows: Rows): Verdict[] {
  const named = (family: string) => [
    ...new Set(rows.filter((row) => row.family === family).map((row) => row.case)),
  ];
  return [
    ...named('fs').flatMap((name) =>
      atLeast(
        `uring/fs, ${name}, to node:fs`,
        LEAST[name] ?? 0.95,
        faster(rows, 'fs', name, 'uring/fs', 'fs.promises'),
      ),
    ),
    ...kept(rows, named('paths')),
  ];
}

/** What Node keeps, at the depth at which a ring does worse: a function is one's or the other's, whatever else is on its way. */
function kept(rows: Rows, names: readonly string[]): Verdict[] {
  const worst = new Map<string, Summary>();
  for (const name of names) {
    const [what = name] = name.split(':');
    const rate = faster(rows, 'paths', name, 'AsyncRing', 'fs.promises');
    if (rate && rate.median <= (worst.get(what)?.median ?? Number.POSITIVE_INFINITY)) worst.set(what, rate);
  }
  return [...worst].flatMap(([what, rate]) =>
    atMost(`Kept by Node, ${what}: a ring's rate, one at a time or 32`, 1.5, rate, isTimes),
  );
}

/** What uring/fs is for. */
const LEAST: { readonly [name: string]: number } = {
  'readFile:32': 4,
  'read:32': 3,
  'read:1': 2,
  'writeFile:32': 1.5,
  readStream: 1.5,
};

/** How long a close may take, and how late a promise may be. */
const END_LIMITS_MS: { readonly [name: string]: number } = {
  'close:AsyncRing': 5,
  'close-100:AsyncRing': 20,
  'close:Ring': 5,
  'close-100:Ring': 20,
  'zero-copy:late': 50,
  'zero-copy:close': 5,
};

function ending(rows: Rows): Verdict[] {
  return Object.entries(END_LIMITS_MS).flatMap(([name, limitMs]) => {
    const row = find(rows, 'ends', name, 'uring');
    return atMost(`Ends: ${name}`, limitMs * 1e6, row && of(row, 'ns'), duration);
  });
}

/** Every target that this run has measured. */
export function verdicts(rows: Rows): Verdict[] {
  const direct = (depth: string, limit: number) => [
    ...atLeast(`O_DIRECT, depth ${depth}, to C`, 0.95, faster(rows, 'direct', depth, 'AsyncRing', 'C')),
    ...atLeast(
      `O_DIRECT, depth ${depth}, to FileHandle`,
      limit,
      faster(rows, 'direct', depth, 'AsyncRing', 'FileHandle.read'),
    ),
    ...atMost(
      `O_DIRECT, depth ${depth}, to FileHandle: CPU`,
      1 / 3,
      compared(rows, 'direct', depth, 'AsyncRing', 'FileHandle.read', 'cpuNs'),
      isTimes,
    ),
  ];
  return [
    ...atLeast('NOP through Ring, batch 1, to C', 0.55, faster(rows, 'nop', '1', 'Ring', 'C')),
    ...atLeast('NOP through Ring, batch 32, to C', 0.74, faster(rows, 'nop', '32', 'Ring', 'C')),
    ...atLeast('NOP through Ring, batch 128, to C', 0.76, faster(rows, 'nop', '128', 'Ring', 'C')),
    ...registerVerdict(rows, 'register()', 'register() over C: the worst case', '≤ allowed'),
    ...registerVerdict(rows, 'typed function', 'typed register functions over C: worst', '≤ allowed'),
    ...ownedBuffers(rows),
    ...atLeast(
      'Cached, depth 1, to FileHandle',
      5,
      faster(rows, 'cached', '1', 'AsyncRing', 'FileHandle.read'),
    ),
    ...atLeast(
      'Cached, depth 32, to FileHandle',
      7,
      faster(rows, 'cached', '32', 'AsyncRing', 'FileHandle.read'),
    ),
    ...atLeast('Cached, depth 32, to C', 0.65, faster(rows, 'cached', '32', 'AsyncRing', 'C')),
    ...atLeast(
      'Cached, depth 32, with callbacks, to C',
      0.85,
      faster(rows, 'cached', '32', 'AsyncRing, callback', 'C'),
    ),
    ...direct('32', 1.3),
    ...direct('128', 1.8),
    ...atLeast('Small files, to fs.promises', 3, faster(rows, 'files', '10,000', 'AsyncRing', 'fs.promises')),
    ...atLeast(
      'Echo, 64 × 64 B, to C: by CPU time',
      0.8,
      compared(rows, 'echo', '64:64', 'C', 'AsyncRing', 'cpuNs'),
    ),
    ...atLeast(
      'Echo, 64 × 64 B, to node:net: by CPU time',
      1.8,
      compared(rows, 'echo', '64:64', 'node:net', 'AsyncRing', 'cpuNs'),
    ),
    ...atLeast(
      'Files by HTTP, 64 connections, to node:http: by CPU time',
      2.5,
      compared(rows, 'http', '64:2048', 'node:http', 'createServer', 'cpuNs'),
    ),
    ...atLeast(
      'Proxy, 64 × 64 B, to node:net: by CPU time',
      1.3,
      compared(rows, 'proxy', '64:64', 'node:net', 'createServer', 'cpuNs'),
    ),
    ...besides(rows),
    ...programs(rows),
    ...atMost('100,000 NOPs at once, to 1,000: time', 1.5, flatness(rows, 'all at once', '1000'), isTimes),
    ...atMost(
      'NOP beside 100,000, to beside 1: time',
      1.5,
      flatness(rows, 'beside waiting ones', '1'),
      isTimes,
    ),
    ...atMost('Heap for a promise read', 250, heapOf(rows, 'read, AsyncRing, 256 at once'), isBytes),
    ...atMost(
      'Heap for a callback read',
      100,
      heapOf(rows, 'read, AsyncRing, callback, 256 at once'),
      isBytes,
    ),
    ...atMost('Heap for a NOP through Ring', 1, heapOf(rows, 'NOP, Ring'), isBytes),
    ...routes(rows),
    ...loading(rows),
    ...atMost(
      "Wake-up of AsyncRing, to a bare ring by libuv's poll",
      1.3,
      compared(rows, 'wakeup', '1ms', 'AsyncRing', 'Ring, poll of libuv', 'ns'),
      isTimes,
    ),
    ...ending(rows),
  ];
}
