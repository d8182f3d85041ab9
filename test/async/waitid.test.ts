import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { getuid, kill } from 'node:process';
import { aborts, asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

const OP = needsOp('OP_WAITID');
const SIGKILL = 9;
const SIGSTOP = 19;
const SIGCONT = 18;

/** A child process that waits for its input's end, killed when the test is over. */
function child(scope: Scope, script: string): { readonly pid: number; readonly process: ChildProcess } {
  const process = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
  scope.defer(() => process.kill('SIGKILL'));
  assert.ok(process.pid !== undefined);
  return { pid: process.pid, process };
}

/** Node.js has heard of its end too, and has closed its pipes. */
async function isReaped({ process }: { readonly process: ChildProcess }): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  process.stdin?.destroy();
  await new Promise((resolve) => setImmediate(resolve));
}

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['child', () => ring.waitid(wrong(undefined))],
    ['child', () => ring.waitid(wrong('all'))],
    ['child', () => ring.waitid(wrong({}))],
    ['child.pdi', () => ring.waitid(wrong({ pdi: 1 }))],
    ['child.pid', () => ring.waitid({ pid: 0 })],
    ['child.group', () => ring.waitid({ group: -1 })],
    ['child.pidfd', () => ring.waitid({ pidfd: -1 })],
    ['options.states', () => ring.waitid('any', { states: wrong('exited') })],
    ['options.states', () => ring.waitid('any', { states: [wrong('dead')] })],
    ['options.states', () => ring.waitid('any', { states: [] })],
  ]);
  await fails('ECHILD', 'OP_WAITID', ring.waitid({ pid: 1 }));
});

ringTest('it tells how a child ends', OP, async (scope) => {
  const ring = asyncRing(scope);
  const uid = getuid?.();
  const one = child(scope, 'read x; exit 42');
  const waiting = ring.waitid({ pid: one.pid }, { keep: true });
  await ring.nop();
  assert.equal(ring.inFlight, 1);
  one.process.stdin?.end();
  assert.deepEqual(await waiting, { pid: one.pid, uid, state: 'exited', status: 42 });
  await isReaped(one);
  assert.equal(one.process.exitCode, 42, 'Node.js hears of it too');
  await fails('ECHILD', 'OP_WAITID', ring.waitid({ pid: one.pid }));

  const two = child(scope, 'read x');
  const killed = ring.waitid({ pid: two.pid }, { keep: true });
  await ring.nop();
  two.process.kill('SIGKILL');
  assert.deepEqual(await killed, { pid: two.pid, uid, state: 'killed', status: SIGKILL });
  await isReaped(two);
});

ringTest('it tells of stops and continuations', OP, async (scope) => {
  const ring = asyncRing(scope);
  const one = child(scope, 'read x');
  const stopped = ring.waitid({ pid: one.pid }, { states: ['stopped'] });
  // by its number: Deno's children can be sent one signal only
  kill(one.pid, 'SIGSTOP');
  const { state, status } = await stopped;
  assert.deepEqual([state, status], ['stopped', SIGSTOP]);
  const continued = ring.waitid({ pid: one.pid }, { states: ['continued', 'stopped'] });
  kill(one.pid, 'SIGCONT');
  assert.deepEqual([(await continued).state, (await continued).status], ['continued', SIGCONT]);
  one.process.stdin?.end();
  await isReaped(one);
});

ringTest('waits are aborted and limited, and the child is still there', OP, async (scope) => {
  const ring = asyncRing(scope);
  const one = child(scope, 'read x');
  await aborts(ring.waitid({ pid: one.pid }, { keep: true, signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_WAITID', ring.waitid({ pid: one.pid }, { keep: true, timeoutMs: 5 }));
  const any = ring.waitid('any', { keep: true });
  await ring.nop();
  one.process.stdin?.end();
  assert.equal((await any).pid, one.pid);
  await isReaped(one);
});
