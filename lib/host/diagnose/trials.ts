/**
 * The system calls that the doctor tries. They run in a process of their own (child.ts): a seccomp profile may kill who
 * makes them. Each changes nothing, and what it makes is gone when it returns.
 */
import { constants } from '../../../structs/flags.ts';
import { Iovec } from '../../../structs/posix.ts';
import { registerOps } from '../../../structs/register-ops.ts';
import { Params } from '../../../structs/setup.ts';
import { askProbe, askQuery, askRange } from '../../register/ask.ts';
import { Pinned } from '../../sys/memory.ts';
import { sys } from '../../sys/syscall.ts';

const ENOMEM = 12;
const { IORING_REGISTER_BUFFERS, IORING_REGISTER_QUERY, IORING_UNREGISTER_BUFFERS } = constants;
const { IORING_SETUP_IOPOLL, IORING_SETUP_SQPOLL } = constants;

/** The entries of the ring that is tried. */
export const ENTRIES = 8;
/** The bytes of the buffer that is tried. */
export const BUFFER_BYTES = 64 * 1024;

/** Locked memory is charged to the user, and given back late by rings that were just closed: asks once more. */
function patiently(call: () => number): number {
  const result = call();
  if (result !== -ENOMEM) return result;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  return call();
}

/** What `use` makes of a ring that is closed at once; minus the errno where none can be made. */
function withRing(flags: number, use: (fd: number) => number = () => 0): number {
  const fd = sys.setup(ENTRIES, Params.encode({ flags }));
  if (fd < 0) return fd;
  try {
    return use(fd);
  } finally {
    // a filter may answer 0 for success: that fd is not ours
    if (fd > 2) sys.close(fd);
  }
}

function countOperations(fd: number): number {
  const answer = askProbe(fd);
  return typeof answer === 'number' ? -answer : answer.size;
}

function registerBuffer(fd: number): number {
  const memory = new Pinned(BUFFER_BYTES);
  const { bytes, address } = new Pinned(Iovec.size);
  Iovec.encodeInto(bytes, { iovBase: memory.address, iovLen: BUFFER_BYTES });
  return sys.register(fd, IORING_REGISTER_BUFFERS, address, 1);
}

/** The first bytes of gVisor's kernel log, which it writes anew for each container. */
function isGvisorsLog(): number {
  const text = new Uint8Array(64 * 1024);
  const length = sys.kernelLog(text);
  if (length < 0) return length;
  return new TextDecoder().decode(text.subarray(0, length)).includes('Starting gVisor') ? 1 : 0;
}

/** Each returns a number from 0 on, or minus the errno. In the order in which they are tried. */
export const TRIALS = {
  /** io_uring_setup(2) without entries: EINVAL where the call gets through. */
  setup: () => sys.setup(0, Params.encode({})),
  /** io_uring_enter(2) without a ring: EBADF where it gets through. */
  enter: () => sys.enter(-1, 0, 0, 0, 0, 0),
  /** A ring of `ENTRIES`. */
  ring: () => patiently(() => withRing(0)),
  /** io_uring_register(2) without a ring: EINVAL or EBADF where it gets through. */
  register: () => sys.register(-1, IORING_UNREGISTER_BUFFERS, 0, 0),
  /** REGISTER_QUERY with nothing to ask: 0 from Linux 6.18 on. */
  query: () => sys.register(-1, IORING_REGISTER_QUERY, 0, 0),
  /** How many register opcodes there are. */
  opcodes: () =>
    askQuery()?.nrRegisterOpcodes ?? registerOps.filter(({ value }) => askRange(value) === true).length,
  /** How many SQE operations there are, by REGISTER_PROBE. */
  probe: () => patiently(() => withRing(0, countOperations)),
  /** A registered buffer of `BUFFER_BYTES`. */
  buffer: () => patiently(() => withRing(0, registerBuffer)),
  /** A ring whose submissions a kernel thread takes. */
  sqpoll: () => patiently(() => withRing(IORING_SETUP_SQPOLL)),
  /** A ring that polls devices. */
  iopoll: () => patiently(() => withRing(IORING_SETUP_IOPOLL)),
  /** 1 where gVisor wrote the kernel's log. */
  gvisor: isGvisorsLog,
} as const satisfies Record<string, () => number>;

/** The name of a trial. */
export type TrialName = keyof typeof TRIALS;

/** What came of them; undefined where one was not tried. */
export type Results = { readonly [name in TrialName]?: number | undefined };

const NEEDS_RING: readonly TrialName[] = ['probe', 'buffer', 'sqpoll', 'iopoll'];

export function isTrialName(text: string): text is TrialName {
  return Object.hasOwn(TRIALS, text);
}

/**
 * Tries one after another; those that need a ring only where one can be made.
 * @param tell is told a trial's name before it begins, and again with its result
 */
export function tryAll(tell: (name: TrialName, result?: number) => void): void {
  let canMakeRings = false;
  for (const name of Object.keys(TRIALS).filter(isTrialName)) {
    if (NEEDS_RING.includes(name) && !canMakeRings) continue;
    tell(name);
    const result = TRIALS[name]();
    if (name === 'ring') canMakeRings = result >= 0;
    tell(name, result);
  }
}
