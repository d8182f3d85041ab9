/** Whether `uring/fs` uses io_uring or Node's threads: decided once for each thread, when the first file is asked for. */
import { options as checkOptions, wrongValue } from '../../structs/check.ts';
import { OpError, UnsupportedError } from '../errors.ts';
import { AsyncRing } from '../faces/async-ring.ts';
import { Ring } from '../faces/ring.ts';
import { scratchEntries } from '../register/ask.ts';
import { setupRefusal } from '../register/refusal.ts';
import { probe } from '../register/support.ts';
import { trySetup } from '../ring/core/setup.ts';
import { runtimeProblem } from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';

/** What moves the bytes: a ring, or the threads of Node.js. */
export type BackendName = 'io_uring' | 'threads';

/** What `backend()` tells. */
export interface Backend {
  readonly name: BackendName;
  /** Why it is the threads. */
  readonly cause?: string;
  /** What to do about it, where that is known. */
  readonly fix?: string;
}

/** Options of `backend`. */
export interface BackendOptions {
  /** From now on, in this thread: `'auto'` takes a ring where one can be used. */
  readonly use?: BackendName | 'auto' | undefined;
}

const USES = ['auto', 'io_uring', 'threads'] as const;
const ENTRIES = 256;
/** What waits for a disk waits in a worker thread: so many calls can at the same time. They end when they have nothing to do. */
const WORKERS = 32;
/**
 * What glibc keeps of the free end of its heap is 128 KiB at first, two chunks of a stream: with each collection it would give the
 * memory of chunks back to the kernel, and new ones would fault it in again, page by page, so that a stream of a large file took
 * 1.3 to 3 times as long. It keeps twice the size of the largest piece that was ever freed; so one of this size is made and
 * left. Nobody touches it: it is an address, no memory.
 */
const FREED_BYTES = 16 * 2 ** 20;
/** What every operation of the ring here needs: 5.6 has all of them. */
const NEEDED = ['OP_OPENAT', 'OP_CLOSE', 'OP_READ', 'OP_WRITE', 'OP_READV', 'OP_WRITEV', 'OP_FSYNC'] as const;

let decided: Backend | undefined;
let ring: AsyncRing | undefined;
let uses = 0;

/**
 * Does the environment's URING have the word? Several stand in it with a comma between: `off` (the threads), `on` (a ring, or
 * an error), `verbose` (a line on stderr), `always` (`uring/register` also over the threads: for tests of them).
 */
export function environmentSays(word: 'off' | 'on' | 'verbose' | 'always'): boolean {
  const { URING = '' } = process.env;
  return URING.split(',').some((each) => each.trim() === word);
}

function wanted(): (typeof USES)[number] {
  if (environmentSays('off')) return 'threads';
  return environmentSays('on') ? 'io_uring' : 'auto';
}

/** Does a NOP go through a ring? A sandbox may let rings be made and forbid to use them, or only pretend to allow them. */
function works(): boolean {
  const trial = new Ring(1);
  try {
    trial.prepare.nop({ userData: 7 });
    trial.submit();
    return [...trial.completions()].some(({ userData }) => userData === 7);
  } finally {
    trial.close();
  }
}

function keepHeap(): void {
  try {
    void new ArrayBuffer(FREED_BYTES);
  } catch {
    // a limit on addresses: then streams are slower
  }
}

/** Opens the ring. Tells why none can be used here; undefined where one can. */
function open(): Omit<Backend, 'name'> | undefined {
  if (runtimeProblem !== undefined) return { cause: runtimeProblem };
  // asked, so that a refusal is no thrown error
  const tried = trySetup(scratchEntries(), {});
  if (typeof tried === 'number') return refused(-tried);
  // a filter that lets the call return 0 has made no ring: 0 is stdin
  if (tried.fd <= 2) return { cause: 'a seccomp filter answers io_uring_setup in place of the kernel' };
  sys.close(tried.fd);
  try {
    const missing = NEEDED.find((name) => probe().ops[name].supported !== true);
    if (missing !== undefined) return { cause: `this kernel has no ${missing}, or it can't be asked` };
    if (!works()) return { cause: 'a ring can be made, but what is given to it does not come back' };
    ring = new AsyncRing(ENTRIES, { cqEntries: 16 * ENTRIES });
    AsyncRing.raiseWorkers(ring, WORKERS);
    keepHeap();
    return undefined;
  } catch (error) {
    return { cause: error instanceof Error ? error.message : String(error) };
  }
}

function refused(errno: number): Omit<Backend, 'name'> {
  const refusal = setupRefusal(errno);
  if (refusal === undefined) return { cause: new OpError('io_uring_setup', errno).message };
  const { why, fix } = refusal;
  return { cause: why, ...(fix === undefined ? {} : { fix }) };
}

/** @throws UnsupportedError where io_uring is a must, and can't be used */
function decide(use: (typeof USES)[number]): Backend {
  ring?.close();
  ring = undefined;
  if (use === 'threads') return { name: 'threads', cause: 'the threads were asked for' };
  const reason = open();
  if (reason === undefined) return { name: 'io_uring' };
  if (use === 'auto') return { name: 'threads', ...reason };
  throw new UnsupportedError('uring/fs', { why: [reason.cause, reason.fix].filter(Boolean).join(': ') });
}

/**
 * The ring of this thread; undefined where Node's threads do the work. It holds the process only while operations are
 * in flight.
 */
export function ringOrThreads(): AsyncRing | undefined {
  if (ring !== undefined && !ring.isClosed) {
    uses++;
    return ring;
  }
  return later();
}

/** Before the first use, and with the threads. */
function later(): AsyncRing | undefined {
  if (ring !== undefined) {
    ring = undefined;
    decided = { name: 'threads', cause: 'the ring has failed' };
  }
  if (decided !== undefined) return undefined;
  decided = decide(wanted());
  return ring;
}

/** Is the ring dead that an operation was given to? */
export function hasFailed(used: AsyncRing): boolean {
  return used.isClosed;
}

/** How many calls were given to a ring in this thread. */
export function ringUses(): number {
  return uses;
}

/**
 * What moves the bytes in this thread. The first call decides, or the first use of a file before it; `URING=off` in the
 * environment asks for the threads, `URING=on` for a ring or an error.
 * @param options `use`: decides anew. Operations in flight on a ring that is left reject
 * @returns `name`, and for the threads the `cause`, and where it is known the `fix`
 * @throws UnsupportedError where `use`, or the environment, is for `'io_uring'`, which can't be used here
 */
export function backend(options: BackendOptions = {}): Backend {
  checkOptions('options', options, ['use']);
  const { use } = options;
  if (use !== undefined) {
    if (!USES.includes(use)) throw wrongValue('options.use', `one of ${USES.join(', ')}`, use);
    decided = decide(use);
  } else ringOrThreads();
  return { ...(decided ?? { name: 'threads' }) };
}
