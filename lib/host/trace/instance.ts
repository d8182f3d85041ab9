/**
 * An instance of the kernel's tracing: buffers and switches of our own, so that other tracers notice nothing. It outlives
 * a process that is killed, so its name tells whose it is, and the next trace removes what nobody has any more.
 */
import { closeSync, constants, openSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { SyscallError, UnsupportedError } from '../../errors.ts';
import { files, inInitialPidNamespace, kernelRelease, mounts } from '../../sys/host.ts';
import { codeOf } from '../proc.ts';

const PREFIX = 'uring';
const OURS = new RegExp(`^${PREFIX}\\.(?:ns(\\d+)\\.)?(\\d+)\\.(\\d+)(?:\\.\\d+)?$`);
const HINTS: { readonly [code: string]: string } = {
  EACCES: 'run as root, or ask for a tracefs that is mounted with gid= and mode=',
  EPERM: 'run as root; a locked-down kernel forbids it to everybody',
  EROFS: 'tracefs is mounted read-only here',
  ENOMEM: 'take a smaller buffer',
};

/** Where tracefs is mounted. Throws UnsupportedError where it is not. */
export function findTracefs(): string {
  const paths = (mounts() ?? [])
    .filter(({ type }) => type === 'tracefs')
    .map(({ path }) => path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))));
  const found = paths.find((path) => path === '/sys/kernel/tracing') ?? paths[0];
  if (found !== undefined) return found;
  throw new UnsupportedError('tracefs', {
    why: 'not mounted; mount -t tracefs nodev /sys/kernel/tracing',
    kernel: kernelRelease,
  });
}

/** What Node.js throws, as an error of ours that tells what to do. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error && 'errno' in error && 'syscall' in error)) return error;
  const hint = HINTS[`${codeOf(error)}`];
  const path = 'path' in error ? ` ${error.path}` : '';
  const { errno, syscall } = error;
  return new SyscallError(`${syscall}`, Math.abs(Number(errno)), { hint, cause: error }, `${syscall}${path}`);
}

/** When a process began, in ticks since boot; undefined where there is none. */
function startTime(pid: number | string): string | undefined {
  const stat = files.read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** The number of the pid namespace whose numbers names have, where it is not the host's: only there they say who lives. */
function pidNamespace(): string | undefined {
  return inInitialPidNamespace() ? undefined : /\d+/.exec(files.link('/proc/self/ns/pid') ?? '')?.[0];
}

/**
 * Removes instances of uring's whose process is gone; those of other pid namespaces stay, as one can't know. One that is in use can't be removed, and others are not touched.
 * @returns their names
 */
export async function removeStale(tracefs: string): Promise<string[]> {
  const removed: string[] = [];
  const names = await readdir(`${tracefs}/instances`).catch((error: unknown) => {
    throw explained(error);
  });
  const own = pidNamespace();
  for (const name of names) {
    const [, namespace, pid = '', began] = OURS.exec(name) ?? [];
    if (began === undefined || namespace !== own || startTime(pid) === began) continue;
    try {
      await rmdir(`${tracefs}/instances/${name}`);
      removed.push(name);
    } catch (error) {
      // EBUSY: a tracer whose processes we don't see; ENOENT, ENODEV: somebody else was faster, or is just doing it
      if (!['EBUSY', 'ENOENT', 'ENODEV'].includes(`${codeOf(error)}`)) throw explained(error);
    }
  }
  return removed;
}

/** Those of this thread, to be removed when it exits. */
const open = new Set<Instance>();

function removeAtExit(): void {
  for (const instance of open) instance.removeNow();
}

/** A private instance. */
export class Instance {
  readonly path: string;
  readonly #pipes: number[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws SyscallError: EACCES, EPERM, EROFS, ENOMEM. */
  static async create(tracefs: string): Promise<Instance> {
    const namespace = pidNamespace();
    const prefix = namespace === undefined ? PREFIX : `${PREFIX}.ns${namespace}`;
    const base = `${tracefs}/instances/${prefix}.${process.pid}.${startTime('self') ?? 0}`;
    for (let count = 1; ; count++) {
      // one process can trace several times at once
      const instance = new Instance(count === 1 ? base : `${base}.${count}`);
      try {
        await mkdir(instance.path);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') continue;
        throw explained(error);
      }
      if (open.size === 0) process.on('exit', removeAtExit);
      open.add(instance);
      return instance;
    }
  }

  /** Writes a file of the instance; with `flag` `'a'` it adds to a list. */
  async write(file: string, text: string, flag: 'w' | 'a' = 'w'): Promise<void> {
    try {
      await writeFile(`${this.path}/${file}`, text, { flag });
    } catch (error) {
      throw explained(error);
    }
  }

  /** Writes a file that this kernel may not have, or may not accept: was it accepted? */
  async offer(file: string, text: string, flag: 'w' | 'a' = 'w'): Promise<boolean> {
    return this.write(file, text, flag).then(
      () => true,
      () => false,
    );
  }

  /** The text of a file; undefined where there is none. */
  async read(file: string): Promise<string | undefined> {
    return readFile(`${this.path}/${file}`, 'utf8').catch(() => undefined);
  }

  /** Opens a cpu's pages for reading without waiting; undefined where there is no such cpu. A cpu has one reader. */
  openPipe(cpu: number): number | undefined {
    try {
      const path = `${this.path}/per_cpu/cpu${cpu}/trace_pipe_raw`;
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      this.#pipes.push(fd);
      return fd;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw explained(error);
    }
  }

  #closePipes(): void {
    for (const fd of this.#pipes.splice(0)) closeSync(fd);
  }

  #forget(): void {
    open.delete(this);
    if (open.size === 0) process.off('exit', removeAtExit);
  }

  /** Takes the instance away from the kernel, with everything that is switched on in it. */
  async remove(): Promise<void> {
    this.#closePipes();
    try {
      await rmdir(this.path);
      this.#forget();
    } catch (error) {
      if (codeOf(error) !== 'EBUSY') throw explained(error);
      // somebody looks into it: it shall cost nothing until the exit of this process, or the next trace, removes it
      await this.offer('events/enable', '0');
    }
  }

  /** The same while the process exits, where nothing can be waited for, and nobody told. */
  removeNow(): void {
    this.#closePipes();
    try {
      rmdirSync(this.path);
    } catch {}
    this.#forget();
  }
}
