/** Who is to blame where io_uring does not work: the first thing in the way. */
import { errnoMessage, errnoName } from '../../../structs/errno.ts';
import { explainSetup } from '../../register/explain.ts';
import { lockedMemoryHint } from '../../register/memlock.ts';
import { bySeccomp, type Refusal, refusalOf } from '../../register/refusal.ts';
import { files, limit, runtimeProblem } from '../../sys/host.ts';
import type { CheckName } from './check.ts';
import { ENTRIES, type TrialName } from './trials.ts';
import type { Tried } from './try.ts';

const ENOMEM = 12;
const EINVAL = 22;
const ENFILE = 23;
const EMFILE = 24;

/** Why io_uring can't be used. */
export interface Cause {
  /** The check that shows it. */
  readonly check: CheckName;
  readonly why: string;
  readonly fix?: string | undefined;
}

/** The system call behind a trial. */
export function callOf(trial: TrialName): string {
  if (trial === 'enter') return 'io_uring_enter';
  return ['setup', 'ring', 'sqpoll', 'iopoll'].includes(trial) ? 'io_uring_setup' : 'io_uring_register';
}

/** `'EPERM'` of minus the errno; undefined where the trial went well, or was not made. */
function errnoOf(result: number | undefined): number | undefined {
  return result !== undefined && result < 0 ? -result : undefined;
}

const CHECK_OF: { readonly [by in Refusal['by']]: CheckName } = {
  kernel: 'kernel',
  seccomp: 'seccomp',
  sysctl: 'sysctl',
  'security-module': 'security',
  unknown: 'ring',
};

const COST_OF_RINGS =
  'rings are a frequent way to attack a kernel, and filters of system calls do not see what they do';

/** What it costs in security to do what the refusal asks for. */
const COST: { readonly [by in Refusal['by']]?: string } = {
  seccomp: `Cost: ${COST_OF_RINGS}: the container, or service, could break out`,
  sysctl: `Cost: ${COST_OF_RINGS}: at 0 for every user of the host, with a group for its members`,
  'security-module': `Cost of a rule that allows it: ${COST_OF_RINGS}`,
};

/** What to do about a refusal, with its cost. */
export function remedy({ by, fix }: Refusal): string | undefined {
  return fix === undefined ? undefined : [fix, COST[by]].filter((part) => part !== undefined).join('. ');
}

/** The calls on nothing that every kernel finds wrong: one that is answered with success was not made. */
function pretended({ results }: Tried): TrialName | undefined {
  return (['setup', 'enter', 'register'] as const).find((name) => (results[name] ?? -1) >= 0);
}

/** Who refuses io_uring, by what the trials say. */
export function refusalIn({ results, killedAt }: Tried): Refusal | undefined {
  if (killedAt !== undefined)
    return bySeccomp(`a seccomp filter kills who calls ${callOf(killedAt)} (SIGSYS)`);
  const { setup, ring, enter, register } = results;
  const name = pretended({ results });
  if (name !== undefined) {
    const what = `answers ${callOf(name)} with success and does not make the call (SECCOMP_RET_ERRNO with 0)`;
    return bySeccomp(`a seccomp filter ${what}`);
  }
  return refusalOf({
    setup: errnoOf(ring) ?? errnoOf(setup),
    enter: errnoOf(enter),
    register: errnoOf(register),
  });
}

/** What to do about too little locked memory. */
export const MORE_MEMLOCK =
  'ulimit -l <KiB> (root), LimitMEMLOCK= of a systemd unit, memlock in /etc/security/limits.conf, docker run --ulimit memlock=<bytes>. Cost: so much memory can be pinned, and never be swapped out';

/** What to do about too few open files. */
export const MORE_FILES =
  "ulimit -n <count>, LimitNOFILE= of a systemd unit, docker run --ulimit nofile=<count>. Cost: a program can hold so much more of the kernel's memory";

/** The memory that this process's group uses, and may use; undefined where there is no limit. */
function groupMemory(): { readonly used: number; readonly most: number } | undefined {
  const path = /^0::(\/.*)$/m.exec(files.read('/proc/self/cgroup') ?? '')?.[1];
  const number = (name: string): number => {
    const text = files.read(`/sys/fs/cgroup${path}/${name}`)?.trim() ?? '';
    return /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  const [used, most] = [number('memory.current'), number('memory.max')];
  return path === undefined || Number.isNaN(used) || Number.isNaN(most) ? undefined : { used, most };
}

/** ENOMEM that locked memory does not explain: the group's limit, or no free memory in one piece. */
function memoryCause(): Cause {
  const group = groupMemory();
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  if (group !== undefined && group.used > 0.9 * group.most) {
    const why = `the memory limit of this control group is reached: ${mib(group.used)} of ${mib(group.most)} MiB`;
    const fix =
      'raise it (MemoryMax= of a systemd unit, docker run --memory, limits.memory of a pod). Cost: less memory for others';
    return { check: 'ring', why, fix };
  }
  const why = `the kernel has no memory for a ring of ${ENTRIES} entries: used up, or in too small pieces (/proc/buddyinfo)`;
  const fix =
    'echo 1 > /proc/sys/vm/compact_memory (root) puts free pages together; SETUP_NO_MMAP brings memory of its own';
  return { check: 'ring', why, fix };
}

/** Why the ring could not be made, where nobody forbids it. */
function ringCause(errno: number): Cause {
  if (errno === ENOMEM && lockedMemoryHint(undefined) !== undefined) {
    const kib = Math.floor((limit('memlock')?.soft ?? 0) / 1024);
    const why = `too little locked memory for a ring: all rings of this user may have ${kib} KiB together`;
    return { check: 'memlock', why, fix: MORE_MEMLOCK };
  }
  if (errno === EMFILE || errno === ENFILE) {
    const { hint = 'the limit is reached' } = explainSetup(errno, { entries: ENTRIES, flags: 0 });
    return { check: 'nofile', why: `too few open files: ${hint}`, fix: MORE_FILES };
  }
  if (errno === ENOMEM) return memoryCause();
  const what = `${errnoMessage(errno)} (${errnoName(errno)})`;
  return { check: 'ring', why: `a ring of ${ENTRIES} entries can't be made: ${what}` };
}

/** The main cause; undefined where nothing is in the way, as far as is known. */
export function causeOf({ results }: Tried, refusal: Refusal | undefined): Cause | undefined {
  if (runtimeProblem !== undefined) return { check: 'runtime', why: runtimeProblem };
  if (refusal !== undefined) return { check: CHECK_OF[refusal.by], why: refusal.why, fix: remedy(refusal) };
  const probe = errnoOf(results.probe);
  const ring = errnoOf(results.ring) ?? (probe === ENOMEM ? probe : undefined);
  if (ring !== undefined) return ringCause(ring);
  // it came with Linux 5.6
  if (probe === undefined || probe === EINVAL) return undefined;
  return { check: 'register', why: `REGISTER_PROBE fails: ${errnoMessage(probe)} (${errnoName(probe)})` };
}
