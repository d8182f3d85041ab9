/**
 * What the kernel is really given: strace's view of a child that makes every call, against a table written by hand from
 * the C structs and from what liburing passes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt } from '../helpers/loader.ts';
import type { Report } from '../helpers/register-child.ts';
import { EXPECTED, type Expected } from '../helpers/register-table.ts';

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const USE_REGISTERED_RING = 0x8000_0000;

/** A call as strace printed it. */
interface Line {
  readonly fd: number;
  readonly opcode: number;
  readonly argument: string;
  readonly nrArgs: number;
}

/** `io_uring_register(20, 0xd, {nr=3, ...}, 32) = 0` */
function parse(line: string): Line {
  const found = /io_uring_register\((-?\w+), (\w+)(?: \/\*.*?\*\/)?, (.*), (\w+)\) = /.exec(line);
  assert.ok(found, line);
  const [, fd, opcode, argument = '', nrArgs] = found;
  return { fd: Number(fd), opcode: Number(opcode), argument, nrArgs: Number(nrArgs) };
}

function little(value: number, bytes: 4 | 8): string {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 4) view.setInt32(0, value, true);
  else view.setBigUint64(0, BigInt(value), true);
  return Buffer.from(view.buffer).toString('hex');
}

/** The table's text with the child's fds and addresses in it; `{*}` matches any pointer but null. */
function pattern(text: string, { fds, addresses }: Report): RegExp {
  const named = text
    .replaceAll(/\s/g, '')
    .replaceAll('{*}', '(?!0000000000000000)[0-9a-f]{16}')
    .replaceAll(/\{#(\w+)\}/g, (_, name: string) => little(fds[name] ?? 0, 4))
    .replaceAll(/\{([a-z]+)\}/g, (_, name: string) => little(addresses[name] ?? 0, 8));
  return new RegExp(`^${named}$`);
}

function fdOf({ fd }: Expected, report: Report): number {
  if (typeof fd === 'number') return fd;
  return fd === 'none' ? -1 : (report.fds[fd] ?? Number.NaN);
}

test('the table has every opcode, under its own number', () => {
  const numbers = new Map(registerOps.map((row) => [row.raw, row.value]));
  for (const { name, opcode } of EXPECTED) assert.equal(opcode, numbers.get(wordOf(name)), name);
  const missing = registerOps.filter((row) => !EXPECTED.some(({ name }) => name === row.raw));
  assert.deepEqual(
    missing.map((row) => row.raw),
    [],
  );
});

function wordOf(name: string): (typeof registerOps)[number]['raw'] {
  const row = registerOps.find((each) => each.raw === name);
  assert.ok(row, name);
  return row.raw;
}

describe('strace sees', { skip: !hasStrace && 'strace is not installed' }, () => {
  let report: Report;
  let lines: Line[];

  before(() => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-strace-'));
    after(() => rmSync(folder, { recursive: true }));
    const log = join(folder, 'log');
    const child = moduleAt('test/helpers/register-child.ts');
    const node = [...process.execArgv.filter((each) => !each.startsWith('--test')), child];
    const strace = [
      '-f',
      '-qqq',
      '-e',
      'signal=none',
      '-e',
      'trace=io_uring_register',
      '-X',
      'raw',
      '-s',
      '4096',
      '-o',
      log,
    ];
    const run = spawnSync('strace', [...strace, process.execPath, ...node], {
      encoding: 'utf8',
      env: { ...process.env, UV_USE_IO_URING: '0' },
    });
    assert.equal(run.status, 0, run.stderr);
    report = JSON.parse(run.stdout);
    const made = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('io_uring_register('));
    lines = made.map(parse);
  });

  test('each call of the process, and no other', () => {
    assert.deepEqual(
      lines.map(({ fd, opcode, nrArgs }) => [fd, opcode, nrArgs]),
      report.calls.map(([fd, opcode, , nrArgs]) => [fd, opcode, nrArgs]),
    );
  });

  for (const [i, expected] of EXPECTED.entries()) {
    test(`${expected.name}: ${(expected.hex ?? 'no argument').slice(0, 80)}`, () => {
      const seen = report.seen[i];
      const line = lines[seen?.call ?? -1];
      assert.ok(seen && line);
      const bit = typeof expected.fd === 'number' ? USE_REGISTERED_RING : 0;
      assert.deepEqual(
        [line.fd, line.opcode, line.nrArgs],
        [fdOf(expected, report), expected.opcode + bit, expected.nrArgs],
      );
      if (expected.hex === null) {
        assert.deepEqual([line.argument, seen.told], ['NULL', null]);
        return;
      }
      assert.notEqual(line.argument, 'NULL');
      assert.match(seen.memory ?? '', pattern(expected.hex, report), 'in memory');
      assert.equal(seen.told, seen.memory, 'as the trace tells it');
      for (const [j, text] of (expected.behind ?? []).entries()) {
        assert.match(seen.behind[j] ?? '', pattern(text, report), `behind pointer ${j}`);
      }
      // strace prints an address for what it doesn't know
      if (/^0x/.test(line.argument)) return;
      for (const text of expected.text ?? [])
        assert.ok(line.argument.includes(text), `${line.argument} has no ${text}`);
    });
  }
});
