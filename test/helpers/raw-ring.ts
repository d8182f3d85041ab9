/** Rings for tests of register calls: made by the bare syscall, seen through fdinfo and the mapped completion queue. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { RegisterError, UnsupportedError } from '../../lib/errors.ts';
import { closeIdleWaker } from '../../lib/ring/core/wakeup.ts';
import { addressOf, type Mapping, mapRing } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import type { RegisterMessage } from '../../lib/sys/trace.ts';
import { constants } from '../../structs/flags.ts';
import { Params } from '../../structs/setup.ts';
import { Cqe } from '../../structs/sqe.ts';
import { patience } from './patience.ts';

/** What a completion said. */
export interface Completion {
  readonly userData: bigint;
  readonly res: number;
  readonly flags: number;
}

/** A ring that a test owns. */
export class RawRing {
  readonly fd: number;
  readonly params: ReturnType<typeof Params.decode>;
  #queue: Mapping | undefined;

  constructor(flags: number) {
    const params = Params.encode({ flags });
    this.fd = sys.setup(8, params);
    assert.ok(this.fd >= 0, `io_uring_setup: ${this.fd}`);
    this.params = Params.decode(params);
  }

  /** Every completion that waits in the queue, taken out of it. */
  completions(): Completion[] {
    const { cqOff, cqEntries } = this.params;
    this.#queue ??= mapRing(this.fd, cqOff.cqes + cqEntries * Cqe.size, constants.IORING_OFF_CQ_RING);
    const bytes = new Uint8Array(this.#queue.buffer);
    const counters = new Uint32Array(this.#queue.buffer);
    const found: Completion[] = [];
    const tail = counters[cqOff.tail / 4] ?? 0;
    for (let head = counters[cqOff.head / 4] ?? 0; head !== tail; head = (head + 1) >>> 0) {
      const at = cqOff.cqes + (head & (cqEntries - 1)) * Cqe.size;
      const { userData, res, flags } = Cqe.decode(bytes.subarray(at, at + Cqe.size));
      found.push({ userData, res, flags });
    }
    counters[cqOff.head / 4] = tail;
    return found;
  }

  /** Completions, when there are `count` of them: before Linux 6.13 a tag may come a second late. */
  async waitFor(count: number): Promise<Completion[]> {
    const found = this.completions();
    for (const end = Date.now() + patience(10_000); found.length < count && Date.now() < end; ) {
      await setTimeout(5);
      found.push(...this.completions());
    }
    return found;
  }

  /** Lets a ring with SETUP_DEFER_TASKRUN post its completions. */
  getEvents(): void {
    sys.enter(this.fd, 0, 0, constants.IORING_ENTER_GETEVENTS, 0, 0);
  }

  close(): void {
    this.#queue?.unmap();
    sys.close(this.fd);
  }
}

const undone = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs `undo` when the test ends: the last one first, unlike `t.after`. */
export function later(t: TestContext, undo: () => unknown): void {
  const stack = undone.get(t) ?? [];
  if (stack.length === 0) t.after(() => stack.reverse().forEach((each) => void each()));
  undone.set(t, stack);
  stack.push(undo);
}

/** A ring of 8 entries, closed when the test ends. */
export function makeRing(t: TestContext, flags = 0): RawRing {
  const ring = new RawRing(flags);
  later(t, () => ring.close());
  return ring;
}

/** An fd of the test's, closed when it ends. */
export function own(t: TestContext, fd: number): number {
  assert.ok(fd >= 0, `no fd: ${fd}`);
  later(t, () => sys.close(fd));
  return fd;
}

/** A field of /proc/self/fdinfo of a ring: `'UserBufs'`. */
export function fdinfo(fd: number, field: string): string | undefined {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1];
}

/** The lines under a table of fdinfo (`'UserBufs'`), by slot. */
export function table(fd: number, field: string): Map<number, string> {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  const lines = new RegExp(`^${field}:.*\\n((?: *\\d+: .*\\n)*)`, 'm').exec(text)?.[1] ?? '';
  return new Map(
    [...lines.matchAll(/^ *(\d+): (.*)$/gm)].map(([, slot, what]) => [Number(slot), what ?? '']),
  );
}

/** The names of registered files, by slot; kernels before 6.13 don't tell the folder. */
export function fileNames(fd: number): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [slot, path] of table(fd, 'UserFiles')) {
    // kernels before 6.13 list empty slots too
    if (path !== '<none>') names[slot] = path.split('/').at(-1);
  }
  return names;
}

/** The errno's name if the call fails, or its result: what a table of cases compares. */
export function answer<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof RegisterError || error instanceof UnsupportedError) return error.code;
    throw error;
  }
}

/** The outcome of `call`: the errno's name if it fails, or its result. */
export function gives(
  expected: unknown,
  ...rest: [call: () => unknown] | [why: string, call: () => unknown]
): void {
  const call = rest.length === 1 ? rest[0] : rest[1];
  assert.equal(answer(call), expected, `${rest.length === 1 ? '' : `${rest[0]}: `}${call}`);
}

/** `call` refuses a wrong argument before any syscall: names `argument`, and makes no register call. */
export function refuses(argument: string, call: () => unknown): void {
  const { register, registerView } = sys;
  const made: number[] = [];
  sys.register = (_, opcode) => made.push(opcode);
  sys.registerView = (_, opcode) => made.push(opcode);
  try {
    assert.throws(call, (error: unknown) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError, `${argument}: ${error}`);
      assert.match(String(Object(error).code), /^ERR_INVALID_ARG_(TYPE|VALUE)$/);
      assert.ok(error.message.includes(`"${argument}"`), `${error.message} does not name "${argument}"`);
      return true;
    });
    assert.deepEqual(made, [], `${argument}: a system call was made`);
  } finally {
    Object.assign(sys, { register, registerView });
  }
}

/** The open fds of this process with what they are, to compare before and after. */
export function openFds(): string[] {
  closeIdleWaker();
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      // tsx opens its cache folder whenever it likes
      return target.includes('/tsx-') ? [] : [`${fd} ${target}`];
    } catch {
      // the fd of the directory itself is gone by now
      return [];
    }
  });
}

/** Values that are no unsigned integer of 32 bits. */
export const NO_U32: readonly unknown[] = [
  Number.NaN,
  1.5,
  -1,
  2 ** 32,
  '1',
  1n,
  null,
  {},
  true,
  Number.POSITIVE_INFINITY,
];

/** Little-endian bytes from hex, blanks ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(/\s/g, '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** The hex of a u64. */
export function u64(value: number | bigint): string {
  return Buffer.from(BigUint64Array.of(BigInt(value)).buffer).toString('hex');
}

/** The hex of an s32 array. */
export function s32(...values: readonly number[]): string {
  return Buffer.from(Int32Array.from(values).buffer).toString('hex');
}

/** The hex of a view's address. */
export function pointer(view: ArrayBufferView): string {
  return u64(addressOf('view', view));
}

/** A value of a type that the compiler forbids: for tests of what JavaScript may pass. */
export function wrong(value: unknown): never {
  return value as never;
}

/** Views that the kernel must not get, each with why. */
export function unfitViews(): [why: string, view: Uint8Array][] {
  const detached = new Uint8Array(64);
  structuredClone(detached, { transfer: [detached.buffer] });
  const resizable: ArrayBuffer = Reflect.construct(ArrayBuffer, [64, { maxByteLength: 128 }]);
  const growable: SharedArrayBuffer = Reflect.construct(SharedArrayBuffer, [64, { maxByteLength: 128 }]);
  return [
    ['detached', detached],
    ['resizable', new Uint8Array(resizable)],
    ['growable', new Uint8Array(growable)],
    ['zero-length', new Uint8Array(0)],
  ];
}

/** Views whose memory does not stay: an operation takes an empty one. */
export function unsteadyViews(): [why: string, view: Uint8Array][] {
  return unfitViews().filter(([why]) => why !== 'zero-length');
}

/** An array whose element `i` runs `run` when it is read: what a hostile or careless caller may pass. */
export function trapped<T>(values: readonly T[], i: number, run: () => void): T[] {
  const copy = [...values];
  const value = values[i];
  Object.defineProperty(copy, i, {
    get: () => {
      run();
      return value;
    },
  });
  return copy;
}

/** The messages on `uring:register` while `call` runs; an error of it is swallowed, the messages have it. */
export function told(call: () => unknown): RegisterMessage[] {
  const messages: RegisterMessage[] = [];
  const listen = (message: unknown): void => void messages.push(message as RegisterMessage);
  subscribe('uring:register', listen);
  try {
    answer(call);
  } finally {
    unsubscribe('uring:register', listen);
  }
  return messages;
}
