/**
 * `stat` and `lstat`: the path is opened through the ring for its name alone (O_PATH), which a cached name needs no thread
 * for, and the open file is asked at once. io_uring's own statx always runs in a worker, which takes longer than a thread of Node.
 */
import { type BigIntStats, constants, type Stats } from 'node:fs';
import { OpError } from '../errors.ts';
import type { AsyncRing } from '../faces/async-ring.ts';
import { sys } from '../sys/syscall.ts';
import { hasFailed, ringOrThreads } from './backend.ts';
import { asNode } from './errors.ts';
import { nodeFs, nodePromises } from './node.ts';
import { type Opening, opening } from './plain.ts';

const O_PATH = 0o10_000_000;
const { O_NOFOLLOW } = constants;
/** File systems that have in memory what is asked of an open file; on others, as NFS and FUSE, that may wait for somebody. */
const IN_MEMORY: ReadonlySet<number> = new Set([
  ...[0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994, 0x8584_58f6, 0x794c_7630, 0x7371_7368],
]);
/** How many folders are remembered. */
const FOLDERS = 8192;

/** Does a device have such a file system? Not there: nobody has asked; undefined: somebody is asking. */
const devices = new Map<number, boolean | undefined>();
/** And the files of a folder, by what the first of them said. */
const folders = new Map<string, boolean>();
/** Deno asks only fds of its own list. */
const canAsk = !('deno' in process.versions);

type Name = 'stat' | 'lstat';
type AnyStats = Stats | BigIntStats;

/** What `stat(path, options)` asks for. */
export interface StatPlan {
  readonly name: Name;
  readonly target: Opening;
  readonly bigint: boolean;
}

function bigintOf(options: unknown): boolean | undefined {
  if (options === undefined) return false;
  if (typeof options !== 'object' || options === null) return undefined;
  const keys = Object.keys(options);
  if (keys.length > 1 || (keys.length === 1 && keys[0] !== 'bigint')) return undefined;
  const bigint: unknown = Reflect.get(options, 'bigint') ?? false;
  return typeof bigint === 'boolean' ? bigint : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** What it asks for; undefined where Node has to look at it, or knows the folder better. */
export function planStat(name: Name, path: unknown, options: unknown): StatPlan | undefined {
  const bigint = canAsk ? bigintOf(options) : undefined;
  const flags = O_PATH | (name === 'lstat' ? O_NOFOLLOW : 0);
  const target = bigint === undefined ? undefined : opening(path, flags);
  return target && bigint !== undefined ? { name, target, bigint } : undefined;
}

/** Can the file be asked at once? False where nobody knows: `learn` will. */
export function isInMemory({ target }: StatPlan): boolean {
  return folders.get(folderOf(target.path)) === true;
}

/** Remembers the file system of a folder, by what Node has found in it. */
export function learn({ target: { path } }: StatPlan, { dev }: AnyStats): void {
  const device = Number(dev);
  const isKnown = devices.get(device);
  if (isKnown === undefined) {
    if (!devices.has(device)) ask(device, path);
    return;
  }
  if (folders.size >= FOLDERS) folders.clear();
  folders.set(folderOf(path), isKnown);
}

/** Which file system is it? The answer is for those who come later. */
function ask(device: number, path: string): void {
  devices.set(device, undefined);
  nodePromises.statfs(path).then(
    ({ type }) => devices.set(device, IN_MEMORY.has(type)),
    () => devices.delete(device),
  );
}

/** Does it. Undefined: Node has to do it. */
export async function statOn(
  ring: AsyncRing,
  { name, target, bigint }: StatPlan,
): Promise<AnyStats | undefined> {
  const { path, flags, mode } = target;
  let fd: number;
  try {
    ({ fd } = await ring.open(path, { flags, mode }));
  } catch (error) {
    if (hasFailed(ring) || isFull(error)) return undefined;
    throw asNode(error, { syscall: name, path });
  }
  try {
    return nodeFs.fstatSync(fd, { bigint });
  } finally {
    sys.close(fd);
  }
}

/** `stat` needs no fd: where there is none it works all the same. */
function isFull(error: unknown): boolean {
  return error instanceof OpError && (error.code === 'EMFILE' || error.code === 'ENFILE');
}

function statter(name: Name) {
  return async (path: unknown, options?: unknown): Promise<unknown> => {
    const plan = planStat(name, path, options);
    const ring = plan && isInMemory(plan) ? ringOrThreads() : undefined;
    const found = plan && ring && (await statOn(ring, plan));
    if (found !== undefined) return found;
    const stats: AnyStats = await Reflect.apply(nodePromises[name], nodePromises, [path, options]);
    if (plan !== undefined) learn(plan, stats);
    return stats;
  };
}

/** As Node's own. */
export const stat: (path: unknown, options?: unknown) => Promise<unknown> = statter('stat');
export const lstat: (path: unknown, options?: unknown) => Promise<unknown> = statter('lstat');
