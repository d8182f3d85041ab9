/** Where a socket is and whom it speaks to: names, addresses, and the calls of libc that tie a socket to them. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  ADDRESS_ROOM,
  decodeAddress,
  encodeAddress,
  type IpAddress,
  type SocketAddress,
  type UnixAddress,
} from '../../structs/address.ts';
import { boolean, integer, U16_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { socketOptions } from '../../structs/socket-options.ts';
import { SyscallError } from '../errors.ts';
import { sys } from '../sys/syscall.ts';

/** An address that a socket can be bound to, or connected with. */
export type Endpoint = IpAddress | UnixAddress;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** What the first bytes of a sockaddr say. */
const DOMAIN = { unix: AF_UNIX, IPv4: AF_INET, IPv6: AF_INET6 } as const;

/** The kinds of sockets: SOCK_STREAM and SOCK_DGRAM. */
export const STREAM = 1;
export const DATAGRAM = 2;

/** Options that are on or off. */
const FLAGS = {
  reuseAddr: socketOptions.SO_REUSEADDR,
  reusePort: socketOptions.SO_REUSEPORT,
  ipv6Only: socketOptions.IPV6_V6ONLY,
  broadcast: socketOptions.SO_BROADCAST,
} as const;

/** The socket options that are on. */
export function flagsOf(
  options: { readonly [K in keyof typeof FLAGS]?: unknown },
): (readonly [level: number, option: number])[] {
  return Object.entries(FLAGS).flatMap(([name, option]) => {
    const value: unknown = Reflect.get(options, name);
    return value !== undefined && boolean(`options.${name}`, value) ? [option] : [];
  });
}

/** What an error says of an address. */
function subject(endpoint: SocketAddress): { address?: string; port?: number } {
  if (endpoint.family === 'other') return {};
  return endpoint.family === 'unix'
    ? { address: endpoint.path }
    : { address: endpoint.address, port: endpoint.port };
}

/** Throws where a call of libc failed. */
export function checkCall(syscall: string, result: number, endpoint?: SocketAddress): number {
  if (result >= 0) return result;
  throw new SyscallError(syscall, -result, endpoint === undefined ? {} : subject(endpoint));
}

/** A port as Node.js takes it: a number, or text of one, as environment variables have it. */
export function portOf(name: string, value: unknown): number {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return integer(name, port, 0, U16_MAX);
}

/** Text, or nothing. */
export function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(name, 'a string', value);
}

/** What is asked for: a path of a Unix socket, or a host and a port. */
export interface Place {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly path?: string | undefined;
}

/** A place, checked. */
export type CheckedPlace =
  | { readonly path: string }
  | { readonly path: undefined; readonly host: string | undefined; readonly port: number };

/** @param port what it is when absent; without it there has to be one */
export function placeOf(name: string, { host, port, path }: Place, missing?: number): CheckedPlace {
  const where = textOf(`${name}.path`, path);
  const at = textOf(`${name}.host`, host);
  if (where === undefined)
    return { path: undefined, host: at, port: portOf(`${name}.port`, port ?? missing) };
  if (at !== undefined) throw wrongValue(`${name}.host`, 'absent beside path', host);
  if (port !== undefined) throw wrongValue(`${name}.port`, 'absent beside path', port);
  return { path: where };
}

/** The addresses of a place, in the order of the resolver. */
export async function resolve(
  place: CheckedPlace,
  family: 0 | 4 | 6,
): Promise<readonly [Endpoint, ...Endpoint[]]> {
  if (place.path !== undefined) return [{ family: 'unix', path: place.path }];
  const { host = 'localhost', port } = place;
  const version = isIP(host);
  if (version !== 0) return [{ family: version === 4 ? 'IPv4' : 'IPv6', address: host, port }];
  const [first, ...others] = (await lookup(host, { all: true, family, verbatim: true })).map(
    ({ address, family: found }): IpAddress => ({ family: found === 4 ? 'IPv4' : 'IPv6', address, port }),
  );
  if (first === undefined) throw wrongValue('options.host', 'a name that has addresses', host);
  return [first, ...others];
}

/** A socket for addresses of that kind. */
export function openSocket(endpoint: Endpoint, type: number): number {
  return checkCall('socket', sys.socket(DOMAIN[endpoint.family], type), endpoint);
}

export function bindSocket(fd: number, endpoint: Endpoint): void {
  checkCall('bind', sys.bind(fd, encodeAddress('options', endpoint)), endpoint);
}

/** Its own address, or its peer's; undefined where there is none any more. */
export function nameOf(fd: number, call: 'getsockname' | 'getpeername'): SocketAddress | undefined {
  const room = new Uint8Array(ADDRESS_ROOM);
  const length = sys[call](fd, room);
  return length <= 0 ? undefined : decodeAddress(room.subarray(0, Math.min(length, ADDRESS_ROOM)));
}
