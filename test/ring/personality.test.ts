import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedError } from '../../lib/index.ts';
import { needs } from '../helpers/needs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, result, ringTest } from '../helpers/rings.ts';
import { inProcess } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_PERSONALITY');
const MODULE = new URL('personality.scenes.ts', import.meta.url).href;
const AS_ROOT = process.geteuid?.() === 0 ? NEEDS : { skip: 'only root can become another user' };
const EACCES = -13;

ringTest('an operation takes a personality of its own ring, nothing else', NEEDS, (scope) => {
  const ring = scope.ring();
  const other = scope.ring().registerPersonality();
  refuses('options.personality', () => ring.prepare.nop({ personality: wrong(1) }));
  refuses('options.personality', () => ring.prepare.nop({ personality: wrong(null) }));
  refuses('personality', () => ring.prepare.nop({ personality: other }));
  assert.equal(ring.inFlight, 0);
});

ringTest('operations run with it, until it is unregistered', NEEDS, (scope) => {
  const ring = scope.ring();
  const personality = ring.registerPersonality();
  ring.prepare.nop({ personality });
  assert.equal(result(ring), 0);
  personality.unregister();
  personality.unregister();
  personality[Symbol.dispose]();
  assert.equal(personality.isRegistered, false);
  assert.throws(() => ring.prepare.nop({ personality }), ClosedError);
  assert.equal(ring.inFlight, 0);
});

test('the credentials of its registration count, not those of the caller', AS_ROOT, () => {
  assert.deepEqual(inProcess({ module: MODULE, name: 'openAsOthers' }), {
    asRoot: { itself: 'open', withItsOwn: 'open' },
    asNobody: { itself: EACCES, withItsOwn: EACCES, withRoots: 'open' },
    rootAgain: { itself: 'open', withNobodys: EACCES },
  });
});

test('a personality that the kernel does not know is EINVAL in the completion', NEEDS, () => {
  assert.deepEqual(inProcess({ module: MODULE, name: 'unknownPersonality' }), { before: 0, after: -22 });
});

ringTest('it can be registered while the ring is disabled', needs('REGISTER_ENABLE_RINGS'), (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const personality = ring.registerPersonality();
  ring.enable();
  ring.prepare.nop({ personality });
  assert.equal(result(ring), 0);
});

ringTest('after the ring is closed every call is a ClosedError, and dispose none', NEEDS, (scope) => {
  const ring = scope.ring();
  const personality = ring.registerPersonality();
  ring.close();
  closed({
    registerPersonality: () => ring.registerPersonality(),
    unregister: () => personality.unregister(),
    prepare: () => ring.prepare.nop({ personality }),
  });
  personality[Symbol.dispose]();
});
