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

  /** @internal Empties it for the next operation, which gets the addresses of the room and of its length. */
  use(): { readonly address: number; readonly lengthAddress: number; readonly held: unknown } {
    const { address, view } = this.#memory;
    view.setUint16(0, 0, true);
    view.setUint32(ADDRESS_ROOM, ADDRESS_ROOM, true);
    return { address, lengthAddress: address + ADDRESS_ROOM, held: this.#memory };
  }
}

/** Throws unless `value` is an AddressBuffer. */
export function addressBuffer(name: string, value: AddressBuffer): AddressBuffer {
  if (AddressBuffer.is(value)) return value;
  throw wrongType(name, 'an AddressBuffer', value);
}
