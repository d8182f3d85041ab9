/** Whatever the kernel still holds stays alive: with a storm of garbage collections, in processes of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs } from '../helpers/needs.ts';
import { sceneArguments, sceneEnvironment, startProcess } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_CLONE_BUFFERS', 'REGISTER_PBUF_RING', 'REGISTER_NAPI');
const module = new URL('memory.scenes.ts', import.meta.url).href;

/** Starts a scene, unless this kernel skips the tests. */
async function start(name: string, argument?: unknown): Promise<{ readonly [name: string]: unknown }> {
  return NEEDS.skip === undefined ? Object(await startProcess({ module, name, argument })) : {};
}

// side by side: each needs a second to start
const inFlight = start('inFlight');
const forget = start('forget');
const endings = start('threads', ['exit', 'throw', 'end']);
const terminated = start('threads', ['terminate', 'terminate']);

test('what is dropped, closed or kept while a read is in flight', NEEDS, async (t) => {
  const { drop, close, keep } = await inFlight;

  await t.test('the data lands in memory that is still ours', () => {
    const found = Object.entries(Object(drop));
    assert.deepEqual(
      found.filter(([, how]) => how !== 'well'),
      [],
    );
    assert.ok(found.length >= 12);
  });

  await t.test('after close nobody writes to it any more', () => {
    assert.deepEqual(close, { found: [], kept: 0 });
  });

  await t.test('what the kernel does not give up at once is kept until it does', () => {
    assert.deepEqual(keep, {
      kept: 0,
      closing: 2,
      closed: [true, true],
      found: [true, true],
      isIntact: true,
      rings: 0,
      fds: 0,
      isQuick: true,
    });
  });
});

test(
  'a ring that is dropped is closed, whatever it has, and a warning names where it was made',
  NEEDS,
  async () => {
    const { left, fds, mappings, warnings, others, expected } = await forget;
    assert.deepEqual(left, [], 'these are held by what they have');
    assert.deepEqual([fds, mappings], [0, 0]);
    assert.deepEqual(others, []);
    assert.equal(warnings, expected);
  },
);

/** How a process ended: its exit code, the signal, and what it wrote to stderr. */
async function endOf(
  argument: string,
  signal?: NodeJS.Signals,
): Promise<readonly [unknown, unknown, string]> {
  const child = spawn(process.execPath, sceneArguments({ module, name: 'end', argument }), {
    env: sceneEnvironment(),
    timeout: 20_000,
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const end = once(child, 'close');
  if (signal !== undefined) {
    await Promise.race([once(child.stdout, 'data'), end]);
    child.kill(signal);
  }
  const [code, by] = await end;
  return [code, by, errors];
}

test('a process that ends with operations in flight ends as it should', NEEDS, async () => {
  const [exit, thrown, ended, interrupted] = await Promise.all([
    endOf('exit'),
    endOf('throw'),
    endOf('end'),
    endOf('wait', 'SIGINT'),
  ]);
  assert.deepEqual(exit, [7, null, '']);
  assert.deepEqual(thrown.slice(0, 2), [1, null]);
  assert.match(thrown[2], /[Ee]rror: on purpose/);
  assert.deepEqual(ended, [0, null, '']);
  assert.deepEqual(interrupted, [null, 'SIGINT', '']);
});

test('a thread that ends with operations in flight closes its rings', NEEDS, async () => {
  assert.deepEqual(await endings, { codes: [3, 1, 0], fds: 0 });
});

test('terminate() with operations in flight does not crash the process', NEEDS, async () => {
  const { codes } = await terminated;
  assert.deepEqual(codes, [1, 1]);
});
