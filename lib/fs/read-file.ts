/** Whole files that are read through the ring: opened, read, closed, with nothing else between. */
import { ours } from '../async/told.ts';
import { OpError } from '../errors.ts';
import { AsyncRing } from '../faces/async-ring.ts';
import { alloc } from '../sys/memory.ts';
import { hasFailed, ringOrThreads } from './backend.ts';
import { Closing, checkAborted, closeAfter, closeOn, type Failure, nodeError, none, STEP } from './ending.ts';
import { asNode } from './errors.ts';
import { nodeFs, nodePromises } from './node.ts';
import { type Opening, opening, type WholeOptions, wholeOptions } from './plain.ts';

/** The first read of a file: most are smaller, and are copied out of it. */
const FIRST = 65_536;
/** The second one, which finds that the file has ended. */
const SECOND = 4096;
/** How many such pieces of memory are kept for the next reads. */
const KEPT = 32;
/** As much as Node reads at most. */
const LARGEST = 2 ** 31 - 1;
/** How many pieces of a large file are read at the same time. */
const LANES = 4;
/** A copy of more than this costs more than memory of its own. */
const COPIED = 16_384;

async function readSome(
  ring: AsyncRing,
  fd: number,
  memory: Uint8Array,
  options?: { readonly offset: number; readonly async: boolean },
): Promise<number> {
  try {
    return await ring.read(fd, memory, options);
  } catch (error) {
    throw asNode(error, { syscall: 'read' });
  }
}

/** How a file is read. */
interface Reading {
  readonly signal: AbortSignal | undefined;
  /** From its beginning: then any part of it can be read. A FileHandle has a position that must move. */
  readonly isWhole: boolean;
}

/**
 * The rest of a file whose size is known, into memory of that size: it may have become shorter meanwhile. Workers of the
 * kernel copy, several at a time, so that the event loop goes on; where the position is the file's own, one after another.
 */
async function readSized(
  ring: AsyncRing,
  fd: number,
  first: Uint8Array,
  size: number,
  how: Reading,
): Promise<Buffer> {
  const all = Buffer.allocUnsafeSlow(size);
  all.set(first);
  let next = first.byteLength;
  let end = size;
  const lane = async (): Promise<void> => {
    while (next < end) {
      const at = next;
      next = Math.min(at + STEP, size);
      const read = await readPiece(ring, fd, all.subarray(at, next), how.isWhole ? at : -1);
      await checkAborted(how.signal);
      if (read < Math.min(STEP, size - at)) end = Math.min(end, at + read);
    }
  };
  await Promise.all(Array.from({ length: how.isWhole ? LANES : 1 }, lane));
  return end === size ? all : all.subarray(0, end);
}

/** Fills `memory`, unless the file ends before; how many bytes. */
async function readPiece(ring: AsyncRing, fd: number, memory: Uint8Array, offset: number): Promise<number> {
  let total = 0;
  while (total < memory.byteLength) {
    const at = offset < 0 ? -1 : offset + total;
    const read = await readSome(ring, fd, memory.subarray(total), { offset: at, async: true });
    if (read === 0) break;
    total += read;
  }
  return total;
}

/** The rest of what has no size: a pipe, a file of /proc. */
async function readUnsized(
  ring: AsyncRing,
  fd: number,
  first: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const parts: Uint8Array[] = [first];
  for (;;) {
    const memory = new Uint8Array(FIRST);
    const read = await readSome(ring, fd, memory);
    await checkAborted(signal);
    if (read === 0) return Buffer.concat(parts);
    parts.push(memory.subarray(0, read));
  }
}

/** What is in a file after two reads that did not end it, and before; undefined where it is too large, which Node says. */
async function readRest(
  ring: AsyncRing,
  fd: number,
  begin: Uint8Array,
  how: Reading,
): Promise<Buffer | undefined> {
  const size = await sizeOf(fd);
  await checkAborted(how.signal);
  if (size > LARGEST) return undefined;
  return size > begin.byteLength
    ? readSized(ring, fd, begin, size, how)
    : readUnsized(ring, fd, begin, how.signal);
}

function sizeOf(fd: number): Promise<number> {
  return new Promise((done, fail) => {
    nodeFs.fstat(fd, (error, stats) => (error ? fail(error) : done(stats.isFile() ? stats.size : 0)));
  });
}

function copyOf(memory: Uint8Array): Buffer {
  const copy = memory.byteLength <= COPIED ? Buffer.allocUnsafe(memory.byteLength) : undefined;
  if (copy === undefined) return Buffer.from(memory);
  copy.set(memory);
  return copy;
}

/** A copy of what was read: the memory is for the next file. */
function contentOf(memory: Uint8Array, encoding: BufferEncoding | undefined): Buffer | string {
  if (encoding === undefined) return copyOf(memory);
  return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).toString(encoding);
}

/** What a file has: undefined where Node has to read it. */
type Content = Buffer | string | undefined;
/** Node reads it. */
type Otherwise = () => Promise<Content>;

/**
 * Opens a file, unless it is open, reads twice, which is all that most files need, and closes it then. It is used again and
 * again: what it allocates for a file would take as long as a read.
 */
class Beginning {
  /** What was read: both pieces of memory lie one right after the other. */
  readonly all: Uint8Array = alloc(FIRST + SECOND);
  step: 'open' | 'read' | 'close' = 'open';
  /** -1 before it is open. */
  fd = -1;
  /** How much the reads have brought. */
  first = 0;
  second = 0;
  readonly #memory: readonly [Uint8Array, Uint8Array] = [
    this.all.subarray(0, FIRST),
    this.all.subarray(FIRST),
  ];
  #ring: AsyncRing | undefined;
  #source: Opening | number = -1;
  #options: WholeOptions | undefined;
  #otherwise: Otherwise | undefined;
  #settle: (content: Content | Promise<Content>) => void = none;
  readonly #closing = new Closing();

  /** The whole content. By callbacks: a promise for each operation would be a sixth of the time that a small file takes. */
  atOnce(
    ring: AsyncRing,
    source: Opening | number,
    options: WholeOptions,
    otherwise: Otherwise | undefined,
  ): Promise<Content> {
    this.#ring = ring;
    this.#source = source;
    this.#options = options;
    this.#otherwise = otherwise;
    return new Promise((settle) => {
      this.#settle = settle;
      if (typeof source === 'number') {
        this.#isOpen(null, { fd: source });
        return;
      }
      ring.open(source.path, { flags: source.flags, mode: source.mode }, this.#isOpen);
    });
  }

  readonly #isOpen = ours<{ readonly fd: number }>((error, file) => {
    if (error !== null) return this.#fail(error);
    this.fd = file.fd;
    this.step = 'read';
    this.#ring?.read(file.fd, this.#memory[0], undefined, this.#isBegun);
  });

  readonly #isBegun = ours<number>((error, count) => {
    if (error !== null) return this.#fail(error);
    this.first = count;
    if (count === 0) this.#isContinued(null, 0);
    else this.#ring?.read(this.fd, this.#memory[1], undefined, this.#isContinued);
  });

  readonly #isContinued = ours<number>((error, count) => {
    if (error !== null) return this.#fail(error);
    this.second = count;
    if (count > 0 && this.#ring !== undefined && this.#options !== undefined)
      return this.#endLater(finish(this.#ring, this, this.#source, this.#options));
    if (typeof this.#source === 'number') return this.#give();
    this.step = 'close';
    this.#closing.isDone = false;
    if (this.#ring !== undefined)
      AsyncRing.tellClosed(this.#ring, this.#closing.outcome, this.fd, this.#isClosed);
  });

  readonly #isClosed = ours<void>((error) => {
    const ring = this.#ring;
    if (error === null) this.#give();
    else if (ring === undefined || !hasFailed(ring)) this.#fail(error);
    else this.#endLater(this.#closing.finish(ring, this.fd).then(() => this.#content()));
  });

  /** All of it was read by the first read. */
  #content(): Content {
    return contentOf(this.all.subarray(0, this.first), this.#options?.encoding);
  }

  #give(): void {
    const content = this.#content();
    const settle = this.#leave();
    giveBeginning(this);
    settle(content);
  }

  #fail(error: unknown): void {
    if (this.#ring === undefined) return;
    const failure = failureOf(this, this.#source);
    this.#endLater(failed(this.#ring, error, failure));
    // the kernel has none of its memory yet
    if (failure.step === 'open') giveBeginning(this);
  }

  #endLater(content: Promise<Content>): void {
    const otherwise = this.#otherwise;
    const settle = this.#leave();
    settle(otherwise === undefined ? content : content.then((found) => found ?? otherwise()));
  }

  /** Lets go of the caller's; what it waits for is settled next. */
  #leave(): (content: Content | Promise<Content>) => void {
    const settle = this.#settle;
    this.#settle = none;
    this.#otherwise = undefined;
    this.#source = -1;
    return settle;
  }

  /** The reads, where a signal is looked at before each operation and after the last, as Node does. */
  async watching(ring: AsyncRing, source: Opening | number, signal: AbortSignal): Promise<void> {
    await checkAborted(signal);
    if (typeof source === 'number') this.fd = source;
    else this.fd = (await ring.open(source.path, { flags: source.flags, mode: source.mode })).fd;
    this.step = 'read';
    await checkAborted(signal);
    this.first = await ring.read(this.fd, this.#memory[0]);
    await checkAborted(signal);
    this.second = this.first === 0 ? 0 : await ring.read(this.fd, this.#memory[1]);
    await checkAborted(signal);
  }

  /** What both reads have brought, in one piece: a short read is no end, pipes and /proc have them. */
  joined(): Uint8Array {
    const { all, first, second } = this;
    if (first < FIRST) all.copyWithin(first, FIRST, FIRST + second);
    return all.subarray(0, first + second);
  }
}

const spare: Beginning[] = [];

function takeBeginning(): Beginning {
  const begin = spare.pop() ?? new Beginning();
  begin.step = 'open';
  begin.fd = -1;
  return begin;
}

/** Takes it back when the kernel no longer uses its memory: not after an error, by which a ring may have died. */
function giveBeginning(begin: Beginning): void {
  if (spare.length < KEPT) spare.push(begin);
}

/**
 * Everything from the position of an open file on, or of one that is opened and closed for it. Undefined: Node has to do
 * it, because the ring has failed, the file is too large, or it is a folder, of which versions of Node say different things.
 * @param source the fd, or what to open
 * @param otherwise what gives the content instead of undefined
 */
function readAll(
  ring: AsyncRing,
  source: Opening | number,
  options: WholeOptions,
  otherwise?: Otherwise,
): Promise<Content> {
  const { signal } = options;
  if (signal === undefined) return takeBeginning().atOnce(ring, source, options, otherwise);
  const reading = readWatching(ring, source, signal, options);
  return otherwise === undefined ? reading : reading.then((found) => found ?? otherwise());
}

async function readWatching(
  ring: AsyncRing,
  source: Opening | number,
  signal: AbortSignal,
  options: WholeOptions,
): Promise<Content> {
  const begin = takeBeginning();
  try {
    await begin.watching(ring, source, signal);
  } catch (error) {
    return await failed(ring, error, failureOf(begin, source));
  }
  return await finish(ring, begin, source, options);
}

/** Reads what the two reads have left, and closes the file that was opened. */
async function finish(
  ring: AsyncRing,
  begin: Beginning,
  source: Opening | number,
  { signal, encoding }: WholeOptions,
): Promise<Content> {
  const isWhole = typeof source !== 'number';
  try {
    const { fd, all, first, second } = begin;
    let found: Content;
    if (second === 0) found = contentOf(all.subarray(0, first), encoding);
    else {
      found = await readRest(ring, fd, begin.joined(), { signal, isWhole });
      if (encoding !== undefined) found = found?.toString(encoding);
    }
    begin.step = 'close';
    if (isWhole) await closeOn(ring, fd);
    giveBeginning(begin);
    return found;
  } catch (error) {
    return await failed(ring, error, failureOf(begin, source));
  }
}

function failureOf({ step, fd }: Beginning, source: Opening | number): Failure {
  return typeof source === 'number' ? { step, fd: -1, path: undefined } : { step, fd, path: source.path };
}

/** Closes the file, and throws what Node would; undefined where Node has to read it. */
async function failed(ring: AsyncRing, error: unknown, failure: Failure): Promise<undefined> {
  await closeAfter(ring, failure, false);
  // when the error is made, whoever awaits the file is attached to this: its stack has their frames
  await undefined;
  await undefined;
  if (hasFailed(ring) || isFolder(error)) return undefined;
  throw nodeError(error, failure);
}

function isFolder(error: unknown): boolean {
  return error instanceof OpError && error.code === 'EISDIR';
}

/** As `readFile` of a FileHandle. Undefined, at once or later: Node has to do it. */
export function readHandle(
  ring: AsyncRing,
  fd: number,
  given: unknown,
): Promise<Buffer | string | undefined> | undefined {
  const options = wholeOptions(given);
  // a signal is looked at in the very turn in which Node does
  return options === undefined || options.signal !== undefined ? undefined : readAll(ring, fd, options);
}

/** A whole file to read. */
export interface ReadPlan {
  readonly target: Opening;
  readonly options: WholeOptions;
}

/** What `readFile(path, options)` asks for; undefined where Node has to look at it. */
export function planRead(path: unknown, given: unknown): ReadPlan | undefined {
  const options = wholeOptions(given);
  const target = options && opening(path, options.flag);
  return target && { target, options };
}

function byNode(path: unknown, options: unknown): Promise<Content> {
  return Reflect.apply(nodePromises.readFile, nodePromises, [path, options]);
}

/** The same, of what was read of the caller's objects: none of their code runs again. */
function byNodeOf({ target, options }: ReadPlan): Promise<Content> {
  const { encoding, flag, signal } = options;
  return byNode(target.path, { encoding, flag: flag ?? 'r', ...(signal && { signal }) });
}

/** As Node's own. */
export function readFile(path: unknown, options?: unknown): Promise<unknown> {
  try {
    const plan = planRead(path, options);
    const ring = plan && ringOrThreads();
    if (plan === undefined || ring === undefined) return byNode(path, options);
    return readAll(ring, plan.target, plan.options, () => byNodeOf(plan));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Does it. Undefined: Node has to do it. */
export function readOn(ring: AsyncRing, { target, options }: ReadPlan): Promise<Buffer | string | undefined> {
  return readAll(ring, target, options);
}
