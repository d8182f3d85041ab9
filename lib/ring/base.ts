/** What every ring has: its fd, everything that can be registered with it, and its end. */

import { options as checkOptions, oneOf, wrongType } from '../../structs/check.ts';
import {
  type ProbeResult,
  type QueryResults,
  registerClock,
  registerProbe,
  registerQuery,
} from '../register/instance.ts';
import { type BpfFilterOptions, registerRingFilter } from './bpf.ts';
import { type CancelTarget, cancelSync } from './cancel.ts';
import type { RingCore } from './core/core.ts';
import { createRing } from './core/create.ts';
import { RING_OPTIONS, type RingOptions } from './core/plan.ts';
import { type ResizeOptions, resizeQueues } from './core/resize.ts';
import { type AnyRing, connectCore } from './core/rings.ts';
import { threadBound } from './core/thread-bound.ts';
import { milliseconds } from './core/time.ts';
import { type Message, sendMessage } from './message.ts';
import { BufferRing, type BufferRingOptions } from './owners/buffer-ring.ts';
import { type BufferList, type RegisterBuffersOptions, RegisteredBuffers } from './owners/buffers.ts';
import { type RegisterEventfdOptions, RegisteredEventfd } from './owners/eventfd.ts';
import { type FileList, RegisteredFiles, type RegisterFilesOptions } from './owners/files.ts';
import { Napi, type NapiOptions } from './owners/napi.ts';
import { Personality } from './owners/personality.ts';
import { Region, type RegionOptions } from './owners/region.ts';
import { RegisteredRingFd } from './owners/ring-fd.ts';
import {
  readWorkerLimits,
  type WorkerCounts,
  type WorkerLimitOptions,
  WorkerLimits,
} from './owners/workers.ts';
import { ZcrxIfq, type ZcrxIfqOptions } from './owners/zcrx.ts';
import { enableRing, registerSandbox, type Sandbox } from './sandbox.ts';

/** Options of `Ring` and `AsyncRing`. */
export interface RingBaseOptions extends RingOptions {
  /** Registered before anything else: the files that a sandboxed ring may use. Then `ring.files` is their owner. */
  readonly files?: FileList | undefined;
  /** What the ring may do, for ever: files, restrictions, enable, in the only order that works (5.10). */
  readonly sandbox?: Sandbox | undefined;
}

/** How long disposal waits for the kernel. */
const DISPOSE_MS = 1000;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

/** Refuses `ring.close(fd)`, which is meant as `closeFd(fd)` and would close the ring instead. */
export function refuseFile(nothing: undefined): void {
  if (nothing !== undefined)
    throw wrongType('file', 'absent: close() closes the ring, closeFd(file) a file', nothing);
}

/** Closes a ring that was garbage-collected without close(), with a warning. */
const dropped = new FinalizationRegistry<{ readonly core: RingCore; readonly made: string }>(
  ({ core, made }) => {
    if (core.isClosed) return;
    core.close();
    process.emitWarning(`a ring was never closed; it was made${made}`, {
      type: 'UringWarning',
      code: 'URING_NOT_CLOSED',
    });
  },
);

/** The stack of the caller of a constructor, as ' at file:line' lines. */
function creationStack(): string {
  const { stack = '' } = new Error();
  return `\n${stack.split('\n').slice(3).join('\n')}`;
}

/** A ring without a way to submit: `Ring` adds submit and reap, `AsyncRing` adds promises. */
export abstract class RingBase implements AnyRing, Disposable, AsyncDisposable {
  /** @internal */
  protected readonly threadBound: () => string = threadBound;
  /** @internal */
  protected readonly core: RingCore;
  #files: RegisteredFiles | undefined;

  /**
   * @param entries submission queue entries, 1..32768, rounded up to a power of two
   * @throws SyscallError EPERM, ENOMEM, EMFILE... with a hint; UnsupportedError for an option that this kernel lacks
   */
  constructor(entries: number, options: RingBaseOptions = {}) {
    checkOptions('options', options, [...RING_OPTIONS, 'files', 'sandbox']);
    // each option is read once: a getter may give another value the next time
    const { files, sandbox, ...rest } = options;
    this.core = createRing(entries, sandbox === undefined ? rest : { ...rest, disabled: true });
    connectCore(this, this.core);
    try {
      this.registerFirst();
      if (files !== undefined) this.#files = this.registerFiles(files);
      if (sandbox !== undefined) registerSandbox(this.core, sandbox);
      if (sandbox !== undefined && rest.disabled !== true) enableRing(this.core);
    } catch (error) {
      this.core.close();
      throw error;
    }
    dropped.register(this, { core: this.core, made: creationStack() }, this.core);
  }

  /** @internal Registers what a sandbox would refuse later. */
  protected registerFirst(): void {}

  /** The ring's fd; -1 where there is only a registered index. It stays the ring's: do not close it. */
  get fd(): number {
    this.core.check();
    return this.core.fd;
  }

  /** IORING_SETUP_* flags that the kernel took. */
  get setupFlags(): number {
    return this.core.flags;
  }

  /** IORING_FEAT_* bits of this kernel. */
  get features(): number {
    return this.core.features;
  }

  /** Submission queue entries. */
  get sqEntries(): number {
    return this.core.queues.sqEntries;
  }

  /** Completion queue entries. */
  get cqEntries(): number {
    return this.core.queues.cqEntries;
  }

  /** Operations that were prepared and have not completed for the last time. */
  get inFlight(): number {
    return this.core.flights.active;
  }

  /** Was the ring closed? */
  get isClosed(): boolean {
    return this.core.isClosed;
  }

  /** The files given as the `files` option. */
  get files(): RegisteredFiles | undefined {
    return this.#files;
  }

  // ---- buffers and files -----------------------------------------------------------------------------------

  /**
   * Registers memory for READ_FIXED and its kin (REGISTER_BUFFERS2, REGISTER_BUFFERS before 5.13).
   * @param buffers views of memory (null: an empty slot), or `{ slots }` for a table of empty ones; 1..16384, each at most 1 GiB
   * @throws RegisterError EBUSY (a table is registered), EFAULT (memory of a file on disk), ENOMEM (RLIMIT_MEMLOCK, see the hint)
   * @since 5.1
   * @see io_uring_register_buffers(3)
   */
  registerBuffers(buffers: BufferList, options?: RegisterBuffersOptions): RegisteredBuffers {
    return RegisteredBuffers.register(this, buffers, options);
  }

  /**
   * Registers files, to be used by slot (REGISTER_FILES, or REGISTER_FILES2 with `onRelease` or `{ slots }`).
   * @param files fds (-1: an empty slot), or `{ slots }` for a table of empty ones
   * @throws RegisterError EBADF (also for the fd of a ring), EBUSY (a table is registered), EMFILE (RLIMIT_NOFILE)
   * @since 5.1
   * @see io_uring_register_files(3)
   */
  registerFiles(files: FileList, options?: RegisterFilesOptions): RegisteredFiles {
    this.#files = RegisteredFiles.register(this, files, options);
    return this.#files;
  }

  /**
   * Registers a ring of buffers that the kernel picks from (REGISTER_PBUF_RING).
   * @throws RegisterError EEXIST (the group is taken)
   * @since 5.19
   * @see io_uring_register_buf_ring(3)
   */
  registerBufferRing(options: BufferRingOptions): BufferRing {
    return BufferRing.register(this, options);
  }

  // ---- notification and messages ----------------------------------------------------------------------------

  /**
   * Signals an eventfd for every completion (REGISTER_EVENTFD), or with `{ async: true }` for those of worker threads
   * (REGISTER_EVENTFD_ASYNC).
   * @param fd an eventfd of yours; when absent the ring makes one, and closes it
   * @throws RegisterError EBUSY (one is registered), EINVAL (no eventfd), EBADF (it is closed)
   * @throws SyscallError EMFILE (RLIMIT_NOFILE), when the ring makes one
   * @since 5.2
   * @see io_uring_register_eventfd(3)
   */
  registerEventfd(fd?: number, options?: RegisterEventfdOptions): RegisteredEventfd {
    return RegisteredEventfd.register(this, fd, options);
  }

  /**
   * Cancels operations and waits until they are gone (REGISTER_SYNC_CANCEL). Blocks the thread: give a `timeoutMs`.
   * On a ring with a submission thread (`sqPoll`) it does not find what workers run; an operation (OP_ASYNC_CANCEL) does.
   * @returns how many were cancelled
   * @throws RegisterError ETIME (one is running in a worker still), EBADF (a bad `fd`)
   * @since 6.0
   * @see io_uring_register_sync_cancel(3)
   */
  cancelSync(target: CancelTarget): number {
    this.core.check();
    return cancelSync(this.core, target);
  }

  /**
   * Posts a completion on another ring (REGISTER_SEND_MSG_RING); `Ring.sendMessage` does so without a ring.
   * @throws RegisterError EBADFD (the target is disabled or no ring), EOVERFLOW (its queue is full)
   * @since 6.13
   * @see io_uring_register_sync_msg(3)
   */
  sendMessage(target: AnyRing | number, message: Message): void {
    this.core.check();
    sendMessage(target, message);
  }

  /** Posts a completion on a ring, from a thread that has none. See `sendMessage`. */
  static sendMessage(target: AnyRing | number, message: Message): void {
    sendMessage(target, message);
  }

  // ---- credentials, sandbox, workers ------------------------------------------------------------------------

  /**
   * Keeps the credentials that the process has now, for operations that name them (REGISTER_PERSONALITY).
   * @since 5.6
   * @see io_uring_register_personality(3)
   */
  registerPersonality(): Personality {
    return Personality.register(this);
  }

  /**
   * Restricts a disabled ring, once and for ever: what is not listed is refused with EACCES from `enable()` on
   * (REGISTER_RESTRICTIONS).
   * @throws RegisterError EBADFD (the ring is not disabled), EBUSY (restricted before)
   * @since 5.10
   * @see io_uring_register_restrictions(3)
   */
  registerRestrictions(sandbox: Sandbox): void {
    this.core.check();
    registerSandbox(this.core, sandbox);
  }

  /**
   * Enables a ring made with `{ disabled: true }` (REGISTER_ENABLE_RINGS). The calling thread becomes its single issuer.
   * @throws RegisterError EBADFD (it is enabled)
   * @since 5.10
   * @see io_uring_enable_rings(3)
   */
  enable(): void {
    this.core.check();
    enableRing(this.core);
  }

  /**
   * Adds a classic BPF filter over the operations of this ring (REGISTER_BPF_FILTER); `Ring.registerBpfFilter` is the
   * form for the calling task.
   * @since 7.0
   */
  registerBpfFilter(options: BpfFilterOptions): void {
    this.core.check();
    registerRingFilter(this.core, options);
  }

  /** Filters the operations of every ring that the calling task makes from now on. Needs CAP_SYS_ADMIN or no_new_privs. */
  static registerBpfFilter(options: BpfFilterOptions): void {
    registerRingFilter({ handle: -1 }, options);
  }

  /**
   * Limits the worker threads of the calling thread's rings, and where they run (REGISTER_IOWQ_MAX_WORKERS,
   * REGISTER_IOWQ_AFF). Disposing of them, or closing the ring, restores the counts and cpus as they were before; owners
   * are disposed of in reverse order, StateError otherwise. An sqPoll ring has limits of its own.
   * @throws RegisterError EINVAL (a cpu outside the thread's cpuset); nothing has changed then
   * @since 5.14 (`cpus`), 5.15 (counts)
   * @see io_uring_register_iowq_max_workers(3), io_uring_register_iowq_aff(3)
   */
  limitWorkers(options: WorkerLimitOptions): WorkerLimits {
    return WorkerLimits.register(this, options);
  }

  /** The limits in force: how many worker threads may do bounded work (files) and unbounded work (sockets, pipes). */
  get workerLimits(): WorkerCounts {
    this.core.check();
    return readWorkerLimits(this.core);
  }

  // ---- the ring itself --------------------------------------------------------------------------------------

  /**
   * Registers the ring's own fd with the calling thread (REGISTER_RING_FDS): every call then goes by index, which
   * saves the kernel an fd look-up. A thread has 16 of them.
   * @throws RegisterError EBUSY (all are taken)
   * @throws StateError (it has one)
   * @since 5.18
   * @see io_uring_register_ring_fd(3)
   */
  registerRingFd(): RegisteredRingFd {
    return RegisteredRingFd.register(this);
  }

  /**
   * Gives the queues other sizes; pending completions stay (REGISTER_RESIZE_RINGS). Needs `{ deferTaskrun: true }`.
   * @throws RegisterError EOVERFLOW (what is pending does not fit), EINVAL (not a deferTaskrun ring); SyscallError where
   *   the new queues can't be mapped: the ring is closed then
   * @since 6.13
   * @see io_uring_resize_rings(3)
   */
  resize(options: ResizeOptions): void {
    this.core.check();
    resizeQueues(this.core, options, () => this.close());
  }

  /**
   * Registers a region of memory that holds wait arguments, on a disabled ring, for as long as the ring lives
   * (REGISTER_MEM_REGION); `submit({ waitArgument: region.at(0) })` waits by it.
   * @throws RegisterError EBUSY (there is one), EINVAL (the ring is enabled)
   * @since 6.13
   * @see io_uring_register_region(3)
   */
  registerRegion(options?: RegionOptions): Region {
    return Region.register(this, options);
  }

  /**
   * Which clock timeouts of `submit` are measured by (REGISTER_CLOCK).
   * @since 6.12
   * @see io_uring_register_clock(3)
   */
  setClock(clock: 'monotonic' | 'boottime'): void {
    this.core.check();
    oneOf('clock', clock, ['monotonic', 'boottime']);
    registerClock(this.core.handle, clock === 'monotonic' ? CLOCK_MONOTONIC : CLOCK_BOOTTIME);
  }

  /**
   * Polls the network device for sockets' packets instead of waiting for interrupts (REGISTER_NAPI).
   * @throws RegisterError EINVAL (an ioPoll ring, a number that is no id), EEXIST (an id twice), EOPNOTSUPP (a kernel built
   *   without it)
   * @throws StateError (it is enabled)
   * @since 6.9
   * @see io_uring_register_napi(3)
   */
  enableNapi(options?: NapiOptions): Napi {
    return Napi.register(this, options);
  }

  /**
   * Registers a receive queue of a network device for zero-copy receive (REGISTER_ZCRX_IFQ). Needs CAP_NET_ADMIN, a
   * ring with `{ deferTaskrun: true, cqe32: true }`, and a device that can.
   * @throws RegisterError EOPNOTSUPP (the driver can't), ENODEV, EPERM
   * @since 6.15
   */
  registerZcrxIfq(options: ZcrxIfqOptions): ZcrxIfq {
    return ZcrxIfq.register(this, options);
  }

  /**
   * Which SQE operations the kernel has, asked through this ring (REGISTER_PROBE).
   * @since 5.6
   * @see io_uring_register_probe(3)
   */
  probe(): ProbeResult {
    this.core.check();
    return registerProbe(this.core.handle);
  }

  /**
   * What the kernel has in numbers, asked through this ring (REGISTER_QUERY).
   * @since 6.18
   * @see io_uring_query(7)
   */
  query(): QueryResults['QUERY_OPCODES'] | undefined {
    this.core.check();
    return registerQuery(this.core.handle, 'QUERY_OPCODES');
  }

  // ---- the end ----------------------------------------------------------------------------------------------

  /**
   * Cancels what is in flight, and gives everything back that the kernel gives up at once; never waits. The rest is given back
   * as soon as the kernel lets go, which `closed()` tells. Harmless when repeated; every other call throws ClosedError from
   * then on. A warning says what is in flight a second later.
   * @param nothing must be absent: `close(fd)` is almost certainly meant as `closeFd(fd)`
   */
  close(nothing?: undefined): void {
    refuseFile(nothing);
    this.detachFinalizer();
    this.core.close();
  }

  /**
   * Waits after `close()` until the kernel has let go of all memory. The process lives as long.
   * @param options `timeoutMs`: at most so many milliseconds; as long as it takes when absent
   * @returns false where the time was over first, or the ring is not closed
   */
  async closed(options: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
    checkOptions('options', options, ['timeoutMs']);
    const { timeoutMs = Number.MAX_SAFE_INTEGER } = options;
    milliseconds('options.timeoutMs', timeoutMs);
    return this.core.isClosed && (await this.core.closed(timeoutMs));
  }

  /** @internal The ring is closed by its program: no warning is due when it is collected. */
  protected detachFinalizer(): void {
    dropped.unregister(this.core);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the ring, and waits until all is given back, at most a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.core.closed(DISPOSE_MS);
  }
}
