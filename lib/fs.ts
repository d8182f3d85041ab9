/**
 * `node:fs/promises` over io_uring: the same functions, arguments, results and errors, and `createReadStream` and
 * `createWriteStream` of `node:fs`. What a ring does faster goes through one that the thread shares; everything else is
 * Node's own. Where io_uring can't be used, all of it is: see `backend()`.
 */

import { backend } from './fs/backend.ts';
import { nodePromises } from './fs/node.ts';
import { promises } from './fs/promises.ts';
import { createReadStream, createWriteStream } from './fs/streams.ts';

export { type Backend, type BackendName, type BackendOptions, backend } from './fs/backend.ts';
export { ROUTES, type Route } from './fs/routes.ts';
export { createReadStream, createWriteStream } from './fs/streams.ts';

export const {
  access,
  appendFile,
  chmod,
  chown,
  constants,
  copyFile,
  cp,
  lchmod,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  open,
  opendir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  symlink,
  truncate,
  unlink,
  utimes,
  watch,
  writeFile,
} = promises;

/** As Node has it, from 22 on; undefined before. */
export const glob: unknown = Reflect.get(nodePromises, 'glob');

export default { ...promises, backend, createReadStream, createWriteStream };
