/** Zero-copy receive (opcodes 32 and 36) as far as a machine without a fitting card goes: since 7.1 a queue needs none. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { recvZc } from '../../lib/ops/preparers.ts';
import { alloc, registerZcrxCtrl, registerZcrxIfq, type ZcrxIfqResult } from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { type Needs, needs, needsKernel } from '../helpers/needs.ts';
import { answer, gives } from '../helpers/raw-ring.ts';
import { ringTest, Scope } from '../helpers/rings.ts';
import { OpRing } from '../ops/op-ring.ts';
import { tcpPair } from '../ops/sockets.ts';

const {
  IORING_CQE_F_MORE,
  IORING_SETUP_CQE32,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_SINGLE_ISSUER,
  IORING_ZCRX_AREA_MASK,
  ZCRX_REG_IMPORT,
  ZCRX_REG_NODEV,
} = constants;
const FLAGS = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQE32;
const AREA = 256 * 1024;
const ENTRIES = 64;
const LOOPBACK = 1;

/** A queue without a card, on a ring of its own. */
interface Queue {
  readonly ring: OpRing;
  readonly area: Uint8Array;
  readonly region: Uint8Array;
  readonly ifq: ZcrxIfqResult;
}

function makeQueue(scope: Scope): Queue {
  const ring = new OpRing(scope, FLAGS);
  const [area, region] = [alloc(AREA), alloc(65_536)];
  const ifq = registerZcrxIfq(ring.fd, {
    ifIdx: 0,
    rqEntries: ENTRIES,
    flags: ZCRX_REG_NODEV,
    area: { addr: area, len: area.length },
    region: { userAddr: region, size: region.length },
  });
  return { ring, area, region, ifq };
}

function lacksNoDevice(): boolean {
  const scope = new Scope();
  try {
    return answer(() => makeQueue(scope)) === 'EINVAL';
  } finally {
    scope.close();
  }
}

const zcrx = needs('REGISTER_ZCRX_IFQ');
const noDevice: Needs = zcrx.skip === undefined ? needsKernel('7.1', lacksNoDevice) : zcrx;

/** Where received bytes are in the area. */
function offset(ring: OpRing): number {
  const [word = 0n] = ring.queues.extra() ?? [];
  return Number(word & ~BigInt(IORING_ZCRX_AREA_MASK));
}

/** Gives a piece of the area back, in the refill ring. */
function refill({ region, ifq }: Queue, at: number, length: number): void {
  const view = new DataView(region.buffer, region.byteOffset);
  const tail = view.getUint32(ifq.offsets.tail, true);
  const entry = ifq.offsets.rqes + (tail % ENTRIES) * 16;
  view.setBigUint64(entry, BigInt(at) | ifq.rqAreaToken, true);
  view.setUint32(entry + 8, length, true);
  view.setUint32(ifq.offsets.tail, tail + 1, true);
}

function refillHead({ region, ifq }: Queue): number {
  return new DataView(region.buffer, region.byteOffset).getUint32(ifq.offsets.head, true);
}

/** Receives `text` through a queue; where it came to lie. */
function receive(scope: Scope, ring: OpRing, id: number, area: Uint8Array, text: string): number {
  const { client, peer } = tcpPair(new OpRing(scope), scope);
  ring.start((sqe) => recvZc(sqe, peer, text.length, id), 7);
  writeSync(client, text);
  const { userData, res, flags } = ring.next();
  assert.deepEqual([userData, res, flags & IORING_CQE_F_MORE], [7, text.length, IORING_CQE_F_MORE]);
  const at = offset(ring);
  assert.equal(Buffer.from(area.subarray(at, at + res)).toString(), text);
  assert.equal(ring.next().res, 0, 'all that was asked for has come');
  return at;
}

ringTest('an interface of no card refuses with EOPNOTSUPP, whatever it is', zcrx, (scope) => {
  const ring = new OpRing(scope, FLAGS);
  const [area, region] = [alloc(AREA), alloc(65_536)];
  const queue = {
    rqEntries: ENTRIES,
    area: { addr: area, len: area.length },
    region: { userAddr: region, size: region.length },
  };
  gives('EOPNOTSUPP', () => registerZcrxIfq(ring.fd, { ...queue, ifIdx: LOOPBACK }));
  gives('EINVAL', () => registerZcrxIfq(ring.fd, { ...queue, ifIdx: LOOPBACK, flags: 0x8000 }));
});

ringTest('a queue without a card names neither an interface nor a queue of it', noDevice, (scope) => {
  const { ring, area, region } = makeQueue(scope);
  const queue = {
    rqEntries: ENTRIES,
    flags: ZCRX_REG_NODEV,
    area: { addr: area, len: area.length },
    region: { userAddr: region, size: region.length },
  };
  gives('EINVAL', () => registerZcrxIfq(ring.fd, { ...queue, ifIdx: LOOPBACK }));
  gives('EINVAL', () => registerZcrxIfq(ring.fd, { ...queue, ifIdx: 0, ifRxq: 1 }));
});

ringTest('a queue without a card receives into its area', noDevice, (scope) => {
  const { ring, area, ifq } = makeQueue(scope);
  receive(scope, ring, ifq.zcrxId, area, 'through the area');
});

ringTest('ZCRX_CTRL_FLUSH_RQ takes what the refill ring holds', noDevice, (scope) => {
  const queue = makeQueue(scope);
  const { ring, area, ifq } = queue;
  gives('ENXIO', () => registerZcrxCtrl(ring.fd, { zcrxId: ifq.zcrxId + 1, op: 'ZCRX_CTRL_FLUSH_RQ' }));
  const at = receive(scope, ring, ifq.zcrxId, area, 'given back');
  refill(queue, at, 10);
  const before = refillHead(queue);
  assert.equal(registerZcrxCtrl(ring.fd, { zcrxId: ifq.zcrxId, op: 'ZCRX_CTRL_FLUSH_RQ' }), undefined);
  assert.equal(refillHead(queue), before + 1);
});

ringTest(
  'ZCRX_CTRL_EXPORT gives an fd by which another ring receives into the same area',
  noDevice,
  (scope) => {
    const { ring, area, ifq } = makeQueue(scope);
    const exported = scope.fd(
      registerZcrxCtrl(ring.fd, { zcrxId: ifq.zcrxId, op: 'ZCRX_CTRL_EXPORT' }) ?? -1,
    );
    const other = new OpRing(scope, FLAGS);
    const { zcrxId } = registerZcrxIfq(other.fd, { ifIdx: exported, flags: ZCRX_REG_IMPORT });
    receive(scope, other, zcrxId, area, 'by the other ring');
    receive(scope, ring, ifq.zcrxId, area, 'by the first ring');
  },
);
