/** Room for an address that the kernel tells. */
import { ADDRESS_ROOM, decodeAddress, type SocketAddress } from '../../structs/address.ts';
import { wrongType } from '../../structs/check.ts';
import { Pinned } from '../sys/memory.ts';

/**
 * Room for the address of a peer: given to an accept, it has the address when that is done. For one operation at a time.
 */
export class AddressBuffer {
  readonly #memory = new Pinned(ADDRESS_ROOM + 4);

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is AddressBuffer {
    return typeof value === 'object' && value !== null && #memory in value;
  }

  /** The address, or undefined where none was told. */
  get value(): SocketAddress | undefined {
    const { bytes, view } = this.#memory;
    // AF_UNSPEC: nobody wrote here
    if (view.getUint16(0, true) === 0) return undefined;
    return decodeAddress(bytes.subarray(0, Math.min(view.getUint32(ADDRESS_ROOM, true), ADDRESS_ROOM)));
  }

  /** @internal Its memory, which the kernel writes. */
  static memoryOf(buffer: AddressBuffer): Pinned {
    return buffer.#memory;
  }

  /** @internal Empties it for the next operation. Its address, and behind it that of the length. */
  static use(buffer: AddressBuffer): number {
    const { address, view } = buffer.#memory;
    view.setUint16(0, 0, true);
    view.setUint32(ADDRESS_ROOM, ADDRESS_ROOM, true);
    return address;
  }
}

/** Throws unless `value` is an AddressBuffer, or absent. */
export function addressBuffer(name: string, value: AddressBuffer | undefined): AddressBuffer | undefined {
  return value === undefined ? undefined : addressBufferThere(name, value);
}

/** Throws unless `value` is an AddressBuffer. */
export function addressBufferThere(name: string, value: AddressBuffer): AddressBuffer {
  if (AddressBuffer.is(value)) return value;
  throw wrongType(name, 'an AddressBuffer', value);
}

/** The address of the room; 0 where there is none. */
export function pinAddressBuffer(_core: unknown, _name: string, buffer: AddressBuffer | undefined): number {
  return buffer === undefined ? 0 : AddressBuffer.use(buffer);
}

/** The address of its length; 0 where there is none. */
export function pinAddressLength(_core: unknown, _name: string, buffer: AddressBuffer | undefined): number {
  return buffer === undefined ? 0 : AddressBuffer.use(buffer) + ADDRESS_ROOM;
}

/** Its memory is held. */
export function keptAddress(buffer: AddressBuffer | undefined): Pinned | undefined {
  return buffer === undefined ? undefined : AddressBuffer.memoryOf(buffer);
}
