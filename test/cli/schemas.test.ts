/** What the command prints as JSON is what its published schemas say. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { alloc } from '../../lib/index.ts';
import { uring } from '../helpers/cli.ts';
import { LASTING_PROGRAM, live, ran } from '../helpers/live-commands.ts';
import { LOADER, moduleAt } from '../helpers/loader.ts';
import { needs } from '../helpers/needs.ts';
import { ringTest } from '../helpers/rings.ts';

const ROOT = join(import.meta.dirname, '../..');
const FIXTURES = 'test/fixtures/observe';

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
// they refer to each other by file name
for (const name of readdirSync(join(ROOT, 'schemas')))
  ajv.addSchema(JSON.parse(readFileSync(join(ROOT, 'schemas', name), 'utf8')), name);

/** Fails unless every line is valid; the types of what was seen. */
function check(name: string, text: string): Set<unknown> {
  const validate = ajv.getSchema(`${name}.schema.json`);
  assert.ok(validate, name);
  const types = new Set<unknown>();
  for (const line of text.trimEnd().split('\n')) {
    const value: { readonly type?: unknown } = JSON.parse(line);
    assert.ok(validate(value), `${JSON.stringify(validate.errors?.slice(0, 3))} in ${line.slice(0, 300)}`);
    // a key that no schema has is found
    assert.ok(!validate({ ...value, unknownKey: 1 }), line);
    types.add(value.type);
  }
  return types;
}

test('decode: every record out of every sample', () => {
  const logs = readdirSync(join(ROOT, FIXTURES)).filter((name) =>
    /^(?:tracee|strace|audit|trace-text|perf|bpftrace)-/.test(name),
  );
  const paths = [
    ...logs.map((name) => join(ROOT, FIXTURES, name)),
    join(ROOT, FIXTURES, 'forms-CONSTRUCTED.json'),
  ];
  const { stdout } = uring(['decode', '--json', '--all', '--enter', ...paths]);
  const types = check('decode', stdout);
  for (const type of ['register', 'create', 'seccomp', 'operation', 'other', 'malformed'])
    assert.ok(types.has(type), type);
});

ringTest('ps: a ring with everything that it may have', needs('REGISTER_RING_FDS'), (scope) => {
  const ring = scope.ring(8, { sqPoll: true });
  ring.registerBuffers([alloc(4096)]);
  ring.registerFiles([-1, 0]);
  check('ps', uring(['ps', `${process.pid}`, '--json']).stdout);
});

test('doctor and probe', () => {
  check('doctor', uring(['doctor', '--json', '--observe']).stdout);
  const probed = uring(['probe', '--json']);
  if (probed.status === 0) check('probe', probed.stdout);
  check('probe', uring(['probe', '--json', '--need', 'OP_READ', '--against', '6.1,5.15']).stdout);
  if (probed.status === 0) check('probe', uring(['probe', '--json', '--against', '6.1,5.15']).stdout);
});

ringTest("report: without the kernel's tracing, and with it", {}, (scope) => {
  scope.ring(8);
  check('report', uring(['report', '--json', '--duration', '0.1']).stdout);
});

ringTest('report: all that can be in it', live, (scope) => {
  // the program has closed its own
  scope.ring(8);
  const { stdout } = ran('report', '--json', '--full', '--', ...LASTING_PROGRAM);
  check('report', stdout);
  const { rings, operations, calls, findings } = JSON.parse(stdout);
  for (const part of [rings, operations, calls, findings]) assert.ok(part.length > 0, stdout.slice(0, 2000));
});

/** A program with a read that waits until it is cancelled, a worker, a chain that breaks, and a register call. */
const STEPS = [
  ...[process.execPath, ...LOADER, '--input-type=module', '-e'],
  `const { AsyncRing, alloc } = await import(${JSON.stringify(pathToFileURL(moduleAt('lib/index.ts')).href)});
  const { libc } = await import(${JSON.stringify(pathToFileURL(moduleAt('lib/raw.ts')).href)});
  const ring = new AsyncRing(8);
  const [reader, writer] = libc.pipe();
  const stop = new AbortController();
  const waiting = ring.read(reader, alloc(8), { signal: stop.signal }).catch(() => {});
  ring.registerBuffers([alloc(4096)]).unregister();
  await ring.open('/no/such/file').catch(() => {});
  await ring.nop({ async: true });
  await ring.chain((link) => [link.read(-1, alloc(8)), link.nop()]).catch(() => {});
  stop.abort();
  await waiting;
  ring.close();
  await new Promise((done) => setTimeout(done, 300));`,
];

test('trace: calls, operations with all their steps, and a summary', live, () => {
  const types = check(
    'trace',
    ran('trace', '--ops', '--steps', 'all', '--setup', '--json', '--', ...STEPS).stdout,
  );
  for (const type of ['start', 'create', 'register', 'submit', 'complete', 'end'])
    assert.ok(types.has(type), `${type} of ${[...types]}`);
  assert.ok(check('trace', ran('trace', '--summary', '--json', '--', ...STEPS).stdout).has('summary'));
});

test('top, latency and watch', live, () => {
  const types = check('top', ran('top', '--rings', '--json', '--', ...LASTING_PROGRAM).stdout);
  assert.deepEqual([...types].sort(), ['interval', 'operation', 'ring']);
  for (const options of [[], ['--processes']])
    check('latency', ran('latency', '--json', ...options, '--', ...LASTING_PROGRAM).stdout);
  const { stdout } = ran('watch', '--json', '--', ...LASTING_PROGRAM);
  assert.deepEqual([...check('watch', stdout)], ['finding']);
});

test('abi, and the rules of watch', () => {
  check('abi', uring(['abi', '--json']).stdout);
  check('abi', uring(['abi', '--json', 'io_uring_sqe']).stdout);
  assert.deepEqual([...check('watch', uring(['watch', '--list-rules', '--json']).stdout)], ['rule']);
});
