/** What code of a caller's can do while its arguments are read. */
import vm from 'node:vm';
import type { Random } from './random.ts';

/** Thrown by getters and callbacks of the fuzzer's own. */
export class Thrown extends Error {}

const NUMBERS = [
  ...[-1, -0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1e300],
  ...[1, 255, 65_535, 65_536, 2 ** 31 - 1, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER],
];
const BIGINTS = [-1n, 0n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 200n];
/** What a list says of its length: a list that is read to its end takes so long, however wrong it is. */
const LIE = 2 ** 16;
const TEXTS = ['', 'alloc', '\0', 'x'.repeat(5000), '\ud800', 'OP_NOP', '__proto__'];

/** Makes hostile values. */
export class Hostile {
  readonly #random: Random;
  /** Does something at the worst moment. */
  readonly #act: () => void;
  readonly #realm = vm.createContext({});

  constructor(random: Random, act: () => void) {
    this.#random = random;
    this.#act = act;
  }

  number(): unknown {
    return this.#random.pick([...NUMBERS, ...BIGINTS]);
  }

  /** Something that is wrong for nearly everything. */
  junk(): unknown {
    return this.#random.one<unknown>(
      () => this.number(),
      () => this.#random.pick(TEXTS),
      () => this.#random.pick([null, undefined, true, Symbol('junk'), Symbol.iterator]),
      () => this.#random.pick([[], {}, new Map(), new Date(Number.NaN), /x/, () => {}, Promise.resolve()]),
      () => this.#revoked(),
      () => this.memory(),
      () => this.proxy({ fd: 0, length: 2 ** 32, index: 0 }),
      () => ({ valueOf: () => this.#acting(1), toString: () => this.#acting('x') }),
      () => new Array(this.#random.below(3000)).fill(0),
    );
  }

  #acting<T>(value: T): T {
    this.#act();
    return value;
  }

  #revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }

  /** The same object behind a Proxy, each of whose traps acts. */
  proxy(target: object): object {
    const traps = ['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'] as const;
    const handler: ProxyHandler<object> = {};
    for (const name of traps) {
      handler[name] = (...args: readonly unknown[]) => {
        this.#act();
        return Reflect.apply(Reflect[name], Reflect, args);
      };
    }
    return new Proxy(target, handler);
  }

  /** The same properties behind getters that act. */
  getters(source: object): object {
    const copy = Array.isArray(source) ? [...source] : Object.create(this.#random.chance(50) ? null : {});
    for (const [name, value] of Object.entries(source)) {
      if (this.#random.chance(50)) Object.defineProperty(copy, name, { value, enumerable: true });
      else Object.defineProperty(copy, name, { get: () => this.#acting(value), enumerable: true });
    }
    return copy;
  }

  /** A list that changes while it is read, or says that it is longer. */
  list(items: readonly unknown[]): unknown {
    const copy = [...items];
    return this.#random.one<unknown>(
      () => this.proxy(copy),
      () => this.getters(copy),
      () => new Proxy(copy, { get: (list, key) => (key === 'length' ? LIE : Reflect.get(list, key)) }),
      () => Object.assign(copy, { [Symbol.iterator]: () => this.#acting([][Symbol.iterator]()) }),
      () => Object.defineProperty(copy, 0, { get: () => this.#acting(copy.splice(1)), configurable: true }),
      () => new Array(3),
    );
  }

  /** Memory that lies, or can't be used. */
  memory(view: Uint8Array = new Uint8Array(32)): unknown {
    return this.#random.one<unknown>(
      () => this.#lying(view),
      () => this.proxy(view),
      () => new Uint8Array(new SharedArrayBuffer(64)),
      // TypeScript's library does not know these yet
      () => vm.runInThisContext('new Uint8Array(new ArrayBuffer(64, { maxByteLength: 128 }))'),
      () => vm.runInThisContext('new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 64, 64)'),
      () => this.#detached(),
      () => view.buffer,
      () => Object.setPrototypeOf(view.subarray(), this.proxy(Uint8Array.prototype)),
      () => this.foreign(view.length),
    );
  }

  #lying(view: Uint8Array): Uint8Array {
    const liar = view.subarray();
    const lie = { get: () => this.#acting(2 ** 20), configurable: true };
    for (const name of ['length', 'byteLength', 'byteOffset']) Object.defineProperty(liar, name, lie);
    Object.defineProperty(liar, 'buffer', { get: () => this.#acting(new ArrayBuffer(2 ** 20)) });
    return liar;
  }

  #detached(): Uint8Array {
    const view = new Uint8Array(64);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  }

  /** Memory of another realm: as good as any. */
  foreign(length: number): unknown {
    return vm.runInContext(`new Uint8Array(${length})`, this.#realm);
  }

  /** A good value, hostile in a way that leaves it one as far as possible. */
  disguise(value: unknown): unknown {
    if (typeof value === 'number' || typeof value === 'bigint') return this.number();
    if (ArrayBuffer.isView(value))
      return this.memory(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (Array.isArray(value)) return this.list(value);
    if (typeof value === 'object' && value !== null)
      return this.#random.chance(50) ? this.proxy(value) : this.getters(value);
    return this.junk();
  }
}
