/** What `uring/fs` says and does in processes and threads of their own. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ring } from '../../lib/faces/ring.ts';
import { ringOrThreads, ringUses } from '../../lib/fs/backend.ts';
import { type Backend, backend, open, readFile, writeFile } from '../../lib/fs.ts';

export interface Found {
  readonly backend: Backend;
  readonly uses: number;
  readonly text: string;
  readonly read: string;
}

/** Writes and reads a file, whole and by a handle. */
export async function roundTrip(): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), 'uring-scene-'));
  try {
    const path = join(folder, 'file');
    await writeFile(path, 'hello');
    const first = await open(path);
    const second = await open(path, 'r+');
    await second.write(Buffer.from('HE'), 0, 2, 0);
    const { buffer, bytesRead } = await second.read(Buffer.alloc(8), 0, 8, 0);
    await first.close();
    await second.close();
    const text = await readFile(path, 'utf8');
    return { backend: backend(), uses: ringUses(), text, read: buffer.subarray(0, bytesRead).toString() };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** How many workers this thread may have for files, when a file was read before any ring was made; or after a large one. */
export async function workers(first: 'file' | 'ring'): Promise<number> {
  if (first === 'file') await readFile('/proc/self/comm');
  using ring = new Ring(256);
  return ring.workerLimits.bounded;
}

/** The ring dies between two uses of a file. */
export async function failedRing(): Promise<Found & { readonly before: Backend }> {
  const before = (await roundTrip()).backend;
  ringOrThreads()?.close();
  const uses = ringUses();
  const found = await roundTrip();
  return { ...found, before, uses: found.uses - uses };
}

/** A file that is open when the ring dies is used and closed all the same. */
export async function openAcrossFailure(): Promise<{ readonly read: string; readonly left: number }> {
  const path = '/proc/self/comm';
  await (await open(path)).close();
  const file = await open(path);
  ringOrThreads()?.close();
  const { bytesRead, buffer } = await file.read(Buffer.alloc(32));
  await file.close();
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  const left = links.filter((link) => link.endsWith('/comm')).length;
  return { read: buffer.toString('utf8', 0, bytesRead), left };
}

/** The words of a refusal. */
export async function forced(): Promise<string> {
  try {
    return backend().name;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : '';
  }
}

/** Workers of `cluster` and their primary, each with a ring of its own: that of the last worker dies. */
export async function clustered(module: string): Promise<readonly unknown[]> {
  const answer = async (name: string): Promise<unknown> => {
    cluster.setupPrimary({ silent: true, args: [JSON.stringify({ module, name })] });
    const worker = cluster.fork();
    const exit = once(worker, 'exit');
    let text = '';
    worker.process.stdout?.setEncoding('utf8').on('data', (part) => (text += part));
    worker.once('message', () => worker.disconnect());
    await exit;
    return JSON.parse(text);
  };
  return Promise.all([roundTrip(), answer('inWorker'), answer('inWorker'), answer('failedInWorker')]);
}

async function told<T>(work: Promise<T>): Promise<T & { readonly isWorker: boolean }> {
  const found = await work;
  process.send?.('done');
  return { ...found, isWorker: cluster.isWorker };
}

export function inWorker(): Promise<Found> {
  return told(roundTrip());
}

export function failedInWorker(): Promise<Found> {
  return told(failedRing());
}
