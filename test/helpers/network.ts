/** Sockets of the loopback for the tests of AsyncRing. */
import assert from 'node:assert/strict';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { inProc } from '../ops/sockets.ts';
import type { Scope } from './rings.ts';

/** An address of this machine. */
export interface Loopback {
  readonly address: string;
  readonly port: number;
}

/** A socket that the scope closes. */
export async function socket(
  ring: AsyncRing,
  scope: Scope,
  domain: 'IPv4' | 'IPv6' | 'unix',
  type: 'stream' | 'datagram' = 'stream',
): Promise<number> {
  return scope.fd((await ring.socket(domain, { type })).fd);
}

/** A listening TCP socket. */
export async function listener(
  ring: AsyncRing,
  scope: Scope,
  backlog = 512,
): Promise<{ readonly server: number; readonly at: Loopback }> {
  const server = await socket(ring, scope, 'IPv4');
  await ring.bind(server, { address: '127.0.0.1', port: 0 });
  await ring.listen(server, backlog);
  return { server, at: { address: '127.0.0.1', port: inProc(server, 'tcp').port } };
}

/** A connected TCP socket that the scope closes. */
export async function client(ring: AsyncRing, scope: Scope, at: Loopback): Promise<number> {
  const fd = await socket(ring, scope, 'IPv4');
  await ring.connect(fd, at);
  return fd;
}

/** Two connected TCP sockets. */
export async function tcpPair(ring: AsyncRing, scope: Scope): Promise<readonly [near: number, far: number]> {
  const { server, at } = await listener(ring, scope);
  const near = await client(ring, scope, at);
  return [near, scope.fd((await ring.accept(server)).fd)];
}

/** A UDP socket of 127.0.0.1 and its address. */
export async function udp(
  ring: AsyncRing,
  scope: Scope,
): Promise<{ readonly fd: number; readonly at: Loopback }> {
  const fd = await socket(ring, scope, 'IPv4', 'datagram');
  await ring.bind(fd, { address: '127.0.0.1', port: 0 });
  return { fd, at: { address: '127.0.0.1', port: inProc(fd, 'udp').port } };
}

/** Closes an fd now. */
export function close(fd: number): void {
  assert.equal(sys.close(fd), 0);
}

/** Numbers that look random and are the same in every run. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}
