/** Worker threads of the kernel: opcodes 17, 18, 19. */
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { Ring } from 'uring';
import { completions, expect, named, Pair, type Scratch, same, until } from './kit.ts';
import { NotHere, type Proofs } from './proof.ts';

const ENTRIES = 32;

function statusOf(tid: string): string {
  try {
    return readFileSync(`/proc/self/task/${tid}/status`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** The worker threads of this process that live now. */
function workers(): string[] {
  return readdirSync('/proc/self/task').filter((tid) => statusOf(tid).startsWith('Name:\tiou-wrk-'));
}

/** The cpus that a thread may run on, as the kernel writes them: `'0-3'`. */
function cpusOf(tid: string): string {
  return /Cpus_allowed_list:\t(.*)/.exec(statusOf(tid))?.[1] ?? '';
}

/** Opens of a FIFO that nobody writes: each blocks a worker thread, for as long as this lives. */
class BlockedOpens implements Disposable {
  readonly #ring: Ring;
  readonly #path: string;
  #count = 0;

  constructor(ring: Ring, path: string) {
    this.#ring = ring;
    this.#path = path;
  }

  /** Blocks workers, those that idle too, until there is a new one; its thread id. */
  newWorker(): string {
    const before = workers();
    const fresh = () => workers().find((tid) => !before.includes(tid));
    until('a new worker thread', () => {
      if (this.#count <= before.length) this.#block();
      return fresh() !== undefined;
    });
    return fresh() ?? '';
  }

  #block(): void {
    this.#count++;
    this.#ring.prepare.openat(this.#path, { async: true });
    this.#ring.submit();
  }

  /** A writer comes: all opens end. */
  [Symbol.dispose](): void {
    const writer = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK);
    for (const { res } of completions(this.#ring, this.#count)) if (res >= 0) closeSync(res);
    closeSync(writer);
  }
}

function needTwoCpus(): void {
  const [, list = ''] = /Cpus_allowed_list:\t(.*)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (!/[-,]/.test(list)) throw new NotHere('needs-hardware', `needs two cpus to choose from, has ${list}`);
}

/** The cpus of a worker that starts while `ring` is bound to cpu 0, and of one that starts after that. */
function boundAndFree(scratch: Scratch, name: string): { readonly bound: string; readonly free: string } {
  needTwoCpus();
  using ring = new Ring(ENTRIES);
  // the first ring of a thread decides how many there may be: it can have been a small one
  using _enough = ring.limitWorkers({ bounded: ENTRIES });
  using blocked = new BlockedOpens(ring, scratch.fifo(name));
  using limits = ring.limitWorkers({ cpus: [0] });
  const first = blocked.newWorker();
  until('a worker bound to cpu 0', () => cpusOf(first) === '0');
  limits.unregister();
  const second = blocked.newWorker();
  until('a worker bound to no cpu', () => cpusOf(second) !== '0');
  return { bound: cpusOf(first), free: cpusOf(second) };
}

export const workerThreads = {
  REGISTER_IOWQ_AFF: (scratch) => {
    const { bound, free } = boundAndFree(scratch, 'bind');
    return `a new worker may run on cpu ${bound}, without it on ${free}`;
  },

  UNREGISTER_IOWQ_AFF: (scratch) => {
    const { bound, free } = boundAndFree(scratch, 'unbind');
    return `the next worker may run on ${free}, not only on ${bound}`;
  },

  REGISTER_IOWQ_MAX_WORKERS: () => {
    using ring = new Ring(ENTRIES);
    using from = Pair.blockingPipe();
    using into = Pair.blockingPipe();
    using limits = ring.limitWorkers({ unbounded: 2 });
    same('the limit', ring.workerLimits.unbounded, 2);
    const before = workers();
    const started = () => workers().filter((tid) => !before.includes(tid)).length;
    // each waits in a worker of the unbounded kind, until there is a byte in the pipe
    for (let i = 0; i < 6; i++) ring.prepare.splice(from.a.fd, into.b.fd, 1, { async: true });
    ring.submit();
    until('two workers', () => started() === 2);
    writeSync(from.b.fd, '123456');
    const moved = completions(ring, 6).map(({ res }) => named(res));
    same('bytes moved', moved, [1, 1, 1, 1, 1, 1]);
    expect(started() <= 2, `${started()} workers started`);
    limits.unregister();
    expect(ring.workerLimits.unbounded > 2, 'the limit stays');
    return '6 blocked splices got 2 worker threads';
  },
} satisfies Proofs;
