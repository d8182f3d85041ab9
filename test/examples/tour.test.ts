/** The tour proves every opcode that the kernel has, says truly what it can't, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askRange } from '../../lib/register/ask.ts';
import { probe } from '../../lib/register/support.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt } from '../helpers/loader.ts';
import { run } from './child.ts';

interface Result {
  readonly value: number;
  readonly name: string;
  readonly member: string;
  readonly since: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly ms: number;
}

interface Tour {
  readonly opcodes: readonly Result[];
  readonly flag: Result;
  readonly promises: Pick<Result, 'verdict' | 'evidence'>;
  readonly leaked: readonly string[];
}

const TOUR = moduleAt('examples/tour.ts');
const folder = mkdtempSync(join(tmpdir(), 'uring-tour-test-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes down each register call of the process: opcode and result. */
const RECORDER = join(folder, 'recorder.mjs');
const CALLS = join(folder, 'calls.json');
writeFileSync(
  RECORDER,
  `import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
const calls = [];
subscribe('uring:register', ({ opcode, flags, result }) => { calls.push({ opcode, flags, result }); });
process.on('exit', () => writeFileSync(${JSON.stringify(CALLS)}, JSON.stringify(calls)));
`,
);

function leftovers(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('uring-tour-'));
}

const json = run(['--import', RECORDER, TOUR, '--json'], { env: { ...process.env, TMPDIR: folder } });
const tour: Tour = JSON.parse(json.stdout || '{}');
const rows: readonly Result[] = [...(tour.opcodes ?? []), ...(tour.flag ? [tour.flag] : [])];
const isRoot = process.geteuid?.() === 0;
const hasOneCpu = !/Cpus_allowed_list:\t.*[-,]/.test(readFileSync('/proc/self/status', 'utf8'));

/** The verdicts that are right for an opcode on this host. */
function right({ value, name }: Result): readonly string[] {
  if (askRange(value) === false) return ['needs-kernel'];
  if (value === 32 || value === 36) return ['needs-hardware', 'needs-privilege'];
  if (name === 'REGISTER_PERSONALITY' && !isRoot) return ['needs-privilege'];
  if (/IOWQ_AFF$/.test(name) && hasOneCpu) return ['needs-hardware'];
  return ['proved'];
}

test('it ends well, with a row for every opcode and one for the flag', () => {
  assert.equal(json.status, 0, json.stdout + json.stderr);
  assert.equal(json.stderr, '');
  assert.deepEqual(
    tour.opcodes.map(({ value, name, member, since }) => ({ value, name, member, since })),
    registerOps.map(({ value, name, member, since }) => ({ value, name, member, since })),
  );
  assert.equal(tour.flag.value, 0x8000_0000);
});

test('every verdict is the right one for this kernel and this user', () => {
  for (const row of tour.opcodes) {
    assert.ok(right(row).includes(row.verdict), `${row.name}: ${row.verdict}, ${row.evidence}`);
  }
  const hasFlag = probe().features.FEAT_REG_REG_RING.supported;
  assert.equal(tour.flag.verdict, hasFlag ? 'proved' : 'needs-kernel');
});

test('every proof says what was seen', () => {
  for (const { name, verdict, evidence, ms } of rows) {
    assert.ok(ms >= 0);
    if (verdict !== 'proved') continue;
    assert.ok(evidence.length > 10 && evidence.length <= 51, `${name}: ${evidence}`);
  }
});

test('every proved opcode was called, and succeeded, as itself', () => {
  const calls: { opcode: number; flags: number; result: number }[] = JSON.parse(readFileSync(CALLS, 'utf8'));
  const plain = new Set(
    calls.filter(({ flags, result }) => flags === 0 && result >= 0).map((each) => each.opcode),
  );
  for (const { value, name, verdict } of tour.opcodes) {
    if (verdict === 'proved') assert.ok(plain.has(value), name);
  }
  const byIndex = calls.filter(({ flags, result }) => flags !== 0 && result >= 0);
  assert.equal(byIndex.length > 0, tour.flag.verdict === 'proved');
});

test('promises are proved too', () => {
  assert.equal(tour.promises.verdict, 'proved', tour.promises.evidence);
});

test('nothing is left: no open file, no temporary one', () => {
  assert.deepEqual(tour.leaked, []);
  assert.deepEqual(leftovers(), []);
});

test('for people: a line for each row between header and footer, no colour and no progress in a pipe', () => {
  const { status, stdout, stderr } = run([TOUR]);
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, registerOps.length + 4);
  assert.match(lines[0] ?? '', /^uring \d+\.\d+\.\d+ on Linux \S+ \S+, Node \S+ +\d+ register opcodes$/);
  assert.ok(lines[0]?.endsWith(` ${registerOps.length} register opcodes`));
  assert.match(lines.at(-2) ?? '', /^\d+ proved, .*0 failed +\d+\.\d s$/);
  assert.match(lines.at(-1) ?? '', /^promises: open, write, .* +\d+\.\d s$/);
  for (const line of lines) assert.ok(line.length <= 132 && !line.includes('\u001b'), line);
});

/** A module that is loaded before the tour, and changes the calls into the kernel. */
function kernelThat(name: string, does: string): string {
  const path = join(folder, `${name}.mjs`);
  const syscall = JSON.stringify(moduleAt('lib/sys/syscall.ts'));
  writeFileSync(path, `import { sys } from ${syscall};\nconst { register } = sys;\n${does}\n`);
  return path;
}

test('where io_uring is forbidden: one line with the cause, exit 1', () => {
  const { status, stdout, stderr } = run(['--import', kernelThat('forbids', 'sys.setup = () => -1;'), TOUR]);
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^uring can't be used here: EPERM: operation not permitted, io_uring_setup .+\n$/);
});

test('a call that fails, and one that does nothing: told by a message without a stack, exit 1', () => {
  const does = `sys.register = (fd, opcode, ...rest) =>
    opcode === 4 ? -5 : opcode === 17 ? 0 : register(fd, opcode, ...rest);`;
  const { status, stdout, stderr } = run(['--import', kernelThat('fails', does), TOUR]);
  assert.equal(status, 1, stderr);
  assert.match(
    stdout,
    /^ 4 REGISTER_EVENTFD .* FAILED .*\n {3}EIO: i\/o error, io_uring_register REGISTER_EVENTFD$/m,
  );
  if (probe().register.REGISTER_IOWQ_AFF.supported && !hasOneCpu) {
    assert.match(
      stdout,
      /^17 REGISTER_IOWQ_AFF .* FAILED .*\n {3}a worker bound to cpu 0: not within 2000 ms$/m,
    );
  }
  assert.match(stdout, /, [1-9] failed +\d+\.\d s$/m);
  assert.doesNotMatch(stdout + stderr, /^ +at /m);
});
