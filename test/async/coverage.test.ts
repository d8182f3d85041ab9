/** Every operation of the kernel is declared, and what is declared is there, in both faces, and has a test. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { Prepare } from '../../lib/faces/prepare.ts';
import type { Declaration } from '../../lib/operations/declare.ts';
import { RingBase } from '../../lib/ring/base.ts';
import { type ops, ops as opTable } from '../../structs/ops.ts';
import { declarations, samples } from '../helpers/samples.ts';

type OpName = (typeof ops)[number]['name'];

/** Operations without a declaration of their own. */
const WITHOUT: { readonly [K in OpName]?: string } = {
  OP_OPENAT2: 'open, with `resolve`',
  OP_PROVIDE_BUFFERS: 'superseded by registerBufferRing: uring/raw has it',
  OP_REMOVE_BUFFERS: 'superseded by registerBufferRing: uring/raw has it',
  OP_NOP128: 'for rings with entries of two sizes: uring/raw has it',
  OP_URING_CMD128:
    'for rings with entries of two sizes: uring/raw has it; uringCmd takes 80 bytes with sqe128',
};

/** Members of AsyncRing that start no operation. */
const OTHERS: readonly string[] = [
  ...['core', 'registerFirst', 'run', 'iterate', 'tell', 'fileOf', 'openedSlot', 'slotOf', 'emptySlot'],
  'constructor',
  'chain',
  'readMany',
  'createServer',
  'createConnection',
  'createSocket',
  'messages',
  'close',
  'closed',
  'enable',
  'ref',
  'unref',
  'registerEventfd',
  'inFlight',
];

/** The names of all members between a class and its `base`. */
function members(prototype: object, base: object): string[] {
  const found: string[] = [];
  for (let each = prototype; each !== base && each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    found.push(...Object.getOwnPropertyNames(each));
  }
  return [...new Set(found)];
}

function testsIn(folder: string): string {
  return readdirSync(join(import.meta.dirname, folder))
    .filter((name) => /\.(test|scenes)\.[jt]s$/.test(name))
    .map((name) => readFileSync(join(import.meta.dirname, folder, name), 'utf8'))
    .join('\n');
}

/** The names that a declaration has in a face. */
function namesIn(face: 'prepare' | 'async'): string[] {
  return [...declarations].flatMap(([name, { notIn, aliases = [] }]) => {
    if (notIn?.[face] !== undefined) return [];
    // close() closes an AsyncRing
    return [name, ...aliases.filter((alias) => face === 'prepare' || alias !== 'close')];
  });
}

test('every operation of the kernel is declared, or there is a reason why not', () => {
  const declared = new Set([...declarations.values()].map(({ op }) => op));
  assert.deepEqual(
    opTable.map(({ name }) => name).filter((name) => !declared.has(name)),
    Object.keys(WITHOUT),
  );
});

test('what is declared is a member of both faces, and there are no others', () => {
  const prepared = members(Prepare.prototype, Object.prototype).filter((name) => name !== 'constructor');
  assert.deepEqual(prepared.sort(), namesIn('prepare').sort());
  const started = members(AsyncRing.prototype, RingBase.prototype).filter((name) => !OTHERS.includes(name));
  assert.deepEqual(started.sort(), namesIn('async').sort());
});

test('what one face lacks has a reason', () => {
  for (const [name, { notIn = {} }] of declarations) {
    for (const reason of Object.values(notIn)) assert.ok(reason.length > 10, name);
  }
});

/**
 * Its promise gives no more than the completion says: that each such method writes the right entry, gives its result and
 * rejects is proved from the declarations, in parity.test.ts.
 */
const isPlain = (name: string, { result, byHand, rooms }: Declaration): boolean =>
  (result === 'count' || result === 'nothing') &&
  !byHand &&
  rooms === undefined &&
  samples.get(name)?.namesAnother === false;

test('every method of AsyncRing has a test', () => {
  const text = testsIn('.');
  const isCalled = (name: string) =>
    new RegExp(`\\b(?:ring|maker|other|sender|c|each)\\s*\\.${name}\\(`).test(text);
  const names = [...declarations]
    .filter(([name, declaration]) => declaration.notIn?.async === undefined && !isPlain(name, declaration))
    .map(([name]) => name);
  assert.ok(names.length > 20);
  assert.deepEqual(
    names.filter((name) => !isCalled(name)),
    [],
  );
});

test('every method of ring.prepare has a test of its effect', () => {
  const text = ['.', '../ops', '../ring', '../kernels'].map(testsIn).join('\n');
  const names = [...declarations]
    .filter(([, { notIn }]) => notIn?.prepare === undefined)
    .map(([name]) => name);
  assert.deepEqual(
    names.filter((name) => !new RegExp(`\\b(?:prepare|ring|c)\\s*\\.${name}\\(|\\b${name}\\(`).test(text)),
    [],
  );
});
