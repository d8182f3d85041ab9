/** Names of sockets by libc, for kernels whose rings do not know them. */
import { ADDRESS_ROOM, decodeAddress, type SocketAddress } from '../../structs/address.ts';
import { OpError, UnsupportedError } from '../errors.ts';
import type { OpenFile } from '../operations/read.ts';
import { kernelRelease } from '../sys/host.ts';
import { Pinned } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';

/** Is it the error of a kernel, or of a kind of socket, without the command? */
export function isWithoutCommand(error: unknown): boolean {
  if (error instanceof UnsupportedError) return true;
  return error instanceof OpError && (error.code === 'EOPNOTSUPP' || error.code === 'EINVAL');
}

/** Asks libc. @throws UnsupportedError for a slot of the file table, which libc does not know */
export function nameByLibc(file: OpenFile, call: 'getsockname' | 'getpeername'): SocketAddress | undefined {
  if (typeof file !== 'number') {
    throw new UnsupportedError('SOCKET_URING_OP_GETSOCKNAME', { since: '6.19', kernel: kernelRelease });
  }
  const room = new Pinned(ADDRESS_ROOM);
  const length = sys[call](file, room.bytes);
  if (length < 0) throw new OpError('OP_URING_CMD', -length);
  return length === 0 ? undefined : decodeAddress(room.bytes.subarray(0, length));
}
