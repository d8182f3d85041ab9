/**
 * Memory of a worker that outlives it. When a worker is terminated, V8 frees its ArrayBuffers at once, while the kernel may
 * still write to them; so the kernel gets only memory from here, which is mapped. Each mapping has a name with the worker's
 * thread id: by it any thread that uses the package finds what terminated workers have left, and unmaps it.
 */
import { subscribe } from 'node:diagnostics_channel';
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';
import { SyscallError } from '../errors.ts';
import * as ffi from './ffi.ts';
import { listFds } from './managed-fd.ts';
import { sys } from './syscall.ts';

const READ_WRITE = 3;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;
const MEMORY = 'uring-memory-';
const LIST = 'uring-list-';
const LIST_BYTES = 65_536;
/** The last places of a list are for descriptors. */
const LISTED_FDS = 512;
const CHUNK_BYTES = 2 ** 20;
const SMALLEST = 64;
/** Larger blocks are mappings of their own. */
const LARGEST = 2 ** 18;
const LOCK_EX_NB = 6;
/** Reading the list of mappings takes a third of a millisecond. */
const SWEEP_INTERVAL_MS = 100;
/** /proc knows that a thread has ended a moment after Node.js does. */
const SWEEP_DELAY_MS = 10;

/** The address space in pieces, each of which is seen through one buffer. */
const WINDOW_BYTES = 2 ** 24;
const windows = new Map<number, ArrayBuffer>();

/** A buffer in which mapped memory is, and where in it. */
export interface Seen {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
}

/**
 * Mapped memory that nobody but us sees, in a buffer over 16 MiB of the address space, whatever else is there: the kernel puts
 * one ring beside the other. A worker that is terminated during koffi.view() ends the process (koffi's C++ can't throw any
 * more), so rings that come and go must not call it.
 */
export function seenInWindow(address: number, length: number): Seen {
  const start = Math.floor(address / WINDOW_BYTES) * WINDOW_BYTES;
  if (address + length > start + WINDOW_BYTES) return { buffer: viewMapped(address, length), offset: 0 };
  const buffer = windows.get(start) ?? ffi.viewMemory(start, WINDOW_BYTES);
  windows.set(start, buffer);
  return { buffer, offset: address - start };
}

/** Buffers over addresses where nothing is mapped any more, for what is mapped there next. */
const spareViews = new Map<number, ArrayBuffer>();
const MOST_SPARE_VIEWS = 64;

/** An ArrayBuffer over mapped memory: one that was over the same addresses before, if there is one; see `seenInWindow`. */
export function viewMapped(address: number, length: number): ArrayBuffer {
  const spare = spareViews.get(address);
  if (spare?.byteLength !== length) return ffi.viewMemory(address, length);
  spareViews.delete(address);
  return spare;
}

/** Nothing is mapped at `address` any more, and nobody uses the buffer that was over it. */
export function spareView(address: number, buffer: ArrayBuffer): void {
  spareViews.set(address, buffer);
  if (spareViews.size <= MOST_SPARE_VIEWS) return;
  for (const [oldest] of spareViews) {
    spareViews.delete(oldest);
    return;
  }
}

/** A piece of mapped memory. */
export interface Block {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * Maps zeroed memory that has a name in /proc/self/maps; its address. No function of JavaScript is called between the calls:
 * only there can the worker be terminated, and leave the fd open.
 */
function mapNamed(name: string, length: number): number {
  const fd = ffi.memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw new SyscallError('memfd_create', ffi.errno());
  if (ffi.ftruncate(fd, length) !== 0) {
    const errno = ffi.errno();
    ffi.close(fd);
    throw new SyscallError('ftruncate', errno);
  }
  const address = ffi.mmap(0, length, READ_WRITE, MAP_SHARED, fd, 0);
  const errno = ffi.errno();
  ffi.close(fd);
  if (address === -1) throw new SyscallError('mmap', errno);
  return address;
}

/**
 * Addresses and lengths of mappings whose names don't tell whose they are: those of rings, 3,840 at most. And descriptors, on
 * Deno and Bun: see `listFds`.
 */
class MappingList {
  readonly buffer: ArrayBuffer;
  readonly fds: Float64Array;
  readonly #pairs: Float64Array;

  constructor(address: number) {
    this.buffer = viewMapped(address, LIST_BYTES);
    const all = new Float64Array(this.buffer);
    this.#pairs = all.subarray(0, all.length - LISTED_FDS);
    this.fds = all.subarray(all.length - LISTED_FDS);
  }

  /**
   * mmap(2) of a file; the address, or a negative number with errno set. No function of JavaScript is called between the call
   * and the store: only there can the worker be terminated.
   */
  map(length: number, flags: number, fd: number, offset: number): number {
    const pairs = this.#pairs;
    let i = 0;
    while (i < pairs.length - 2 && pairs[i] !== 0) i += 2;
    pairs[i + 1] = length;
    const address = ffi.mmap(0, length, READ_WRITE, flags, fd, offset);
    pairs[i] = address === -1 ? 0 : address;
    return address;
  }

  /** munmap(2) of what `map` mapped; not interrupted either. */
  unmap(address: number, length: number): void {
    const pairs = this.#pairs;
    let i = 0;
    while (i < pairs.length && pairs[i] !== address) i += 2;
    pairs[i] = 0;
    ffi.munmap(address, length);
  }

  /**
   * munmap(2) of all. An entry is struck out first, with no function of JavaScript in between: this thread may be terminated
   * here too, and the next one that sweeps must not unmap what has taken the place since.
   */
  unmapAll(): void {
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2) {
      const address = pairs[i] ?? 0;
      if (address === 0) continue;
      pairs[i] = 0;
      ffi.munmap(address, pairs[i + 1] ?? 0);
    }
  }
}

/** Closes what a worker of Deno or Bun has left open. */
function closeListed(fds: Float64Array): void {
  for (let i = 0; i < fds.length; i++) {
    const fd = (fds[i] ?? 0) - 1;
    if (fd < 0 || !isOurs(fd)) continue;
    fds[i] = 0;
    ffi.close(fd);
  }
}

/** Is it what was listed? Somebody may have closed it by its number. */
function isOurs(fd: number): boolean {
  try {
    return /^anon_inode:\[(io_uring|eventfd)\]$/.test(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return false;
  }
}

/** The memory of this worker. */
export class WorkerMemory {
  readonly #tid = sys.gettid();
  readonly #list = new MappingList(mapNamed(`${LIST}${this.#tid}`, LIST_BYTES));
  readonly #free = new Map<number, Block[]>();
  #chunk: Block | undefined;
  #used = 0;

  constructor() {
    listFds(this.#list.fds);
  }

  /** A block of at least `length` bytes, aligned to its size up to a page; what is in it is undefined. */
  take(length: number): Block {
    const size = sizeOf(length);
    const free = this.#free.get(size)?.pop();
    if (free !== undefined) return free;
    if (size > LARGEST) return this.#view(size);
    if (this.#chunk === undefined || this.#used + size > CHUNK_BYTES) {
      this.#chunk = this.#view(CHUNK_BYTES);
      this.#used = 0;
    }
    const at = Math.ceil(this.#used / size) * size;
    if (at + size > CHUNK_BYTES) {
      this.#chunk = undefined;
      return this.take(length);
    }
    this.#used = at + size;
    return { address: this.#chunk.address + at, bytes: this.#chunk.bytes.subarray(at, at + size) };
  }

  /** The block is used by nobody any more. */
  give(block: Block): void {
    const size = block.bytes.length;
    if (size > LARGEST) {
      sys.munmap(block.address, size);
      if (block.bytes.buffer instanceof ArrayBuffer) spareView(block.address, block.bytes.buffer);
      return;
    }
    const free = this.#free.get(size) ?? [];
    this.#free.set(size, free);
    free.push(block);
  }

  #view(size: number): Block {
    const address = mapNamed(`${MEMORY}${this.#tid}`, size);
    return { address, bytes: new Uint8Array(viewMapped(address, size)) };
  }

  /** mmap(2) of a ring, or of anonymous memory: what sweeps unmaps it with the rest. -1 with errno set on failure. */
  mapListed(length: number, flags: number, fd: number, offset: number): number {
    return this.#list.map(length, flags, fd, offset);
  }

  unmapListed(address: number, length: number): void {
    this.#list.unmap(address, length);
  }
}

/** The size of the block for so many bytes. */
function sizeOf(length: number): number {
  return length > LARGEST
    ? Math.ceil(length / 4096) * 4096
    : Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(length)));
}

let own: WorkerMemory | undefined;

/** The memory of this worker; undefined on the main thread, whose memory lives as long as the process. */
export function workerMemory(): WorkerMemory | undefined {
  if (isMainThread) return undefined;
  if (own === undefined) {
    sweep();
    own = new WorkerMemory();
  }
  return own;
}

/** A mapping of a worker's. */
interface Left {
  readonly tid: string;
  readonly address: number;
  readonly length: number;
  /** Is it a list of others? */
  readonly isList: boolean;
}

/** What /proc/self/maps has of workers. */
function mappingsOfWorkers(): Left[] {
  const pattern = new RegExp(
    `^([0-9a-f]+)-([0-9a-f]+) .* /memfd:(${MEMORY}|${LIST})(\\d+) \\(deleted\\)$`,
    'gm',
  );
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return [...maps.matchAll(pattern)].map(([, from = '', to = '', kind, tid = '']) => {
    const address = Number.parseInt(from, 16);
    return { tid, address, length: Number.parseInt(to, 16) - address, isList: kind === LIST };
  });
}

function isAlive(tid: string): boolean {
  try {
    readlinkSync(`/proc/self/task/${tid}/exe`);
    return true;
  } catch (error) {
    return Object(error).code !== 'ENOENT';
  }
}

/** The ids of threads that have ended and left mappings. */
function endedThreads(): Set<string> {
  return new Set([...new Set(mappingsOfWorkers().map(({ tid }) => tid))].filter((tid) => !isAlive(tid)));
}

/** Unmaps what ended threads have left: as it is now, for what a thread unmapped before its end may be another's memory. */
function unmapOf(tids: ReadonlySet<string>): void {
  if (tids.size === 0) return;
  const left = mappingsOfWorkers().filter(({ tid }) => tids.has(tid));
  for (const { address } of left.filter(({ isList }) => isList)) {
    const list = new MappingList(address);
    list.unmapAll();
    closeListed(list.fds);
    spareView(address, list.buffer);
  }
  for (const { address, length } of left) sys.munmap(address, length);
}

/**
 * Unmaps what terminated workers have left. Their requests have ended: a thread does not end before they do. One thread at a
 * time does it: it holds a lock that is this process's alone.
 */
export function sweep(): void {
  let lock = -1;
  try {
    // thread ids are those of another namespace where /proc is
    if (!readlinkSync('/proc/thread-self').endsWith(`/${sys.gettid()}`)) return;
    lock = openSync('/proc/self', 'r');
    if (ffi.flock(lock, LOCK_EX_NB) !== 0) return;
    unmapOf(endedThreads());
  } catch {
    // without /proc, or without the right to read it, it stays until the process ends
  } finally {
    if (lock >= 0) closeSync(lock);
  }
}

let nextSweep = 0;

/** Before a ring is made: unmaps what terminated workers have left, at most every 100 ms. */
export function prepareMemory(): void {
  // on it is listed what the ring has
  if (ffi.PROBLEM === undefined) workerMemory();
  const now = performance.now();
  if (now < nextSweep) return;
  nextSweep = now + SWEEP_INTERVAL_MS;
  sweep();
}

let isDue = false;

function sweepSoon(): void {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    sweep();
  }, SWEEP_DELAY_MS).unref();
}

// the mapping of a ring holds all that the ring has: files in slots, pinned memory
if (ffi.PROBLEM === undefined)
  subscribe('worker_threads', (message) => {
    const { worker } = Object(message);
    if (worker instanceof Worker) worker.once('exit', sweepSoon);
  });
