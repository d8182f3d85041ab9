/** libc's symbols, each parameter with its C type. Nothing else in the package calls native code. */
import { arch, endianness, platform, release } from 'node:os';
import { types } from 'node:util';
import type { KoffiFunc } from 'koffi';
import { koffi, koffiCause, NO_KOFFI } from '../../structs/koffi.ts';
import { bytesOf } from '../../structs/views.ts';
import { UnsupportedError } from '../errors.ts';

/** Why no call can work here, or undefined where all is well. */
function problem(): string | undefined {
  if (platform() !== 'linux') return `io_uring is a thing of Linux, this is ${platform()}`;
  if (!['x64', 'arm64', 'riscv64', 'loong64'].includes(arch()) || endianness() !== 'LE') {
    return `only 64-bit little-endian systems are supported, this is ${arch()} (${endianness()})`;
  }
  return koffi === undefined ? NO_KOFFI : undefined;
}

/** See `problem`: asked once. */
export const PROBLEM: string | undefined = problem();
const libc = PROBLEM === undefined ? koffi?.load(null) : undefined;

function refuse(): never {
  // koffi is not to blame for another system
  const cause = PROBLEM === NO_KOFFI ? koffiCause : undefined;
  throw new UnsupportedError('uring', { why: PROBLEM ?? 'unknown', kernel: release(), cause });
}

const EIO = 5;
const isDeno = 'deno' in process.versions;
/** Has Deno unloaded what koffi made? See `untilUnload`. */
let isUnloaded = false;
// microtasks that run after it are those of `deno test`: a program and a worker have none
if (isDeno && libc !== undefined)
  Object(globalThis).addEventListener('unload', () => queueMicrotask(() => (isUnloaded = true)));

/**
 * A function of koffi's that fails with `failure` once Deno has unloaded it. `deno test` does so at the end of a file and then
 * runs timers and promises once more, those of rings as well: a call would end the process with SIGSEGV.
 */
function untilUnload<F extends (...args: never[]) => unknown>(call: F, failure: unknown): F {
  if (!isDeno) return call;
  return ((...args: never[]) => (isUnloaded ? failure : call(...args))) as F;
}

/** One fixed prototype for each use: the variadic form is three times slower. */
function bind<F extends (...args: never[]) => unknown>(
  symbol: string,
  result: string,
  ...parameters: string[]
): F {
  if (libc === undefined) return refuse as unknown as F;
  return untilUnload(libc.func(symbol, result, parameters) as KoffiFunc<never> as unknown as F, -1);
}

/** The thread's errno, valid only in the expression right after a call. */
export const errno: () => number = koffi === undefined ? refuse : untilUnload(koffi.errno, EIO);
/** koffi knows no DataView on Deno. */
function addressOnDeno(view: ArrayBufferView | ArrayBuffer): bigint {
  if (isUnloaded) return 0n;
  return koffi === undefined ? refuse() : koffi.address(types.isDataView(view) ? bytesOf(view) : view);
}

/** The address of a view's first byte; 0n for a detached one. */
export const address: (view: ArrayBufferView | ArrayBuffer) => bigint =
  koffi === undefined ? refuse : isDeno ? addressOnDeno : koffi.address;
/** An ArrayBuffer over memory that V8 does not own. Aborts the process for address 0. */
export const viewMemory: (at: bigint | number, length: number) => ArrayBuffer =
  koffi === undefined ? refuse : koffi.view;

/** long syscall(long number, unsigned entries, struct io_uring_params *params) */
export const setup = bind<(nr: number, entries: number, params: Uint8Array) => number>(
  'syscall',
  'long',
  'long',
  'uint32_t',
  'void *',
);

/** long syscall(long number, int fd, unsigned to_submit, unsigned min_complete, unsigned flags, void *arg, size_t size) */
export const enter = bind<
  (nr: number, fd: number, submit: number, wait: number, flags: number, arg: number, size: number) => number
>('syscall', 'long', 'long', 'int', 'uint32_t', 'uint32_t', 'uint32_t', 'uintptr_t', 'size_t');

/** long syscall(long number, int fd, unsigned opcode, void *arg, unsigned nr_args), the argument by address */
export const registerAt = bind<
  (nr: number, fd: number, opcode: number, arg: number | bigint, nrArgs: number) => number
>('syscall', 'long', 'long', 'int', 'uint32_t', 'uintptr_t', 'uint32_t');

/** The same, the argument by its view. */
export const registerView = bind<
  (nr: number, fd: number, opcode: number, arg: ArrayBufferView, nrArgs: number) => number
>('syscall', 'long', 'long', 'int', 'uint32_t', 'void *', 'uint32_t');

/** void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset); -1 is an error */
export const mmap = bind<
  (addr: number, length: number, prot: number, flags: number, fd: number, offset: number) => number
>('mmap', 'intptr_t', 'uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t');

export const munmap = bind<(addr: number, length: number) => number>('munmap', 'int', 'uintptr_t', 'size_t');
export const close = bind<(fd: number) => number>('close', 'int', 'int');
export const dup3 = bind<(from: number, to: number, flags: number) => number>(
  'dup3',
  'int',
  'int',
  'int',
  'int',
);
export const flock = bind<(fd: number, operation: number) => number>('flock', 'int', 'int', 'int');
export const memfd_create = bind<(name: string, flags: number) => number>(
  'memfd_create',
  'int',
  'str',
  'uint32_t',
);
export const ftruncate = bind<(fd: number, length: number) => number>('ftruncate', 'int', 'int', 'int64_t');
export const eventfd = bind<(initial: number, flags: number) => number>('eventfd', 'int', 'uint32_t', 'int');
export const epoll_create1 = bind<(flags: number) => number>('epoll_create1', 'int', 'int');
export const pipe2 = bind<(fds: Int32Array, flags: number) => number>('pipe2', 'int', 'void *', 'int');
export const socketpair = bind<(domain: number, type: number, protocol: number, fds: Int32Array) => number>(
  'socketpair',
  'int',
  'int',
  'int',
  'int',
  'void *',
);
export const socket = bind<(domain: number, type: number, protocol: number) => number>(
  'socket',
  'int',
  'int',
  'int',
  'int',
);
export const bindSocket = bind<(fd: number, address: Uint8Array, length: number) => number>(
  'bind',
  'int',
  'int',
  'void *',
  'uint32_t',
);
export const listen = bind<(fd: number, backlog: number) => number>('listen', 'int', 'int', 'int');
export const shutdown = bind<(fd: number, how: number) => number>('shutdown', 'int', 'int', 'int');
export const setsockopt = bind<
  (fd: number, level: number, option: number, value: Int32Array, length: number) => number
>('setsockopt', 'int', 'int', 'int', 'int', 'void *', 'uint32_t');
export const getsockname = bind<(fd: number, address: Uint8Array, length: Uint32Array) => number>(
  'getsockname',
  'int',
  'int',
  'void *',
  'void *',
);
export const getpeername = bind<(fd: number, address: Uint8Array, length: Uint32Array) => number>(
  'getpeername',
  'int',
  'int',
  'void *',
  'void *',
);
export const fcntl = bind<(fd: number, command: number) => number>('fcntl', 'int', 'int', 'int');
export const read = bind<(fd: number, data: ArrayBufferView, size: number) => number>(
  'read',
  'intptr_t',
  'int',
  'void *',
  'size_t',
);
export const lseek = bind<(fd: number, offset: number, whence: number) => number>(
  'lseek',
  'int64_t',
  'int',
  'int64_t',
  'int',
);
export const getrlimit = bind<(resource: number, limits: BigUint64Array) => number>(
  'getrlimit',
  'int',
  'int',
  'void *',
);
export const setrlimit = bind<(resource: number, limits: BigUint64Array) => number>(
  'setrlimit',
  'int',
  'int',
  'void *',
);
export const getpagesize = bind<() => number>('getpagesize', 'int');
export const gettid = bind<() => number>('gettid', 'int');
export const sched_getaffinity = bind<(pid: number, size: number, mask: Uint8Array) => number>(
  'sched_getaffinity',
  'int',
  'int',
  'size_t',
  'void *',
);
export const if_nametoindex = bind<(name: string) => number>('if_nametoindex', 'uint32_t', 'str');
export const clock_gettime = bind<(clock: number, time: BigInt64Array) => number>(
  'clock_gettime',
  'int',
  'int',
  'void *',
);
export const klogctl = bind<(type: number, text: Uint8Array, size: number) => number>(
  'klogctl',
  'int',
  'int',
  'void *',
  'int',
);
