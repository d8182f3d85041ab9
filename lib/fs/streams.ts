/** `createReadStream`: Node's stream over the functions of callbacks.ts; and `createWriteStream`, which is Node's own. */
import type * as nodeTypes from 'node:fs';
import { close, open, read } from './callbacks.ts';
import { like, nodeFs } from './node.ts';

/** What a stream calls, by the option `fs` that Node's streams have. */
const READING = { open, read, close };

/** The options with `fs` added, unless the caller has one, or the file is a FileHandle, which knows its way. */
function withFs(options: unknown): unknown {
  const fs = READING;
  if (options === undefined || options === null) return { fs };
  if (typeof options === 'string') return { encoding: options, fs };
  if (typeof options !== 'object') return options;
  const fd: unknown = Reflect.get(options, 'fd');
  const isOther = Boolean(Reflect.get(options, 'fs')) || (typeof fd === 'object' && fd !== null);
  // Node reads inherited options too
  return isOther ? options : Object.create(options, { fs: { value: fs, enumerable: true } });
}

export const createReadStream: typeof nodeTypes.createReadStream = like(
  nodeFs.createReadStream,
  (path: unknown, options?: unknown): unknown =>
    Reflect.apply(nodeFs.createReadStream, nodeFs, [path, withFs(options)]),
);

export const createWriteStream: typeof nodeTypes.createWriteStream = nodeFs.createWriteStream;
