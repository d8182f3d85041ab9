/** Scenes for threads of their own, whose worker threads nobody else starts. */
import assert from 'node:assert/strict';
import { constants as files } from 'node:fs';
import { Ring } from '../../lib/faces/ring.ts';
import { ioWorkers, makeFifo, Scope, until } from '../helpers/rings.ts';

/** Work that keeps workers: splices of an empty pipe are unbounded, opens of a FIFO are bounded. */
class Blocker {
  readonly ring: Ring;
  readonly #scope: Scope;
  readonly #from: number;
  readonly #to: number;
  #fifo: string | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#from = scope.pipe().reader;
    this.#to = scope.pipe().writer;
    this.ring = scope.ring(64);
  }

  splice(count: number): void {
    for (let i = 0; i < count; i++) this.ring.prepare.splice(this.#from, this.#to, 1, { async: true });
    this.ring.submit();
  }

  open(count: number): void {
    this.#fifo ??= makeFifo(this.#scope.folder());
    for (let i = 0; i < count; i++) {
      this.ring.prepare.openat(this.#fifo, { flags: files.O_RDONLY, async: true });
    }
    this.ring.submit();
  }
}

async function inScope(scene: (scope: Scope) => Promise<void>): Promise<string> {
  const scope = new Scope();
  try {
    await scene(scope);
  } finally {
    scope.close();
  }
  return 'done';
}

/** The number of worker threads stops at the limits of each kind. */
export function count(): Promise<string> {
  return inScope(async (scope) => {
    const blocker = new Blocker(scope);
    const { ring } = blocker;
    const before = ring.workerLimits;
    const limits = ring.limitWorkers({ bounded: 3, unbounded: 2 });
    assert.deepEqual(ring.workerLimits, { bounded: 3, unbounded: 2 });
    blocker.splice(10);
    await until('2 unbounded workers', () => ioWorkers().length === 2);
    blocker.splice(1);
    assert.equal(ioWorkers().length, 2);
    blocker.open(10);
    await until('3 bounded workers more', () => ioWorkers().length === 5);
    blocker.open(1);
    assert.equal(ioWorkers().length, 5);
    // what waits was held back by nothing else
    const more = ring.limitWorkers({ unbounded: 5 });
    blocker.splice(1);
    await until('3 unbounded workers more', () => ioWorkers().length === 8);
    more.unregister();
    assert.deepEqual(ring.workerLimits, { bounded: 3, unbounded: 2 });
    limits.unregister();
    assert.deepEqual(ring.workerLimits, before);
    assert.equal(ring.inFlight, 23);
  });
}

/** Where new workers run; those that run already stay. */
export function bind(all: string): Promise<string> {
  return inScope(async (scope) => {
    const blocker = new Blocker(scope);
    const { ring } = blocker;
    const seen: string[] = [];
    const next = async (): Promise<string> => {
      const known = new Set(ioWorkers().map(({ tid }) => tid));
      blocker.splice(1);
      await until('a new worker', () => ioWorkers().length > known.size);
      const worker = ioWorkers().find(({ tid }) => !known.has(tid));
      seen.push(worker?.cpus ?? '');
      return seen.at(-1) ?? '';
    };
    const outer = ring.limitWorkers({ cpus: [1] });
    assert.equal(await next(), '1');
    const inner = ring.limitWorkers({ cpus: [0] });
    assert.equal(await next(), '0');
    inner.unregister();
    assert.equal(await next(), '1', 'the outer cpus are back');
    outer.unregister();
    assert.equal(await next(), all, 'every cpu');
    assert.deepEqual(
      ioWorkers()
        .map(({ cpus }) => cpus)
        .sort(),
      [...seen].sort(),
      'those that run stay where they are',
    );
  });
}

/** The limits of a thread that has set none. */
export function limitsOfThread(): unknown {
  const ring = new Ring(8);
  try {
    return ring.workerLimits;
  } finally {
    ring.close();
  }
}
