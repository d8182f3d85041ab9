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

const CACHED = 'a read of cached data ends in the call that submits it: no thread is woken';
const OPEN =
  'a name that the kernel has cached is opened in the call that submits it; one that is made or emptied is opened by a thread';
const STATX = 'the kernel always gives it to a worker, which costs more than a thread of Node';
const NAMED =
  'a cached name is opened in the call that submits it, and an open file of a local file system is asked at once; of NFS, FUSE and others by a thread';
const NO_OPERATION = 'io_uring has no operation for it';
const MANY = 'many calls, most of which are stat, readdir or copies';

export const ROUTES: { readonly [name: string]: Route } = {
  open: { by: 'ring', why: OPEN },
  readFile: { by: 'ring', why: CACHED },
  writeFile: {
    by: 'ring',
    why: 'one worker of the kernel opens, writes and closes, and wakes this thread once',
  },
  appendFile: { by: 'ring', why: 'as writeFile' },
  'FileHandle.read': { by: 'ring', why: CACHED },
  'FileHandle.readv': { by: 'ring', why: CACHED },
  'FileHandle.write': {
    by: 'ring',
    why: 'a write into the page cache ends in the call that submits it, or is done by a worker of the kernel',
  },
  'FileHandle.writev': { by: 'ring', why: 'as write' },
  'FileHandle.truncate': {
    by: 'threads',
    why: 'the kernel always gives it to a worker: one alone takes longer',
  },
  'FileHandle.readFile': { by: 'ring', why: CACHED },
  'FileHandle.writeFile': {
    by: 'threads',
    why: 'after a thread has opened a new file, a worker of the kernel gains nothing',
  },
  'FileHandle.appendFile': { by: 'ring', why: 'as write' },
  'FileHandle.sync': {
    by: 'threads',
    why: 'the kernel always gives it to a worker: as long, and more CPU time',
  },
  'FileHandle.datasync': { by: 'threads', why: 'as sync' },
  'FileHandle.close': {
    by: 'ring',
    why: 'ends in the call that submits it; of a file that was opened to be written a thread does it',
  },
  createReadStream: { by: 'ring', why: CACHED },
  createWriteStream: {
    by: 'threads',
    why: 'one write after another, most of which make the file longer: the kernel gives those to a worker',
  },
  'FileHandle.stat': { by: 'threads', why: STATX },
  'FileHandle.readableWebStream': { by: 'threads', why: 'it reads in C++, by itself' },
  stat: { by: 'ring', why: NAMED },
  lstat: { by: 'ring', why: NAMED },
  access: { by: 'threads', why: NO_OPERATION },
  chmod: { by: 'threads', why: NO_OPERATION },
  chown: { by: 'threads', why: NO_OPERATION },
  copyFile: {
    by: 'threads',
    why: 'copy_file_range(2) copies in the kernel, or shares blocks: io_uring has no such operation',
  },
  cp: { by: 'threads', why: MANY },
  glob: { by: 'threads', why: MANY },
  lchmod: { by: 'threads', why: NO_OPERATION },
  lchown: { by: 'threads', why: NO_OPERATION },
  link: { by: 'threads', why: 'the kernel always gives it to a worker' },
  lutimes: { by: 'threads', why: NO_OPERATION },
  mkdir: { by: 'threads', why: 'the kernel always gives it to a worker' },
  mkdtemp: { by: 'threads', why: NO_OPERATION },
  mkdtempDisposable: { by: 'threads', why: NO_OPERATION },
  opendir: { by: 'threads', why: NO_OPERATION },
  readdir: { by: 'threads', why: NO_OPERATION },
  readlink: { by: 'threads', why: NO_OPERATION },
  realpath: { by: 'threads', why: NO_OPERATION },
  rename: { by: 'threads', why: 'the kernel always gives it to a worker' },
  rm: { by: 'threads', why: MANY },
  rmdir: { by: 'threads', why: 'the kernel always gives it to a worker' },
  statfs: { by: 'threads', why: NO_OPERATION },
  symlink: { by: 'threads', why: 'the kernel always gives it to a worker' },
  truncate: { by: 'threads', why: 'by a path: open, truncate and close in one call of a thread' },
  unlink: { by: 'threads', why: 'the kernel always gives it to a worker' },
  utimes: { by: 'threads', why: NO_OPERATION },
  watch: { by: 'threads', why: 'inotify, which no thread waits for' },
};
