/** The network card: opcodes 27, 28, 32, 36. */
import { existsSync, readdirSync } from 'node:fs';
import { RegisterError, Ring } from 'uring';
import { registerZcrxCtrl, unregisterNapi } from 'uring/raw';
import { fdinfo, same } from './kit.ts';
import { NotHere, type Proofs } from './proof.ts';

/** No interface has so many queues: a card that could is asked, and nothing is taken from it. */
const NO_QUEUE = 0x7fff_ffff;

const SETTINGS = { busyPollUs: 50, prefer: true };

/** Turns busy polling on; a kernel can be built without it. */
function polling(ring: Ring): Disposable {
  try {
    return ring.enableNapi(SETTINGS);
  } catch (error) {
    if (!(error instanceof RegisterError && error.code === 'EOPNOTSUPP')) throw error;
    throw new NotHere('needs-kernel', `EOPNOTSUPP: ${error.hint ?? error.message}`, { cause: error });
  }
}

/** How long the ring polls, as the kernel has it: asked by the call that ends it. */
function endedAt(ring: Ring): number {
  return unregisterNapi(ring.fd).busyPollTo;
}

/** Checks what /proc says; kernels before 6.10 say nothing there. */
function sameInProc(ring: Ring, expected: string): string {
  const told = fdinfo(ring.fd).get('NAPI');
  if (told === undefined) return '';
  same('NAPI in fdinfo', told, expected);
  return `fdinfo: NAPI ${told}; `;
}

/** An interface with a device behind it, if there is one. */
function networkCard(): string {
  const all = readdirSync('/sys/class/net').filter((name) => existsSync(`/sys/class/net/${name}/ifindex`));
  return all.find((name) => existsSync(`/sys/class/net/${name}/device`)) ?? all[0] ?? 'lo';
}

function receiveRing(): Ring {
  return new Ring(8, { deferTaskrun: true, cqe32: true });
}

/** Why this card does not do zero-copy receive. */
function refusedBy(card: string, { code, hint, message }: RegisterError): Error {
  const text = hint ?? message;
  if (code === 'EPERM') return new NotHere('needs-privilege', `EPERM: ${text}`);
  if (code === 'EOPNOTSUPP') {
    return new NotHere('needs-hardware', `${card}: ${code}, needs a NIC with queue leasing`);
  }
  // its driver has looked at the queue's number
  const isAble = code === 'EINVAL' || code === 'ERANGE';
  const why = isAble ? 'it may be able, its queues are left alone' : text;
  return new NotHere('needs-hardware', `${card}: ${code}, ${why}`);
}

export const network = {
  REGISTER_NAPI: () => {
    using ring = new Ring(8);
    using _polling = polling(ring);
    const proc = sameInProc(ring, 'enabled');
    same('the setting', endedAt(ring), SETTINGS.busyPollUs);
    return `${proc}set to poll for ${SETTINGS.busyPollUs} us`;
  },

  UNREGISTER_NAPI: () => {
    using ring = new Ring(8);
    polling(ring)[Symbol.dispose]();
    const proc = sameInProc(ring, 'disabled');
    same('the setting', endedAt(ring), 0);
    return `${proc}set to poll for 0 us`;
  },

  REGISTER_ZCRX_IFQ: () => {
    using ring = receiveRing();
    const card = networkCard();
    try {
      ring.registerZcrxIfq({ interface: card, queue: NO_QUEUE, entries: 8, areaBytes: 65_536 });
    } catch (error) {
      throw error instanceof RegisterError ? refusedBy(card, error) : error;
    }
    throw new Error(`${card} gave a queue that it does not have`);
  },

  REGISTER_ZCRX_CTRL: () => {
    using ring = receiveRing();
    try {
      registerZcrxCtrl(ring.fd, { zcrxId: 0, op: 'ZCRX_CTRL_FLUSH_RQ' });
    } catch (error) {
      if (!(error instanceof RegisterError && error.code === 'ENXIO')) throw error;
      throw new NotHere('needs-hardware', 'ENXIO: it needs a zero-copy receive queue');
    }
    throw new Error('a queue that nobody registered was flushed');
  },
} satisfies Proofs;
