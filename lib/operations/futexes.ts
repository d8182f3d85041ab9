/** Operations on futexes. */
import { copyList, integer, options as knownOptions, U32_MAX, wrongType } from '../../structs/check.ts';
import { FutexWaitv } from '../../structs/posix.ts';
import { isInt32Array, isUint32Array } from '../../structs/views.ts';
import * as preparers from '../ops/preparers.ts';
import type { RingCore } from '../ring/core/core.ts';
import { type HeldView, pinInPlace } from '../sys/held.ts';
import { Pinned } from '../sys/memory.ts';
import { type Kind, operation, options } from './declare.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';
import type { Futex, FutexArray } from './types.ts';

const FUTEX2_SIZE_U32 = 2;
const FUTEX2_PRIVATE = 128;
const MAX_FUTEXES = 128;

/** A word of memory. */
export interface Word {
  readonly array: HeldView;
  readonly index: number;
}

/** Reads an array and the index of a word in it. */
export function word(name: string, array: FutexArray, index: number): Word {
  if (!isInt32Array(array) && !isUint32Array(array))
    throw wrongType(name, 'an Int32Array or a Uint32Array', array);
  return { array: read.view(name, array), index: integer('index', index, 0, Number.MAX_SAFE_INTEGER) };
}

export function wordAddress(core: RingCore, name: string, { array, index }: Word): number {
  const start = pinInPlace(name, array);
  integer('index', index, 0, pin.length(core, name, array) / 4 - 1);
  return start + 4 * index;
}

/** A word's value, also as the signed number that an Int32Array has. */
export function wordValue(name: string, value: number): number {
  return integer(name, value, -0x8000_0000, U32_MAX) >>> 0;
}

function futexFlags(shared: number): number {
  return FUTEX2_SIZE_U32 | (shared === 0 ? FUTEX2_PRIVATE : 0);
}

const futexWord: Kind = {
  type: 'FutexArray',
  read: word,
  reads: ['array', 'index'],
  pin: [wordAddress],
  holds: 'until completed',
};
/** Read with the array. */
const wordIndex: Kind = { type: 'number', read: read.anything };

export const FutexOptions = options('FutexOptions', 'Options of futex operations.', {
  mask: kinds.option(
    'Bits of which a waker and a waiter must share one; all when absent.',
    1,
    U32_MAX,
    U32_MAX,
  ),
  shared: kinds.flag('Also other processes wait on it, in memory that they share.'),
});

export const futexWait = operation({
  op: 'OP_FUTEX_WAIT',
  doc: 'Waits while a word of memory has a value, until somebody wakes it: `futexWake`, or futex(2) of any thread. Atomics.notify() is no such thing.',
  args: { array: futexWord, index: wordIndex, value: { type: 'number', read: wordValue } },
  options: FutexOptions,
  write: (sqe, address, value, mask, shared) =>
    preparers.futexWait(sqe, address, value, mask, futexFlags(shared)),
  params: { array: 'over a SharedArrayBuffer, where other threads take part' },
  returns: "`'not-equal'` where the word was another from the start",
  result: { type: 'FutexResult', of: 'futexWoken', args: [] },
  errors: { EAGAIN: 'the word is another' },
});

export const futexWake = operation({
  op: 'OP_FUTEX_WAKE',
  doc: 'Wakes those who wait for a word of memory.',
  args: {
    array: futexWord,
    index: wordIndex,
    count: {
      type: 'number',
      read: read.integer,
      with: [0, 0x7fff_ffff],
      absent: 0x7fff_ffff,
      isOptional: true,
    },
  },
  options: FutexOptions,
  write: (sqe, address, count, mask, shared) =>
    preparers.futexWake(sqe, address, count, mask, futexFlags(shared)),
  params: { count: 'at most so many; all when absent' },
  returns: 'how many were woken',
  result: 'count',
});

/** Several words, and room for the struct that names them. */
export interface Words {
  readonly words: readonly Word[];
  readonly room: Pinned;
}

/** Reads the futexes: their values and flags are written at once, their addresses when they are pinned. */
export function futexes(name: string, values: readonly Futex[]): Words {
  const given = copyList(name, values, 1, MAX_FUTEXES);
  const room = new Pinned(given.length * FutexWaitv.size);
  const words = given.map((each, i) => {
    const called = `${name}[${i}]`;
    if (each === undefined) throw wrongType(called, 'an object with array, index and value', each);
    knownOptions(called, each, ['array', 'index', 'value', 'shared']);
    const { array, index, value, shared } = each;
    const val = wordValue(`${called}.value`, value);
    const flags = futexFlags(read.flag(`${called}.shared`, shared));
    FutexWaitv.encodeInto(room.bytes, { val, flags }, i * FutexWaitv.size);
    return word(`${called}.array`, array, index);
  });
  return { words, room };
}

export function pinFutexes(core: RingCore, name: string, { words, room }: Words): number {
  words.forEach((each, i) => {
    const address = wordAddress(core, `${name}[${i}].array`, each);
    room.view.setBigUint64(i * FutexWaitv.size + FutexWaitv.at.uaddr, BigInt(address), true);
  });
  return room.address;
}

export const futexWaitv = operation({
  op: 'OP_FUTEX_WAITV',
  doc: 'Waits for whichever of several words is woken first.',
  args: {
    futexes: {
      type: 'readonly Futex[]',
      read: futexes,
      pin: [pinFutexes, 'words.length'],
      holds: 'until completed',
    },
  },
  write: preparers.futexWaitv,
  params: { futexes: '1..128 of `{ array, index, value }`' },
  returns: "the index of the one that was woken; `'not-equal'` where one was another from the start",
  result: { type: "number | 'not-equal'", of: 'futexIndex', args: [] },
  errors: { EAGAIN: 'one of the words is another' },
});
