/**
 * What goes through the ring, and what Node's threads do: THE table. `npm run bench -- fs` compares each function that goes
 * through the ring with Node's own, `npm run bench -- paths` what Node keeps although a ring has it. What is slower by the ring, or
 * gains nothing on most file systems, is Node's.
 */

/** Who does it, and why. */
export interface Route {
  readonly by: 'ring' | 'threads';
  readonly why: string;
}

const byRing = (why: string): Route => ({ by: 'ring', why });
const byThreads = (why: string): Route => ({ by: 'threads', why });

const CACHED = 'a read of cached data ends in the call that submits it: no thread is woken';
const OPEN =
  'a name that the kernel has cached is opened in the call that submits it; one that is made or emptied is opened by a thread';
const STATX = 'the kernel always gives it to a worker, which costs more than a thread of Node';
const NAMED =
  'a cached name is opened in the call that submits it, and an open file of a local file system is asked at once; of NFS, FUSE and others by a thread';
const NO_OPERATION = 'io_uring has no operation for it';
const WORKER = 'the kernel always gives it to a worker';
const MANY = 'many calls, most of which are stat, readdir or copies';

export const ROUTES: { readonly [name: string]: Route } = {
  open: byRing(OPEN),
  readFile: byRing(CACHED),
  writeFile: byRing('one worker of the kernel opens, writes and closes, and wakes this thread once'),
  appendFile: byRing('as writeFile'),
  'FileHandle.read': byRing(CACHED),
  'FileHandle.readv': byRing(CACHED),
  'FileHandle.write': byRing(
    'a write into the page cache ends in the call that submits it, or is done by a worker of the kernel',
  ),
  'FileHandle.writev': byRing('as write'),
  'FileHandle.truncate': byThreads('the kernel always gives it to a worker: one alone takes longer'),
  'FileHandle.readFile': byRing(CACHED),
  'FileHandle.writeFile': byThreads(
    'after a thread has opened a new file, a worker of the kernel gains nothing',
  ),
  'FileHandle.appendFile': byRing('as write'),
  'FileHandle.sync': byThreads('the kernel always gives it to a worker: as long, and more CPU time'),
  'FileHandle.datasync': byThreads('as sync'),
  'FileHandle.close': byRing(
    'ends in the call that submits it; of a file that was opened to be written a thread does it',
  ),
  createReadStream: byRing(CACHED),
  createWriteStream: byThreads(
    'one write after another, most of which make the file longer: the kernel gives those to a worker',
  ),
  'FileHandle.stat': byThreads(STATX),
  'FileHandle.readableWebStream': byThreads('it reads in C++, by itself'),
  stat: byRing(NAMED),
  lstat: byRing(NAMED),
  access: byThreads(NO_OPERATION),
  chmod: byThreads(NO_OPERATION),
  chown: byThreads(NO_OPERATION),
  copyFile: byThreads(
    'copy_file_range(2) copies in the kernel, or shares blocks: io_uring has no such operation',
  ),
  cp: byThreads(MANY),
  glob: byThreads(MANY),
  lchmod: byThreads(NO_OPERATION),
  lchown: byThreads(NO_OPERATION),
  link: byThreads(WORKER),
  lutimes: byThreads(NO_OPERATION),
  mkdir: byThreads(WORKER),
  mkdtemp: byThreads(NO_OPERATION),
  mkdtempDisposable: byThreads(NO_OPERATION),
  opendir: byThreads(NO_OPERATION),
  readdir: byThreads(NO_OPERATION),
  readlink: byThreads(NO_OPERATION),
  realpath: byThreads(NO_OPERATION),
  rename: byThreads(WORKER),
  rm: byThreads(MANY),
  rmdir: byThreads(WORKER),
  statfs: byThreads(NO_OPERATION),
  symlink: byThreads(WORKER),
  truncate: byThreads('by a path: open, truncate and close in one call of a thread'),
  unlink: byThreads(WORKER),
  utimes: byThreads(NO_OPERATION),
  watch: byThreads('inotify, which no thread waits for'),
};
