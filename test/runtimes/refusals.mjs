/** Where nothing can work: everything can be imported, and the first call, whichever it is, says why. */
import { AsyncRing, alloc, probe, Ring } from 'uring';
import * as raw from 'uring/raw';
import 'uring/structs';

const CALLS = {
  'new Ring': () => new Ring(8),
  'new AsyncRing': () => new AsyncRing(8),
  probe: () => probe(),
  alloc: () => alloc(4096),
  setup: () => raw.setup(8),
  register: () => raw.register(0, 8, 0, 0),
  enter: () => raw.enter(0),
  pipe: () => raw.libc.pipe(),
};

/** What each call throws. */
export function refusals() {
  return Object.entries(CALLS).map(([call, body]) => {
    try {
      body();
      return { call, code: 'none', name: 'none', message: 'nothing was thrown' };
    } catch ({ code, name, message, cause }) {
      return { call, code, name, message, cause: cause?.code ?? cause?.message };
    }
  });
}
