/** What `uring/fs` leaves to Node although a ring has it, beside Node's own: the other half of lib/fs/routes.ts. */
import { fdatasync, ftruncate, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import * as node from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AsyncRing } from 'uring';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const FILES = 1000;

/** The calls that are compared; those of a pair undo each other. */
interface Calls {
  link(from: string, to: string): Promise<unknown>;
  mkdir(path: string): Promise<unknown>;
  rename(from: string, to: string): Promise<unknown>;
  rmdir(path: string): Promise<unknown>;
  symlink(from: string, to: string): Promise<unknown>;
  unlink(path: string): Promise<unknown>;
  datasync(fd: number): Promise<unknown>;
  truncate(fd: number, length: number): Promise<unknown>;
  /** Empties a file, or makes it, and closes it. */
  empty(path: string): Promise<unknown>;
}

function ofNode(): Calls {
  return {
    ...node,
    datasync: promisify(fdatasync),
    truncate: promisify(ftruncate),
    empty: async (path) => (await node.open(path, 'w')).close(),
  };
}

function ofRing(): Calls {
  const ring = new AsyncRing(256);
  return {
    link: (from, to) => ring.link(from, to),
    mkdir: (path) => ring.mkdir(path),
    rename: (from, to) => ring.rename(from, to),
    rmdir: (path) => ring.unlink(path, { directory: true }),
    symlink: (from, to) => ring.symlink(from, to),
    unlink: (path) => ring.unlink(path),
    datasync: (fd) => ring.fsync(fd, { dataOnly: true }),
    truncate: (fd, length) => ring.ftruncate(fd, length),
    // a worker closes what may have been written: the file system may have to write it to the disk first
    empty: async (path) => ring.closeFd(await ring.open(path, { flags: 'w' }), { async: true }),
  };
}

/** A file for each lane. */
function filesIn(folder: string, name: string): number[] {
  return Array.from({ length: 32 }, (_, lane) => openSync(join(folder, `${name}-${lane}`), 'w'));
}

const CASES: {
  readonly [name: string]: (
    calls: Calls,
    folder: string,
    by: string,
  ) => (i: number, lane: number) => Promise<unknown>;
} = {
  datasync: (calls, folder, by) => {
    const files = filesIn(folder, `${by}-synced`);
    return (_, lane) => {
      const fd = files[lane] ?? -1;
      writeSync(fd, 'x');
      return calls.datasync(fd);
    };
  },
  truncate: (calls, folder, by) => {
    const files = filesIn(folder, `${by}-cut`);
    return (i, lane) => calls.truncate(files[lane] ?? -1, i % 4096);
  },
  'open+close': (calls, folder, by) => (i) => calls.empty(`${folder}/${by}-new-${i % FILES}`),
  'link+unlink': (calls, folder, by) => async (i, lane) => {
    await calls.link(`${folder}/${i % FILES}`, `${folder}/${by}-link-${lane}`);
    await calls.unlink(`${folder}/${by}-link-${lane}`);
  },
  'mkdir+rmdir': (calls, folder, by) => async (_, lane) => {
    await calls.mkdir(`${folder}/${by}-folder-${lane}`);
    await calls.rmdir(`${folder}/${by}-folder-${lane}`);
  },
  rename: (calls, folder, by) => async (_, lane) => {
    await calls.rename(`${folder}/${by}-${lane}`, `${folder}/${by}-other-${lane}`);
    await calls.rename(`${folder}/${by}-other-${lane}`, `${folder}/${by}-${lane}`);
  },
  'symlink+unlink': (calls, folder, by) => async (_, lane) => {
    await calls.symlink('target', `${folder}/${by}-symlink-${lane}`);
    await calls.unlink(`${folder}/${by}-symlink-${lane}`);
  },
};

function side(make: () => Calls, by: string) {
  return ([folder = '']: readonly string[]): Work => {
    const calls = make();
    const made = new Map<string, ReturnType<(typeof CASES)[string]>>();
    for (let lane = 0; lane < 32; lane++) writeFileSync(join(folder, `${by}-${lane}`), '');
    return (name, count) => {
      const [what = '', depth = '1'] = name.split(':');
      const operation = made.get(what) ?? CASES[what]?.(calls, folder, by);
      if (operation === undefined) throw new Error(`no case ${name}`);
      made.set(what, operation);
      return inParallel(count, Number(depth), operation, () => 1);
    };
  };
}

export const paths: Family = {
  name: 'paths',
  title: 'What uring/fs leaves to Node, although a ring has it',
  unit: 'a call, or the two calls of a pair',
  how: 'NAME:DEPTH, the depth being how many calls are on their way. Calls of a pair undo each other. datasync follows a write; open makes the file, or empties it. The kernel gives each of these operations of a ring to a worker.',
  plot: { axes: ['rate', 'cpu'], isLog: true },
  cases: Object.keys(CASES).flatMap((name) => [`${name}:1`, `${name}:32`]),
  count: (name, { isQuick }) => (name.startsWith('datasync') ? 40 : isQuick ? 500 : 2000),
  workers: { 'fs.promises': side(ofNode, 'node'), AsyncRing: side(ofRing, 'ring') },
  async sides(kit) {
    const folder = join(kit.folder, 'paths');
    mkdirSync(folder);
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}`), '');
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (_, count) => count,
};
