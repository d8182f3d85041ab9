/**
 * Memory of a worker that outlives it. When a worker is terminated, V8 frees its ArrayBuffers at once, while the kernel may
 * still write to them; so the kernel gets only memory from here, which is mapped. Each mapping has a name with the worker's
 * thread id: by it any thread that uses the package finds what terminated workers have left, and unmaps it.
 */
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { SyscallError } from '../errors.ts';
import * as ffi from './ffi.ts';
import { sys } from './syscall.ts';

const READ_WRITE = 3;
const MAP_SHARED = 1;
const MEMORY = 'uring-memory-';
const LIST = 'uring-list-';
const LIST_BYTES = 65_536;
const CHUNK_BYTES = 2 ** 20;
const SMALLEST = 64;
/** Larger blocks are mappings of their own. */
const LARGEST = 2 ** 18;
const LOCK_EX_NB = 6;
/** Reading the list of mappings takes a third of a millisecond. */
const SWEEP_INTERVAL_MS = 100;

/** A piece of mapped memory. */
export interface Block {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Maps zeroed memory that has a name in /proc/self/maps; its address. */
function mapNamed(name: string, length: number): number {
  const fd = sys.memfd(name);
  if (fd < 0) throw new SyscallError('memfd_create', -fd);
  try {
    const result = sys.ftruncate(fd, length);
    if (result < 0) throw new SyscallError('ftruncate', -result);
    const address = sys.mmap(length, READ_WRITE, MAP_SHARED, fd, 0);
    if (address < 0) throw new SyscallError('mmap', -address);
    return address;
  } finally {
    sys.close(fd);
  }
}

/** Addresses and lengths of mappings whose names don't tell whose they are: those of rings. There are 4,096 at most. */
class MappingList {
  readonly #pairs: Float64Array;

  constructor(address: number) {
    this.#pairs = new Float64Array(ffi.viewMemory(address, LIST_BYTES));
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

  unmapAll(): void {
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2)
      if (pairs[i] !== 0) sys.munmap(pairs[i] ?? 0, pairs[i + 1] ?? 0);
  }
}

/** The memory of this worker. */
export class WorkerMemory {
  readonly #tid = sys.gettid();
  readonly #list = new MappingList(mapNamed(`${LIST}${this.#tid}`, LIST_BYTES));
  readonly #free = new Map<number, Block[]>();
  #chunk: Block | undefined;
  #used = 0;

  /** Maps whole pages. */
  map(length: number): number {
    return mapNamed(`${MEMORY}${this.#tid}`, length);
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
      return;
    }
    const free = this.#free.get(size) ?? [];
    this.#free.set(size, free);
    free.push(block);
  }

  #view(size: number): Block {
    const address = this.map(size);
    return { address, bytes: new Uint8Array(ffi.viewMemory(address, size)) };
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

interface Left {
  readonly ranges: (readonly [address: number, length: number])[];
  list: number | undefined;
}

/** What /proc/self/maps has of workers, by thread id. */
function leftByThread(): Map<string, Left> {
  const found = new Map<string, Left>();
  const pattern = new RegExp(
    `^([0-9a-f]+)-([0-9a-f]+) .* /memfd:(${MEMORY}|${LIST})(\\d+) \\(deleted\\)$`,
    'gm',
  );
  for (const [, from = '', to = '', kind, tid = ''] of readFileSync('/proc/self/maps', 'utf8').matchAll(
    pattern,
  )) {
    const address = Number.parseInt(from, 16);
    const left = found.get(tid) ?? { ranges: [], list: undefined };
    found.set(tid, left);
    left.ranges.push([address, Number.parseInt(to, 16) - address]);
    if (kind === LIST) left.list = address;
  }
  return found;
}

function isAlive(tid: string): boolean {
  try {
    readlinkSync(`/proc/self/task/${tid}/exe`);
    return true;
  } catch (error) {
    return Object(error).code !== 'ENOENT';
  }
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
    for (const [tid, { ranges, list }] of leftByThread()) {
      if (isAlive(tid)) continue;
      if (list !== undefined) new MappingList(list).unmapAll();
      for (const [address, length] of ranges) sys.munmap(address, length);
    }
  } catch {
    // without /proc, or without the right to read it, it stays until the process ends
  } finally {
    if (lock >= 0) closeSync(lock);
  }
}

let nextSweep = 0;

/** Unmaps what terminated workers have left, at most every 100 ms. */
export function sweepSometimes(): void {
  const now = performance.now();
  if (now < nextSweep) return;
  nextSweep = now + SWEEP_INTERVAL_MS;
  sweep();
}
