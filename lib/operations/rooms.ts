/** Memory that AsyncRing makes itself where `ring.prepare` is given some. */
import { AddressBuffer } from './address.ts';
import { MessageRoom } from './transfers.ts';
import { Countdown } from './waiting.ts';

export function addressRoom(): AddressBuffer {
  return new AddressBuffer();
}

/** For one number for each of the files; what is no list is refused when it is read. */
export function slotNumbers(fds: unknown): Int32Array {
  return new Int32Array(Array.isArray(fds) ? fds.length : 0);
}

export function messageRoom(): MessageRoom {
  return new MessageRoom();
}

export function countdown(): Countdown {
  return new Countdown();
}
