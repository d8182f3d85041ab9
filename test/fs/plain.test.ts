/** Looking at the arguments of `uring/fs` runs nothing of the caller's but the getters of their options. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { opening, wholeOptions } from '../../lib/fs/plain.ts';
import { commonOptions } from '../../lib/host/trace/options.ts';
import { isAbortSignal } from '../../structs/check.ts';

/** A Proxy, and the traps that were run. */
function watched<T extends object>(target: T): [proxy: T, traps: string[]] {
  const traps: string[] = [];
  const handler = new Proxy<ProxyHandler<T>>(
    {},
    {
      get: (_, name) => {
        traps.push(String(name));
        return undefined;
      },
    },
  );
  return [new Proxy(target, handler), traps];
}

test('a Proxy of a URL is no URL, and none of its traps is run', () => {
  const [proxy, traps] = watched(new URL('file:///tmp/x'));
  assert.equal(opening(proxy, 'r'), undefined);
  assert.equal(opening(Object.create(proxy), 'r'), undefined);
  assert.deepEqual(traps, []);
});

test('a file URL is a path; others, and what only inherits from URL, are for Node', () => {
  assert.equal(opening(pathToFileURL('/tmp/a b'), 'r')?.path, '/tmp/a b');
  assert.equal(opening(new (class extends URL {})('file:///tmp/x'), 'r')?.path, '/tmp/x');
  for (const other of [
    new URL('http://x/y'),
    new URL('file://host/x'),
    Object.create(URL.prototype),
    {},
    null,
  ])
    assert.equal(opening(other, 'r'), undefined);
});

test('a Proxy of a signal is no signal, and none of its traps is run', () => {
  const [proxy, traps] = watched(new AbortController().signal);
  for (const signal of [proxy, Object.create(proxy)]) {
    assert.equal(isAbortSignal(signal), false);
    assert.equal(wholeOptions({ signal }), undefined);
  }
  assert.deepEqual(traps, []);
  // the message describes what came
  assert.throws(() => commonOptions({ signal: proxy }), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('signals are taken, also of a class of the caller; what only inherits from them is for Node', () => {
  for (const signal of [new AbortController().signal, AbortSignal.abort(), AbortSignal.timeout(1)])
    assert.equal(wholeOptions({ signal })?.signal, signal);
  const { signal } = new AbortController();
  Object.setPrototypeOf(signal, Object.create(AbortSignal.prototype));
  assert.equal(isAbortSignal(signal), true);
  for (const other of [
    Object.create(AbortSignal.prototype),
    AbortSignal.prototype,
    { aborted: false },
    null,
    1,
  ])
    assert.equal(isAbortSignal(other), false);
});
