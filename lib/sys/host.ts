/**
 * What this host is: facts that errors, hints and the doctor read, each asked for when it is needed. Nothing here
 * decides what is supported: that is told by the kernel's own answers (lib/register/support.ts).
 */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { sys } from './syscall.ts';

/** The running kernel's release, for messages: `'6.18.44'`. */
export const kernelRelease: string = release();

/** Reads files. An object, so that tests can put another host in place of this one. */
export const files = {
  /** The text of a file; undefined where it can't be read. */
  read: (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },

  exists: (path: string): boolean => existsSync(path),
};

// ---- the kernel -------------------------------------------------------------------------------------------------

/** The numbers of a release. Distributions port features back: never deduce from them what the kernel has. */
export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  /** 0 where the release has none: `'7.3-rc7'`. */
  readonly patch: number;
}

/** The numbers at the head of a release; undefined for a text that begins otherwise. */
export function kernelVersion(text: string = kernelRelease): KernelVersion | undefined {
  const found = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (found === null) return undefined;
  const [, major, minor, patch = '0'] = found;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

function readInteger(path: string): number | undefined {
  const text = files.read(path)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Who may set up rings (sysctl kernel.io_uring_disabled): 0 everybody, 1 CAP_SYS_ADMIN and the group of
 * `ioUringGroup()`, 2 nobody. Undefined before Linux 6.6, where there is no such switch.
 */
export function ioUringDisabled(): number | undefined {
  return readInteger('/proc/sys/kernel/io_uring_disabled');
}

/** The group that may set up rings while `ioUringDisabled()` is 1 (sysctl kernel.io_uring_group); -1 for none. */
export function ioUringGroup(): number | undefined {
  return readInteger('/proc/sys/kernel/io_uring_group');
}

// ---- the calling thread ------------------------------------------------------------------------------------------

/** A field of the calling thread's status: seccomp and capabilities are the thread's own. */
function status(field: string): string | undefined {
  const text = files.read('/proc/thread-self/status') ?? files.read('/proc/self/status');
  const line = text?.split('\n').find((each) => each.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim();
}

const SECCOMP_MODES = ['none', 'strict', 'filter'] as const;

/** How seccomp(2) confines the thread. `'filter'` alone says little: many services run under a harmless one. */
export type SeccompMode = (typeof SECCOMP_MODES)[number];

/** The seccomp mode; undefined where the kernel has no seccomp or /proc can't be read. */
export function seccompMode(): SeccompMode | undefined {
  return SECCOMP_MODES[Number(status('Seccomp') ?? -1)];
}

/** Was no_new_privs set (prctl(2) PR_SET_NO_NEW_PRIVS)? */
export function noNewPrivs(): boolean | undefined {
  const value = status('NoNewPrivs');
  return value === undefined ? undefined : value === '1';
}

/** The capabilities that io_uring asks for, by their bit. */
const CAPABILITIES = {
  CAP_NET_ADMIN: 12n,
  CAP_IPC_LOCK: 14n,
  CAP_SYS_ADMIN: 21n,
  CAP_SYS_NICE: 23n,
  CAP_SYS_RESOURCE: 24n,
} as const;

/** `'CAP_IPC_LOCK'` and the others that io_uring asks for. */
export type Capability = keyof typeof CAPABILITIES;

/** The effective capabilities as a bit set (CapEff). */
export function effectiveCapabilities(): bigint | undefined {
  const hex = status('CapEff');
  return hex !== undefined && /^[0-9a-f]+$/i.test(hex) ? BigInt(`0x${hex}`) : undefined;
}

/** Is the capability effective? In a user namespace it may be, and the kernel still refuse: see the next one. */
export function hasCapability(name: Capability): boolean | undefined {
  const set = effectiveCapabilities();
  return set === undefined ? undefined : ((set >> CAPABILITIES[name]) & 1n) === 1n;
}

/** Is this the host's own user namespace, in which capabilities count for io_uring? */
export function inInitialUserNamespace(): boolean | undefined {
  const map = files.read('/proc/self/uid_map')?.trim();
  return map === undefined ? undefined : /^0\s+0\s+4294967295$/.test(map);
}

/** The effective ids of the process. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/** The effective user and groups; undefined on a system without such ids. */
export function credentials(): Credentials | undefined {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  if (uid === undefined || gid === undefined) return undefined;
  return { uid, gid, groups: process.getgroups?.() ?? [] };
}

// ---- limits -------------------------------------------------------------------------------------------------------

const RESOURCES = { nproc: 6, nofile: 7, memlock: 8 } as const;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** `'memlock'` in bytes, `'nofile'` and `'nproc'` in pieces. */
export type Resource = keyof typeof RESOURCES;

/** A resource limit; Infinity for none. */
export interface Limit {
  readonly soft: number;
  readonly hard: number;
}

function limitValue(value: bigint | undefined): number {
  return value === undefined || value === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(value);
}

/**
 * getrlimit(2) of the process; undefined where it can't be asked.
 * @see getrlimit(2)
 */
export function limit(resource: Resource): Limit | undefined {
  const pair = new BigUint64Array(2);
  try {
    if (sys.getrlimit(RESOURCES[resource], pair) < 0) return undefined;
  } catch {
    return undefined;
  }
  return { soft: limitValue(pair[0]), hard: limitValue(pair[1]) };
}

// ---- processors -----------------------------------------------------------------------------------------------------

/** How many cpus the host can have: they are numbered from 0 on. 8192, Linux's most, where that can't be read. */
export function possibleCpus(): number {
  const last = /(\d+)\s*$/.exec(files.read('/sys/devices/system/cpu/possible') ?? '')?.[1];
  return last === undefined ? 8192 : Number(last) + 1;
}

// ---- containers ----------------------------------------------------------------------------------------------------

/** What the process seems to run in. */
export type Container = 'docker' | 'podman' | 'kubernetes';

/** The container that the process seems to run in, by the marks that they leave; undefined outside, as far as seen. */
export function container(): Container | undefined {
  const { KUBERNETES_SERVICE_HOST } = process.env;
  if (KUBERNETES_SERVICE_HOST !== undefined) return 'kubernetes';
  if (files.exists('/run/.containerenv')) return 'podman';
  if (files.exists('/.dockerenv')) return 'docker';
  return undefined;
}
