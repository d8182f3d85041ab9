/**
 * The few calls of libc that go with rings and that Node.js does not have: `libc` in `uring/raw`. They stand in a
 * namespace of their own, because io_uring's operations have the same names.
 */
import { descriptor, integer, U32_MAX } from '../../structs/check.ts';
import { SyscallError } from '../errors.ts';
import { sys } from './syscall.ts';
import { tracedClose } from './trace.ts';

/** SOCK_CLOEXEC is the same. */
const O_CLOEXEC = 0o2000000;
const SOCK_STREAM = 1;

function pair([first = -1, second = -1]: Int32Array): [number, number] {
  return [first, second];
}

/** The result of a call that returns minus the errno. */
function checked(syscall: string, result: number): number {
  if (result < 0) throw new SyscallError(syscall, -result);
  return result;
}

/**
 * Closes a file descriptor. For a ring: operations in flight are cancelled some time after.
 *
 * Safety: an fd that other code or Node.js owns must be closed there. The number of a closed fd may name another file by now.
 * @throws SyscallError EBADF
 * @see close(2)
 */
export function close(fd: number): void {
  checked('close', tracedClose(descriptor('fd', fd)));
}

/**
 * Makes an eventfd, non-blocking and close-on-exec.
 * @param initial its count, 0..2^32-1
 * @returns the fd, yours to close
 * @throws SyscallError EMFILE, ENFILE
 * @see eventfd(2)
 */
export function eventfd(initial = 0): number {
  return checked('eventfd', sys.eventfd(integer('initial', initial, 0, U32_MAX)));
}

/**
 * Makes an epoll file, close-on-exec.
 * @returns the fd, yours to close
 * @throws SyscallError EMFILE, ENFILE
 * @see epoll_create(2)
 */
export function epollCreate(): number {
  return checked('epoll_create1', sys.epollCreate());
}

/**
 * Makes a pipe, close-on-exec.
 * @param flags O_NONBLOCK (0o4000)
 * @returns the reading and the writing end, yours to close
 * @throws SyscallError EMFILE, ENFILE, EINVAL (unknown `flags`)
 * @see pipe(2)
 */
export function pipe(flags = 0): [read: number, write: number] {
  const fds = new Int32Array(2);
  checked('pipe2', sys.pipe(fds, integer('flags', flags, 0, 0x7fff_ffff) | O_CLOEXEC));
  return pair(fds);
}

/**
 * Makes two connected AF_UNIX sockets, close-on-exec.
 * @param type SOCK_STREAM (1), SOCK_DGRAM (2), SOCK_SEQPACKET (5), with SOCK_NONBLOCK (0o4000)
 * @returns both ends, yours to close
 * @throws SyscallError EMFILE, ENFILE, ESOCKTNOSUPPORT, EINVAL
 * @see socketpair(2)
 */
export function socketpair(type = SOCK_STREAM): [number, number] {
  const fds = new Int32Array(2);
  checked('socketpair', sys.socketpair(integer('type', type, 0, 0x7fff_ffff) | O_CLOEXEC, fds));
  return pair(fds);
}
