/** Which switch of this host refuses io_uring: seccomp, a sysctl, a security module, or a kernel without it. */
import { constants } from '../../structs/flags.ts';
import {
  type Container,
  container,
  credentials,
  hasCapability,
  ioUringDisabled,
  ioUringGroup,
  seccompMode,
} from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';

const EPERM = 1;
const EACCES = 13;
const ENOSYS = 38;

/** How a container, or none, is told to let io_uring through. */
const ALLOW: { readonly [K in Container | 'none']: string } = {
  docker: 'run it with --security-opt seccomp=<a profile that allows io_uring_*>',
  podman: 'run it with --security-opt seccomp=<a profile that allows io_uring_*>',
  kubernetes: "give the pod's securityContext a seccompProfile that allows io_uring_*",
  none: 'allow io_uring_* where the filter is set (systemd: SystemCallFilter=@aio)',
};

function bySeccomp(): string {
  return `a seccomp filter forbids io_uring: ${ALLOW[container() ?? 'none']}`;
}

/** Why a kernel answers ENOSYS by itself. */
export const ABSENT =
  'this kernel has no io_uring: older than Linux 5.1, built without CONFIG_IO_URING, or a sandbox such as gVisor';

/** Is ENOSYS the kernel's own word? false where a seccomp filter says it, which kernels with the sysctl prove. */
export function isAbsent(errno: number): boolean {
  return errno === ENOSYS && !(seccompMode() === 'filter' && ioUringDisabled() !== undefined);
}

function notImplemented(): string {
  return isAbsent(ENOSYS) ? ABSENT : bySeccomp();
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
export function registerRefusal(errno: number): string | undefined {
  if (registerErrno() !== errno) return undefined;
  return errno === ENOSYS ? notImplemented() : bySeccomp();
}

function bySysctl(): string | undefined {
  const disabled = ioUringDisabled();
  if (disabled === 2) {
    return 'sysctl kernel.io_uring_disabled is 2, nobody may make rings: set it to 0 (or to 1 with kernel.io_uring_group)';
  }
  if (disabled !== 1 || hasCapability('CAP_SYS_ADMIN') === true || inRingGroup()) return undefined;
  const group = ioUringGroup() ?? -1;
  const members =
    group < 0 ? 'a group named in kernel.io_uring_group' : `group ${group} (kernel.io_uring_group)`;
  return `sysctl kernel.io_uring_disabled is 1: only CAP_SYS_ADMIN and ${members} may make rings`;
}

function inRingGroup(): boolean {
  const group = ioUringGroup();
  const mine = credentials();
  return group !== undefined && mine !== undefined && (mine.gid === group || mine.groups.includes(group));
}

/**
 * Who refuses io_uring_setup(2).
 * @param errno EPERM, EACCES or ENOSYS
 */
export function setupRefusal(errno: number): string | undefined {
  if (errno === ENOSYS) return notImplemented();
  if (errno === EACCES)
    return 'a security module (SELinux, AppArmor) forbids io_uring: its audit log says which rule';
  if (errno !== EPERM) return undefined;
  if (registerErrno() === EPERM) return bySeccomp();
  return bySysctl() ?? 'a seccomp filter or a security module forbids io_uring_setup';
}
