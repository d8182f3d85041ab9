/** Memory that AsyncRing makes itself where `ring.prepare` is given some. */
import { Statx } from '../../structs/posix.ts';
import { AddressBuffer } from './address.ts';
import { MessageRoom } from './transfers.ts';
import { Countdown } from './waiting.ts';

/** The longest value of an extended attribute. */
const XATTR_SIZE_MAX = 65_536;
/** What getsockopt has room for. */
const OPTION_ROOM = 256;
/** sizeof(siginfo_t) */
const SIGINFO_SIZE = 128;

export function statxRoom(): Uint8Array {
  return new Uint8Array(Statx.size);
}

export function attributeRoom(): Uint8Array {
  return new Uint8Array(XATTR_SIZE_MAX);
}

export function optionRoom(): Uint8Array {
  return new Uint8Array(OPTION_ROOM);
}

export function siginfoRoom(): Uint8Array {
  return new Uint8Array(SIGINFO_SIZE);
}

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
