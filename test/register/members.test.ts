/**
 * What each register member of a ring gives the kernel, against values written by hand from the C structs and from what
 * liburing passes; and strace sees the same calls.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { probe } from '../../lib/index.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt } from '../helpers/loader.ts';
import type { Call, MemberReport } from '../helpers/member-child.ts';

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const BY_INDEX = 0x8000_0000;
const Z4 = '00000000';
const Z8 = '0000000000000000';

/** `{*}` is any pointer but null, `{name}` an fd as an s32; `..` at the end: whatever else, of the struct's length. */
const EXPECTED: readonly (readonly [
  member: string,
  fd: string | number,
  opcode: number,
  nrArgs: number,
  hex: string | null,
])[] = [
  ['ring.registerBuffers', 'main', 15, 32, `02000000 ${Z4} ${Z8} {*} {*}`],
  ['buffers.update', 'main', 16, 32, `01000000 ${Z4} {*} {*} 01000000 ${Z4}`],
  ['buffers.cloneTo', 'second', 30, 1, `{main} ${Z4} ${Z4} ${Z4} ${Z4} ${Z4} ${Z8}`],
  ['buffers.cloneTo, a range', 'second', 30, 1, `{main} 02000000 01000000 ${Z4} 01000000 ${Z4} ${Z8}`],
  ['buffers.unregister', 'main', 1, 0, null],
  ['ring.registerBuffers, sparse', 'main', 15, 32, `04000000 01000000 ${Z8} ${Z8} ${Z8}`],
  ['ring.registerFiles', 'main', 2, 2, '{file} ffffffff'],
  ['files.update', 'main', 6, 2, `${Z4} ${Z4} {*}`],
  ['files.allocRange', 'main', 25, 0, `${Z4} 01000000 ${Z8}`],
  ['files.unregister', 'main', 3, 0, null],
  ['ring.registerFiles, told', 'main', 13, 32, `01000000 ${Z4} ${Z8} {*} {*}`],
  ['files.update, told', 'main', 14, 32, `${Z4} ${Z4} {*} {*} 01000000 ${Z4}`],
  ['ring.registerFiles, sparse', 'main', 13, 32, `03000000 01000000 ${Z8} ${Z8} ${Z8}`],
  ['ring.registerEventfd', 'main', 4, 1, '{signal}'],
  ['eventfd.unregister', 'main', 5, 0, null],
  ['ring.registerEventfd, async', 'main', 7, 1, '{signal}'],
  ['ring.probe', 'main', 8, 256, `${Z8} ${Z8}`],
  ['ring.query', 'main', 35, 0, `${Z8} {*} ${Z4} 30000000 ${Z4} ${Z4} ${Z8}`],
  ['ring.registerPersonality', 'main', 9, 0, null],
  ['personality.unregister', 'main', 10, 1, null],
  [
    'ring.registerRestrictions',
    'disabled',
    11,
    3,
    `0100 16 00 ${Z4} ${Z8}  0000 0c 00 ${Z4} ${Z8}  0200 00 00 ${Z4} ${Z8}`,
  ],
  ['ring.enable', 'disabled', 12, 0, null],
  ['ring.limitWorkers', 'main', 19, 2, `02000000 ${Z4}`],
  ['ring.limitWorkers, cpus', 'main', 17, 8, '0100000000000000'],
  ['limits.unregister', 'main', 18, 0, null],
  ['ring.registerBufferRing', 'main', 22, 1, `{*} 08000000 0700 0000 ${Z4} ${Z4} ${Z8} ${Z8}`],
  ['pool.status', 'main', 26, 1, `07000000 ${Z4} ${Z8} ${Z8} ${Z8} ${Z8}`],
  ['pool.unregister', 'main', 23, 1, `${Z8} ${Z4} 0700 0000 ${Z4} ${Z4} ${Z8} ${Z8}`],
  ['ring.cancelSync', 'main', 24, 1, `${Z8} ffffffff 04000000 ${Z8} ${Z8} ${Z8} ${Z8} ${Z8} ${Z8}`],
  ['ring.enableNapi', 'main', 27, 1, `32000000 01 00 0000 ${Z4} ${Z4}`],
  ['napi.unregister', 'main', 28, 1, `${Z8} ${Z8}`],
  ['ring.setClock', 'main', 29, 0, `07000000 ${Z4} ${Z8}`],
  [
    'ring.sendMessage',
    -1,
    31,
    1,
    `28 00 0000 {second} 0500000000000000 ${Z8} 06000000 ${Z4} ${Z8} ${Z8} ${Z8} ${Z8}`,
  ],
  ['ring.registerZcrxIfq', 'deferring', 32, 1, `01000000 ${Z4} 10000000 ${Z4} {*} {*} ..`],
  ['ring.resize', 'deferring', 33, 1, `10000000 ${Z4} ${Z4} ${Z4} ${Z4} ${Z4} ${Z4} ..`],
  ['ring.registerRegion', 'waiting', 34, 1, `{*} 0100000000000000 ${Z8} ${Z8}`],
  ['ring.registerBpfFilter', 'main', 37, 1, `0100 0000 ${Z4} ${Z4} ${Z4} 01000000 00 000000 {*} ..`],
  ['ring.registerRingFd', 'main', 20, 1, `ffffffff ${Z4} {main} ${Z4}`],
  ['ring.probe, by index', 0, 8 + BY_INDEX, 256, `${Z8} ${Z8}`],
  ['ringFd.unregister', 0, 21 + BY_INDEX, 1, `${Z4} ${Z4} ${Z8}`],
];

function little(fd: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(fd);
  return bytes.toString('hex');
}

function pattern(text: string, fds: MemberReport['fds']): RegExp {
  const named = text
    .replaceAll(/\s/g, '')
    .replace(/\.\.$/, '0*')
    .replaceAll('{*}', `(?!${Z8})[0-9a-f]{16}`)
    .replaceAll(/\{([a-z]+)\}/g, (_, name: string) => little(fds[name] ?? 0));
  return new RegExp(`^${named}$`);
}

/** fd, opcode and nr_args of each call that strace saw. */
function straced(log: string): string[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const found = /io_uring_register\((-?\w+), (\w+)(?: \/\*.*?\*\/)?, .*, (\w+)\) = /.exec(line);
      return found === null ? [] : [found.slice(1, 4).map(Number).join(' ')];
    });
}

/** Does the kernel have what a member needs? Those that it lacks are refused before, or change what comes after. */
function isHere(opcode: number): boolean {
  const row = registerOps.find(({ value }) => value === (opcode & 0x7fff_ffff) >>> 0);
  return row !== undefined && probe().supports(row.name) === true;
}

describe('a member of a ring gives the kernel', () => {
  let report: MemberReport;
  let seen: string[];

  before(() => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-members-'));
    const log = join(folder, 'log');
    const child = moduleAt('test/helpers/member-child.ts');
    const node = [process.execPath, ...process.execArgv.filter((each) => !each.startsWith('--test')), child];
    const strace = [
      'strace',
      '-f',
      '-qqq',
      '-e',
      'signal=none',
      '-e',
      'trace=io_uring_register',
      '-X',
      'raw',
      '-o',
      log,
    ];
    const [command = '', ...args] = hasStrace ? [...strace, ...node] : node;
    const env = { ...process.env, UV_USE_IO_URING: '0' };
    const run = spawnSync(command, args, { encoding: 'utf8', env });
    assert.equal(run.status, 0, run.stderr);
    report = JSON.parse(run.stdout);
    seen = hasStrace ? straced(log) : [];
    rmSync(folder, { recursive: true });
  });

  for (const [member, fd, opcode, nrArgs, hex] of EXPECTED) {
    // filters are asked for on every kernel; what a kernel refuses as unknown was given to it all the same
    const skip = opcode === 37 || isHere(opcode) ? false : `this kernel has no opcode ${opcode}`;
    test(`${member}: ${(hex ?? 'no argument').slice(0, 70)}`, { skip }, () => {
      const calls = report.members.find(([name]) => name === member)?.[1] ?? [];
      const call: Call | undefined = calls.find((each) => each[1] === opcode);
      assert.ok(call, JSON.stringify(calls));
      const named = typeof fd === 'number' ? fd : report.fds[fd];
      assert.deepEqual([call[0], call[2]], [named, nrArgs]);
      if (hex === null) assert.equal(call[3], null);
      else assert.match(call[3] ?? '', pattern(hex, report.fds));
    });
  }

  test('strace sees the same calls', { skip: !hasStrace && 'strace is not installed' }, () => {
    let at = 0;
    for (const [member, calls] of report.members) {
      for (const [fd, opcode, nrArgs] of calls) {
        const found = seen.indexOf(`${fd} ${opcode} ${nrArgs}`, at);
        assert.ok(found >= 0, `${member}: ${fd} ${opcode} ${nrArgs}`);
        at = found + 1;
      }
    }
  });
});
