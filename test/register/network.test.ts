/** Busy polling and zero-copy receive: opcodes 27, 28, 32, 36. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  register,
  registerNapi,
  registerZcrxCtrl,
  registerZcrxIfq,
  unregisterNapi,
} from '../../lib/raw.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';
import { knows, needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  makeRing,
  NO_U32,
  openFds,
  refuses,
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const PAGE = pageSize();
const before = openFds();
const NAPI = needs('REGISTER_NAPI');
/** `opcode` and `opParam` came with 6.13, as this opcode. */
const TRACKING = needs('REGISTER_NAPI', 'REGISTER_SEND_MSG_RING');
const ZCRX = needs('REGISTER_ZCRX_IFQ');
const ZCRX_RING =
  constants.IORING_SETUP_DEFER_TASKRUN | constants.IORING_SETUP_SINGLE_ISSUER | constants.IORING_SETUP_CQE32;
const zeros = (n: number): string => '00'.repeat(n);

// ---- busy polling ---------------------------------------------------------------------------------------------------

test('settings are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of NO_U32) {
    refuses('settings.busyPollTo', () => registerNapi(fd, { busyPollTo: wrong(bad) }));
    refuses('settings.opParam', () => registerNapi(fd, { opParam: wrong(bad) }));
  }
  for (const bad of [-1, 256, 1.5, Number.NaN, '1', null])
    refuses('settings.opcode', () => registerNapi(fd, { opcode: wrong(bad) }));
  for (const bad of [0, 1, 'x', null])
    refuses('settings.preferBusyPoll', () => registerNapi(fd, { preferBusyPoll: wrong(bad) }));
  refuses('settings.busyPollTO', () => registerNapi(fd, wrong({ busyPollTO: 1 })));
  for (const options of [undefined, null, 5]) refuses('settings', () => registerNapi(fd, wrong(options)));
});

test('busy polling is on, changes and is off again; each call returns what was before', TRACKING, (t) => {
  const { fd } = makeRing(t);
  const { IO_URING_NAPI_TRACKING_INACTIVE, IO_URING_NAPI_TRACKING_STATIC } = constants;
  assert.equal(fdinfo(fd, 'NAPI'), 'disabled');
  const off = { busyPollTo: 0, preferBusyPoll: false, opParam: IO_URING_NAPI_TRACKING_INACTIVE };
  assert.deepEqual(registerNapi(fd, { busyPollTo: 100, preferBusyPoll: true }), off);
  assert.equal(fdinfo(fd, 'NAPI'), 'enabled');
  assert.equal(fdinfo(fd, 'napi tracking'), 'dynamic');
  assert.equal(fdinfo(fd, 'napi_busy_poll_dt'), '100000');
  assert.equal(fdinfo(fd, 'napi_prefer_busy_poll'), 'true');
  const first = { busyPollTo: 100, preferBusyPoll: true, opParam: 0 };
  assert.deepEqual(registerNapi(fd, { busyPollTo: 30, opParam: IO_URING_NAPI_TRACKING_STATIC }), first);
  assert.equal(fdinfo(fd, 'napi tracking'), 'static');
  assert.deepEqual(unregisterNapi(fd), { busyPollTo: 30, preferBusyPoll: false, opParam: 0 });
  assert.equal(fdinfo(fd, 'NAPI'), 'disabled');
  assert.equal(unregisterNapi(fd).busyPollTo, 0);
});

test('a static list takes an id once and gives it once', TRACKING, (t) => {
  const { fd } = makeRing(t);
  const { IO_URING_NAPI_STATIC_ADD_ID, IO_URING_NAPI_STATIC_DEL_ID, IO_URING_NAPI_TRACKING_STATIC } =
    constants;
  registerNapi(fd, { opParam: IO_URING_NAPI_TRACKING_STATIC });
  const call = (opcode: number, opParam: number) => {
    const result = answer(() => registerNapi(fd, { opcode, opParam }));
    return typeof result === 'string' ? result : 'done';
  };
  assert.equal(call(IO_URING_NAPI_STATIC_ADD_ID, 1), 'EINVAL', 'an id below those of queues');
  assert.equal(call(IO_URING_NAPI_STATIC_ADD_ID, 8193), 'done');
  assert.equal(call(IO_URING_NAPI_STATIC_ADD_ID, 8193), 'EEXIST');
  assert.equal(call(IO_URING_NAPI_STATIC_DEL_ID, 8193), 'done');
  assert.equal(call(IO_URING_NAPI_STATIC_DEL_ID, 8193), 'ENOENT');
  assert.equal(call(9, 0), 'EINVAL', 'an unknown opcode');
  assert.equal(call(0, 9), 'EINVAL', 'an unknown tracking');
  assert.equal(call(0, 255), 'EINVAL', 'what the first call returned is no setting');
});

test('a ring with SETUP_IOPOLL is EINVAL', NAPI, (t) => {
  const { fd } = makeRing(t, constants.IORING_SETUP_IOPOLL);
  gives('EINVAL', () => registerNapi(fd, { busyPollTo: 1 }));
});

test('the bare opcodes: nr_args is 1, and reserved fields are 0', TRACKING, (t) => {
  const { fd } = makeRing(t);
  const { IORING_REGISTER_NAPI, IORING_UNREGISTER_NAPI } = constants;
  const call = (op: number, bytes: string, nrArgs = 1) => answer(() => register(fd, op, hex(bytes), nrArgs));
  assert.equal(call(IORING_REGISTER_NAPI, zeros(16), 0), 'EINVAL', 'nr 0');
  assert.equal(call(IORING_REGISTER_NAPI, zeros(16), 2), 'EINVAL', 'nr 2');
  assert.equal(call(IORING_REGISTER_NAPI, `${zeros(6)} 01 ${zeros(9)}`), 'EINVAL', 'pad');
  assert.equal(call(IORING_REGISTER_NAPI, `${zeros(15)} 01`), 'EINVAL', 'resv');
  gives('EINVAL', 'NULL', () => register(fd, IORING_REGISTER_NAPI, null, 1));
  assert.equal(call(IORING_REGISTER_NAPI, zeros(16)), 0);
  assert.equal(call(IORING_UNREGISTER_NAPI, zeros(16), 0), 'EINVAL', 'nr 0');
  gives(0, 'NULL', () => register(fd, IORING_UNREGISTER_NAPI, null, 1));
});

// ---- zero-copy receive ------------------------------------------------------------------------------------------------

test('a queue and its memory are checked before the call', (t) => {
  const { fd } = makeRing(t);
  const area = { addr: alloc(PAGE), len: PAGE };
  const region = { size: PAGE };
  for (const bad of NO_U32) {
    for (const field of ['ifIdx', 'ifRxq', 'rqEntries', 'flags', 'rxBufLen']) {
      refuses(`ifq.${field}`, () => registerZcrxIfq(fd, wrong({ ifIdx: 1, [field]: bad })));
    }
    for (const field of ['flags', 'dmabufFd']) {
      refuses(`ifq.area.${field}`, () =>
        registerZcrxIfq(fd, { ifIdx: 1, area: wrong({ ...area, [field]: bad }) }),
      );
    }
  }
  refuses('ifq.ifIdx', () => registerZcrxIfq(fd, wrong({})));
  for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 53, '1', undefined]) {
    refuses('ifq.area.len', () => registerZcrxIfq(fd, { ifIdx: 1, area: { ...area, len: wrong(bad) } }));
    refuses('ifq.region.size', () => registerZcrxIfq(fd, { ifIdx: 1, region: { size: wrong(bad) } }));
  }
  for (const [, view] of unfitViews()) {
    refuses('ifq.area.addr', () => registerZcrxIfq(fd, { ifIdx: 1, area: { addr: view, len: 1 } }));
    refuses('ifq.region.userAddr', () =>
      registerZcrxIfq(fd, { ifIdx: 1, region: { userAddr: view, size: 1 } }),
    );
  }
  refuses('ifq.area.addr', () => registerZcrxIfq(fd, { ifIdx: 1, area: { ...area, len: 2 * PAGE } }));
  refuses('ifq.area.length', () => registerZcrxIfq(fd, { ifIdx: 1, area: wrong({ length: 1 }) }));
  refuses('ifq.region.length', () =>
    registerZcrxIfq(fd, { ifIdx: 1, region: wrong({ ...region, length: 1 }) }),
  );
  refuses('ifq.ifName', () => registerZcrxIfq(fd, wrong({ ifName: 'eth0' })));
  for (const options of [undefined, null, 5]) refuses('ifq', () => registerZcrxIfq(fd, wrong(options)));
});

test('a queue needs privilege, a fitting ring, an interface and memory', ZCRX, (t) => {
  const ring = makeRing(t, ZCRX_RING);
  const loopback = Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8'));
  const area = alloc(65_536);
  const right = { ifIdx: loopback, rqEntries: 16, area: { addr: area, len: 65_536 }, region: { size: PAGE } };
  const call = (ifq: object, fd = ring.fd) => answer(() => registerZcrxIfq(fd, { ...right, ...ifq }));
  if (process.geteuid?.() !== 0) {
    assert.equal(call({}), 'EPERM');
    return;
  }
  assert.equal(call({}, makeRing(t).fd), 'EINVAL', 'a plain ring');
  assert.equal(call({}), 'EOPNOTSUPP', 'the loopback interface has no such queues');
  assert.equal(call({ ifIdx: 0x7fff_fff0 }), 'ENODEV');
  assert.equal(call({ rqEntries: 0 }), 'EINVAL');
  assert.equal(call({ rqEntries: 0xffff_ffff }), 'EINVAL');
  assert.equal(call({ ifRxq: 0xffff_ffff }), 'EINVAL');
  assert.equal(call({ flags: 0x8000_0000 }), 'EINVAL');
  assert.equal(call({ area: undefined }), 'EFAULT');
  assert.equal(call({ region: undefined }), 'EFAULT');
  process.seteuid?.(65_534);
  try {
    assert.equal(call({}), 'EPERM');
  } finally {
    process.seteuid?.(0);
  }
});

test('the bare opcode: nr_args is 1', ZCRX, (t) => {
  const { fd } = makeRing(t, ZCRX_RING);
  gives('EINVAL', () => register(fd, constants.IORING_REGISTER_ZCRX_IFQ, hex(zeros(96)), 0));
  assert.ok(addressOf(alloc(1)) > 0);
});

test('a command is checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [...NO_U32, undefined]) {
    refuses('control.zcrxId', () => registerZcrxCtrl(fd, { zcrxId: wrong(bad), op: 'ZCRX_CTRL_EXPORT' }));
  }
  for (const bad of [0, 1, 'EXPORT', null, undefined]) {
    refuses('control.op', () => registerZcrxCtrl(fd, { zcrxId: 0, op: wrong(bad) }));
  }
  refuses('control.id', () => registerZcrxCtrl(fd, wrong({ id: 0, op: 'ZCRX_CTRL_EXPORT' })));
  for (const options of [undefined, null, 5]) refuses('control', () => registerZcrxCtrl(fd, wrong(options)));
});

test('a command for a queue that is not there is ENXIO', needs('REGISTER_ZCRX_CTRL'), (t) => {
  const { fd } = makeRing(t, ZCRX_RING);
  for (const op of ['ZCRX_CTRL_FLUSH_RQ', 'ZCRX_CTRL_EXPORT'] as const) {
    gives('ENXIO', () => registerZcrxCtrl(fd, { zcrxId: 0, op }));
  }
});

test('a kernel without commands says which one has them', {
  skip: knows('REGISTER_ZCRX_CTRL') && 'this one has them',
}, (t) => {
  const { fd } = makeRing(t);
  assert.throws(() => registerZcrxCtrl(fd, { zcrxId: 0, op: 'ZCRX_CTRL_EXPORT' }), {
    code: 'ERR_URING_UNSUPPORTED',
    need: 'REGISTER_ZCRX_CTRL',
    since: '6.19',
  });
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
