/** Sockets for the tests of operations, made by operations. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import * as preparers from '../../lib/ops/preparers.ts';
import type { Scope } from '../helpers/rings.ts';
import type { OpRing } from './op-ring.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** sockaddr_in of a port of 127.0.0.1. */
export function inet(port: number): Uint8Array {
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, ...new Uint8Array(8));
}

/** sockaddr_un of a path. */
export function unix(path: string): Uint8Array {
  return Uint8Array.of(AF_UNIX, 0, ...Buffer.from(path), 0);
}

/** A new socket. */
export function socket(ring: OpRing, scope: Scope, domain: number, type: number): number {
  return scope.fd(ring.result((sqe) => preparers.socket(sqe, domain, type | SOCK_CLOEXEC, 0, 0)));
}

/** Binds; the result. */
export function bind(ring: OpRing, fd: number, address: Uint8Array): number {
  return ring.result((sqe) => preparers.bind(sqe, fd, ring.address(address), address.length));
}

/** Connects; the result. */
export function connect(ring: OpRing, fd: number, address: Uint8Array): number {
  return ring.result((sqe) => preparers.connect(sqe, fd, ring.address(address), address.length));
}

/** The line of /proc/net/tcp or udp about a socket: its port and state. */
export function inProc(
  fd: number,
  protocol: 'tcp' | 'udp',
): { readonly port: number; readonly state: string } {
  const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[0];
  for (const line of readFileSync(`/proc/net/${protocol}`, 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[9] !== inode) continue;
    return { port: Number.parseInt(fields[1]?.split(':')[1] ?? '', 16), state: fields[3] ?? '' };
  }
  return assert.fail(`no socket ${inode} in /proc/net/${protocol}`);
}

/** A listening TCP socket of 127.0.0.1, and its address. */
export function listener(ring: OpRing, scope: Scope): { readonly fd: number; readonly address: Uint8Array } {
  const fd = socket(ring, scope, AF_INET, SOCK_STREAM);
  assert.equal(bind(ring, fd, inet(0)), 0);
  assert.equal(
    ring.result((sqe) => preparers.listen(sqe, fd, 8)),
    0,
  );
  return { fd, address: inet(inProc(fd, 'tcp').port) };
}

/** Two connected TCP sockets. */
export function tcpPair(ring: OpRing, scope: Scope): { readonly client: number; readonly peer: number } {
  const { fd, address } = listener(ring, scope);
  const client = socket(ring, scope, AF_INET, SOCK_STREAM);
  assert.equal(connect(ring, client, address), 0);
  const peer = scope.fd(ring.result((sqe) => preparers.accept(sqe, fd, 0, 0, SOCK_CLOEXEC, 0)));
  return { client, peer };
}
