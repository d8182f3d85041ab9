/** Addresses of sockets, as values and as a sockaddr. Network byte order is dealt with here and nowhere else. */

import { isIPv4, isIPv6 } from 'node:net';
import { integer, U16_MAX, U32_MAX, wrongType, wrongValue } from './check.ts';
import { SockaddrIn, SockaddrIn6, SockaddrUn } from './socket.ts';
import { copyOfBytes, isUint8Array } from './views.ts';

/** An address of the internet. */
export interface IpAddress {
  readonly family: 'IPv4' | 'IPv6';
  /** `'127.0.0.1'`, `'::1'` */
  readonly address: string;
  readonly port: number;
  /** IPv6: the index of the interface of a link-local address. */
  readonly scopeId?: number;
}

/** A path of a Unix socket; one that begins with a zero byte is abstract, an empty one is of a socket without a name. */
export interface UnixAddress {
  readonly family: 'unix';
  readonly path: string;
}

/** An address of another family: its whole sockaddr. */
export interface OtherAddress {
  readonly family: 'other';
  readonly bytes: Uint8Array;
}

/** The address of a socket. */
export type SocketAddress = IpAddress | UnixAddress | OtherAddress;

/** An address as it is asked for: the family may be absent where it is plain. */
export type SocketAddressLike =
  | {
      readonly family?: 'IPv4' | 'IPv6';
      readonly address: string;
      readonly port: number;
      readonly scopeId?: number;
    }
  | { readonly family?: 'unix'; readonly path: string }
  | OtherAddress;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** sizeof(struct sockaddr_storage): no sockaddr is longer. */
export const ADDRESS_ROOM = 128;
const UNIX_PATH_ROOM = 108;

/** A 16-bit number in the other byte order. */
function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split('.'), Number);
}

/** The eight groups of one side of `::`, two bytes each; the last may be an IPv4 address. */
function groupBytes(side: string): number[] {
  if (side === '') return [];
  return side.split(':').flatMap((group) => {
    if (group.includes('.')) return [...ipv4Bytes(group)];
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function ipv6Bytes(address: string): Uint8Array {
  const [left = '', right] = address.split('::');
  const head = groupBytes(left);
  const tail = right === undefined ? [] : groupBytes(right);
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** RFC 5952: lower case, the longest run of at least two zero groups becomes `::`. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  const isMapped = groups.slice(0, 5).every((each) => each === 0) && groups[5] === 0xffff;
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const text = groups.map((group) => group.toString(16)).join(':');
  const runs = text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (groupCount(run) > groupCount(best) ? run : best), '');
  if (longest === '') return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

function groupCount(run: string): number {
  return run.split('0').length - 1;
}

function unixBytes(name: string, path: string): Uint8Array {
  if (typeof path !== 'string') throw wrongType(`${name}.path`, 'a string', path);
  const text = new TextEncoder().encode(path);
  const isAbstract = text[0] === 0;
  if (!isAbstract && text.includes(0)) {
    throw wrongValue(`${name}.path`, 'without a zero byte, but for one at its start', path);
  }
  const length = text.length + (isAbstract || text.length === 0 ? 0 : 1);
  if (length > UNIX_PATH_ROOM) {
    throw wrongValue(`${name}.path`, `at most ${UNIX_PATH_ROOM - 1} bytes long`, path);
  }
  const bytes = new Uint8Array(SockaddrUn.size + length);
  SockaddrUn.encodeInto(bytes, { sunFamily: AF_UNIX });
  bytes.set(text, SockaddrUn.at.sunPath);
  return bytes;
}

function ipBytes(name: string, value: Partial<IpAddress>): Uint8Array {
  const { family, address, port, scopeId = 0 } = value;
  if (typeof address !== 'string') throw wrongType(`${name}.address`, 'a string', address);
  const isV4 = isIPv4(address);
  if (!isV4 && !(isIPv6(address) && !address.includes('%'))) {
    throw wrongValue(`${name}.address`, 'an IPv4 or IPv6 address (a zone goes into scopeId)', address);
  }
  if (family !== undefined && family !== (isV4 ? 'IPv4' : 'IPv6')) {
    throw wrongValue(`${name}.family`, `that of the address, or absent`, family);
  }
  const sinPort = swap(integer(`${name}.port`, port, 0, U16_MAX));
  integer(`${name}.scopeId`, scopeId, 0, U32_MAX);
  if (isV4) {
    const bytes = SockaddrIn.encode({ sinFamily: AF_INET, sinPort });
    bytes.set(ipv4Bytes(address), SockaddrIn.at.sinAddr);
    return bytes;
  }
  const bytes = SockaddrIn6.encode({ sin6Family: AF_INET6, sin6Port: sinPort, sin6ScopeId: scopeId });
  bytes.set(ipv6Bytes(address), SockaddrIn6.at.sin6Addr);
  return bytes;
}

/** The sockaddr of an address. `name` is what errors call it. */
export function encodeAddress(name: string, value: SocketAddressLike): Uint8Array {
  if (typeof value !== 'object' || value === null) throw wrongType(name, 'an address', value);
  if ('path' in value) return unixBytes(name, value.path);
  if (!('bytes' in value)) return ipBytes(name, value);
  const { bytes } = value;
  if (!isUint8Array(bytes)) throw wrongType(`${name}.bytes`, 'a Uint8Array', bytes);
  const copy = copyOfBytes(bytes);
  integer(`${name}.bytes.length`, copy.length, 2, ADDRESS_ROOM);
  return copy;
}

/** The address in a sockaddr, `bytes` having its length. */
export function decodeAddress(bytes: Uint8Array): SocketAddress {
  const family = bytes.length < 2 ? 0 : (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  if (family === AF_INET && bytes.length >= SockaddrIn.size) {
    const at = SockaddrIn.at.sinAddr;
    const port = swap(SockaddrIn.decode(bytes).sinPort);
    return { family: 'IPv4', address: bytes.subarray(at, at + 4).join('.'), port };
  }
  if (family === AF_INET6 && bytes.length >= SockaddrIn6.size) {
    const { sin6Port, sin6ScopeId } = SockaddrIn6.decode(bytes);
    const at = SockaddrIn6.at.sin6Addr;
    const address = {
      family: 'IPv6',
      address: ipv6Text(bytes.subarray(at, at + 16)),
      port: swap(sin6Port),
    } as const;
    return sin6ScopeId === 0 ? address : { ...address, scopeId: sin6ScopeId };
  }
  if (family === AF_UNIX) return { family: 'unix', path: unixPath(bytes.subarray(SockaddrUn.at.sunPath)) };
  return { family: 'other', bytes: new Uint8Array(bytes) };
}

function unixPath(bytes: Uint8Array): string {
  const end = bytes[0] === 0 ? -1 : bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
