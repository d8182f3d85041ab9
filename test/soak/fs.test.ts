/** Many calls of `uring/fs`, mixed at random: through a ring and over the threads they leave the same files, and no fd. */
import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ringUses } from '../../lib/fs/backend.ts';
import uring, { backend } from '../../lib/fs.ts';
import { tree } from '../fs/judge.ts';

const { SOAK_OPERATIONS = '100000' } = process.env;
const OPERATIONS = Number(SOAK_OPERATIONS);
const LANES = 32;
const NAMES = 12;

/** The same numbers for the same seed. @returns an integer below `most` */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

/** One after another in a folder of its own: so what is left does not depend on who is faster. */
class Lane {
  readonly #folder: string;
  readonly #next: (most: number) => number;
  readonly hash: Hash = createHash('sha256');
  calls = 0;

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#next = numbers(seed);
    mkdirSync(folder);
  }

  #path(): string {
    return join(this.#folder, `${this.#next(NAMES)}`);
  }

  #data(): Buffer {
    return Buffer.alloc(
      this.#next(40) === 0 ? 100_000 + this.#next(1000) : this.#next(5000),
      this.#next(256),
    );
  }

  /** Awaits a call; what it gives, or which error, goes into the hash. */
  async #see(call: Promise<unknown>): Promise<void> {
    this.calls++;
    try {
      const value = await call;
      if (value instanceof Uint8Array || typeof value === 'string') this.hash.update(value);
      else if (typeof value === 'number') this.hash.update(`${value}`);
    } catch (error) {
      assert.ok(error instanceof Error && 'syscall' in error, String(error));
      this.hash.update(error.message.replaceAll(this.#folder, ''));
    }
  }

  async #byHandle(): Promise<void> {
    const path = this.#path();
    this.calls++;
    const file = await uring.open(path, ['r+', 'a+', 'w+'][this.#next(3)]).catch(() => undefined);
    if (file === undefined) return;
    await this.#see(file.write(this.#data()).then(({ bytesWritten }) => bytesWritten));
    await this.#see(file.writev([this.#data(), Buffer.from('x')]).then(({ bytesWritten }) => bytesWritten));
    const into = Buffer.alloc(3000);
    await this.#see(
      file.read(into, 0, 3000, this.#next(6000)).then(({ bytesRead }) => into.subarray(0, bytesRead)),
    );
    await this.#see(file.truncate(this.#next(20_000)));
    await this.#see(file.readFile());
    await this.#see(file.close());
  }

  async #byStream(): Promise<void> {
    this.calls++;
    try {
      for await (const part of uring.createReadStream(this.#path(), { start: this.#next(100) }))
        this.hash.update(part);
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOENT');
    }
  }

  async step(): Promise<void> {
    switch (this.#next(12)) {
      case 0:
      case 1:
        return this.#see(uring.writeFile(this.#path(), this.#data()));
      case 2:
        return this.#see(uring.appendFile(this.#path(), `line ${this.#next(1000)}\n`));
      case 3:
      case 4:
      case 5:
        return this.#see(uring.readFile(this.#path()));
      case 6:
        return this.#see(uring.rename(this.#path(), this.#path()));
      case 7:
        return this.#see(uring.unlink(this.#path()));
      case 8:
        return this.#see(uring.stat(this.#path()).then(({ size }) => size));
      case 9:
        return this.#next(4) === 0
          ? this.#byStream()
          : this.#see(uring.writeFile(this.#path(), 'new', { flag: 'wx', mode: 0o600 }));
      default:
        return this.#byHandle();
    }
  }
}

interface Result {
  readonly digests: string[];
  readonly files: unknown[];
  readonly calls: number;
  readonly seconds: number;
}

async function soak(use: 'io_uring' | 'threads', folder: string): Promise<Result> {
  assert.equal(backend({ use }).name, use);
  const start = performance.now();
  const lanes = Array.from({ length: LANES }, (_, i) => new Lane(join(folder, `${i}`), i + 1));
  await Promise.all(
    lanes.map(async (lane) => {
      while (lane.calls < OPERATIONS / LANES) await lane.step();
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const calls = lanes.reduce((sum, lane) => sum + lane.calls, 0);
  return { digests: lanes.map(({ hash }) => hash.digest('hex')), files: tree(folder), calls, seconds };
}

function fds(): number {
  return readdirSync('/proc/self/fd').length;
}

test(`${OPERATIONS} calls leave the same over a ring and over the threads`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-soak-'));
  const results: Result[] = [];
  try {
    for (const use of ['io_uring', 'threads'] as const) {
      mkdirSync(join(folder, use));
      backend({ use });
      const before = fds();
      const uses = ringUses();
      const result = await soak(use, join(folder, use));
      // the ring that soak() made in place of the other is as many
      assert.ok(fds() <= before, `${fds() - before} fds are left`);
      if (use === 'io_uring') assert.ok(ringUses() - uses > OPERATIONS / 2);
      t.diagnostic(`${use}: ${result.calls} calls in ${result.seconds.toFixed(1)} s`);
      results.push(result);
    }
    const [ring, threads] = results;
    assert.deepEqual(ring?.digests, threads?.digests);
    assert.deepEqual(ring?.files, threads?.files);
    assert.ok((ring?.files.length ?? 0) > LANES);
  } finally {
    backend({ use: 'auto' });
    rmSync(folder, { recursive: true });
  }
});
