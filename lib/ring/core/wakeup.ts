/**
 * Wakes the event loop of this thread when an fd is readable. One small ring serves all rings of a thread: it polls their
 * fds, and the operation linked to each poll writes a byte to a pipe that the runtime itself reads. So nothing of koffi's
 * is ever called back, which would end the process in a worker that can't run JavaScript any more.
 */
import { isMainThread } from 'node:worker_threads';
import { constants } from '../../../structs/flags.ts';
import { SyscallError } from '../../errors.ts';
import { pollAdd, pollRemove, write } from '../../ops/preparers.ts';
import { registerFiles } from '../../register/files.ts';
import { Channel } from '../../sys/channel.ts';
import { Pinned } from '../../sys/memory.ts';
import { sys } from '../../sys/syscall.ts';
import { planSetup, setupBest } from './plan.ts';
import { mapQueues, type Queues } from './queues.ts';

const { IORING_ENTER_GETEVENTS, IOSQE_FIXED_FILE, IOSQE_IO_LINK } = constants;
const ENTRIES = 8;
const POLLIN = 1;
const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
/** The pipe's place in the ring's file table. */
const PIPE_SLOT = 0;
/** The ring stays so long after the last watch was closed: making and closing it takes milliseconds. */
const LINGER_MS = 100;

/** The ring that polls, and the pipe that its writes go to. */
class Waker {
  readonly #fd: number;
  readonly #queues: Queues;
  readonly #channel: Channel;
  readonly #byte = new Pinned(1);
  readonly #watches = new Map<number, Watch>();
  /** Watches whose fds are readable, and that were not called back yet. */
  #fired: Watch[] = [];
  #nextId = 1;
  #refs = 0;
  #closing: NodeJS.Timeout | undefined;

  constructor() {
    this.#channel = new Channel(() => this.#tell());
    let fd = -1;
    try {
      const made = setupBest(ENTRIES, planSetup({}));
      fd = made.fd;
      // the table holds the pipe: no fd is needed for it
      registerFiles(fd, [this.#channel.writer]);
      this.#queues = mapQueues(fd, made.params);
    } catch (error) {
      this.#channel.close();
      if (fd >= 0) sys.close(fd);
      throw error;
    } finally {
      sys.close(this.#channel.writer);
    }
    this.#fd = fd;
  }

  add(watch: Watch): number {
    clearTimeout(this.#closing);
    const id = this.#nextId++;
    this.#watches.set(id, watch);
    return id;
  }

  /** The ring is closed some time after the last watch. */
  remove(id: number): void {
    this.#watches.delete(id);
    if (this.#watches.size === 0) this.#closing = setTimeout(() => this.close(), LINGER_MS).unref();
  }

  /** Closes the ring, unless there is a watch. */
  close(): void {
    clearTimeout(this.#closing);
    if (this.#watches.size > 0) return;
    waker = undefined;
    this.#channel.close();
    this.#queues.unmap();
    sys.close(this.#fd);
  }

  ref(): void {
    if (++this.#refs === 1) this.#channel.ref();
  }

  unref(): void {
    if (--this.#refs === 0) this.#channel.unref();
  }

  /** Polls `fd` once for the watch `id`. False: the kernel has not taken all entries yet; see `flush`. */
  poll(id: number, fd: number): boolean {
    const queues = this.#queues;
    if (queues.space < 2 && !this.flush()) return false;
    queues.seek();
    pollAdd(queues.sqe, fd, POLLIN, 0).setUserData(id, 0);
    queues.sqe.flags = IOSQE_IO_LINK;
    queues.advance();
    queues.seek();
    write(queues.sqe, PIPE_SLOT, this.#byte.address, 1, -1).setUserData(0, 0);
    queues.sqe.flags = IOSQE_FIXED_FILE;
    queues.advance();
    this.flush();
    return true;
  }

  /** Ends the poll of the watch `id`, which holds the file. */
  cancel(id: number): void {
    const queues = this.#queues;
    if (queues.space === 0) this.flush();
    if (!queues.seek()) return;
    pollRemove(queues.sqe, id, 0).setUserData(0, 0);
    queues.advance();
    this.flush();
  }

  /** Gives all entries to the kernel; false where it is out of memory for now. */
  flush(): boolean {
    this.#reap();
    for (let left = this.#queues.publish(); left > 0; left = this.#queues.unconsumed) {
      const result = sys.enter(this.#fd, left, 0, 0, 0, 0);
      if (result === -EINTR) continue;
      if (result === -EAGAIN || result === -EBUSY) return false;
      if (result < 0) throw new SyscallError('io_uring_enter', -result);
    }
    return true;
  }

  /** A byte came. */
  #tell(): void {
    this.#reap();
    for (const watch of this.#fired.splice(0)) watch.fire();
  }

  /** Collects the watches whose fds are readable: they are told when the byte comes, not in a call of somebody else's. */
  #reap(): void {
    const queues = this.#queues;
    while (queues.take() || this.#refill()) {
      // writes, cancellations and polls of closed watches have none
      const watch = this.#watches.get(queues.low);
      if (watch !== undefined) this.#fired.push(watch);
    }
    queues.release();
  }

  /** The queue is empty: gets what did not fit into it before. */
  #refill(): boolean {
    const queues = this.#queues;
    return queues.needsEnter && sys.enter(this.#fd, 0, 0, IORING_ENTER_GETEVENTS, 0, 0) >= 0 && queues.take();
  }
}

let waker: Waker | undefined;
let closesAtExit = isMainThread;

/** This thread's ring that polls. */
function ownWaker(): Waker {
  // after the handler that closes the rings of a worker: it was there before any of them was made
  if (!closesAtExit) process.on('exit', closeIdleWaker);
  closesAtExit = true;
  waker ??= new Waker();
  return waker;
}

/** Closes this thread's ring that polls, if nobody watches anything: otherwise it stays for a while. */
export function closeIdleWaker(): void {
  waker?.close();
}

/** Calls back once after each `arm()`, when an fd is readable. */
export class Watch {
  readonly #fd: number;
  readonly #onReadable: () => void;
  readonly #waker: Waker;
  readonly #id: number;
  #isArmed = false;
  #isRefed = false;
  #isClosed = false;

  /**
   * @param onReadable must not throw
   * @throws SyscallError where the ring that polls can't be made; as `new Ring`
   */
  constructor(fd: number, onReadable: () => void) {
    this.#fd = fd;
    this.#onReadable = onReadable;
    this.#waker = ownWaker();
    this.#id = this.#waker.add(this);
  }

  /** Asks for the next call, if it is not asked for yet; false where the kernel has no memory for it now: try again. */
  arm(): boolean {
    if (this.#isClosed) return true;
    if (this.#isArmed) return this.#waker.flush();
    this.#isArmed = this.#waker.poll(this.#id, this.#fd);
    return this.#isArmed;
  }

  /** @internal */
  fire(): void {
    if (this.#isClosed) return;
    this.#isArmed = false;
    this.#onReadable();
  }

  /** Keeps the event loop alive. */
  ref(): void {
    if (this.#isRefed || this.#isClosed) return;
    this.#isRefed = true;
    this.#waker.ref();
  }

  /** Lets the event loop end. */
  unref(): void {
    if (!this.#isRefed) return;
    this.#isRefed = false;
    this.#waker.unref();
  }

  /** Never calls back again. Harmless when repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.unref();
    this.#isClosed = true;
    if (this.#isArmed) this.#waker.cancel(this.#id);
    this.#waker.remove(this.#id);
  }
}
