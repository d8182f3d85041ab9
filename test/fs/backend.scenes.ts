/** What `uring/fs` says and does in processes and threads of their own. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { ringOrThreads, ringUses } from '../../lib/fs/backend.ts';
import {
  appendFile,
  type Backend,
  backend,
  createReadStream,
  open,
  readFile,
  writeFile,
} from '../../lib/fs.ts';
import { registerIowqMaxWorkers } from '../../lib/register/limits.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { makePipe } from '../helpers/rings.ts';

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

/** Bytes that say where they belong. */
const PLACED = Buffer.from(Uint32Array.from({ length: 25_000 }, (_, i) => i).buffer);

/** Ways to write a file, of which each goes on after a write that brought less than it was to. */
const WAYS: { readonly [name: string]: (path: string) => Promise<unknown> } = {
  writeFile: (path) => writeFile(path, PLACED),
  appendFile: (path) => appendFile(path, PLACED),
  'a signal': (path) => writeFile(path, PLACED, { signal: new AbortController().signal }),
  'handle.writeFile': (path) => onHandle(path, (file) => file.writeFile(PLACED)),
  'handle.write': (path) =>
    onHandle(path, async (file) => {
      for (let at = 0; at < PLACED.length; ) at += (await file.write(PLACED, at)).bytesWritten;
    }),
  'handle.writev': (path) =>
    onHandle(path, async (file) => {
      const { bytesWritten } = await file.writev([PLACED.subarray(0, 7), PLACED.subarray(7)]);
      await file.write(PLACED, bytesWritten);
    }),
  'RingFile.writeAll': async (path) => {
    await using ring = new AsyncRing(8);
    await using file = await ring.open(path, { flags: 'w' });
    await file.writeAll(PLACED);
  },
};

/** Each while another call is on its way: alone some are given to Node. */
async function onHandle(path: string, body: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, 'w');
  const [reader, writer] = makePipe();
  const pending = ringOrThreads()?.read(reader, new Uint8Array(1));
  try {
    await body(file);
  } finally {
    writeSync(writer, 'x');
    await pending;
    sys.close(reader);
    sys.close(writer);
    await file.close();
  }
}

/** A file that is larger than its file system, written in several ways; then one that is small enough. */
export async function fullDisk(folder: string): Promise<readonly unknown[]> {
  const found: string[] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    const path = join(folder, name);
    for (let i = 0; i < 70; i++) {
      const error: unknown = await way(path).catch((reason) => reason);
      const written = readFileSync(path);
      const isRight = written.length > 0 && written.equals(PLACED.subarray(0, written.length));
      found.push(`${name}: ${error instanceof Error && Reflect.get(error, 'code')}, ${isRight}`);
      await rm(path);
    }
  }
  await writeFile(join(folder, 'small'), 'small');
  return [...new Set(found), await readFile(join(folder, 'small'), 'utf8')];
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

function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}

/** Rings that are left while files are read and closed: what of the program's own is closed with them, and what stays open. */
export async function leftInTheMiddle(
  path: string,
): Promise<{ readonly lost: number; readonly left: number }> {
  let lost = 0;
  for (let round = 0; round < 40; round++) {
    backend({ use: 'io_uring' });
    const files = await Promise.all(Array.from({ length: 50 }, () => open(path)));
    const work = [...Array.from({ length: 150 }, () => readFile(path)), ...files.map((file) => file.close())];
    await new Promise((resolve) => setTimeout(resolve, round % 5));
    backend({ use: 'threads' });
    // these have the numbers of files that the kernel has closed
    const own = Array.from({ length: 100 }, () => openSync('/proc/self/comm', 'r'));
    await Promise.all(work);
    await new Promise((resolve) => setTimeout(resolve, 10));
    for (const fd of own) {
      try {
        closeSync(fd);
      } catch {
        lost++;
      }
    }
  }
  return { lost, left: openFiles(path) };
}

async function workersOf(limit: number | undefined): Promise<{ before: number; after: number }> {
  const ring = new AsyncRing(8);
  const workers = (): number => registerIowqMaxWorkers(ring.fd).bounded;
  const before = workers();
  if (limit !== undefined) ring.limitWorkers({ bounded: limit });
  await readFile('/proc/self/comm');
  const after = workers();
  ring.close();
  return { before, after };
}

/** How many workers the thread may have for files, before uring/fs has a ring and after. */
export function raisedWorkers(): Promise<unknown> {
  return workersOf(undefined);
}

/** The same where somebody has limited them. */
export function limitedWorkers(): Promise<unknown> {
  return workersOf(1);
}

/** Page faults of each of thirty streams of a file of 64 MiB. */
export async function faults(): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-'));
  const path = join(folder, 'large');
  const counts: number[] = [];
  try {
    writeFileSync(path, '');
    truncateSync(path, 64 * 2 ** 20);
    for (let i = 0; i < 30; i++) {
      const { minorPageFault } = process.resourceUsage();
      for await (const chunk of createReadStream(path))
        if (chunk.length === 0) throw new Error('an empty chunk');
      counts.push(process.resourceUsage().minorPageFault - minorPageFault);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return counts;
}
