/** Messages of sendmsg and recvmsg: data in pieces, an address, control data; and the msghdr that names them. */

import {
  ADDRESS_ROOM,
  decodeAddress,
  encodeAddress,
  type SocketAddress,
  type SocketAddressLike,
} from '../../structs/address.ts';
import {
  boolean,
  descriptor,
  integer,
  list,
  options,
  U32_MAX,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { Iovec } from '../../structs/posix.ts';
import { Cmsghdr, Msghdr } from '../../structs/socket.ts';
import { copyOfBytes, isUint8Array } from '../../structs/views.ts';
import type { RingCore } from '../ring/core/core.ts';
import { Pinned } from '../sys/memory.ts';
import { heldBy, type Memory, useMemory } from './kit.ts';

/** A piece of control data: file descriptors, time stamps, credentials. */
export interface ControlMessage {
  /** SOL_SOCKET is 1. */
  readonly level: number;
  /** SCM_RIGHTS (file descriptors) is 1. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** What sendmsg sends. */
export interface OutgoingMessage {
  /** The data, in one piece or several. */
  readonly data: Memory | readonly Memory[];
  /** Where it goes; absent on a connected socket. */
  readonly to?: SocketAddressLike;
  readonly control?: readonly ControlMessage[];
}

/** Room for what recvmsg receives. */
export interface IncomingMessage {
  /** Where the data goes, in one piece or several. */
  readonly data: Memory | readonly Memory[];
  /** Bytes of room for control data; none when absent. */
  readonly control?: number;
  /** Whether the sender's address is wanted. */
  readonly address?: boolean;
}

/** What recvmsg received. */
export interface ReceivedMessage {
  /** How many bytes of data. */
  readonly bytes: number;
  /** The sender's address, where it was asked for and there is one. */
  readonly address: SocketAddress | undefined;
  readonly control: readonly ControlMessage[];
  /** MSG_*: MSG_TRUNC (0x20) where data was cut off, MSG_CTRUNC (8) where control data was. */
  readonly flags: number;
}

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MAX_IOVECS = 1024;
/** Always asked for, and told back. */
export const MSG_CMSG_CLOEXEC = 0x4000_0000;
const ALIGN = 8;

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

function pieces(name: string, data: Memory | readonly Memory[]): readonly Memory[] {
  // a copy: what it has is looked at once
  const all: readonly Memory[] = Array.isArray(data) ? [...data] : [data];
  integer(`${name}.length`, all.length, 0, MAX_IOVECS);
  return all;
}

/** The iovecs of memory, and all that is to be held for them. */
function iovecs(
  core: RingCore,
  name: string,
  data: readonly Memory[],
): { readonly room: Pinned; readonly held: unknown[] } {
  const room = new Pinned(Math.max(1, data.length) * Iovec.size);
  const held = data.map((memory, i) => {
    const [iovBase, iovLen] = useMemory(core, `${name}[${i}]`, memory);
    Iovec.encodeInto(room.bytes, { iovBase, iovLen }, i * Iovec.size);
    return heldBy(memory);
  });
  return { room, held };
}

/** Memory of our own with these bytes; undefined for none. */
function pinned(bytes: Uint8Array | undefined): Pinned | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const room = new Pinned(bytes.length);
  room.bytes.set(bytes);
  return room;
}

/** Control data as the kernel wants it. */
export function encodeControl(name: string, messages: readonly ControlMessage[]): Uint8Array {
  const copies = [...list(name, messages)].map((each, i) => {
    options(`${name}[${i}]`, each, ['level', 'type', 'data']);
    const { level, type, data } = each;
    if (!isUint8Array(data)) throw wrongType(`${name}[${i}].data`, 'a Uint8Array', data);
    return { level, type, data: copyOfBytes(data) };
  });
  const bytes = new Uint8Array(
    copies.reduce((sum, { data }) => sum + aligned(Cmsghdr.size + data.length), 0),
  );
  let at = 0;
  for (const { level, type, data } of copies) {
    Cmsghdr.encodeInto(bytes, { cmsgLen: Cmsghdr.size + data.length, cmsgLevel: level, cmsgType: type }, at);
    bytes.set(data, at + Cmsghdr.size);
    at += aligned(Cmsghdr.size + data.length);
  }
  return bytes;
}

/** The pieces of control data. */
export function decodeControl(bytes: Uint8Array): ControlMessage[] {
  const found: ControlMessage[] = [];
  for (let at = 0; at + Cmsghdr.size <= bytes.length; ) {
    const { cmsgLen, cmsgLevel, cmsgType } = Cmsghdr.decode(bytes, at);
    const length = Math.min(Number(cmsgLen), bytes.length - at);
    if (length < Cmsghdr.size) break;
    found.push({ level: cmsgLevel, type: cmsgType, data: bytes.slice(at + Cmsghdr.size, at + length) });
    at += aligned(length);
  }
  return found;
}

/** The file descriptors that came with a message (SCM_RIGHTS): whoever received it has to close them. */
export function receivedFds(control: readonly ControlMessage[]): number[] {
  return control
    .filter(({ level, type }) => level === SOL_SOCKET && type === SCM_RIGHTS)
    .flatMap(({ data }) => [...new Int32Array(new Uint8Array(data).buffer)]);
}

/** The control message that passes file descriptors over a Unix socket (SCM_RIGHTS). */
export function passFds(fds: readonly number[]): ControlMessage {
  const numbers = list('fds', fds).map((fd, i) => descriptor(`fds[${i}]`, fd));
  return { level: SOL_SOCKET, type: SCM_RIGHTS, data: new Uint8Array(Int32Array.from(numbers).buffer) };
}

/** A msghdr to send: its address, and all that is to be held for it. */
export function outgoing(
  core: RingCore,
  message: OutgoingMessage,
): { readonly address: number; readonly held: unknown } {
  if (message === undefined) throw wrongType('message', 'an object with data', message);
  options('message', message, ['data', 'to', 'control']);
  const { data, to, control = [] } = message;
  const name = pinned(to === undefined ? undefined : encodeAddress('message.to', to));
  const extra = pinned(encodeControl('message.control', control));
  const { room, held } = iovecs(core, 'message.data', pieces('message.data', data));
  const header = new Pinned(Msghdr.size);
  Msghdr.encodeInto(header.bytes, {
    msgName: name?.address ?? 0,
    msgNamelen: name?.bytes.length ?? 0,
    msgIov: room.address,
    msgIovlen: held.length,
    msgControl: extra?.address ?? 0,
    msgControllen: extra?.bytes.length ?? 0,
  });
  return { address: header.address, held: [header, room, name, extra, held] };
}

/**
 * Room for a message: `ring.prepare.recvmsg(socket, room)`, then `room.result(res)` with the completion's res. For one
 * operation at a time.
 */
export class MessageBuffer {
  readonly #data: readonly Memory[];
  readonly #header = new Pinned(Msghdr.size);
  readonly #name: Pinned | undefined;
  readonly #control: Pinned | undefined;

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is MessageBuffer {
    return typeof value === 'object' && value !== null && #header in value;
  }

  constructor(room: IncomingMessage) {
    if (room === undefined) throw wrongType('room', 'an object with data', room);
    options('room', room, ['data', 'control', 'address']);
    const { data, control = 0, address = false } = room;
    this.#data = pieces('room.data', data);
    integer('room.control', control, 0, U32_MAX);
    if (boolean('room.address', address)) this.#name = new Pinned(ADDRESS_ROOM);
    if (control > 0) this.#control = new Pinned(control);
  }

  /** @internal The address of its msghdr, for the next operation, and all that is to be held. */
  use(core: RingCore): { readonly address: number; readonly held: unknown } {
    const { room, held } = iovecs(core, 'room.data', this.#data);
    Msghdr.encodeInto(this.#header.bytes, {
      msgName: this.#name?.address ?? 0,
      msgNamelen: this.#name?.bytes.length ?? 0,
      msgIov: room.address,
      msgIovlen: held.length,
      msgControl: this.#control?.address ?? 0,
      msgControllen: this.#control?.bytes.length ?? 0,
    });
    return { address: this.#header.address, held: [this.#header, this.#name, this.#control, room, held] };
  }

  /**
   * What was received, when the operation is done.
   * @param bytes the completion's res
   */
  result(bytes: number): ReceivedMessage {
    if (bytes < 0) throw wrongValue('bytes', 'the res of a successful completion', bytes);
    const { msgNamelen, msgControllen, msgFlags } = Msghdr.decode(this.#header.bytes);
    const name = this.#name?.bytes.subarray(0, Math.min(msgNamelen, ADDRESS_ROOM));
    return {
      bytes,
      address: name === undefined || name.length === 0 ? undefined : decodeAddress(name),
      control: decodeControl(this.#control?.bytes.subarray(0, Number(msgControllen)) ?? new Uint8Array(0)),
      flags: (msgFlags & ~MSG_CMSG_CLOEXEC) >>> 0,
    };
  }
}

/** The room itself, or a new one. */
export function messageBuffer(room: MessageBuffer | IncomingMessage): MessageBuffer {
  return MessageBuffer.is(room) ? room : new MessageBuffer(room);
}
