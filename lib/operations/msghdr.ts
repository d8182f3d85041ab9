/** Messages of sendmsg and recvmsg: data in pieces, an address, control data; and the msghdr that names them. */

import {
  ADDRESS_ROOM,
  decodeAddress,
  type SocketAddress,
  type SocketAddressLike,
} from '../../structs/address.ts';
import {
  boolean,
  copyList,
  descriptor,
  integer,
  options,
  U32_MAX,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { Cmsghdr, Msghdr } from '../../structs/socket.ts';
import { copyOfBytes, isUint8Array } from '../../structs/views.ts';
import type { RingCore } from '../ring/core/core.ts';
import { Pinned } from '../sys/memory.ts';
import { iovecs } from './pin.ts';
import { messageData, optionalAddress, pinnedCopy, type Vector } from './read.ts';
import type { Memory } from './types.ts';

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
  readonly to?: SocketAddressLike | undefined;
  readonly control?: readonly ControlMessage[] | undefined;
}

/** Room for what recvmsg receives. */
export interface IncomingMessage {
  /** Where the data goes, in one piece or several. */
  readonly data: Memory | readonly Memory[];
  /** Bytes of room for control data; none when absent. */
  readonly control?: number | undefined;
  /** Whether the sender's address is wanted. */
  readonly address?: boolean | undefined;
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
/** Always asked for, and told back. */
export const MSG_CMSG_CLOEXEC = 0x4000_0000;
const ALIGN = 8;
/** The most pieces of control data. */
const MAX_MESSAGES = 1024;

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

/** Control data as the kernel wants it. */
export function encodeControl(name: string, messages: readonly ControlMessage[]): Uint8Array {
  const copies = copyList(name, messages, 0, MAX_MESSAGES).map((each, i) => {
    if (each === undefined) throw wrongType(`${name}[${i}]`, 'an object with level, type and data', each);
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
  const numbers = copyList('fds', fds, 0, 253).map((fd, i) => descriptor(`fds[${i}]`, fd));
  return { level: SOL_SOCKET, type: SCM_RIGHTS, data: new Uint8Array(Int32Array.from(numbers).buffer) };
}

/** A message to send, read: its pieces are pinned, and its msghdr is filled, by `pinOutgoing`. */
export interface Outgoing {
  readonly header: Pinned;
  readonly vector: Vector;
  readonly name: Pinned | undefined;
  readonly control: Pinned | undefined;
}

/** Reads a message. */
export function outgoing(name: string, message: OutgoingMessage): Outgoing {
  if (message === undefined) throw wrongType(name, 'an object with data', message);
  options(name, message, ['data', 'to', 'control']);
  const { data, to, control = [] } = message;
  const bytes = encodeControl(`${name}.control`, control);
  return {
    header: new Pinned(Msghdr.size),
    vector: messageData(`${name}.data`, data),
    name: optionalAddress(`${name}.to`, to),
    control: bytes.length === 0 ? undefined : pinnedCopy(bytes),
  };
}

/** Fills the msghdr; its address. */
export function pinOutgoing(core: RingCore, _name: string, message: Outgoing): number {
  return pinHeader(core, 'message.data', message);
}

function pinHeader(
  core: RingCore,
  name: string,
  { header, vector, name: address, control }: Outgoing,
): number {
  Msghdr.encodeInto(header.bytes, {
    msgName: address?.address ?? 0,
    msgNamelen: address?.bytes.length ?? 0,
    msgIov: iovecs(core, name, vector),
    msgIovlen: vector.pieces.length,
    msgControl: control?.address ?? 0,
    msgControllen: control?.bytes.length ?? 0,
  });
  return header.address;
}

/**
 * Room for a message: `ring.prepare.recvmsg(socket, room)`, then `room.result(res)` with the completion's res. For one
 * operation at a time.
 */
export class MessageBuffer {
  readonly #room: Outgoing;

  constructor(room: IncomingMessage) {
    if (room === undefined) throw wrongType('room', 'an object with data', room);
    options('room', room, ['data', 'control', 'address']);
    const { data, control = 0, address = false } = room;
    integer('room.control', control, 0, U32_MAX);
    this.#room = {
      header: new Pinned(Msghdr.size),
      vector: messageData('room.data', data),
      name: boolean('room.address', address) ? new Pinned(ADDRESS_ROOM) : undefined,
      control: control > 0 ? new Pinned(control) : undefined,
    };
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is MessageBuffer {
    return typeof value === 'object' && value !== null && #room in value;
  }

  /** @internal What it consists of. */
  static roomOf(buffer: MessageBuffer): unknown {
    return buffer.#room;
  }

  /** @internal Fills its msghdr for the next operation; its address. */
  static use(buffer: MessageBuffer, core: RingCore): number {
    buffer.#room.control?.bytes.fill(0);
    return pinHeader(core, 'room.data', buffer.#room);
  }

  /**
   * What was received, when the operation is done.
   * @param bytes the completion's res
   */
  result(bytes: number): ReceivedMessage {
    if (bytes < 0) throw wrongValue('bytes', 'the res of a successful completion', bytes);
    const { header, name, control } = this.#room;
    const { msgNamelen, msgFlags } = Msghdr.decode(header.bytes);
    const address = name?.bytes.subarray(0, Math.min(msgNamelen, ADDRESS_ROOM));
    return {
      bytes,
      address: address === undefined || address.length === 0 ? undefined : decodeAddress(address),
      // of all its room, which was zero before: Linux 6.17 counts only what the last attempt to receive has written
      control: decodeControl(control?.bytes ?? new Uint8Array(0)),
      flags: (msgFlags & ~MSG_CMSG_CLOEXEC) >>> 0,
    };
  }
}

/** The room itself, or a new one. */
export function messageBuffer(name: string, room: MessageBuffer | IncomingMessage): MessageBuffer {
  if (MessageBuffer.is(room)) return room;
  if (typeof room !== 'object' || room === null)
    throw wrongType(name, 'a MessageBuffer, or an object with data', room);
  return new MessageBuffer(room);
}

/** The address of its msghdr. */
export function pinMessageBuffer(core: RingCore, _name: string, buffer: MessageBuffer): number {
  return MessageBuffer.use(buffer, core);
}

/** What it consists of is held. */
export function keptRoom(buffer: MessageBuffer): unknown {
  return MessageBuffer.roomOf(buffer);
}
