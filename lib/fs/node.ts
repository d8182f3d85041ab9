/** Node's own functions, as they were when this was loaded: `uring/register` puts others in their place. */
import fs from 'node:fs';
import promises from 'node:fs/promises';

/** `node:fs/promises`. */
export const nodePromises: typeof promises = { ...promises };

/** Of `node:fs` what has another here, fstat and fstatSync. Not all: to look at some constants brings a warning. */
export const nodeFs = {
  appendFile: fs.appendFile,
  close: fs.close,
  createReadStream: fs.createReadStream,
  createWriteStream: fs.createWriteStream,
  fstat: fs.fstat,
  fstatSync: fs.fstatSync,
  lstat: fs.lstat,
  open: fs.open,
  read: fs.read,
  readFile: fs.readFile,
  readv: fs.readv,
  stat: fs.stat,
  write: fs.write,
  writeFile: fs.writeFile,
  writev: fs.writev,
} as const;

function isLike<F>(_node: F, made: unknown): made is F {
  return typeof made === 'function';
}

/** Says that `made` takes and gives what Node's own function does: each of ours hands to it what it does not know. */
export function like<F>(node: F, made: unknown): F {
  if (!isLike(node, made)) throw new TypeError('only a function is like a function');
  return made;
}
