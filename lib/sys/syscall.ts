/**
 * The system calls. Numbers and checked views in, the kernel's convention out: a result, or minus the errno.
 * Whether a failure is an error, and which, is known one layer up.
 *
 * errno is thread-local and koffi does not save it: it is read in the very next expression, with nothing between.
 */
import * as ffi from './ffi.ts';
import { closeManaged, eventfdManaged, setupManaged } from './managed-fd.ts';

const NR_SETUP = 425;
const NR_ENTER = 426;
const NR_REGISTER = 427;
const NONBLOCK_CLOEXEC = 0o2004000;

function outcome(result: number): number {
  // 0 is no errno of a failed call: treat it as EIO rather than as success
  return result === -1 ? -(ffi.errno() || 5) : result;
}

/** An address that libc writes: how many bytes of it there are. */
function named(call: typeof ffi.getsockname, fd: number, address: Uint8Array): number {
  const length = new Uint32Array([address.length]);
  const result = outcome(call(fd, address, length));
  return result < 0 ? result : (length[0] ?? 0);
}

/**
 * Calls into the kernel. An object, so that tests can put a failing kernel in place of one of them; everything
 * calls through it.
 */
export const sys = {
  /** io_uring_setup(2): a ring fd. `params` is read and written. */
  setup: (entries: number, params: Uint8Array): number => setupManaged(NR_SETUP, entries, params),

  /** io_uring_enter(2): SQEs consumed. */
  enter: (fd: number, submit: number, wait: number, flags: number, arg: number, size: number): number =>
    outcome(ffi.enter(NR_ENTER, fd, submit, wait, flags, arg, size)),

  /** io_uring_register(2), its argument by address (0 for none). */
  register: (fd: number, opcode: number, arg: number | bigint, nrArgs: number): number =>
    outcome(ffi.registerAt(NR_REGISTER, fd, opcode, arg, nrArgs)),

  /** io_uring_register(2), its argument by a view. */
  registerView: (fd: number, opcode: number, arg: ArrayBufferView, nrArgs: number): number =>
    outcome(ffi.registerView(NR_REGISTER, fd, opcode, arg, nrArgs)),

  /** mmap(2): an address. */
  mmap: (length: number, protection: number, flags: number, fd: number, offset: number): number =>
    outcome(ffi.mmap(0, length, protection, flags, fd, offset)),

  munmap: (address: number, length: number): number => outcome(ffi.munmap(address, length)),

  /** close(2) by libc: node:fs warns about fds that it did not open, in workers. */
  close: (fd: number): number => closeManaged(fd) ?? outcome(ffi.close(fd)),

  /** eventfd(2) with EFD_CLOEXEC | EFD_NONBLOCK. */
  eventfd: (initial: number): number => outcome(ffi.eventfd(initial, NONBLOCK_CLOEXEC)),

  /** The same for a ring's own use: it is not left open by a worker that is terminated. */
  eventfdOfRing: (): number => eventfdManaged(),

  /** epoll_create1(2) with EPOLL_CLOEXEC. */
  epollCreate: (): number => outcome(ffi.epoll_create1(0o2000000)),

  /** pipe2(2): fills `fds` with the reading and the writing end. */
  pipe: (fds: Int32Array, flags: number): number => outcome(ffi.pipe2(fds, flags)),

  /** socketpair(2) of AF_UNIX sockets. */
  socketpair: (type: number, fds: Int32Array): number => outcome(ffi.socketpair(1, type, 0, fds)),

  /** socket(2) with SOCK_CLOEXEC. */
  socket: (domain: number, type: number): number => outcome(ffi.socket(domain, type | 0o2000000, 0)),

  /** bind(2) to a sockaddr. */
  bind: (fd: number, address: Uint8Array): number => outcome(ffi.bindSocket(fd, address, address.byteLength)),

  listen: (fd: number, backlog: number): number => outcome(ffi.listen(fd, backlog)),

  /** shutdown(2): 0 ends reading, 1 writing, 2 both. */
  shutdown: (fd: number, how: number): number => outcome(ffi.shutdown(fd, how)),

  /** setsockopt(2) of a number. */
  setsockopt: (fd: number, level: number, option: number, value: number): number =>
    outcome(ffi.setsockopt(fd, level, option, new Int32Array([value]), 4)),

  /** getsockname(2): fills `address`; how many bytes. */
  getsockname: (fd: number, address: Uint8Array): number => named(ffi.getsockname, fd, address),

  /** getpeername(2): fills `address`; how many bytes. */
  getpeername: (fd: number, address: Uint8Array): number => named(ffi.getpeername, fd, address),

  /** fcntl(2) F_GETFL: O_* flags of an open file. */
  getFileFlags: (fd: number): number => outcome(ffi.fcntl(fd, 3)),

  /** lseek(2): where the file is read next; ESPIPE for a pipe or a socket. */
  lseek: (fd: number, offset: number, whence: number): number => outcome(ffi.lseek(fd, offset, whence)),

  read: (fd: number, data: ArrayBufferView): number => outcome(ffi.read(fd, data, data.byteLength)),

  getrlimit: (resource: number, limits: BigUint64Array): number => outcome(ffi.getrlimit(resource, limits)),
  setrlimit: (resource: number, limits: BigUint64Array): number => outcome(ffi.setrlimit(resource, limits)),

  schedGetaffinity: (mask: Uint8Array): number => outcome(ffi.sched_getaffinity(0, mask.byteLength, mask)),

  clockGettime: (clock: number, time: BigInt64Array): number => outcome(ffi.clock_gettime(clock, time)),

  /** if_nametoindex(3): the index of a network interface. */
  ifNameToIndex: (name: string): number => ffi.if_nametoindex(name) || outcome(-1),

  gettid: (): number => ffi.gettid(),

  /** syslog(2) SYSLOG_ACTION_READ_ALL: the last bytes of the kernel's log; how many. */
  kernelLog: (text: Uint8Array): number => outcome(ffi.klogctl(3, text, text.byteLength)),
};
