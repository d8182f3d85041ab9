/** One seed: so many calls of anything with anything, in several lives of a few hundred calls each. */
import { Stream } from 'node:stream';
import * as raw from '../../../lib/raw.ts';
import { sys } from '../../../lib/sys/syscall.ts';
import type { Arena } from './arena.ts';
import { Thrown } from './hostile.ts';
import { Random } from './random.ts';
import { EXCLUDED_RAW, type Method, methodOf, methodsOf, optionsOf, placeOfOptions } from './surface.ts';
import { generatorOf, OPTIONS } from './values.ts';
import { type Driver, World } from './world.ts';

const CALLS_OF_A_LIFE = 250;
/** How long what is in flight may take to end: no measure of speed. */
const PATIENCE_MS = 8_000;
/** A call that takes longer holds the event loop. */
const LONGEST_MS = 10_000;
/** Who has the memory of a former life still watches it so long. */
const WATCHED_LIVES = 4;
/** These make an fd, if they don't put it into a table. */
const MAKES_FD = /^(?:openat2?|open|accept|acceptMultishot|socket|fixedFdInstall)$/;

/** What a seed came to. */
export interface Report {
  readonly seed: number;
  readonly calls: number;
  /** Calls that neither threw nor rejected at once. */
  readonly accepted: number;
  /** Names of methods, each with how often it was accepted. */
  readonly methods: { readonly [name: string]: number };
  readonly findings: readonly string[];
}

/** The functions of `uring/raw` that are called. */
export const RAW: readonly Method[] = Object.entries(raw).flatMap(([name, value]) => {
  const method = /^(?:un)?register/.test(name) && !(name in EXCLUDED_RAW) ? methodOf(name, value) : undefined;
  return method ? [method] : [];
});

/** Errors that should be clearer, until they are. */
const KNOWN: readonly RegExp[] = [
  /chain: build is not a function/,
  /take(?:Bundle)?: Cannot destructure property/,
  /subarray: Cannot convert a BigInt/,
  // inspect(), which describes what came, meets a view that lies
  /Cannot perform DataView\.prototype/,
  /(?:Multishot|recv|recvBundle): Cannot read propert/,
  /(?:Multishot|recv|recvBundle): Cannot read private member/,
];

/** Errors that say what was wrong. */
function isClear(error: unknown): boolean {
  if (error instanceof Thrown) return true;
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return error.message.length > 5;
  // what the language throws for a hostile value itself
  return /revoked|proxy|on non-RegExp|Cannot convert a Symbol|'(?:get|has|ownKeys|getOwnPropertyDescriptor)' on proxy/.test(
    error.message,
  );
}

export class Life implements Driver {
  readonly #random: Random;
  readonly #seed: number;
  readonly #trace: (line: string) => void;
  readonly #findings = new Set<string>();
  readonly #methods: Record<string, number> = {};
  readonly #options = new Map<string, readonly string[]>();
  readonly #arenas: Arena[] = [];
  #world: World;
  #calls = 0;
  #accepted = 0;

  /** @param trace is given a line for each call, before it */
  constructor(seed: number, trace: (line: string) => void) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#trace = trace;
    this.#world = new World(this.#random, this);
  }

  report(finding: string): void {
    this.#findings.add(finding);
  }

  failed(what: string, error: unknown): void {
    const text = error instanceof Error ? `${what}: ${error.message}` : '';
    if (!isClear(error) && !KNOWN.some((each) => each.test(text)))
      this.report(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }

  startSync(): void {
    this.#callOne(this.#world.sync.prepare, 'prepare');
  }

  startAsync(): void {
    this.#callOne(this.#world.async, 'AsyncRing', (name) => name !== 'close');
  }

  /** The names of the options of each method, which a message of an error tells. */
  async #learn(): Promise<void> {
    const { sync, async } = this.#world;
    for (const object of [sync.prepare, async, sync]) {
      for (const method of methodsOf(object)) {
        if (placeOfOptions(method) < 0) continue;
        const names = await optionsOf(object, method);
        if (names) this.#options.set(method.name, names);
      }
    }
  }

  #optionsFor(method: string): unknown {
    const world = this.#world;
    const random = this.#random;
    if (random.chance(30)) return {};
    if (method === 'submit') {
      // it must never wait without an end
      return {
        wait: random.below(3),
        ...random.pick([{ timeoutMs: 1 }, { timeoutMs: 1, minWaitUs: 9 }, { deadlineMs: 1 }]),
      };
    }
    const names = this.#options.get(method) ?? ['signal', 'flags', 'async'];
    const options: Record<string, unknown> = {};
    for (let i = random.below(4); i >= 0; i--) {
      const name = random.pick(names) ?? '';
      options[name] = OPTIONS[name]?.(world);
    }
    // the kernel drops the completions of what is linked behind it when it fails, and the ring waits for them for ever
    if ('skipSuccess' in options) {
      for (const name of ['link', 'hardlink']) delete options[name];
    }
    return options;
  }

  #argument(where: string, { name }: Method, parameter: string): unknown {
    const world = this.#world;
    const good =
      parameter === 'options' ? this.#optionsFor(name) : generatorOf(where, name, parameter)?.(world);
    if (!this.#random.chance(12)) return good;
    const bad = this.#random.chance(30) ? world.hostile.junk() : world.hostile.disguise(good);
    // what another visitor gets is not counted
    if (parameter === 'visit' && typeof bad === 'function') return good;
    // numbers that may be open files of the process's own are not tried
    return typeof bad === 'number' && bad >= 0 && bad < 50_000 ? good : bad;
  }

  /** Calls one of the methods of an object. */
  #callOne(object: object, where: string, allows: (name: string) => boolean = () => true): void {
    const method = this.#random.pick(methodsOf(object));
    if (method === undefined || !allows(method.name)) return;
    const what = `${where}.${method.name}`;
    if (where === 'prepare') this.#prepare(object, method, what);
    else {
      const args = this.#arguments(where, method, what);
      if (!this.#call(what, () => method.call(object, args))) this.#world.promises.drop(args.at(-1));
    }
  }

  /** Good ones and bad ones; instead of a promise now and then a callback, which must be called once. */
  #arguments(where: string, method: Method, what: string): unknown[] {
    const isCallback = where === 'AsyncRing' && method.parameters.at(-1) === 'callback';
    const parameters = isCallback ? method.parameters.slice(0, -1) : method.parameters;
    const args = parameters.map((parameter) => this.#argument(where, method, parameter));
    if (isCallback && this.#random.chance(30)) args.push(this.#world.promises.callback(what));
    return args;
  }

  /** Prepares an operation whose completion is waited for. */
  #prepare(object: object, method: Method, what: string): void {
    const { completions, hostile } = this.#world;
    const userData = completions.next();
    const options = { ...Object(this.#optionsFor(method.name)), userData };
    const args = method.parameters.map((parameter) => {
      if (parameter !== 'options') return this.#argument('prepare', method, parameter);
      return this.#random.chance(12) ? hostile.disguise(options) : options;
    });
    const names = Object.keys(options).filter((name) => name !== 'userData');
    const told = `${what} ${names.join(' ')}`;
    if (!this.#call(what, () => method.call(object, args))) return;
    const makesFd = MAKES_FD.test(method.name) && !('into' in options);
    completions.started(userData, told, 'skipSuccess' in options, (res) => {
      if (makesFd && res >= 0) sys.close(res);
    });
  }

  /** Makes a call; whether it was accepted. */
  #call(what: string, call: () => unknown): boolean {
    this.#calls++;
    this.#trace(what);
    const start = performance.now();
    try {
      this.#take(what, call());
      this.#accepted++;
      this.#methods[what] = (this.#methods[what] ?? 0) + 1;
      return true;
    } catch (error) {
      this.failed(what, error);
      return false;
    } finally {
      const ms = performance.now() - start;
      if (ms > LONGEST_MS) this.report(`${what} held the event loop for ${Math.round(ms)} ms`);
    }
  }

  /** What a call gave is waited for, iterated, or kept for other calls. */
  #take(what: string, value: unknown): void {
    const world = this.#world;
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof Promise) {
      world.promises.add(what, value, (result) => this.#take(`${what}, its result`, result));
      return;
    }
    // a stream that is aborted, and that nobody listens to, is an uncaught error: so Node.js has it
    if (value instanceof Stream) value.on('error', () => {});
    if (Symbol.asyncIterator in value && 'next' in value && typeof value.next === 'function') {
      const { next } = value;
      world.keep(value);
      for (let i = this.#random.below(3); i >= 0; i--)
        world.promises.add(`${what}, next`, Reflect.apply(next, value, []), (each) => this.#take(what, each));
      return;
    }
    if (Symbol.iterator in value && 'next' in value) {
      // completions(): its completions are counted as those of reap are
      for (const each of world.sync.completions()) world.visit(each.userData, each.res, each.flags);
      return;
    }
    if (Array.isArray(value)) for (const each of value.slice(0, 3)) this.#take(what, each);
    else if (Object.getPrototypeOf(value) !== Object.prototype && !ArrayBuffer.isView(value))
      world.keep(value);
    else if ('value' in value) this.#take(what, value.value);
  }

  #step(): void {
    const world = this.#world;
    const dice = this.#random.below(100);
    if (dice < 38) this.startSync();
    else if (dice < 72) this.startAsync();
    else if (dice < 78) this.#call('submit', () => world.sync.submit());
    else if (dice < 84) this.#call('reap', () => world.sync.reap(world.visit));
    else if (dice < 88) this.#callOne(world.sync, 'Ring', (name) => name !== 'close');
    else if (dice < 93) {
      const owner = world.someOwner();
      if (owner) this.#callOne(owner, owner.constructor.name);
    } else if (dice < 98) this.#callRaw();
    else world.sendForeign();
  }

  #callRaw(): void {
    const method = this.#random.pick(RAW);
    if (method === undefined) return;
    const { hostile, rawFd, arena } = this.#world;
    const args = method.parameters.map((name) =>
      name === 'fd'
        ? rawFd
        : this.#random.one<unknown>(
            () => hostile.junk(),
            () => hostile.list([hostile.junk(), arena.some()]),
            () => hostile.disguise({ offset: 0, buffers: [arena.some()], fds: [-1], userData: 1, res: 1 }),
          ),
    );
    this.#call(`raw.${method.name}`, () => method.call({}, args));
  }

  async #end(): Promise<void> {
    await this.#world.end(PATIENCE_MS);
    this.#arenas.push(this.#world.arena);
    for (const arena of this.#arenas) for (const what of arena.hurt()) this.report(`hurt: ${what}`);
    if (this.#arenas.length > WATCHED_LIVES) this.#arenas.shift();
  }

  /** Makes so many calls. */
  async run(calls: number): Promise<Report> {
    await this.#learn();
    for (let lives = 0; this.#calls < calls; lives++) {
      if (lives > 0) this.#world = new World(this.#random, this);
      const end = this.#calls + CALLS_OF_A_LIFE;
      while (this.#calls < end) {
        this.#step();
        if (this.#random.chance(10)) await new Promise((resolve) => setImmediate(resolve));
      }
      await this.#end();
    }
    return {
      seed: this.#seed,
      calls: this.#calls,
      accepted: this.#accepted,
      methods: this.#methods,
      findings: [...this.#findings],
    };
  }
}
