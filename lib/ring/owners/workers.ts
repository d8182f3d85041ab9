/**
 * Limits of the kernel's worker threads. They belong to the calling thread, not to a ring: every ring of the thread
 * works under them, and they outlive the ring that set them. So each thread has a stack of what was set, and undoes it
 * in reverse order.
 */
import { inspect } from 'node:util';
import { options as checkOptions, copyList, integer, wrongType, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { RegisterError, StateError, UnsupportedError } from '../../errors.ts';
import type { RingFd } from '../../register/call.ts';
import { registerIowqAff, registerIowqMaxWorkers, unregisterIowqAff } from '../../register/limits.ts';
import { possibleCpus } from '../../sys/host.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';

const MAX_WORKERS = 0x7fff_ffff;
/** The most cpus that Linux can be built for. */
const MAX_CPUS = 8192;

/** How many worker threads. */
export interface WorkerCounts {
  /** For work that ends soon: files on disks. */
  readonly bounded: number;
  /** For work that may last for ever: pipes, sockets. */
  readonly unbounded: number;
}

/** Options of `limitWorkers`; at least one. */
export interface WorkerLimitOptions {
  /** At most so many threads for work that ends soon (files on disks), 1 or more; the kernel cuts it to RLIMIT_NPROC. */
  readonly bounded?: number | undefined;
  /** At most so many threads for work that may last for ever (pipes, sockets), 1 or more. */
  readonly unbounded?: number | undefined;
  /** The cpus that threads started from now on may run on; those that run already stay where they are. */
  readonly cpus?: readonly number[] | undefined;
}

/**
 * Sets limits; returns the former ones. A ring remembers every limit that was set through it, and each later call through
 * that ring, even one that only asks, sets those limits again, over newer ones of other rings. A second call puts the limits
 * back that `counts` doesn't name.
 */
function change(ring: RingFd, counts: Partial<WorkerCounts>): WorkerCounts {
  const former = registerIowqMaxWorkers(ring, counts);
  registerIowqMaxWorkers(ring, { ...former, ...counts });
  return former;
}

/** The limits in force. */
export function readWorkerLimits(core: RingCore): WorkerCounts {
  return change(core.handle, {});
}

/** One `limitWorkers` and the limits before it. */
interface Change {
  /** The name in errors. */
  readonly name: string;
  /** The former values of the counts that were set; a count that was not set is absent. */
  readonly former: Partial<WorkerCounts>;
  readonly cpus: readonly number[] | undefined;
  /** Its owner can't undo it any more (its ring is closed): it is undone together with the change above it. */
  isAbandoned: boolean;
}

/** Lets threads started from now on run on `cpus`, or on all. */
function bind(ring: RingFd, cpus: readonly number[] | undefined): void {
  if (cpus === undefined) unregisterIowqAff(ring);
  else registerIowqAff(ring, cpus);
}

/** The changes of one pool of workers, oldest first. Any ring of the pool can undo them. */
class Stack {
  #entries: Change[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  push(entry: Change): void {
    this.#entries.push(entry);
  }

  /** Undoes `entry`, and the abandoned changes above it and directly below it. */
  undo(entry: Change, ring: RingFd): void {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    const blocker = this.#entries.findLast((each, i) => i > at && !each.isAbandoned);
    if (blocker !== undefined) {
      throw new StateError(
        `worker limits are undone in reverse order: unregister ${blocker.name} before ${entry.name}`,
      );
    }
    this.#undoFrom(at, ring);
  }

  /** Undoes the abandoned changes at the top. */
  undoAbandoned(ring: RingFd): void {
    this.#undoFrom(this.#entries.length, ring);
  }

  #undoFrom(at: number, ring: RingFd): void {
    const kept = this.#entries.slice(0, at);
    while (kept.at(-1)?.isAbandoned) kept.pop();
    const gone = this.#entries.slice(kept.length);
    // the former values of the oldest change win
    const former: Partial<WorkerCounts> = {};
    for (const each of [...gone].reverse()) Object.assign(former, each.former);
    if (Object.keys(former).length > 0) change(ring, former);
    if (gone.some(({ cpus }) => cpus !== undefined)) {
      bind(ring, kept.findLast(({ cpus }) => cpus !== undefined)?.cpus);
    }
    this.#entries = kept;
  }
}

const ofThread = new Stack();

/**
 * Raises how many workers the thread of `core` may have for files on disks, where there are fewer and nobody has limited them:
 * by itself the kernel allows as many as the thread's first ring has entries, or four for each cpu.
 */
export function raiseWorkers(core: RingCore, bounded: number): void {
  if (!ofThread.isEmpty) return;
  try {
    const now = registerIowqMaxWorkers(core.handle, {});
    if (now.bounded < bounded) registerIowqMaxWorkers(core.handle, { bounded });
  } catch (error) {
    // before 5.15, or in a sandbox: it stays as it is
    if (!(error instanceof UnsupportedError || error instanceof RegisterError)) throw error;
  }
}

/** The thread of an sqPoll ring has workers of its own. */
const ofSqThread = new WeakMap<RingCore, Stack>();

function stackOf(core: RingCore): Stack {
  if (!core.has(constants.IORING_SETUP_SQPOLL)) return ofThread;
  const stack = ofSqThread.get(core) ?? new Stack();
  ofSqThread.set(core, stack);
  return stack;
}

function checkCount(name: string, value: number | undefined): void {
  if (value !== undefined) integer(name, value, 1, MAX_WORKERS);
}

/** The options, copied and checked. */
interface CheckedLimits {
  readonly counts: Partial<WorkerCounts>;
  readonly cpus: readonly number[] | undefined;
}

function readOptions(options: WorkerLimitOptions): CheckedLimits {
  if (options === undefined) throw wrongType('options', 'an object', options);
  checkOptions('options', options, ['bounded', 'unbounded', 'cpus']);
  const { bounded, unbounded, cpus } = options;
  checkCount('options.bounded', bounded);
  checkCount('options.unbounded', unbounded);
  if (bounded === undefined && unbounded === undefined && cpus === undefined) {
    throw wrongValue('options', 'at least one of bounded, unbounded and cpus', options);
  }
  const counts = {
    ...(bounded === undefined ? {} : { bounded }),
    ...(unbounded === undefined ? {} : { unbounded }),
  };
  if (cpus === undefined) return { counts, cpus };
  // the kernel takes a cpu that the host lacks, and then binds to none
  const last = possibleCpus() - 1;
  const taken = copyList('options.cpus', cpus, 1, MAX_CPUS).map((cpu, i) =>
    integer(`options.cpus[${i}]`, cpu, 0, last),
  );
  return { counts, cpus: Object.freeze(taken) };
}

/** Sets all or nothing; returns the limits before. */
function set(core: RingCore, { cpus, counts }: CheckedLimits): Partial<WorkerCounts> {
  const isCounted = Object.keys(counts).length > 0;
  const { bounded, unbounded } = isCounted ? change(core.handle, counts) : { bounded: 0, unbounded: 0 };
  const former = {
    ...(counts.bounded === undefined ? {} : { bounded }),
    ...(counts.unbounded === undefined ? {} : { unbounded }),
  };
  try {
    if (cpus !== undefined) registerIowqAff(core.handle, cpus);
  } catch (error) {
    if (isCounted) change(core.handle, former);
    throw error;
  }
  return former;
}

let serial = 0;

/**
 * Limits of the worker threads of the calling thread (of the submission thread, for an sqPoll ring), until they are
 * undone. Undoing restores the former counts and cpus. It goes in reverse order, as `using` does by itself.
 *
 * When its ring is closed before, they are undone by that; or, where newer ones are in force, together with those.
 */
export class WorkerLimits extends Owner {
  readonly #options: WorkerLimitOptions;
  readonly #entry: Change;
  readonly #stack: Stack;
  readonly #forget: () => void;

  private constructor(ring: AnyRing, options: WorkerLimitOptions, entry: Change) {
    super(ring, 'the worker limits');
    const core = Owner.coreOf(this);
    const stack = stackOf(core);
    this.#options = options;
    this.#entry = entry;
    this.#stack = stack;
    stack.push(entry);
    this.#forget = core.onClose(() => {
      entry.isAbandoned = true;
      stack.undoAbandoned(core.handle);
    });
  }

  /** What was set. */
  get options(): WorkerLimitOptions {
    return this.#options;
  }

  /** @internal REGISTER_IOWQ_MAX_WORKERS, REGISTER_IOWQ_AFF */
  static register(ring: AnyRing, options: WorkerLimitOptions): WorkerLimits {
    const core = openCore('ring', ring);
    const checked = readOptions(options);
    const former = set(core, checked);
    const { counts, cpus } = checked;
    const wanted = cpus === undefined ? counts : { ...counts, cpus };
    const name = `limits ${++serial} (${inspect(wanted, { breakLength: Number.POSITIVE_INFINITY })})`;
    return new WorkerLimits(ring, wanted, { name, former, cpus, isAbandoned: false });
  }

  /**
   * Restores the limits and the cpus as they were before.
   * @throws StateError when newer limits of this thread are in force; it names them
   * @throws RegisterError EACCES on a sandboxed ring that does not allow it
   */
  override unregister(): void {
    super.unregister();
  }

  /** As `unregister`, but nothing is thrown because the ring is closed, or sandboxed. */
  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    // where a sandbox forbade it, older limits must not wait for these
    this.#entry.isAbandoned = true;
  }

  protected override release(): void {
    this.#stack.undo(this.#entry, Owner.coreOf(this).handle);
    this.#forget();
  }
}
