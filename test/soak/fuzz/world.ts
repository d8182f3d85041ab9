/** What the calls of one life act on: rings, files, sockets, memory and owners; and what happens at the worst moment. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing } from '../../../lib/faces/async-ring.ts';
import { Ring } from '../../../lib/faces/ring.ts';
import * as uring from '../../../lib/index.ts';
import type { RingBaseOptions } from '../../../lib/ring/base.ts';
import * as libc from '../../../lib/sys/libc.ts';
import { sys } from '../../../lib/sys/syscall.ts';
import { constants } from '../../../structs/flags.ts';
import { Completions, Promises, UNSTOPPABLE } from './accounts.ts';
import { Arena } from './arena.ts';
import { Hostile, Thrown } from './hostile.ts';
import type { Random } from './random.ts';

/** So many owners of a kind are kept for other calls. */
const MOST = 12;
const SHAPES: readonly RingBaseOptions[] = [
  ...[{}, {}, { cqEntries: 64 }, { deferTaskrun: true }, { sqPoll: { idleMs: 1 } }],
  ...([{ sqe128: true }, { cqe32: true }, { cqe32: 'mixed' }, { disabled: true }, { noMmap: true }] as const),
];

/** Turns of the event loop in which everything must be settled when a ring is closed. */
const TURNS = 1000;
const PUBLIC: ReadonlySet<unknown> = new Set(Object.values(uring));

type Kind = 'any' | 'plain' | 'socket' | 'server' | 'epoll' | 'eventfd';

/** How a life reports, and starts more. */
export interface Driver {
  report(finding: string): void;
  /** Starts an operation on the ring of promises, or of the other. */
  startAsync(): void;
  startSync(): void;
  /** What a call threw, or a promise rejected with. */
  failed(what: string, error: unknown): void;
}

function ringOr<T>(make: (options: RingBaseOptions) => T, options: RingBaseOptions): T {
  try {
    return make(options);
  } catch {
    return make({});
  }
}

export class World {
  readonly random: Random;
  readonly arena: Arena;
  readonly hostile: Hostile;
  readonly completions: Completions;
  readonly promises: Promises;
  readonly sync: Ring;
  readonly async: AsyncRing;
  /** Sends messages. */
  readonly other = new Ring(8);
  /** For `uring/raw`: a ring on which nothing runs. */
  readonly rawFd: number;
  readonly #driver: Driver;
  readonly #folder = mkdtempSync(join(tmpdir(), 'uring-fuzz-'));
  readonly #fds: { readonly [kind in Kind]: number[] } = {
    any: [],
    plain: [],
    socket: [],
    server: [],
    epoll: [],
    eventfd: [],
  };
  readonly #owners = new Map<string, object[]>();
  #abort = new AbortController();
  #depth = 0;

  constructor(random: Random, driver: Driver) {
    this.random = random;
    this.#driver = driver;
    this.arena = new Arena(random);
    this.hostile = new Hostile(random, () => this.act());
    this.completions = new Completions((finding) => driver.report(finding));
    this.promises = new Promises((what, error) => driver.failed(what, error));
    const shape = random.pick(SHAPES) ?? {};
    this.sync = ringOr((options) => new Ring(16, options), shape);
    this.async = ringOr((options) => new AsyncRing(16, options), random.pick(SHAPES) ?? {});
    this.rawFd = sys.setup(4, new Uint8Array(120));
    this.#open();
    for (const ring of [this.sync, this.async]) this.#register(ring);
  }

  #open(): void {
    const { any, plain, socket, server, epoll, eventfd } = this.#fds;
    writeFileSync(join(this.#folder, 'a'), new Uint8Array(8192).fill(7));
    any.push(
      openSync(join(this.#folder, 'a'), 'r+'),
      openSync('/dev/zero', 'r+'),
      openSync('/dev/null', 'r+'),
    );
    any.push(...libc.pipe(), ...libc.pipe());
    plain.push(...any);
    socket.push(...libc.socketpair(), ...libc.socketpair(2));
    eventfd.push(libc.eventfd());
    epoll.push(libc.epollCreate());
    // a server of nobody's: what it accepts never comes
    server.push(...libc.socketpair());
    any.push(...socket, ...eventfd);
  }

  #register(ring: Ring | AsyncRing): void {
    const pieces = [this.arena.bytes(256), this.arena.pages(1), this.arena.bytes(64)];
    const steps = [
      () => this.keep(ring.registerBuffers(pieces)).at(0),
      () => this.keep(ring.registerFiles([...this.#fds.any.slice(0, 4), -1, -1])).at(0),
      () => ring.registerBufferRing({ entries: 8, bufferSize: 128 }),
      () => ring.registerPersonality(),
    ];
    for (const step of steps) {
      try {
        this.keep(step());
      } catch {
        // a disabled ring, or an older kernel
      }
    }
  }

  /** An fd of this world's. */
  fd(kind: Kind = 'any'): number {
    return this.random.pick(this.#fds[kind]) ?? -1;
  }

  /** An fd that is closed once and never used again. */
  victim(): unknown {
    if (this.random.chance(30)) return this.owner('FixedFile') ?? this.owner('RingFile');
    return openSync('/dev/null', 'r');
  }

  path(): string {
    return join(this.#folder, this.random.pick(['a', 'b', 'c', 'd', 'a/b', 'none']) ?? '');
  }

  signal(): unknown {
    if (this.random.chance(5)) {
      const former = this.#abort;
      this.#abort = new AbortController();
      former.abort(new Thrown('aborted'));
    }
    return this.random.chance(90) ? this.#abort.signal : AbortSignal.abort();
  }

  someUserData(): number {
    const [from, to] = this.completions.some;
    return from + this.random.below(to - from + 1);
  }

  /** A message that may come. */
  message(): { readonly userData: number | bigint; readonly res: number } {
    return { userData: this.completions.nextMessage(), res: 1 };
  }

  /** Takes a completion. */
  readonly visit = (userData: number | bigint, res: number, flags: number): void =>
    this.completions.completed(userData, res, flags);

  /** Remembers an object of a public class for other calls. */
  keep<T>(value: T): T {
    if (typeof value !== 'object' || value === null || !PUBLIC.has(value.constructor)) return value;
    const kind = value.constructor.name;
    const all = this.#owners.get(kind) ?? [];
    this.#owners.set(kind, all);
    if (all.length < MOST) all.push(value);
    else all[this.random.below(MOST)] = value;
    return value;
  }

  owner(kind: string): object | undefined {
    return this.random.pick(this.#owners.get(kind) ?? []);
  }

  /** Any of the objects that calls gave. */
  someOwner(): object | undefined {
    return this.random.pick([...this.#owners.values()].flat());
  }

  startAsync(): void {
    this.#driver.startAsync();
  }

  /** Other rings send messages, also such as no `Ring` can send. */
  sendForeign(): void {
    const userData = this.completions.nextMessage(this.random.chance(50));
    try {
      this.other.sendMessage(this.sync, { userData, res: this.random.below(100) });
      this.completions.sent(userData);
    } catch (error) {
      this.#driver.failed('sendMessage', error);
    }
  }

  /** Does something that nobody expects here: called by getters, traps and callbacks. */
  act(): void {
    if (this.#depth >= 2) return;
    this.#depth++;
    try {
      const thrown = this.#actOnce();
      if (thrown !== undefined) throw thrown;
    } finally {
      this.#depth--;
    }
  }

  #actOnce(): Thrown | undefined {
    const dice = this.random.below(1000);
    if (dice < 4) this.sync.close();
    else if (dice < 8) this.async.close();
    else if (dice < 90) this.arena.detachOne();
    else if (dice < 100) globalThis.gc?.();
    else if (dice < 300) this.#driver.startSync();
    else if (dice < 500) this.#driver.startAsync();
    else if (dice < 560) this.#quietly(() => this.sync.submit());
    else if (dice < 600) this.#quietly(() => this.sync.reap(this.visit));
    else if (dice < 640) this.sendForeign();
    else if (dice < 660) this.#unregisterOne();
    else if (dice < 680)
      this.#quietly(() => this.sync.resize({ sqEntries: this.random.pick([8, 32]) ?? 16 }));
    else if (dice < 740) return new Thrown('by a getter');
    return undefined;
  }

  #quietly(step: () => unknown): void {
    try {
      step();
    } catch (error) {
      this.#driver.failed('in a getter', error);
    }
  }

  #unregisterOne(): void {
    const owner = this.someOwner();
    if (owner === undefined || !('unregister' in owner) || typeof owner.unregister !== 'function') return;
    const { unregister } = owner;
    this.#quietly(() => Reflect.apply(unregister, owner, []));
  }

  /** Ends what is in flight on the reaped ring; reports what does not end. */
  async #endSync(until: number): Promise<void> {
    const { sync } = this;
    this.#quietly(() => sync.setupFlags & constants.IORING_SETUP_R_DISABLED && sync.enable());
    while (
      !sync.isClosed &&
      sync.inFlight > this.#unstoppable(this.completions.pending) &&
      performance.now() < until
    ) {
      // cancelSync() does not find what the workers of a submission thread run
      if ((sync.setupFlags & constants.IORING_SETUP_SQPOLL) !== 0)
        this.#quietly(() => sync.prepare.cancel({ any: true }));
      this.#quietly(() => sync.submit());
      this.#quietly(() => sync.cancelSync({ any: true, timeoutMs: 100 }));
      this.#quietly(() => sync.submit({ wait: 1, timeoutMs: 5 }));
      this.#quietly(() => sync.reap(this.visit));
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#quietly(() => sync.reap(this.visit));
    if (sync.isClosed) return;
    this.#judge('Ring', sync.inFlight, this.completions.pending);
    this.completions.close();
  }

  #unstoppable(pending: readonly string[]): number {
    return pending.filter((each) => UNSTOPPABLE.test(each)).length;
  }

  #judge(what: string, inFlight: number, pending: readonly string[]): void {
    if (inFlight > this.#unstoppable(pending))
      this.#driver.report(`${what}: ${inFlight} operations never end: ${pending.join(', ')}`);
  }

  async #endAsync(until: number): Promise<void> {
    const { async } = this;
    this.#quietly(() => async.enable());
    this.#abort.abort(new Thrown('the end'));
    const iterators = this.#owners.get('Results') ?? [];
    for (const each of iterators)
      if ('return' in each && typeof each.return === 'function')
        this.promises.add('return', Reflect.apply(each.return, each, []));
    while (
      !async.isClosed &&
      async.inFlight > this.#unstoppable(this.promises.pending) &&
      performance.now() < until
    ) {
      this.#quietly(() => async.cancelSync({ any: true, timeoutMs: 100 }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!async.isClosed) this.#judge('AsyncRing', async.inFlight, this.promises.pending);
    async.close();
    // what is refused by close() is so at once: only the microtasks have to run
    for (let turns = 0; this.promises.pending.length > 0 && turns < TURNS; turns++)
      await new Promise((resolve) => setImmediate(resolve));
    for (const what of this.promises.pending) this.#driver.report(`never settled: ${what}`);
  }

  /** Ends everything; nothing may be left. */
  async end(patienceMs: number): Promise<void> {
    await this.#endSync(performance.now() + patienceMs);
    await this.#endAsync(performance.now() + patienceMs);
    for (const ring of [this.sync, this.other]) ring.close();
    sys.close(this.rawFd);
    for (const fds of Object.values(this.#fds)) for (const fd of new Set(fds)) this.#closeOnce(fd);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #closed = new Set<number>();

  #closeOnce(fd: number): void {
    if (this.#closed.has(fd)) return;
    this.#closed.add(fd);
    closeSync(fd);
  }
}
