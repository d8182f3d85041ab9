/** Every opcode is reachable, tested and documented: names whichever place misses one. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ring } from '../lib/faces/ring.ts';
import * as raw from '../lib/raw.ts';
import { BufferRing } from '../lib/ring/owners/buffer-ring.ts';
import { RegisteredBuffers } from '../lib/ring/owners/buffers.ts';
import { RegisteredEventfd } from '../lib/ring/owners/eventfd.ts';
import { RegisteredFiles } from '../lib/ring/owners/files.ts';
import { Napi } from '../lib/ring/owners/napi.ts';
import { Personality } from '../lib/ring/owners/personality.ts';
import { RegisteredRingFd } from '../lib/ring/owners/ring-fd.ts';
import { WorkerLimits } from '../lib/ring/owners/workers.ts';
import { ZcrxIfq } from '../lib/ring/owners/zcrx.ts';
import { constants } from '../structs/flags.ts';
import { registerOps } from '../structs/register-ops.ts';
import { sources } from './helpers/sources.ts';

const README = join(import.meta.dirname, '../README.md');
const CLASSES: { readonly [owner: string]: object } = {
  ring: Ring.prototype,
  buffers: RegisteredBuffers.prototype,
  files: RegisteredFiles.prototype,
  eventfd: RegisteredEventfd.prototype,
  personality: Personality.prototype,
  limits: WorkerLimits.prototype,
  ringFd: RegisteredRingFd.prototype,
  pool: BufferRing.prototype,
  napi: Napi.prototype,
  ifq: ZcrxIfq.prototype,
};

/** The names of the rows for which `isThere` says no. */
function missing(isThere: (row: (typeof registerOps)[number]) => boolean): string[] {
  return registerOps
    .filter((row) => !isThere(row))
    .map(({ name, raw, member }) => `${name}: ${raw}, ${member}`);
}

/** The text of all tests in a folder. */
function testsIn(folder: string): string {
  const path = join(import.meta.dirname, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.test.ts') || name.endsWith('.scenes.ts'))
    .map((name) => readFileSync(join(path, name), 'utf8'))
    .join('\n');
}

const word = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);

test('the table has every opcode that the kernel headers have, in order', () => {
  const count = Object.keys(constants).filter(
    (name) =>
      /^IORING_(?:UN)?REGISTER_/.test(name) && registerOps.some((row) => `IORING_${row.name}` === name),
  ).length;
  assert.equal(count, registerOps.length);
  assert.deepEqual(
    registerOps.map(({ value }) => value),
    Array.from({ length: registerOps.length }, (_, i) => i),
  );
});

test('every opcode has its function in uring/raw', () => {
  const exported = new Map<string, unknown>(Object.entries(raw));
  assert.deepEqual(
    missing((row) => typeof exported.get(row.raw) === 'function'),
    [],
  );
});

test('every opcode has its member', () => {
  assert.deepEqual(
    missing(({ member }) => {
      const [owner = '', name = ''] = member.split('.');
      const found = CLASSES[owner];
      return found !== undefined && name in found;
    }),
    [],
  );
});

test('every raw function has a test', () => {
  const text = testsIn('register');
  assert.deepEqual(
    missing((row) => word(text, row.raw)),
    [],
  );
});

test('every member has a test', () => {
  const text = testsIn('ring');
  assert.deepEqual(
    missing(({ member }) => word(text, member.replace(/^.*\./, ''))),
    [],
  );
});

test('the comment of a member names the opcodes that it issues', () => {
  const text = sources('lib/ring')
    .map((source) => source.text)
    .join('\n');
  assert.deepEqual(
    missing(({ name }) => word(text, name)),
    [],
  );
});

test('README has a row for every opcode', { skip: existsSync(README) ? false : 'no README yet' }, () => {
  const text = readFileSync(README, 'utf8');
  assert.deepEqual(
    missing((row) => word(text, row.name)),
    [],
  );
});
