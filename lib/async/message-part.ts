/** A message that came into a buffer of a pool. */
import { decodeAddress, type SocketAddress } from '../../structs/address.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import { type ControlMessage, decodeControl, MSG_CMSG_CLOEXEC } from '../operations/msghdr.ts';
import type { MessageRoom } from '../operations/transfers.ts';
import type { BufferPart } from '../ring/owners/buffer-ring.ts';

/** A message that was received into a buffer of a ring: valid until `release()`. */
export class MessagePart implements Disposable {
  /** The data: a view, not a copy. */
  readonly bytes: Uint8Array;
  /** The sender's address, where it was asked for and there is one. */
  readonly address: SocketAddress | undefined;
  readonly control: readonly ControlMessage[];
  /** MSG_*: MSG_TRUNC (0x20) where data was cut off, MSG_CTRUNC (8) where control data was. */
  readonly flags: number;
  readonly #part: BufferPart;

  /** @internal */
  constructor(part: BufferPart, room: Pick<MessageRoom, 'name' | 'control'>) {
    const { bytes } = part;
    const { namelen, controllen, flags } = RecvmsgOut.decode(bytes);
    const nameAt = RecvmsgOut.size;
    const controlAt = nameAt + room.name;
    const name = bytes.subarray(nameAt, nameAt + Math.min(namelen, room.name));
    this.bytes = bytes.subarray(controlAt + room.control);
    this.address = name.length === 0 ? undefined : decodeAddress(name);
    this.control = decodeControl(bytes.subarray(controlAt, controlAt + Math.min(controllen, room.control)));
    this.flags = (flags & ~MSG_CMSG_CLOEXEC) >>> 0;
    this.#part = part;
  }

  /** Gives the buffer back to the kernel. Harmless when repeated. */
  release(): void {
    this.#part.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
