/** Harmless questions to the kernel, on a ring of their own, about an operation that failed. */
import { constants } from '../../structs/flags.ts';
import { isCommand, type OpFlag, ops } from '../../structs/ops.ts';
import { KernelTimespec, Statx } from '../../structs/posix.ts';
import * as preparers from '../ops/preparers.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { RingCore } from '../ring/core/core.ts';
import { createRing } from '../ring/core/create.ts';
import { isOlderThan } from '../sys/host.ts';
import { Pinned } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';

const EINVAL = 22;
const EOPNOTSUPP = 95;
const AT_EMPTY_PATH = 0x1000;
const AF_INET = 2;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOCK_STREAM_CLOEXEC = 0o2000001;
/** No operation of a ring has all ones in its user_data. */
const NOBODY = 0xffff_ffff;

/** Runs `body` with a ring that is closed after it; undefined where none can be made. */
function withRing<T>(body: (core: RingCore) => T): T | undefined {
  let core: RingCore;
  try {
    core = createRing(2, {});
  } catch {
    return undefined;
  }
  try {
    return body(core);
  } finally {
    core.close();
  }
}

/** The result of one operation, which can't take long; undefined where the ring does not take it. */
function resultOf(core: RingCore, write: (sqe: SqeCursor) => void, held?: unknown): number | undefined {
  write(core.entry());
  core.commit(0, held);
  if (core.enter(core.queues.publish(), 1, constants.IORING_ENTER_GETEVENTS) < 0) return undefined;
  return core.take() ? core.queues.res : undefined;
}

// ---- does this kernel have a flag or a command? -------------------------------------------------------------

const answers = new Map<string, boolean>();

/**
 * Does the kernel lack the flag or command that an operation had which failed with `errno`? What can't be decided is no.
 * The answer is kept. A kernel as new as the flag is not asked: some flags are refused without others that belong to them.
 */
export function isMissing(flag: OpFlag, errno: number): boolean {
  if (errno !== (isCommand(flag) ? EOPNOTSUPP : EINVAL) || !isOlderThan(flag.since)) return false;
  const known = answers.get(flag.name);
  if (known !== undefined) return known;
  const answer = withRing((core) => (isCommand(flag) ? lacksCommand(core, flag) : lacksFlag(core, flag)));
  if (answer !== undefined) answers.set(flag.name, answer);
  return answer ?? false;
}

/** The kernel looks at the flags before it looks for the file, which nobody has. */
function lacksFlag(core: RingCore, flag: OpFlag): boolean {
  return trial(core, flag, flag.value) === -EINVAL && trial(core, flag, 0) !== -EINVAL;
}

/** The operation with these flags and as little else as it takes. */
function trial(core: RingCore, { op, field }: OpFlag, value: number): number | undefined {
  const time = new Pinned(KernelTimespec.size);
  const opcode = ops.find(({ name }) => name === op)?.value ?? 0;
  return resultOf(
    core,
    (sqe) => {
      const isTime = op === 'OP_TIMEOUT';
      sqe.prepare(opcode, -1, isTime ? time.address : 0, isTime ? 1 : 0, 0);
      if (!isTime) sqe.setAddr(NOBODY, NOBODY);
      if (field === 'ioprio') sqe.ioprio = value;
      else if (field === 'rwFlags') sqe.opFlags = value;
      else sqe.len = value;
    },
    time,
  );
}

/** A command on a socket of its own: every other errno says that the command is known. */
function lacksCommand(core: RingCore, { value }: OpFlag): boolean {
  const fd = resultOf(core, (sqe) => preparers.socket(sqe, AF_INET, SOCK_STREAM_CLOEXEC, 0, 0));
  if (fd === undefined || fd < 0) return false;
  try {
    const option = new Pinned(4);
    const command = (sqe: SqeCursor) =>
      preparers.uringCmdSock(sqe, fd, value, SOL_SOCKET, SO_REUSEADDR, option.address, 4);
    return resultOf(core, command, option) === -EOPNOTSUPP;
  } finally {
    sys.close(fd);
  }
}

// ---- what does a file want? ---------------------------------------------------------------------------------

/** A struct statx of a file that was opened with `flag`; undefined for another one, and where it can't be asked for. */
export function statOf(fd: number, flag: number, mask: number): Uint8Array | undefined {
  if ((Math.max(0, sys.getFileFlags(fd)) & flag) === 0) return undefined;
  return withRing((core) => {
    const path = new Pinned(1);
    const room = new Pinned(Statx.size);
    const write = (sqe: SqeCursor) =>
      preparers.statx(sqe, fd, path.address, AT_EMPTY_PATH, mask, room.address);
    return resultOf(core, write, [path, room]) === 0 ? room.bytes : undefined;
  });
}
