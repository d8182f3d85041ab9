/** What is known of Node's tests: those that can't pass, or reach no ring, each with its reason. */

/** Which tests are meant. */
export const PATTERN: RegExp = /^test-fs-(promises.*|.*filehandle.*|read.*stream.*|write.*stream.*)\.m?js$/;

const INTERNALS = 'patches an internal of Node that a ring does not use';

/** Pass with Node's threads, and can't with a ring. */
export const IMPOSSIBLE: { readonly [file: string]: string } = {
  'test-fs-promises-file-handle-aggregate-errors.js': `${INTERNALS}: FileHandle.prototype.fd, which readFile(path) does not ask`,
  'test-fs-promises-file-handle-close-errors.js': `${INTERNALS}: FileHandle.prototype.fd, which readFile(path) does not ask`,
  'test-fs-promises-file-handle-op-errors.js': `${INTERNALS}: FileHandle.prototype.fd, which readFile(path) does not ask`,
  'test-fs-promises-readfile.js': `${INTERNALS}: the fstat of its binding, which readFile does not call`,
};

const MADE = 'a write stream makes a file, which a thread opens, writes and closes';

/** Have nothing that goes through a ring. */
export const RINGLESS: { readonly [file: string]: string } = {
  'test-fs-filehandle.js': 'makes a FileHandle by a binding of Node, and drops it',
  'test-fs-promises-exists.js': 'compares two exports, and calls neither',
  'test-fs-promises-watch.js': 'watches: that is inotify',
  'test-fs-write-stream-double-close.js': MADE,
  'test-fs-write-stream-patch-open.js': MADE,
  'test-fs-write-stream-throw-type-error.js': MADE,
  'test-fs-write-stream.js': MADE,
};

/** Pass or fail by chance with the runtime itself, by the runtime's name. */
export const BY_CHANCE: { readonly [runtime: string]: { readonly [file: string]: string } } = {
  deno: {
    'test-fs-promises-file-handle-readFile.js':
      'Deno reads the file before the signal aborts, or after that: it fails without us in most runs',
  },
};
