/** What /proc/PID/fdinfo/FD of a ring says, in the layouts of Linux 5.10 and later. A pure function over text. */
import { ops } from '../../structs/ops.ts';

/** One of the two queues. The counters run freely through 32 bits; a hostile program may set its own to anything. */
export interface QueueState {
  readonly entries: number;
  readonly head: number;
  readonly tail: number;
  /** The kernel's own copy of the counter that it moves: the head of the SQ, the tail of the CQ. */
  readonly cached: number | undefined;
  /** Entries between head and tail. */
  readonly pending: number;
}

/** An entry that the kernel has not consumed. */
export interface PendingSqe {
  readonly index: number;
  /** `'OP_READ'`; `'OP_99'` for one that is in no header. */
  readonly op: string | undefined;
  readonly fd: number | undefined;
  /** IOSQE_* */
  readonly flags: number | undefined;
  readonly offset: bigint | undefined;
  readonly address: bigint | undefined;
  readonly rwFlags: number | undefined;
  readonly bufIndex: number | undefined;
  readonly userData: bigint | undefined;
  /** The second half of a big entry as eight numbers; empty otherwise. */
  readonly big: readonly bigint[];
}

/** A completion that the program has not taken. */
export interface PendingCqe {
  /** Its place in the queue; undefined in the overflow list. */
  readonly index: number | undefined;
  readonly userData: bigint | undefined;
  /** The result, or minus the errno. */
  readonly res: number | undefined;
  /** IORING_CQE_F_* */
  readonly flags: number | undefined;
  /** The second half of a big completion as two numbers; empty otherwise. */
  readonly big: readonly bigint[];
}

/** The kernel thread that submits for the ring (SETUP_SQPOLL). */
export interface SqThread {
  /** As the host's first pid namespace numbers it; before its first turn the thread that made the ring. */
  readonly tid: number;
  /** Where it ran last; undefined before its first turn. */
  readonly cpu: number | undefined;
  /** Cpu time in microseconds, since it began (6.9). */
  readonly totalUs: number | undefined;
  /** As much of it as was spent on work rather than on looking for some. */
  readonly workUs: number | undefined;
}

/** A registered file. */
export interface UserFile {
  readonly slot: number;
  /** `'/dev/null'`, `'pipe:[35996]'`; before 6.13 without its folder. */
  readonly path: string;
}

/** A registered buffer. */
export interface UserBuffer {
  readonly slot: number;
  readonly address: bigint;
  readonly bytes: number;
}

/** Registered credentials (told up to 6.12). Each list: real, effective, saved, of file accesses. */
export interface UserPersonality {
  readonly id: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly capEff: bigint | undefined;
}

/** A request that waits for its file to become ready. */
export interface ArmedPoll {
  /** `'OP_POLL_ADD'`, `'OP_RECV'`. */
  readonly op: string | undefined;
  /** 1 while its task has work to run. */
  readonly taskWorks: number | undefined;
}

/** Busy polling of network devices. */
export interface NapiState {
  readonly mode: 'off' | 'dynamic' | 'static' | 'unknown';
  readonly busyPollUs: number | undefined;
  readonly prefer: boolean | undefined;
}

/** What the kernel tells of one ring; undefined and empty for what it does not tell. */
export interface RingState {
  /** The ring was in use while the kernel was asked: lists, and from 6.15 on all numbers, are missing. */
  readonly busy: boolean;
  /** The same for every fd of one ring, in every process. Before 5.16 all rings share one number. */
  readonly ino: number | undefined;
  /** Told since 5.16, as are `cq`, `sqes`, `cqes` and `overflow`. */
  readonly sq: QueueState | undefined;
  readonly cq: QueueState | undefined;
  /** Not told for rings without SQ array (SETUP_NO_SQARRAY) up to 6.18: then only `sq.pending` counts them. */
  readonly sqes: readonly PendingSqe[];
  /** 6.18 leaves out half of those of a ring with big completions (SETUP_CQE32); `cq.pending` counts all. */
  readonly cqes: readonly PendingCqe[];
  /** Completions for which the queue had no room. */
  readonly overflow: readonly PendingCqe[];
  readonly sqPoll: SqThread | undefined;
  readonly files: { readonly used: number | undefined; readonly slots: number | undefined };
  readonly buffers: {
    readonly used: number | undefined;
    readonly slots: number | undefined;
    /** Together. */
    readonly bytes: number | undefined;
  };
  readonly userFiles: readonly UserFile[];
  readonly userBufs: readonly UserBuffer[];
  readonly personalities: readonly UserPersonality[];
  readonly pollList: readonly ArmedPoll[];
  /** Told since 6.12. */
  readonly napi: NapiState | undefined;
  /** Every key that has no member here, with its lines, word for word. */
  readonly extra: { readonly [key: string]: string };
}

// ---- lines ----------------------------------------------------------------------------------------------------------

/** A key's value, and the indented lines under it. */
interface Section {
  readonly value: string;
  readonly rows: string[];
}

/**
 * Keys that come before file names, which are printed as they are up to 6.12: a newline in a name may forge a key.
 * Of these the first counts, of those behind them the last.
 */
const BEFORE_NAMES = new Set(
  'ino SqMask SqHead SqTail CachedSqHead CqMask CqHead CqTail CachedCqTail SQEs CQEs SqThread SqThreadCpu SqTotalTime SqWorkTime UserFiles'.split(
    ' ',
  ),
);

const [SPACE, ZERO, NINE] = [32, 48, 57];

/** Does a line begin with a key? The rows of large tables are not indented: `'100000: /dev/null'`. */
function isKeyed(line: string): boolean {
  const first = line.charCodeAt(0);
  return first > SPACE && (first < ZERO || first > NINE);
}

/** What many rings have none of. */
const NOTHING: readonly never[] = Object.freeze([]);

/** Of keys that have none. */
const NO_ROWS: string[] = [];

function sections(text: string): Map<string, Section> {
  const found = new Map<string, { readonly value: string; rows: string[] }>();
  let last: { readonly value: string; rows: string[] } | undefined;
  for (const line of text.split('\n')) {
    const colon = isKeyed(line) ? line.indexOf(':') : -1;
    if (colon > 0) {
      const key = line.slice(0, colon);
      last = { value: line.slice(colon + 1).trim(), rows: NO_ROWS };
      if (!BEFORE_NAMES.has(key) || !found.has(key)) found.set(key, last);
    } else if (last !== undefined && line.trim() !== '') {
      if (last.rows === NO_ROWS) last.rows = [];
      last.rows.push(line);
    }
  }
  return found;
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function hex(text: string | undefined): number | undefined {
  return text !== undefined && /^(?:0x)?[\da-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** An unsigned 64-bit number, decimal or with 0x. */
function wide(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^(?:0x[\da-f]{1,16}|\d{1,20})$/i.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asUintN(64, value) === value ? value : undefined;
}

/** The number before the colon of a row, and what is behind it. */
function numbered(row: string): [index: number | undefined, rest: string] {
  const colon = row.indexOf(': ');
  return colon < 0 ? [undefined, ''] : [integer(row.slice(0, colon).trim()), row.slice(colon + 2)];
}

/** The fields of `'op=6, task_works=0'` or `'user_data:77, res:0'`. */
function fields(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(/[\s,]+/)) {
    const at = part.search(/[:=]/);
    if (at > 0) found.set(part.slice(0, at), part.slice(at + 1));
  }
  return found;
}

/** The wide numbers of fields whose names match, in their order. */
function wides(all: ReadonlyMap<string, string>, name: RegExp): bigint[] {
  return [...all].flatMap(([key, text]) => (name.test(key) ? (wide(text) ?? []) : []));
}

/** A number before 6.0, and then the kernel's own name, which is the header's but for one. */
function opName(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const value = integer(text);
  if (value !== undefined) return ops[value]?.name ?? `OP_${value}`;
  return text === 'EPOLL' ? 'OP_EPOLL_CTL' : `OP_${text}`;
}

// ---- what they mean -------------------------------------------------------------------------------------------------

function queue(
  mask: number | undefined,
  head: number | undefined,
  tail: number | undefined,
  cached: number | undefined,
): QueueState | undefined {
  if (mask === undefined || head === undefined || tail === undefined) return undefined;
  return { entries: mask + 1, head, tail, cached, pending: (tail - head) >>> 0 };
}

function sqe(row: string): PendingSqe[] {
  const [index, rest] = numbered(row);
  if (index === undefined) return [];
  const all = fields(rest);
  return [
    {
      index,
      op: opName(all.get('opcode')),
      fd: integer(all.get('fd')),
      flags: hex(all.get('flags')),
      offset: wide(all.get('off')),
      address: wide(all.get('addr')),
      rwFlags: hex(all.get('rw_flags')),
      bufIndex: integer(all.get('buf_index')),
      userData: wide(all.get('user_data')),
      big: wides(all, /^e\d$/),
    },
  ];
}

function completion(index: number | undefined, all: ReadonlyMap<string, string>): PendingCqe {
  return {
    index,
    userData: wide(all.get('user_data')),
    res: integer(all.get('res')),
    flags: hex(all.get('flag') ?? all.get('flags')),
    big: wides(all, /^extra\d$/),
  };
}

function cqe(row: string): PendingCqe[] {
  const [index, rest] = numbered(row);
  return index === undefined ? [] : [completion(index, fields(rest))];
}

/** The kernel escapes the characters that would split a line, in full paths only. */
function unescapePath(text: string): string {
  if (!text.startsWith('/')) return text;
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function userFile(row: string): UserFile[] {
  const [slot, path] = numbered(row);
  return slot === undefined || path === '<none>' ? [] : [{ slot, path: unescapePath(path) }];
}

/** The address of an empty slot up to 6.12. */
const NOWHERE = 0xffff_ffff_ffff_ffffn;

function userBuffer(row: string): UserBuffer[] {
  const [slot, place] = numbered(row);
  const [at, length] = place.split('/', 2);
  const [address, bytes] = [wide(at), integer(length)];
  if (slot === undefined || address === undefined || bytes === undefined || address === NOWHERE) return [];
  return [{ slot, address, bytes }];
}

function numbers(text: string): number[] {
  return text.split(/\s+/).flatMap((each) => integer(each) ?? []);
}

function personalities(rows: readonly string[]): readonly UserPersonality[] {
  if (rows.length === 0) return NOTHING;
  const found: { -readonly [K in keyof UserPersonality]: UserPersonality[K] }[] = [];
  for (const row of rows) {
    const [key = '', value = ''] = row.trim().split(':', 2);
    const id = integer(key);
    if (id !== undefined) found.push({ id, uids: [], gids: [], groups: [], capEff: undefined });
    const last = found.at(-1);
    if (last === undefined) continue;
    if (key === 'Uid') last.uids = numbers(value);
    if (key === 'Gid') last.gids = numbers(value);
    if (key === 'Groups') last.groups = numbers(value);
    if (key === 'CapEff') last.capEff = wide(`0x${value.trim()}`);
  }
  return found;
}

function poll(row: string): ArmedPoll {
  const all = fields(row);
  return { op: opName(all.get('op')), taskWorks: integer(all.get('task_works')) };
}

/** `take` gives a key's text. */
function sqThread(take: (key: string) => string | undefined): SqThread | undefined {
  const [tid, cpu] = [integer(take('SqThread')), integer(take('SqThreadCpu'))];
  const [totalUs, workUs] = [integer(take('SqTotalTime')), integer(take('SqWorkTime'))];
  if (tid === undefined || tid <= 0) return undefined;
  return { tid, cpu: cpu === -1 ? undefined : cpu, totalUs, workUs };
}

function napi(take: (key: string) => string | undefined): NapiState | undefined {
  const state = take('NAPI');
  const tracking = take('napi tracking');
  const nanoseconds = integer(take('napi_busy_poll_dt'));
  const microseconds = integer(take('napi_busy_poll_to'));
  const preference = take('napi_prefer_busy_poll');
  if (state === undefined) return undefined;
  // 6.12 had no other mode
  const known = (['dynamic', 'static'] as const).find((each) => each === (tracking ?? 'dynamic'));
  return {
    mode: state === 'disabled' ? 'off' : ((state === 'enabled' ? known : undefined) ?? 'unknown'),
    busyPollUs: nanoseconds === undefined ? microseconds : nanoseconds / 1000,
    prefer: preference === undefined ? undefined : preference === 'true',
  };
}

/** What the rows tell. */
function each<T>(rows: readonly string[], read: (row: string) => T | readonly T[]): readonly T[] {
  return rows.length === 0 ? NOTHING : rows.flatMap(read);
}

/**
 * Reads the fdinfo of a ring. Lines that make no sense are left out, keys that are new are kept in `extra`; it never
 * throws.
 */
export function parseFdinfo(text: string): RingState {
  const found = sections(text);
  const isOld = !found.has('SqTotalTime');
  const section = (key: string): Section | undefined => {
    const there = found.get(key);
    found.delete(key);
    return there;
  };
  const take = (key: string): string | undefined => section(key)?.value;
  const rows = (key: string): readonly string[] => section(key)?.rows ?? NOTHING;
  const count = (key: string): number | undefined => integer(take(key));

  const sq = queue(hex(take('SqMask')), count('SqHead'), count('SqTail'), count('CachedSqHead'));
  const cq = queue(hex(take('CqMask')), count('CqHead'), count('CqTail'), count('CachedCqTail'));
  const fileTable = section('UserFiles');
  const bufferTable = section('UserBufs');
  const [fileSlots, bufferSlots] = [integer(fileTable?.value), integer(bufferTable?.value)];
  const userFiles = each(fileTable?.rows ?? NOTHING, userFile);
  const userBufs = each(bufferTable?.rows ?? NOTHING, userBuffer);
  // slots without rows: the numbers were told without the lock. Since 6.13 empty slots of files have no row either
  const lacks = (slots = 0, table?: Section): boolean => slots > 0 && table?.rows.length === 0;
  const busy =
    fileTable === undefined || lacks(bufferSlots, bufferTable) || (isOld && lacks(fileSlots, fileTable));

  return {
    busy,
    ino: count('ino'),
    sq,
    cq,
    sqes: each(rows('SQEs'), sqe),
    cqes: each(rows('CQEs'), cqe),
    overflow: each(rows('CqOverflowList'), (row) => completion(undefined, fields(row))),
    sqPoll: sqThread(take),
    files: { used: busy ? undefined : userFiles.length, slots: fileSlots },
    buffers: {
      used: busy ? undefined : userBufs.length,
      slots: bufferSlots,
      bytes: busy ? undefined : userBufs.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    userFiles,
    userBufs,
    personalities: personalities(rows('Personalities')),
    pollList: each(rows('PollList'), poll),
    napi: napi(take),
    extra: Object.fromEntries([...found].map(([key, { value, rows }]) => [key, [value, ...rows].join('\n')])),
  };
}
