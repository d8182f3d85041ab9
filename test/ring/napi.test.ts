import assert from 'node:assert/strict';
import { StateError } from '../../lib/index.ts';
import { needs } from '../helpers/needs.ts';
import { fdinfo, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, ringTest } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_NAPI');
// ids and what fdinfo shows came with Linux 6.13, as REGISTER_SEND_MSG_RING did
const IDS = needs('REGISTER_NAPI', 'REGISTER_SEND_MSG_RING');
/** Above the number of every cpu, below which the kernel has no ids. */
const ID = 8193;

/** What fdinfo says of a ring. */
function shown(fd: number): readonly (string | undefined)[] {
  return ['NAPI', 'napi tracking', 'napi_busy_poll_dt', 'napi_prefer_busy_poll'].map((field) =>
    fdinfo(fd, field),
  );
}

ringTest('wrong arguments are named before any call', IDS, (scope) => {
  const ring = scope.ring();
  const cases: readonly [argument: string, options: unknown][] = [
    ['options', 3],
    ['options.busyPoll', { busyPoll: 1 }],
    ['options.busyPollUs', { busyPollUs: -1 }],
    ['options.busyPollUs', { busyPollUs: 2 ** 32 }],
    ['options.busyPollUs', { busyPollUs: '1' }],
    ['options.prefer', { prefer: 1 }],
    ['options.tracking', { tracking: 'inactive' }],
    ['options.ids', { tracking: 'static', ids: ID }],
    ['options.ids', { ids: [ID] }],
    ['options.ids[1]', { tracking: 'static', ids: [ID, 0] }],
  ];
  for (const [argument, options] of cases) refuses(argument, () => ring.enableNapi(wrong(options)));
  const napi = ring.enableNapi({ tracking: 'static' });
  refuses('id', () => napi.addId(0));
  refuses('id', () => napi.removeId(wrong('8193')));
});

ringTest('an ioPoll ring can not busy-poll: EINVAL, also with static tracking', IDS, (scope) => {
  const ring = scope.ring(8, { ioPoll: true });
  for (const tracking of ['dynamic', 'static'] as const) {
    assert.throws(() => ring.enableNapi({ tracking }), { code: 'EINVAL', opcode: 'REGISTER_NAPI' });
  }
});

ringTest('the settings arrive in the kernel, and unregister ends them', IDS, (scope) => {
  const ring = scope.ring();
  assert.equal(fdinfo(ring.fd, 'NAPI'), 'disabled');
  const napi = ring.enableNapi({ busyPollUs: 100, prefer: true });
  assert.deepEqual(shown(ring.fd), ['enabled', 'dynamic', '100000', 'true']);
  assert.deepEqual([napi.busyPollUs, napi.prefer, napi.tracking, napi.ids], [100, true, 'dynamic', []]);
  napi.unregister();
  napi.unregister();
  assert.equal(napi.isRegistered, false);
  assert.equal(fdinfo(ring.fd, 'NAPI'), 'disabled');
});

ringTest('without options it tracks dynamically', IDS, (scope) => {
  const ring = scope.ring();
  const napi = ring.enableNapi();
  assert.deepEqual(shown(ring.fd), ['enabled', 'dynamic', '0', 'false']);
  napi[Symbol.dispose]();
  assert.equal(fdinfo(ring.fd, 'NAPI'), 'disabled');
});

ringTest('it can be enabled again: what the kernel wrote back is not sent again', IDS, (scope) => {
  const ring = scope.ring();
  for (const busyPollUs of [10, 20, 30]) {
    const napi = ring.enableNapi({ busyPollUs });
    assert.equal(fdinfo(ring.fd, 'napi_busy_poll_dt'), `${busyPollUs * 1000}`);
    napi.unregister();
  }
});

ringTest('a ring has one: a second is refused, and the first stays', IDS, (scope) => {
  const ring = scope.ring();
  ring.enableNapi({ busyPollUs: 10 });
  assert.throws(() => ring.enableNapi({ busyPollUs: 20 }), StateError);
  assert.equal(fdinfo(ring.fd, 'napi_busy_poll_dt'), '10000');
  scope.ring().enableNapi();
});

ringTest('ids are added and removed with static tracking', IDS, (scope) => {
  const ring = scope.ring();
  const napi = ring.enableNapi({ tracking: 'static', ids: [ID, ID + 1] });
  assert.equal(fdinfo(ring.fd, 'napi tracking'), 'static');
  assert.deepEqual(napi.ids, [ID, ID + 1]);
  assert.throws(() => napi.addId(ID), { code: 'EEXIST' });
  napi.removeId(ID);
  assert.deepEqual(napi.ids, [ID + 1]);
  assert.throws(() => napi.removeId(ID), { code: 'ENOENT' });
  napi.addId(ID);
  assert.deepEqual(napi.ids, [ID + 1, ID]);
  // below the kernel's first id
  assert.throws(() => napi.addId(1), { code: 'EINVAL' });
  assert.deepEqual(shown(ring.fd), ['enabled', 'static', '0', 'false']);
});

ringTest('with dynamic tracking there are no ids to change', NEEDS, (scope) => {
  const napi = scope.ring().enableNapi();
  assert.throws(() => napi.addId(ID), StateError);
  assert.throws(() => napi.removeId(ID), StateError);
});

ringTest('when an id is refused nothing is enabled', IDS, (scope) => {
  const ring = scope.ring();
  for (const [ids, code] of [
    [[ID, ID], 'EEXIST'],
    [[1], 'EINVAL'],
  ] as const) {
    assert.throws(() => ring.enableNapi({ tracking: 'static', ids }), { code });
    assert.equal(fdinfo(ring.fd, 'NAPI'), 'disabled');
  }
  ring.enableNapi();
});

ringTest('after the ring is closed every call is a ClosedError, and dispose none', IDS, (scope) => {
  const ring = scope.ring();
  const napi = ring.enableNapi({ tracking: 'static' });
  ring.close();
  closed({
    enableNapi: () => ring.enableNapi(),
    addId: () => napi.addId(ID),
    removeId: () => napi.removeId(ID),
    unregister: () => napi.unregister(),
  });
  napi[Symbol.dispose]();
});
