/// <reference types="node" preserve="true" />
/**
 * `node:fs/promises` over io_uring: the same functions, arguments, results and errors, and `createReadStream` and
 * `createWriteStream` of `node:fs`. What a ring does faster goes through one that the thread shares; everything else is
 * Node's own. Where io_uring can't be used, all of it is: see `backend()`. Its types are Node's: `@types/node` has them.
 */
import type * as node from 'node:fs/promises';
import { backend } from './fs/backend.ts';
import { promises } from './fs/promises.ts';
import { createReadStream, createWriteStream } from './fs/streams.ts';

export { type Backend, type BackendName, type BackendOptions, backend } from './fs/backend.ts';
export { ROUTES, type Route } from './fs/routes.ts';
export { createReadStream, createWriteStream } from './fs/streams.ts';

/** The interface of `node:fs/promises`. */
export type NodePromises = typeof node;
/** As `promises` has it where Node is new enough: from 22 on. */
export type Glob = NodePromises extends { readonly glob: infer G } ? G : undefined;
/** As `promises` has it where Node is new enough: from 24 on. */
export type MkdtempDisposable = NodePromises extends { readonly mkdtempDisposable: infer M } ? M : undefined;

export const access: NodePromises['access'] = promises.access;
export const appendFile: NodePromises['appendFile'] = promises.appendFile;
export const chmod: NodePromises['chmod'] = promises.chmod;
export const chown: NodePromises['chown'] = promises.chown;
export const constants: NodePromises['constants'] = promises.constants;
export const copyFile: NodePromises['copyFile'] = promises.copyFile;
export const cp: NodePromises['cp'] = promises.cp;
export const lchmod: NodePromises['lchmod'] = promises.lchmod;
export const lchown: NodePromises['lchown'] = promises.lchown;
export const link: NodePromises['link'] = promises.link;
export const lstat: NodePromises['lstat'] = promises.lstat;
export const lutimes: NodePromises['lutimes'] = promises.lutimes;
export const mkdir: NodePromises['mkdir'] = promises.mkdir;
export const mkdtemp: NodePromises['mkdtemp'] = promises.mkdtemp;
export const open: NodePromises['open'] = promises.open;
export const opendir: NodePromises['opendir'] = promises.opendir;
export const readdir: NodePromises['readdir'] = promises.readdir;
export const readFile: NodePromises['readFile'] = promises.readFile;
export const readlink: NodePromises['readlink'] = promises.readlink;
export const realpath: NodePromises['realpath'] = promises.realpath;
export const rename: NodePromises['rename'] = promises.rename;
export const rm: NodePromises['rm'] = promises.rm;
export const rmdir: NodePromises['rmdir'] = promises.rmdir;
export const stat: NodePromises['stat'] = promises.stat;
export const statfs: NodePromises['statfs'] = promises.statfs;
export const symlink: NodePromises['symlink'] = promises.symlink;
export const truncate: NodePromises['truncate'] = promises.truncate;
export const unlink: NodePromises['unlink'] = promises.unlink;
export const utimes: NodePromises['utimes'] = promises.utimes;
export const watch: NodePromises['watch'] = promises.watch;
export const writeFile: NodePromises['writeFile'] = promises.writeFile;
/** undefined before Node 22. */
export const glob: Glob = Reflect.get(promises, 'glob');

/** undefined before Node 24. */
export const mkdtempDisposable: MkdtempDisposable = Reflect.get(promises, 'mkdtempDisposable');

/** All of it. */
export interface UringFs extends NodePromises {
  readonly backend: typeof backend;
  readonly createReadStream: typeof createReadStream;
  readonly createWriteStream: typeof createWriteStream;
}

const fs: UringFs = { ...promises, backend, createReadStream, createWriteStream };
export default fs;
