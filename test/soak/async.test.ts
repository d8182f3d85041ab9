/**
 * A million operations of every common kind, cancelled at random, under a garbage collector that never rests: each
 * promise settles, each byte is right, and nothing is left. `URING_SEED=N` chooses what happens, `URING_OPS=N` how much.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OpError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { File, Memory } from '../../lib/operations/types.ts';
import type { RegisteredBuffer } from '../../lib/ring/owners/buffers.ts';
import type { RegisteredFiles } from '../../lib/ring/owners/files.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { belongings } from '../helpers/leaks.ts';
import { needs } from '../helpers/needs.ts';
import { makePipe } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_BUFFERS2');
const { URING_SEED, URING_OPS } = process.env;
const SEED = Number(URING_SEED ?? Date.now() % 1_000_000);
const TOTAL = Number(URING_OPS ?? 1_000_000);
/** Entries of the rings. */
const SIZES = [2, 4, 8, 16, 32, 64];
/** Each runs one operation, or a few, at a time. */
const LANES_PER_RING = 24;
const CONTENT_BYTES = 2 ** 20;
const PIECE = 2048;
const POLLIN = 1;
const O_RDWR = 2;
/** What is in memory that the kernel must not touch any more. */
const UNTOUCHED = 0xa5;

/** Numbers that look random and come again with the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The file that is read: no two pieces of it are alike. */
const content = Buffer.alloc(CONTENT_BYTES);
for (let i = 0; i < CONTENT_BYTES; i += 4) content.writeUInt32LE(Math.imul(i + 1, 0x9e3779b1) >>> 0, i);

/** What became of all operations. */
class Tally {
  started = 0;
  fulfilled = 0;
  aborted = 0;
  timedOut = 0;
  readonly kinds = new Map<string, number>();

  get settled(): number {
    return this.fulfilled + this.aborted + this.timedOut;
  }
}

/** A ring that shows how many of its slots are taken. */
class OpenAsyncRing extends AsyncRing {
  get slots(): number[] {
    return this.core.flights.slots();
  }
}

/** What a lane has: a place in a file, a pipe, memory, a slot. */
class Lane {
  readonly #ring: AsyncRing;
  readonly #tally: Tally;
  readonly #pick: (below: number) => number;
  readonly #contentPath: string;
  readonly #contentFd: number;
  readonly #scratch: number;
  readonly #place: number;
  readonly #files: RegisteredFiles;
  readonly #slot: number;
  readonly #buffer: RegisteredBuffer;
  readonly #reader: number;
  readonly #writer: number;
  readonly #forever: AbortSignal;
  readonly #memory = alloc(PIECE);

  constructor(around: {
    readonly ring: AsyncRing;
    readonly tally: Tally;
    readonly pick: (below: number) => number;
    readonly contentPath: string;
    readonly contentFd: number;
    readonly scratch: number;
    readonly place: number;
    readonly files: RegisteredFiles;
    readonly slot: number;
    readonly buffer: RegisteredBuffer;
    readonly forever: AbortSignal;
  }) {
    this.#ring = around.ring;
    this.#tally = around.tally;
    this.#pick = around.pick;
    this.#contentPath = around.contentPath;
    this.#contentFd = around.contentFd;
    this.#scratch = around.scratch;
    this.#place = around.place;
    this.#files = around.files;
    this.#slot = around.slot;
    this.#buffer = around.buffer;
    this.#forever = around.forever;
    [this.#reader, this.#writer] = makePipe();
  }

  close(): void {
    sys.close(this.#reader);
    sys.close(this.#writer);
  }

  /** Runs until all operations of the test are started. */
  async run(): Promise<void> {
    const kinds = [
      this.#nops,
      this.#reads,
      this.#reads,
      this.#fixedReads,
      this.#slots,
      this.#writes,
      this.#opens,
      this.#pipes,
      this.#polls,
      this.#waits,
      this.#chains,
      this.#dropped,
    ];
    while (this.#tally.started < TOTAL) {
      const kind = kinds[this.#pick(kinds.length)];
      await kind?.call(this);
    }
  }

  /** The result, or 'aborted' or 'late'; anything else fails the test. */
  async #outcome<T>(kind: string, promise: Promise<T>): Promise<T | 'aborted' | 'late'> {
    const tally = this.#tally;
    tally.started++;
    tally.kinds.set(kind, (tally.kinds.get(kind) ?? 0) + 1);
    try {
      const result = await promise;
      tally.fulfilled++;
      return result;
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') {
        tally.aborted++;
        return 'aborted';
      }
      if (error instanceof OpError && error.code === 'ETIME') {
        tally.timedOut++;
        return 'late';
      }
      throw error;
    }
  }

  /** A signal that aborts at a random moment, one that never does, or none. */
  #signal(often: boolean): { signal?: AbortSignal } {
    const pick = this.#pick(often ? 8 : 40);
    if (pick > 7) return pick === 8 ? { signal: this.#forever } : {};
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (pick === 0) abort();
    else if (pick === 1) process.nextTick(abort);
    else if (pick === 2) queueMicrotask(abort);
    else if (pick < 6) setImmediate(abort);
    else setTimeout(abort, this.#pick(4));
    return { signal: controller.signal };
  }

  #isContent(bytes: Uint8Array, offset: number): boolean {
    return content.compare(bytes, 0, bytes.length, offset, offset + bytes.length) === 0;
  }

  /** A piece of the content read somewhere: every byte is right, or nothing is written any more. */
  async #readPiece(kind: string, file: File, memory: Memory, bytes: Uint8Array): Promise<void> {
    const offset = this.#pick(CONTENT_BYTES - bytes.length);
    const isAsync = this.#pick(64) === 0;
    const got = await this.#outcome(
      kind,
      this.#ring.read(file, memory, { offset, async: isAsync, ...this.#signal(false) }),
    );
    if (got === 'aborted') {
      bytes.fill(UNTOUCHED);
      await this.#outcome('nop', this.#ring.nop());
      assert.ok(
        bytes.every((byte) => byte === UNTOUCHED),
        `${kind}: written after it was aborted`,
      );
      return;
    }
    assert.equal(got, bytes.length, kind);
    assert.ok(this.#isContent(bytes, offset), `${kind}: wrong bytes at ${offset}`);
  }

  /** Many at once. */
  async #nops(): Promise<void> {
    const batch = Array.from({ length: 1 + this.#pick(16) }, () =>
      this.#outcome('nop', this.#ring.nop(this.#signal(false))),
    );
    await Promise.all(batch);
  }

  /** A few pieces at once. */
  async #reads(): Promise<void> {
    const count = 1 + this.#pick(4);
    const size = 1 + this.#pick(PIECE / count);
    const reads = Array.from({ length: count }, (_, i) => {
      const bytes = this.#memory.subarray(i * size, (i + 1) * size);
      return this.#readPiece('read', this.#contentFd, bytes, bytes);
    });
    await Promise.all(reads);
  }

  /** The same into registered memory, some by a slot of the file table. */
  async #fixedReads(): Promise<void> {
    const size = 1 + this.#pick(PIECE / 4);
    const reads = Array.from({ length: 4 }, (_, i) => {
      const piece = this.#buffer.subarray(i * size, (i + 1) * size);
      // slot 0 is the content too
      const file = this.#pick(2) === 0 ? this.#contentFd : this.#files.at(0);
      return this.#readPiece('read fixed', file, piece, piece.bytes);
    });
    await Promise.all(reads);
  }

  /** A slot of the file table: filled, read, emptied. */
  async #slots(): Promise<void> {
    const slot = this.#files.at(this.#slot);
    const opened = await this.#outcome(
      'open into a slot',
      this.#ring.open(this.#contentPath, { into: slot, ...this.#signal(false) }),
    );
    if (opened === 'aborted') return;
    await this.#readPiece('read a slot', slot, this.#memory, this.#memory);
    assert.equal(await this.#outcome('close a slot', this.#ring.closeFd(slot)), undefined);
  }

  /** A piece of one's own file written and read back, by plain and by registered memory. */
  async #writes(): Promise<void> {
    const size = 1 + this.#pick(PIECE);
    const memory = this.#pick(2) === 0 ? this.#memory.subarray(0, size) : this.#buffer.subarray(0, size);
    const bytes = memory instanceof Uint8Array ? memory : memory.bytes;
    const from = this.#pick(CONTENT_BYTES - size);
    bytes.set(content.subarray(from, from + size));
    const offset = this.#place;
    const write = (options: { signal?: AbortSignal }) =>
      this.#outcome('write', this.#ring.write(this.#scratch, memory, { offset, ...options }));
    let wrote = await write(this.#signal(false));
    if (wrote === 'aborted') wrote = await write({});
    assert.equal(wrote, size);
    bytes.fill(0);
    assert.equal(await this.#outcome('read back', this.#ring.read(this.#scratch, memory, { offset })), size);
    assert.ok(this.#isContent(bytes, from), 'what was written is not what is read');
  }

  /** A file opened, read and closed. */
  async #opens(): Promise<void> {
    const file = await this.#outcome('open', this.#ring.open(this.#contentPath, this.#signal(true)));
    if (typeof file === 'string') return;
    await this.#readPiece('read an opened file', file, this.#memory, this.#memory);
    await this.#outcome('close', file.close());
  }

  /** Bytes through a pipe, some reads of which are cancelled while they wait: none is lost, none comes twice. */
  async #pipes(): Promise<void> {
    const size = 1 + this.#pick(512);
    const from = this.#pick(CONTENT_BYTES - size);
    const bytes = this.#memory.subarray(0, size);
    const target = this.#memory.subarray(1024, 1024 + size);
    const limit = this.#pick(8) === 0 ? { timeoutMs: 1 } : {};
    const reading = this.#outcome(
      'read a pipe',
      this.#ring.read(this.#reader, target, { ...this.#signal(true), ...limit }),
    );
    if (this.#pick(2) === 0) await this.#outcome('nop', this.#ring.nop());
    bytes.set(content.subarray(from, from + size));
    assert.equal(await this.#outcome('write a pipe', this.#ring.write(this.#writer, bytes)), size);
    let got = await reading;
    if (got === 'aborted' || got === 'late') {
      got = await this.#outcome('read a pipe', this.#ring.read(this.#reader, target));
    }
    assert.equal(got, size);
    assert.ok(this.#isContent(target, from), 'wrong bytes from a pipe');
  }

  /** Waits until a pipe has something. */
  async #polls(): Promise<void> {
    const polling = this.#outcome('poll', this.#ring.poll(this.#reader, POLLIN, this.#signal(true)));
    const one = this.#memory.subarray(0, 1);
    await this.#outcome('write a pipe', this.#ring.write(this.#writer, one));
    const events = await polling;
    if (events !== 'aborted') assert.equal(events, POLLIN);
    assert.equal(await this.#outcome('read a pipe', this.#ring.read(this.#reader, one)), 1);
  }

  /** Waits a little. */
  async #waits(): Promise<void> {
    await this.#outcome('timeout', this.#ring.timeout({ afterMs: this.#pick(3), ...this.#signal(true) }));
  }

  /** Linked: what is written is what is read. A ring of two entries takes two links. */
  async #chains(): Promise<void> {
    const size = 1 + this.#pick(512);
    const from = this.#pick(CONTENT_BYTES - size);
    const source = this.#memory.subarray(0, size);
    const target = this.#memory.subarray(1024, 1024 + size);
    source.set(content.subarray(from, from + size));
    const offset = this.#place;
    const results = await this.#ring.chain((ring) => [
      this.#outcome('write', ring.write(this.#scratch, source, { offset })),
      this.#outcome('read', ring.read(this.#scratch, target, { offset })),
    ]);
    assert.deepEqual(results, [size, size]);
    assert.ok(this.#isContent(target, from), 'a link did not wait for the one before it');
  }

  /** Memory that nobody but the kernel has. */
  async #dropped(): Promise<void> {
    const size = 64 + this.#pick(PIECE);
    const reads = Array.from({ length: 4 }, () => {
      const offset = this.#pick(CONTENT_BYTES - size);
      const read = this.#ring.read(this.#contentFd, new Uint8Array(size), { offset, ...this.#signal(false) });
      return this.#outcome('read and drop', read);
    });
    for (const got of await Promise.all(reads)) if (got !== 'aborted') assert.equal(got, size);
  }
}

/** The rings, each with its lanes. */
function makeRings(
  folder: string,
  contentPath: string,
  contentFd: number,
  tally: Tally,
  forever: AbortSignal,
) {
  const pick = random(SEED);
  const scratch = openSync(join(folder, 'scratch'), 'w+');
  let place = 0;
  const rings = SIZES.map((entries) => {
    const ring = new OpenAsyncRing(entries, { deferTaskrun: entries === 16 });
    const files = ring.registerFiles([contentFd, ...Array.from({ length: LANES_PER_RING }, () => -1)]);
    const buffers = ring.registerBuffers(Array.from({ length: LANES_PER_RING }, () => alloc(PIECE)));
    const lanes = Array.from({ length: LANES_PER_RING }, (_, i) => {
      const around = { ring, tally, pick, contentPath, contentFd, scratch, files, forever };
      return new Lane({ ...around, place: PIECE * place++, slot: i + 1, buffer: buffers.at(i) });
    });
    return { ring, files, lanes };
  });
  return { rings, scratch };
}

/** Runs the collector all the time: the young generation mostly, all of it now and then. Returns how to stop it. */
function collect(): () => number {
  const { gc } = globalThis;
  assert.ok(gc, 'run with --expose-gc');
  let count = 0;
  const timer = setInterval(() => {
    if (++count % 16 === 0) gc();
    else gc({ type: 'minor' });
  }, 4);
  return () => {
    clearInterval(timer);
    return count;
  };
}

test(
  `${TOTAL} operations, cancelled at random, settle once each and leave nothing (seed ${SEED})`,
  NEEDS,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-soak-'));
    const contentPath = join(folder, 'content');
    writeFileSync(contentPath, content);
    const contentFd = openSync(contentPath, O_RDWR);
    const before = await belongings();
    const forever = new AbortController();
    const tally = new Tally();
    const { rings, scratch } = makeRings(folder, contentPath, contentFd, tally, forever.signal);
    const stop = collect();
    const samples: { readonly rss: number; readonly heap: number; readonly buffers: number }[] = [];
    let next = 0;
    const sampler = setInterval(async () => {
      if (tally.started < next) return;
      next = tally.started + TOTAL / 10;
      samples.push(await belongings());
    }, 20);
    try {
      await Promise.all(rings.flatMap(({ lanes }) => lanes.map((lane) => lane.run())));
    } finally {
      clearInterval(sampler);
      t.diagnostic(`${stop()} collections; ${tally.aborted} aborted, ${tally.timedOut} timed out`);
      t.diagnostic([...tally.kinds].map(([kind, count]) => `${kind} ${count}`).join(', '));
    }
    assert.ok(tally.started >= TOTAL);
    assert.equal(tally.settled, tally.started, 'promises that did not settle');
    assert.ok(tally.aborted > TOTAL / 200, `only ${tally.aborted} were aborted`);
    assert.equal(getEventListeners(forever.signal, 'abort').length, 0, 'listeners left on a signal');
    for (const { ring, files, lanes } of rings) {
      // what was cancelled while an open was on its way is closed by an operation of the ring's own
      for (let turn = 0; turn < 1000 && ring.inFlight > 0; turn++) await ring.nop();
      assert.equal(ring.inFlight, 0, 'in flight');
      assert.deepEqual(ring.slots, []);
      for (let slot = 1; slot < files.length; slot++) {
        await assert.rejects(ring.closeFd(files.at(slot)), { code: 'EBADF' }, `slot ${slot} is not empty`);
      }
      ring.close();
      for (const lane of lanes) lane.close();
    }
    sys.close(scratch);
    const after = await belongings();
    sys.close(contentFd);
    rmSync(folder, { recursive: true });
    assert.deepEqual([after.fds, after.rings, after.kept], [before.fds, before.rings, before.kept]);
    const [, early] = samples;
    const late = samples.at(-1);
    assert.ok(early && late, `${samples.length} samples`);
    t.diagnostic(samples.map(({ rss, heap }) => `${rss.toFixed(0)}/${heap.toFixed(0)}`).join(' '));
    assert.ok(late.rss - early.rss < 40, `${late.rss - early.rss} MiB more are resident`);
    // not while it runs: V8 keeps what it was marking meanwhile for a collection or two
    t.diagnostic(`heap: ${before.heap.toFixed(0)} MiB before, ${after.heap.toFixed(0)} after`);
    assert.ok(after.heap - before.heap < 8, `${after.heap - before.heap} MiB more of the heap`);
    assert.ok(late.buffers - early.buffers < 8, `${late.buffers - early.buffers} MiB more in ArrayBuffers`);
  },
);
