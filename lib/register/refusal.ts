/** Which switch of this host refuses io_uring: seccomp, a sysctl, a security module, or a kernel without it. */
import { constants } from '../../structs/flags.ts';
import {
  type Container,
  container,
  credentials,
  hasIoUring,
  holdsCapability,
  ioUringDisabled,
  ioUringGroup,
  isGvisor,
  kernelRelease,
  kernelVersion,
  seccompMode,
  securityModules,
} from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';

const EPERM = 1;
const EBADF = 9;
const EACCES = 13;
const EINVAL = 22;
const ENOSYS = 38;

/** Who refuses io_uring here. */
export interface Refusal {
  /** `'unknown'`: a seccomp filter or a security module, which can't be distinguished here. */
  readonly by: 'kernel' | 'seccomp' | 'sysctl' | 'security-module' | 'unknown';
  readonly why: string;
  readonly fix?: string;
}

/** A refusal in one sentence, for an error. */
export function refusalHint(refusal: Refusal | undefined): string | undefined {
  if (refusal?.fix === undefined) return refusal?.why;
  return `${refusal.why}: ${refusal.fix}`;
}

// ---- the suspects ---------------------------------------------------------------------------------------------

/** How to let io_uring through the seccomp filter of a container manager, or of a process outside of containers. */
const ALLOW: { readonly [K in Container | 'none']: string } = {
  docker: 'docker run --security-opt seccomp=<a profile that allows io_uring_*>',
  podman: 'podman run --security-opt seccomp=<a profile that allows io_uring_*>',
  kubernetes:
    "in the pod's securityContext: seccompProfile: {type: Localhost, localhostProfile: <one that allows io_uring_*>}",
  none: 'allow io_uring_* where the filter is set (systemd: SystemCallFilter=@aio)',
};

/** Says that a seccomp filter refuses the call, and how to change the filter. */
export function bySeccomp(why = 'a seccomp filter forbids io_uring'): Refusal {
  return { by: 'seccomp', why, fix: ALLOW[container() ?? 'none'] };
}

/** Is ENOSYS the kernel's own word? false where a filter says it on a kernel that has io_uring. */
function isAbsent(): boolean {
  return seccompMode() === 'none' || hasIoUring() !== true;
}

/** Why there is no io_uring; the release only explains what the kernel itself has said. */
function absence(): string {
  if (isGvisor()) return 'gVisor has no io_uring, unless runsc is started with --iouring';
  const has = hasIoUring();
  if (has === true) return 'an emulator of this processor has no io_uring, though the kernel has';
  const { major = 6, minor = 0 } = kernelVersion() ?? {};
  if (major < 5 || (major === 5 && minor < 1))
    return `this kernel has no io_uring: it came with Linux 5.1, this is ${kernelRelease}`;
  if (has === false) return 'this kernel has no io_uring: it was built without CONFIG_IO_URING';
  return 'this kernel has no io_uring, or a sandbox such as gVisor or a seccomp filter hides it';
}

/** Who may make rings says the sysctl: a refusal where this process may not. */
export function sysctlRefusal(): Refusal | undefined {
  const disabled = ioUringDisabled();
  if (disabled === 2) {
    return {
      by: 'sysctl',
      why: 'sysctl kernel.io_uring_disabled is 2, nobody may make rings',
      fix: 'sysctl kernel.io_uring_disabled=0 on the host (or =1, and a group in kernel.io_uring_group)',
    };
  }
  if (disabled !== 1 || holdsCapability('CAP_SYS_ADMIN') || inRingGroup()) return undefined;
  const group = ioUringGroup() ?? -1;
  const members =
    group < 0 ? 'a group named in kernel.io_uring_group' : `group ${group} (kernel.io_uring_group)`;
  return {
    by: 'sysctl',
    why: `sysctl kernel.io_uring_disabled is 1: only CAP_SYS_ADMIN and ${members} may make rings`,
    fix:
      group < 0
        ? 'sysctl kernel.io_uring_group=<gid>, and be in that group'
        : `join group ${group} (usermod -aG)`,
  };
}

function inRingGroup(): boolean {
  const group = ioUringGroup();
  const mine = credentials();
  return group !== undefined && mine !== undefined && (mine.gid === group || mine.groups.includes(group));
}

function byModule(): Refusal {
  return {
    by: 'security-module',
    why: 'a security module (SELinux, AppArmor) forbids io_uring',
    fix: 'its audit log says which rule (ausearch -m avc,user_avc -ts recent; dmesg)',
  };
}

/** Modules that may refuse a ring. Others, as capability or yama, have no say in it. */
const MAY_REFUSE = /selinux|apparmor|smack|tomoyo|bpf/;

/** EACCES is a module's word; where there is none that could say it, a filter does. */
function byAccess(): Refusal {
  const modules = securityModules();
  const isFilter = seccompMode() === 'filter' && modules !== undefined && !MAY_REFUSE.test(`${modules}`);
  return isFilter ? bySeccomp('a seccomp filter answers io_uring_setup with EACCES') : byModule();
}

function unknown(): Refusal {
  return { by: 'unknown', why: 'a seccomp filter or a security module forbids io_uring_setup' };
}

// ---- the verdict ----------------------------------------------------------------------------------------------

/** What the calls said, as positive errnos; undefined where it isn't known. */
export interface Answers {
  /** io_uring_setup(2) of a good ring, or of one without entries. */
  readonly setup?: number | undefined;
  /** io_uring_enter(2) on fd -1. */
  readonly enter?: number | undefined;
  /** io_uring_register(2) UNREGISTER_BUFFERS on fd -1. */
  readonly register?: number | undefined;
}

/** Was the call refused as such? Kernels with io_uring find these wrong, never forbidden. */
function isRefused(errno: number | undefined): boolean {
  return errno !== undefined && errno !== EBADF && errno !== EINVAL;
}

/**
 * Who refuses io_uring. The sysctl and security modules know only io_uring_setup(2): what refuses the other calls as
 * well is a filter, or a kernel without them.
 * @returns undefined where nothing refuses the call
 */
export function refusalOf({ setup, enter, register }: Answers): Refusal | undefined {
  if (isRefused(enter) || isRefused(register)) {
    const isAllMissing = [setup, enter, register].every((errno) => errno === undefined || errno === ENOSYS);
    if (isAllMissing && isAbsent()) return { by: 'kernel', why: absence() };
    if (setup === undefined || isRefused(setup)) return bySeccomp();
    const call = isRefused(enter) ? 'io_uring_enter' : 'io_uring_register';
    return bySeccomp(`a seccomp filter forbids ${call}`);
  }
  if (setup === ENOSYS) return bySeccomp('a seccomp filter forbids io_uring_setup');
  if (setup === EACCES) return byAccess();
  if (setup !== EPERM) return undefined;
  return sysctlRefusal() ?? (seccompMode() === 'none' ? byModule() : unknown());
}

/** The errno of a register call that every kernel with io_uring refuses as wrong, never as forbidden. */
function registerErrno(): number {
  return -sys.register(-1, constants.IORING_UNREGISTER_BUFFERS, 0, 0);
}

/**
 * Who refuses io_uring_register(2), whatever its opcode.
 * @param errno EPERM or ENOSYS
 * @returns undefined where the call as such is allowed, so that the opcode is the matter
 */
export function registerRefusal(errno: number): Refusal | undefined {
  return registerErrno() === errno ? refusalOf({ register: errno }) : undefined;
}

/**
 * Who refuses io_uring_setup(2).
 * @param errno EPERM, EACCES or ENOSYS
 */
export function setupRefusal(errno: number): Refusal | undefined {
  return refusalOf({ setup: errno, register: registerErrno() });
}
