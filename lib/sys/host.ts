/**
 * What this host is: facts that errors, hints and the doctor read, each asked for when it is needed. Nothing here
 * decides what is supported: that is told by the kernel's own answers (lib/register/support.ts).
 */
import { accessSync, constants, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { sys } from './syscall.ts';

/** Why no call can work here (another system, koffi missing), or undefined where all is well. */
export { PROBLEM as runtimeProblem } from './ffi.ts';

/** The running kernel's release, for messages: `'6.18.44'`. */
export const kernelRelease: string = release();

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Looks at files. An object, so that tests can put another host in place of this one. */
export const files = {
  /** The text of a file; undefined where it can't be read. */
  read: (path: string): string | undefined => attempt(() => readFileSync(path, 'utf8')),

  /** The text of a file that gzip(1) made. */
  unzip: (path: string): string | undefined => attempt(() => gunzipSync(readFileSync(path)).toString()),

  /** Where a symbolic link points to. */
  link: (path: string): string | undefined => attempt(() => readlinkSync(path)),

  exists: (path: string): boolean => existsSync(path),

  /** May this user look into the folder at `path`? */
  isSearchable: (path: string): boolean =>
    attempt(() => accessSync(path, constants.X_OK) === undefined) === true,

  /** May this user change what is at `path`? Nothing is tried. */
  isWritable: (path: string): boolean =>
    attempt(() => accessSync(path, constants.W_OK) === undefined) === true,
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

/** Is this kernel older than a version, `'5.13'`? One that does not tell its own is not. */
export function isOlderThan(version: string): boolean {
  const running = kernelVersion();
  const wanted = kernelVersion(version);
  if (running === undefined || wanted === undefined) return false;
  return running.major < wanted.major || (running.major === wanted.major && running.minor < wanted.minor);
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

/** What the kernel was built with. */
export interface KernelConfig {
  /** The file that says so. */
  readonly path: string;
  /** `'y'`, `'m'` or a value by `'CONFIG_IO_URING'`; what was not built in is missing. */
  readonly options: ReadonlyMap<string, string>;
}

/** What the kernel was built with; undefined where no file tells. */
export function kernelConfig(): KernelConfig | undefined {
  const paths = ['/proc/config.gz', `/boot/config-${kernelRelease}`, `/lib/modules/${kernelRelease}/config`];
  for (const path of paths) {
    const text = path.endsWith('.gz') ? files.unzip(path) : files.read(path);
    if (text === undefined) continue;
    const lines = text.matchAll(/^(CONFIG_\w+)=(.*)$/gm);
    return { path, options: new Map(Array.from(lines, ([, name = '', value = '']) => [name, value])) };
  }
  return undefined;
}

/**
 * Does the kernel have io_uring, whatever its calls say? By its sysctl, which came with 6.6, its configuration, or its
 * symbols; undefined where none of them can be read.
 */
export function hasIoUring(): boolean | undefined {
  if (ioUringDisabled() !== undefined) return true;
  const config = kernelConfig();
  if (config !== undefined) return config.options.has('CONFIG_IO_URING');
  const symbols = files.read('/proc/kallsyms') ?? '';
  // not the calls' names: kernels without io_uring have those too
  return symbols === '' ? undefined : / io_uring_release$/m.test(symbols);
}

/** Is this gVisor, which answers system calls in place of Linux? By its marks in /proc. */
export function isGvisor(): boolean {
  // its version says gvisor, or names a build that it never was
  const version = files.read('/proc/version') ?? '';
  return (
    files.exists('/proc/gvisor/kernel_is_gvisor') || /gvisor|Sun Jan 10 15:06:54 PST 2016/i.test(version)
  );
}

/** The C library that this process runs with. */
export function libc(): 'glibc' | 'musl' | undefined {
  const maps = files.read('/proc/self/maps') ?? '';
  if (/\/ld-musl-[^/]*$/m.test(maps)) return 'musl';
  return /\/libc(?:\.so\.6|-2[^/]*\.so)$/m.test(maps) ? 'glibc' : undefined;
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

/** How many filters confine the thread; undefined before Linux 5.9. */
export function seccompFilters(): number | undefined {
  const count = status('Seccomp_filters');
  return count === undefined ? undefined : Number(count);
}

/** Bytes that the process has pinned, registered buffers among them (VmPin). */
export function pinnedBytes(): number | undefined {
  const kib = /^(\d+) kB$/.exec(status('VmPin') ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Was no_new_privs set (prctl(2) PR_SET_NO_NEW_PRIVS)? */
export function noNewPrivs(): boolean | undefined {
  const value = status('NoNewPrivs');
  return value === undefined ? undefined : value === '1';
}

/** The capabilities that io_uring, and who watches it, asks for, by their bit. */
const CAPABILITIES = {
  CAP_NET_ADMIN: 12n,
  CAP_IPC_LOCK: 14n,
  CAP_SYS_PTRACE: 19n,
  CAP_SYS_ADMIN: 21n,
  CAP_SYS_NICE: 23n,
  CAP_SYS_RESOURCE: 24n,
} as const;

/** `'CAP_IPC_LOCK'` and the others that matter here. */
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

/** Does the capability count for io_uring: effective, in the host's own user namespace as far as that can be seen? */
export function holdsCapability(name: Capability): boolean {
  return hasCapability(name) === true && inInitialUserNamespace() !== false;
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

/** A trace that a container leaves. */
export interface ContainerMark {
  /** undefined: any container. */
  readonly of: Container | undefined;
  readonly mark: string;
}

function controlGroup(pattern: RegExp): () => boolean {
  return () => pattern.test(files.read('/proc/1/cgroup') ?? '');
}

/** What to look for, the surest first. */
const MARKS: readonly (ContainerMark & { readonly isHere: () => boolean })[] = [
  {
    of: 'kubernetes',
    mark: 'KUBERNETES_SERVICE_HOST is set',
    isHere: () => 'KUBERNETES_SERVICE_HOST' in process.env,
  },
  { of: 'kubernetes', mark: 'kubepods in /proc/1/cgroup', isHere: controlGroup(/\bkubepods\b/) },
  { of: 'podman', mark: '/run/.containerenv', isHere: () => files.exists('/run/.containerenv') },
  { of: 'podman', mark: 'libpod in /proc/1/cgroup', isHere: controlGroup(/\blibpod\b/) },
  { of: 'docker', mark: '/.dockerenv', isHere: () => files.exists('/.dockerenv') },
  { of: 'docker', mark: 'docker in /proc/1/cgroup', isHere: controlGroup(/\bdocker\b/) },
  {
    of: undefined,
    mark: 'an overlay as root',
    isHere: () => mounts()?.some(({ path, type }) => path === '/' && type.includes('overlay')) === true,
  },
];

/** The traces of a container that are here, the surest first. */
export function containerMarks(): readonly ContainerMark[] {
  return MARKS.filter(({ isHere }) => isHere()).map(({ of, mark }) => ({ of, mark }));
}

/** The container that the process seems to run in, by the traces that they leave; undefined outside, as far as seen. */
export function container(): Container | undefined {
  return containerMarks()[0]?.of;
}

// ---- security modules ------------------------------------------------------------------------------------------------

/** The security modules that can forbid things, beside those that are always there; undefined where none can be seen. */
export function securityModules(): readonly string[] | undefined {
  const always = [
    'capability',
    'landlock',
    'lockdown',
    'yama',
    'safesetid',
    'integrity',
    'ima',
    'evm',
    'loadpin',
  ];
  const names = files.read('/sys/kernel/security/lsm')?.trim().split(',');
  return names?.filter((name) => name !== '' && !always.includes(name));
}

/** What a security module calls this process: `'unconfined_u:unconfined_r:unconfined_t:s0'`, `'docker-default (enforce)'`. */
export function securityLabel(): string | undefined {
  const label = files.read('/proc/self/attr/current')?.replace(/[\0\n]+$/, '');
  return label === '' ? undefined : label;
}

// ---- tracing ----------------------------------------------------------------------------------------------------------

/** A mount of this process's namespace. */
interface Mount {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** What is mounted, in order; undefined where that can't be read. */
export function mounts(): readonly Mount[] | undefined {
  const lines = files.read('/proc/self/mounts')?.trim().split('\n');
  return lines?.map((line) => {
    const [, path = '', type = '', options = ''] = line.split(' ');
    return { path, type, options: options.split(',') };
  });
}

/** How far /proc hides other users' processes, where it was mounted with an option; `'2'` and `'invisible'` are the same. */
export function hidepid(): string | undefined {
  const mount = mounts()?.findLast(({ path }) => path === '/proc');
  return mount?.options.find((option) => option.startsWith('hidepid='))?.slice('hidepid='.length);
}

/** Is this the host's own pid namespace, by whose numbers traces name programs? */
export function inInitialPidNamespace(): boolean | undefined {
  const link = files.link('/proc/self/ns/pid');
  return link === undefined ? undefined : link === 'pid:[4026531836]';
}

/** O_DIRECT of open(2), which is not the same number everywhere. */
export const O_DIRECT: number = process.arch === 'arm64' ? 0o200000 : 0o40000;
