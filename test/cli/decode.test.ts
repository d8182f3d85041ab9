import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import fc from 'fast-check';
import { callToJson, callToText, rfc3339 } from '../../lib/cli/call.ts';
import { decode, type RegisterCall } from '../../lib/host.ts';
import { shell, startUring, uring } from '../helpers/cli.ts';
import { LOADER, ROOT } from '../helpers/loader.ts';
import { decodeNoise } from '../helpers/log-noise.ts';

const SAMPLES = 'test/fixtures/observe';

const sample = (name: string): string => readFileSync(join(ROOT, SAMPLES, name), 'utf8');

function decoded(name: string, options = '') {
  return shell(`uring decode ${options} < ${SAMPLES}/${name}`);
}

const KEYS =
  'v type src ts mono_ns pid tid comm cpu fd opcode opcode_name use_registered_ring arg arg_text nr_args nr_args_is ' +
  'ret errno duration_ns ring nr_user_files nr_user_bufs complete';

/** A call that a log tells. */
async function callOf(log: string): Promise<RegisterCall> {
  for await (const record of decode(log)) if (record.type === 'register') return record;
  throw new Error(`no call in ${log}`);
}

// ---- wrong words ----------------------------------------------------------------------------------------------------

test('a format that is none, and options that are not there, are errors of usage', () => {
  for (const args of [['--from', 'dtrace'], ['--nothing']]) {
    const { status, stdout, stderr } = uring(['decode', ...args]);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^uring: decode: .*see "uring decode --help"\n$/);
  }
});

test('--help has examples and fits a terminal', () => {
  const { status, stdout } = uring(['decode', '--help']);
  assert.equal(status, 0);
  assert.match(stdout, /tracee .*--output json \| uring decode\n/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
});

// ---- text -----------------------------------------------------------------------------------------------------------

test('calls are shown as C has them, and stderr tells what was read', () => {
  const { status, stdout, stderr } = decoded('audit-syscall-427-CONSTRUCTED.log');
  assert.deepEqual(stdout.split('\n'), [
    'io_uring_register(3, IORING_REGISTER_BUFFERS, 0x7ffe7d5bc8b0, 2) = 0  # count; pid 1421 allreg',
    'io_uring_register(3, IORING_REGISTER_FILES, 0x7ffe7d5bc8a0, 3) = 0  # count; pid 1421 allreg',
    'io_uring_register(3, IORING_REGISTER_RESTRICTIONS, 0x7ffe7d5bc870, 2) = -EBADFD  # count; pid 1421 allreg',
    'io_uring_register(0, IORING_REGISTER_PROBE|IORING_REGISTER_USE_REGISTERED_RING, 0x55d1f6e9a080, 64) = -EINVAL' +
      '  # count; pid 1421 allreg',
    'io_uring_register(-1, IORING_REGISTER_SEND_MSG_RING, 0x7ffe7d5bc5a0, 1) = 0  # fixed; pid 1421 allreg',
    'io_uring_register(1234, IORING_REGISTER_BUFFERS, NULL, 0) = -EBADF  # count; pid 1421 allreg',
    'io_uring_register(3, IORING_UNREGISTER_EVENTFD, NULL, 0) = 0  # fixed; pid 77 my app 2',
    '',
  ]);
  assert.equal(stderr, 'uring: 7 calls in 8 lines; 1 other line dropped\n');
  assert.equal(status, 0);
});

test('what is not known is a question mark, and an incomplete call says so', async () => {
  const begun = '[pid 7] io_uring_register(3, 0x63 /* IORING_REGISTER_??? */,  <unfinished ...>';
  assert.equal(callToText(await callOf(begun)), 'io_uring_register(3, OP_99, ?, ?) = ?  # tid 7; incomplete');
  const ended = '[pid 7] <... io_uring_register resumed>) = 0';
  assert.equal(callToText(await callOf(ended)), 'io_uring_register(?, ?, ?, ?) = 0  # tid 7; incomplete');
});

test('a call that seccomp stopped is shown, and counted apart', () => {
  const { stdout, stderr } = decoded('audit-6.18-seccomp-kill-recorded.txt');
  assert.equal(stdout, 'io_uring_setup: killed by seccomp  # pid 11444 probe\n');
  assert.equal(stderr, 'uring: 0 calls in 1 line; 1 record of seccomp\n');
});

test('a name with control characters stays on its line, and harmless', async () => {
  const comm = 'x\ny-1 [0]: \x1b[31m';
  const log = `type=SYSCALL msg=audit(1.0:1): syscall=427 exit=0 a0=3 a1=5 a2=0 a3=0 comm=${Buffer.from(comm).toString('hex')}`;
  const call = await callOf(log);
  assert.match(callToText(call), / {2}# fixed; x\\ny-1 \[0\]: \\x1b\[31m$/);
  assert.equal(JSON.parse(callToJson(call)).comm, comm);
});

// ---- JSON -----------------------------------------------------------------------------------------------------------

test("JSON has the keys of the trace's, null for what is not known, and 64-bit values as strings", () => {
  const { stdout } = decoded('tracee-v1beta1-current-CONSTRUCTED.jsonl', '--json');
  const [line = '', ...others] = stdout.trimEnd().split('\n');
  assert.equal(others.length, 5);
  assert.equal(Object.keys(JSON.parse(line)).join(' '), KEYS);
  assert.deepEqual(JSON.parse(line), {
    v: 1,
    type: 'register',
    src: 'tracee',
    ts: '2026-01-01T00:00:00.123456000Z',
    mono_ns: null,
    pid: 1421,
    tid: 1421,
    comm: 'allreg',
    cpu: null,
    fd: 3,
    opcode: 0,
    opcode_name: 'IORING_REGISTER_BUFFERS',
    use_registered_ring: false,
    arg: '0x7ffe7d5bc8b0',
    arg_text: null,
    nr_args: 2,
    nr_args_is: 'count',
    ret: 0,
    errno: null,
    duration_ns: null,
    ring: null,
    nr_user_files: null,
    nr_user_bufs: null,
    complete: true,
  });
});

test("a call of the kernel's own trace has neither src nor arg_text, and an opcode without C name keeps ours", async () => {
  const call = await callOf('io_uring_register(3, 0x63, NULL, 0) = -1 EINVAL (Invalid argument) <0.000035>');
  const { opcode_name, errno, duration_ns } = JSON.parse(callToJson(call));
  assert.deepEqual([opcode_name, errno, duration_ns], ['OP_99', 'EINVAL', '35000']);
  const keys = Object.keys(JSON.parse(callToJson({ ...call, source: 'kernel' })));
  // and it says who made the call
  const who = 'ppid uid euid exe capabilities ancestry cgroup container unit namespaces';
  assert.equal(keys.join(' '), `${KEYS.replace('src ', '').replace('arg_text ', '')} ${who}`);
});

test('a time that RFC 3339 has no digits for is not known', () => {
  assert.equal(rfc3339(0n), '1970-01-01T00:00:00.000000000Z');
  assert.equal(rfc3339(253_402_300_799_999_999_999n), '9999-12-31T23:59:59.999999999Z');
  for (const none of [undefined, -1n, 253_402_300_800_000_000_000n, 2n ** 70n])
    assert.equal(rfc3339(none), undefined);
});

test('whatever a log tells becomes one line of text without controls, and one of JSON', async () => {
  const lines = readdirSync(join(ROOT, SAMPLES))
    .filter((name) => /^(?:tracee|strace|audit|trace-text)-/.test(name))
    .flatMap((name) => sample(name).split('\n'))
    .filter((line) => line.includes('io_uring_register') && line.length < 2000);
  const damaged = fc
    .tuple(fc.constantFrom(...lines), fc.nat(), fc.string({ unit: 'binary', maxLength: 8 }))
    .map(([line, at, text]) => {
      const where = at % (line.length + 1);
      return line.slice(0, where) + text.replaceAll('\n', '\x1b') + line.slice(where + text.length);
    });
  await fc.assert(
    fc.asyncProperty(damaged, async (line) => {
      for await (const record of decode(line)) {
        if (record.type !== 'register') continue;
        assert.doesNotMatch(callToText(record), /\p{Cc}/u);
        assert.equal(JSON.parse(callToJson(record)).v, 1);
        assert.doesNotMatch(callToJson(record), /\n/);
      }
    }),
    { numRuns: 1000 },
  );
});

// ---- what is not a call ---------------------------------------------------------------------------------------------

const MIXED = String.raw`printf 'hello\nio_uring_register(3, IOR\nio_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0\n'`;
const CALL = 'io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0  # fixed\n';

test('--strict exits with 5 where a line could not be read, or the trace lost events', () => {
  const dropped = shell(`${MIXED} | uring decode`);
  assert.equal(dropped.stdout, CALL);
  assert.equal(
    dropped.stderr,
    'uring: 1 call in 3 lines; 1 other line dropped; 1 not readable, the first is line 2\n',
  );
  assert.equal(dropped.status, 0);
  assert.equal(shell(`${MIXED} | uring decode --strict`).status, 5);
  assert.equal(shell(`${MIXED} | grep -v IOR$ | uring decode --strict`).status, 0);
  const lost = decoded('trace-text-6.18-lost-events.txt', '--from trace --strict');
  assert.equal(lost.status, 5);
  assert.match(lost.stderr, /; the trace lost 612 events\n$/);
});

test('--all passes other lines through in their place', () => {
  const text = shell(`${MIXED} | uring decode --all`);
  assert.equal(text.stdout, `hello\nio_uring_register(3, IOR\n${CALL}`);
  assert.match(text.stderr, /1 other line passed through/);
  const types = shell(`${MIXED} | uring decode --all --json`)
    .stdout.trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(types[0], { v: 1, type: 'other', line: 1, text: 'hello' });
  assert.deepEqual(
    types.map(({ type }) => type),
    ['other', 'malformed', 'register'],
  );
});

// ---- as a filter ----------------------------------------------------------------------------------------------------

test('a call is printed while the log goes on, and the input may end in the middle of a line', {
  timeout: 30_000,
}, async (t) => {
  const child = startUring(['decode', '--json']);
  t.after(() => child.kill('SIGKILL'));
  assert.ok(child.stdin && child.stdout);
  const lines = createInterface({ input: child.stdout });
  for (let fd = 1; fd <= 5; fd++) {
    child.stdin.write(`ne\nio_uring_register(${fd}, IORING_UNREGISTER_FILES, NULL, 0) = 0\nhalf a li`);
    const [line] = await once(lines, 'line');
    assert.equal(JSON.parse(line).fd, fd);
  }
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} is a normal end, with what began and was counted`, { timeout: 30_000 }, async (t) => {
    const child = startUring(['decode']);
    t.after(() => child.kill('SIGKILL'));
    assert.ok(child.stdin && child.stdout && child.stderr);
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (text.stdout += chunk));
    child.stderr.on('data', (chunk) => (text.stderr += chunk));
    child.stdin.write(
      '[pid 7] io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0 <unfinished ...>\n[pid 8] ',
    );
    child.stdin.write('io_uring_register(4, IORING_UNREGISTER_FILES, NULL, 0) = 0\n');
    // what is on stdout was read, and so was the line before it
    await once(child.stdout, 'data');
    const closed = once(child, 'close');
    child.kill(signal);
    assert.deepEqual(await closed, [0, null]);
    assert.match(text.stdout, /\n.*= \? {2}# fixed; tid 7; incomplete\n$/);
    assert.equal(text.stderr, 'uring: 2 calls in 2 lines; 1 incomplete\n');
  });
}

test('after SIGINT the last words of what writes to it are read', { timeout: 30_000 }, async (t) => {
  const child = startUring(['decode']);
  t.after(() => child.kill('SIGKILL'));
  assert.ok(child.stdin && child.stdout);
  const lines = createInterface({ input: child.stdout });
  child.stdin.write(`${CALL.split('  #')[0]}\n`);
  await once(lines, 'line');
  child.kill('SIGINT');
  child.stdin.end('io_uring_register(9, IORING_UNREGISTER_FILES, NULL, 0) = 0\n');
  assert.match(`${await once(lines, 'line')}`, /\(9, /);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a reader that has seen enough ends it quietly', () => {
  const { stdout, stderr, status } = shell(
    `set -o pipefail; timeout 30 yes '${CALL.split('  #')[0]}' 2>/dev/null | { uring decode; echo $? >&2; } | head -2`,
  );
  assert.equal(stdout, CALL + CALL);
  assert.equal(stderr, '0\n');
  // yes was ended by the closed pipe, not by time
  assert.equal(status, 141);
});

const noStrace = spawnSync('strace', ['-V']).error !== undefined && 'needs strace';

test('calls of a program under strace are decoded', { skip: noStrace }, () => {
  const program = `import { Ring } from 'uring'; const ring = new Ring(4); const { fd } = ring;
    ring.registerBuffers([new Uint8Array(64)]).unregister(); ring.close(); console.log(fd)`;
  const { stdout, stderr } = shell(
    `exec 3>&1; strace -f -e trace=io_uring_register -o /dev/stdout '${process.execPath}' ${LOADER.join(' ')} ` +
      `--input-type=module -e "${program}" 2>/dev/null | uring decode --json`,
  );
  const calls = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.match(stderr, /^uring: \d+ calls in \d+ lines/);
  const names = calls.map(({ opcode_name }) => opcode_name);
  assert.ok(names.includes('IORING_UNREGISTER_BUFFERS'), names.join());
  for (const { src, tid, complete } of calls) assert.ok(src === 'strace' && tid > 0 && complete);
});

// ---- memory ---------------------------------------------------------------------------------------------------------

test('64 MiB of noise, a line without end among it, need no more memory than a few', async () => {
  const { first, last } = await decodeNoise(64);
  assert.ok(last - first < 64, `${first} MiB after one call, ${last} after all`);
});
