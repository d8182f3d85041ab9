/** Busy polling of network cards: opcodes 27, 28. */
import { RegisterError, Ring } from 'uring';
import { unregisterNapi } from 'uring/raw';
import { fdinfo, same } from './kit.ts';
import { NotHere, type Proofs } from './proof.ts';

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
} satisfies Proofs;
