/**
 * `node:fs` for the suites on Deno, whose own refuses every file descriptor that it did not open itself (EBADF): what takes
 * or gives one goes to libc instead. The suites ask for it in place of `node:fs`.
 */
import * as fs from 'node:fs';
import koffi from 'koffi';

export * from 'node:fs';

const lib = koffi.load(null);
const libc = {
  open: lib.func('open', 'int', ['str', 'int', 'uint32_t']),
  close: lib.func('close', 'int', ['int']),
  read: lib.func('pread', 'long', ['int', 'void *', 'size_t', 'int64_t']),
  readOn: lib.func('read', 'long', ['int', 'void *', 'size_t']),
  write: lib.func('pwrite', 'long', ['int', 'void *', 'size_t', 'int64_t']),
  writeOn: lib.func('write', 'long', ['int', 'void *', 'size_t']),
};
const {
  O_CLOEXEC = 0o2000000,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  O_APPEND,
  O_EXCL,
} = fs.constants;
const FLAGS = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
};
const CODES = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  9: 'EBADF',
  11: 'EAGAIN',
  13: 'EACCES',
  17: 'EEXIST',
  32: 'EPIPE',
};

/** The result of a call, or an error in the form of Node's. */
function checked(syscall, result) {
  if (result >= 0) return Number(result);
  const errno = koffi.errno();
  throw Object.assign(new Error(`${CODES[errno] ?? errno}: ${syscall}`), {
    code: CODES[errno],
    errno: -errno,
    syscall,
  });
}

/** Not in the pool of buffers, which tests of memory look at. */
function encoded(text, encoding) {
  const bytes = Buffer.alloc(Buffer.byteLength(text, encoding));
  bytes.write(text, 0, encoding);
  return bytes;
}

const bytesOf = (data, encoding) =>
  typeof data === 'string'
    ? encoded(data, encoding)
    : Buffer.from(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);

export function openSync(path, flags = 'r', mode = 0o666) {
  return checked('open', libc.open(String(path), (FLAGS[flags] ?? flags) | O_CLOEXEC, mode));
}

export function closeSync(fd) {
  checked('close', libc.close(fd));
}

export function fstatSync(fd, options) {
  try {
    return fs.statSync(`/proc/self/fd/${fd}`, options);
  } catch {
    throw Object.assign(new Error('EBADF: fstat'), { code: 'EBADF', errno: -9, syscall: 'fstat' });
  }
}

/** Both forms: (fd, data, offset, length, position) and (fd, text, position, encoding). */
export function writeSync(fd, data, first, second, third) {
  const isText = typeof data === 'string';
  const all = bytesOf(data, isText ? second : undefined);
  const from = isText ? 0 : (first ?? 0);
  const some = all.subarray(from, from + (isText ? all.length : (second ?? all.length - from)));
  const position = isText ? first : third;
  if (some.length === 0) return 0;
  return typeof position === 'number'
    ? checked('write', libc.write(fd, some, some.length, position))
    : checked('write', libc.writeOn(fd, some, some.length));
}

export function readSync(fd, data, first, length, position) {
  const options = typeof first === 'object' && first !== null ? first : { offset: first, length, position };
  const all = bytesOf(data);
  const from = options.offset ?? 0;
  const some = all.subarray(from, from + (options.length ?? all.length - from));
  if (some.length === 0) return 0;
  const at = options.position ?? -1;
  return at >= 0
    ? checked('read', libc.read(fd, some, some.length, at))
    : checked('read', libc.readOn(fd, some, some.length));
}

export function writeFileSync(file, data, options) {
  const fd = typeof file === 'number' ? file : openSync(file, options?.flag ?? 'w', options?.mode ?? 0o666);
  try {
    const all = bytesOf(data);
    for (let at = 0; at < all.length; ) at += writeSync(fd, all, at);
  } finally {
    if (fd !== file) closeSync(fd);
  }
}

export function readFileSync(file, options) {
  const encoding = typeof options === 'string' ? options : options?.encoding;
  const fd = typeof file === 'number' ? file : openSync(file instanceof URL ? file.pathname : file);
  const pieces = [];
  try {
    for (;;) {
      const piece = Buffer.alloc(65536);
      const count = readSync(fd, piece);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    if (fd !== file) closeSync(fd);
  }
  const all = Buffer.concat(pieces);
  return encoding ? all.toString(encoding) : all;
}
