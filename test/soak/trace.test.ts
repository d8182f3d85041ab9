import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { COMMAND } from '../helpers/cli.ts';
import { ROOT } from '../helpers/loader.ts';
import { instancesOf, needsProgram, registerCalls, tracefs } from '../helpers/tracefs.ts';

const URING = [process.execPath, ...COMMAND];
const THREADS = 4;
const CALLS = 200_000;
/** Each call has three events, and each thread makes one ring. */
const EVENTS = 3 * CALLS + THREADS;
const PATIENCE_MS = 240_000;
const TRIES = 6;

/** What `uring trace` tells of the flood. */
async function trace(bufferKb: number) {
  const program = [registerCalls(), 'flood', `${THREADS}`, `${CALLS / THREADS}`];
  const [file = '', ...args] = [
    ...[...tracefs.prefix, ...URING, 'trace', '--json', '--strict'],
    ...['--buffer-kb', `${bufferKb}`, '--', ...program],
  ];
  const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const seen = { calls: 0, whole: 0, lost: 0, threads: new Set<number>() };
  let end: { readonly calls: number; readonly events: number; readonly lost_events: number } | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line);
    if (record.type === 'lost') seen.lost += record.events;
    if (record.type === 'end') end = record;
    if (record.type !== 'register') continue;
    seen.calls++;
    if (!record.complete) continue;
    seen.whole++;
    seen.threads.add(record.tid);
    assert.deepEqual([record.opcode, record.nr_args, record.ret], [19, 2, 0]);
  }
  if (child.exitCode === null) await once(child, 'exit');
  assert.ok(end);
  assert.deepEqual(instancesOf(child.pid ?? 0), []);
  return { ...seen, end, status: child.exitCode };
}

test('200,000 calls of four threads of another program: none is lost', {
  ...needsProgram,
  timeout: PATIENCE_MS,
}, async () => {
  let { calls, whole, lost, threads, end, status } = await trace(16_384);
  // where others keep the cpus busy the reader may come too late; then it must say so, and have another try
  for (let tries = 1; end.lost_events > 0 && tries < TRIES; tries++) {
    assert.deepEqual([end.events + end.lost_events, lost, status], [EVENTS, end.lost_events, 5]);
    ({ calls, whole, lost, threads, end, status } = await trace(16_384));
  }
  assert.deepEqual([calls, whole, lost, threads.size, status], [CALLS, CALLS, 0, THREADS, 0]);
  assert.deepEqual([end.calls, end.events, end.lost_events], [CALLS, EVENTS, 0]);
});

test('with buffers that are too small it is known how many were lost', {
  ...needsProgram,
  timeout: PATIENCE_MS,
}, async () => {
  const { whole, lost, end, status } = await trace(64);
  assert.equal(end.events + end.lost_events, EVENTS);
  assert.equal(lost, end.lost_events);
  // a quick machine may lose few, but not none
  assert.ok(lost > 0 && whole > 0);
  assert.equal(status, 5);
});
