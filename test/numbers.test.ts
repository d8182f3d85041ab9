/** The build writes constants as numbers: which ones, and what it must leave alone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAst } from '@rollup/wasm-node/parseAst';
import type { Program } from 'estree';
import { withNumbers } from '../scripts/build/numbers.ts';

async function built(...lines: string[]): Promise<string[]> {
  const code = lines.join('\n');
  const program: unknown = parseAst(code);
  const text = await withNumbers(code, program as Program, join(import.meta.dirname, '../lib/some.ts'));
  return text.split('\n');
}

const STRUCTS = [
  "import { constants } from '../structs/flags.ts';",
  "import { Sqe } from '../structs/sqe.ts';",
];

test('constants of the kernel, layouts, and what is computed of them', async () => {
  assert.deepEqual(
    await built(
      ...STRUCTS,
      'const { IORING_OP_NOP, IORING_OP_READV: READV } = constants;',
      'const FD = Sqe.at.fd / 4, NONE = -1;',
      'const BOTH = IORING_OP_NOP | READV;',
      'export function f(a) { return a[FD] + NONE + BOTH + constants.IOSQE_ASYNC + Sqe.size; }',
    ),
    [
      ...STRUCTS,
      'const IORING_OP_NOP = 0, READV = 1;',
      'const FD = 1, NONE = -1;',
      'const BOTH = 1;',
      'export function f(a) { return a[1] + (-1) + 1 + 16 + 64; }',
    ],
  );
});

test('properties keep their names, and whatever has another meaning is left alone', async () => {
  const lines = [
    'const A = 1;',
    'const { b } = globalThis;',
    'function inner(A) { return A + b; }',
    'export { A };',
  ];
  assert.deepEqual(await built(...lines), lines, 'a parameter of the same name');
  assert.deepEqual(await built('const A = 2;', 'x = { A, A: A, [A]: o.A };', 'A: for (;;) break A;'), [
    'const A = 2;',
    'x = { A: 2, A: 2, [2]: o.A };',
    'A: for (;;) break A;',
  ]);
  const nested = ['const A = 3;', 'function f() { const A = 4; return A; }', 'g(A);'];
  assert.deepEqual(await built(...nested), nested, 'a constant of a function');
});

test('what another machine may have otherwise', async () => {
  const lines = [
    "import { EPOLL_EVENT_SIZE } from '../structs/socket.ts';",
    "import { constants } from 'node:fs';",
    'const ROOM = EPOLL_EVENT_SIZE * 2;',
    "const O_DIRECT = process.arch === 'arm64' ? 0o200000 : 0o40000;",
    'f(ROOM, O_DIRECT, constants.O_RDONLY, EPOLL_EVENT_SIZE);',
  ];
  assert.deepEqual(await built(...lines), lines);
});
