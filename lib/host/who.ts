/** Who a process is: its user, its program, what started it, and the container or service that it belongs to. */
import { integer } from '../../structs/check.ts';
import { isDenied, proc, task } from './proc.ts';

/** A process that started another one, directly or not. */
export interface Ancestor {
  readonly pid: number;
  readonly comm: string;
}

/** A container, by the control group that its runtime made for it. */
export interface Container {
  readonly runtime: 'docker' | 'containerd' | 'cri-o' | 'podman' | 'kubernetes' | 'lxc' | 'systemd-nspawn';
  /** 64 hexadecimal digits; of lxc and systemd-nspawn the name. */
  readonly id: string;
  /** The pod's uid, in Kubernetes. */
  readonly pod: string | undefined;
}

/** What a control group tells. */
export interface ControlGroup {
  /** `'/system.slice/ssh.service'` */
  readonly path: string;
  readonly container: Container | undefined;
  /** The systemd unit: `'ssh.service'`. */
  readonly unit: string | undefined;
}

/** Who a process is. What may not be seen, or is not there, is undefined. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly comm: string;
  readonly ppid: number | undefined;
  /** Its parent, that one's parent, and so on: at most 16. */
  readonly ancestry: readonly Ancestor[];
  /** The program's path as the process sees it; `' (deleted)'` behind it where it is there no more. */
  readonly exe: string | undefined;
  /** Real and effective user. */
  readonly uid: number | undefined;
  readonly euid: number | undefined;
  /** Its effective capabilities, a bit for each. */
  readonly capabilities: bigint | undefined;
  readonly cgroup: ControlGroup | undefined;
  /** Inode numbers of its namespaces, by name: `{ pid: 4026531836, ... }`. */
  readonly namespaces: { readonly [name: string]: number };
}

const MOST_ANCESTORS = 16;
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
const ID = '([0-9a-f]{64})';

/** How runtimes name a container's control group, the surest first. */
const RUNTIMES: readonly (readonly [pattern: RegExp, runtime: Container['runtime']])[] = [
  [new RegExp(`cri-containerd[-:]${ID}`), 'containerd'],
  [new RegExp(`crio-(?:conmon-)?${ID}`), 'cri-o'],
  [new RegExp(`libpod-(?:conmon-)?${ID}`), 'podman'],
  [new RegExp(`docker[-/]${ID}`), 'docker'],
  [new RegExp(`kubepods.*[/-]${ID}`), 'kubernetes'],
  [new RegExp(`/${ID}(?:/|\\.scope|$)`), 'containerd'],
  [/lxc\.payload\.([^/]+)|^\/lxc\/([^/]+)/, 'lxc'],
  [/systemd-nspawn@([^/]+)\.service|machine-([^/]+)\.scope/, 'systemd-nspawn'],
];

/** Reads the path of a control group. */
export function parseControlGroup(path: string): ControlGroup {
  const pod = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(path)?.[1]?.replace(/_/g, '-');
  let container: Container | undefined;
  for (const [pattern, runtime] of RUNTIMES) {
    const found = pattern.exec(path);
    if (found === null) continue;
    container = { runtime, id: found[1] ?? found[2] ?? '', pod };
    break;
  }
  const unit = path
    .split('/')
    .findLast((part) => /\.(?:service|scope|socket|mount)$/.test(part))
    // systemd writes what is no letter in its own way
    ?.replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return { path, container, unit };
}

/** Reads /proc/.../cgroup: the unified hierarchy's line, or of older hosts the one that tells most. */
export function parseCgroupFile(text: string): ControlGroup | undefined {
  const paths = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ isUnified: line.startsWith('0::'), path: line.replace(/^\d+:[^:]*:/, '') }));
  const [unified] = paths.filter(({ isUnified, path }) => isUnified && path !== '/');
  const best = unified ?? paths.toSorted((a, b) => b.path.length - a.path.length)[0];
  return best === undefined ? undefined : parseControlGroup(best.path);
}

/** What may not be seen is not known. */
function unlessDenied<T>(look: () => T | undefined): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function parentOf(status: string | undefined): number | undefined {
  const found = /^PPid:\t(\d+)$/m.exec(status ?? '')?.[1];
  return found === undefined || found === '0' ? undefined : Number(found);
}

function ancestryOf(ppid: number | undefined): Ancestor[] {
  const found: Ancestor[] = [];
  let pid = ppid;
  while (pid !== undefined && found.length < MOST_ANCESTORS) {
    const comm = task(`/proc/${pid}`)?.comm;
    if (comm === undefined) break;
    found.push({ pid, comm });
    pid = parentOf(proc.read(`/proc/${pid}/status`));
  }
  return found;
}

function namespacesOf(pid: number): { [name: string]: number } {
  const found: { [name: string]: number } = {};
  for (const name of NAMESPACES) {
    const link = unlessDenied(() => proc.link(`/proc/${pid}/ns/${name}`));
    const inode = /^\w+:\[(\d+)\]$/.exec(link ?? '')?.[1];
    if (inode !== undefined) found[name] = Number(inode);
  }
  return found;
}

/**
 * Looks at a process, in /proc; undefined where there is none. Of other users' processes only root sees all.
 * @throws RangeError for a number that is no process id
 */
export function identify(pid: number): ProcessIdentity | undefined {
  integer('pid', pid, 1, 0x7fff_ffff);
  const home = `/proc/${pid}`;
  const comm = task(home)?.comm;
  const status = proc.read(`${home}/status`);
  if (comm === undefined || status === undefined) return undefined;
  const [, uid, euid] = /^Uid:\t(\d+)\t(\d+)/m.exec(status) ?? [];
  const capabilities = /^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1];
  const ppid = parentOf(status);
  return {
    pid,
    comm,
    ppid,
    ancestry: ancestryOf(ppid),
    exe: unlessDenied(() => proc.link(`${home}/exe`)),
    uid: uid === undefined ? undefined : Number(uid),
    euid: euid === undefined ? undefined : Number(euid),
    capabilities: capabilities === undefined ? undefined : BigInt(`0x${capabilities}`),
    cgroup: unlessDenied(() => parseCgroupFile(proc.read(`${home}/cgroup`) ?? '')),
    namespaces: namespacesOf(pid),
  };
}

const MOST = 4096;

/** Who processes were when they were first seen. */
export class Identities {
  readonly #known = new Map<number, ProcessIdentity | undefined>();

  /** Looks only the first time. */
  of(pid: number | undefined): ProcessIdentity | undefined {
    if (pid === undefined || pid < 1) return undefined;
    if (this.#known.has(pid)) return this.#known.get(pid);
    if (this.#known.size >= MOST) this.#known.clear();
    const found = identify(pid);
    this.#known.set(pid, found);
    return found;
  }

  /** Another process may have the number from now on, or another program. */
  forget(pid: number): void {
    this.#known.delete(pid);
  }
}
