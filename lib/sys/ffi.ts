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

/** One fixed prototype for each use, as C has it: the variadic form is three times slower. */
function bind<F extends (...args: never[]) => unknown>(prototype: string): F {
  if (libc === undefined) return refuse as unknown as F;
  return untilUnload(libc.func(prototype) as KoffiFunc<never> as unknown as F, -1);
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

/** io_uring_setup(2) */
export const setup = bind<(nr: number, entries: number, params: Uint8Array) => number>(
  'long syscall(long, uint32_t, void *)',
);

/** io_uring_enter(2) */
export const enter = bind<
  (nr: number, fd: number, submit: number, wait: number, flags: number, arg: number, size: number) => number
>('long syscall(long, int, uint32_t, uint32_t, uint32_t, uintptr_t, size_t)');

/** io_uring_register(2), the argument by address */
export const registerAt = bind<
  (nr: number, fd: number, opcode: number, arg: number | bigint, nrArgs: number) => number
>('long syscall(long, int, uint32_t, uintptr_t, uint32_t)');

/** The same, the argument by its view. */
export const registerView = bind<
  (nr: number, fd: number, opcode: number, arg: ArrayBufferView, nrArgs: number) => number
>('long syscall(long, int, uint32_t, void *, uint32_t)');

/** An address, or -1. */
export const mmap = bind<
  (addr: number, length: number, prot: number, flags: number, fd: number, offset: number) => number
>('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');

export const munmap = bind<(addr: number, length: number) => number>('int munmap(uintptr_t, size_t)');
export const close = bind<(fd: number) => number>('int close(int)');
export const dup3 = bind<(from: number, to: number, flags: number) => number>('int dup3(int, int, int)');
export const flock = bind<(fd: number, operation: number) => number>('int flock(int, int)');
export const memfd_create = bind<(name: string, flags: number) => number>('int memfd_create(str, uint32_t)');
export const ftruncate = bind<(fd: number, length: number) => number>('int ftruncate(int, int64_t)');
export const eventfd = bind<(initial: number, flags: number) => number>('int eventfd(uint32_t, int)');
export const epoll_create1 = bind<(flags: number) => number>('int epoll_create1(int)');
export const pipe2 = bind<(fds: Int32Array, flags: number) => number>('int pipe2(void *, int)');
export const socketpair = bind<(domain: number, type: number, protocol: number, fds: Int32Array) => number>(
  'int socketpair(int, int, int, void *)',
);
export const socket =
  bind<(domain: number, type: number, protocol: number) => number>('int socket(int, int, int)');
export const bindSocket = bind<(fd: number, address: Uint8Array, length: number) => number>(
  'int bind(int, void *, uint32_t)',
);
export const listen = bind<(fd: number, backlog: number) => number>('int listen(int, int)');
export const shutdown = bind<(fd: number, how: number) => number>('int shutdown(int, int)');
export const setsockopt = bind<
  (fd: number, level: number, option: number, value: Int32Array, length: number) => number
>('int setsockopt(int, int, int, void *, uint32_t)');
export const getsockname = bind<(fd: number, address: Uint8Array, length: Uint32Array) => number>(
  'int getsockname(int, void *, void *)',
);
export const getpeername = bind<(fd: number, address: Uint8Array, length: Uint32Array) => number>(
  'int getpeername(int, void *, void *)',
);
export const fcntl = bind<(fd: number, command: number) => number>('int fcntl(int, int)');
export const read = bind<(fd: number, data: ArrayBufferView, size: number) => number>(
  'intptr_t read(int, void *, size_t)',
);
export const lseek = bind<(fd: number, offset: number, whence: number) => number>(
  'int64_t lseek(int, int64_t, int)',
);
export const getrlimit = bind<(resource: number, limits: BigUint64Array) => number>(
  'int getrlimit(int, void *)',
);
export const setrlimit = bind<(resource: number, limits: BigUint64Array) => number>(
  'int setrlimit(int, void *)',
);
export const getpagesize = bind<() => number>('int getpagesize()');
export const gettid = bind<() => number>('int gettid()');
export const sched_getaffinity = bind<(pid: number, size: number, mask: Uint8Array) => number>(
  'int sched_getaffinity(int, size_t, void *)',
);
export const if_nametoindex = bind<(name: string) => number>('uint32_t if_nametoindex(str)');
export const clock_gettime = bind<(clock: number, time: BigInt64Array) => number>(
  'int clock_gettime(int, void *)',
);
export const klogctl = bind<(type: number, text: Uint8Array, size: number) => number>(
  'int klogctl(int, void *, int)',
);
