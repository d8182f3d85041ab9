/** The interface of `node:fs/promises`, as the running Node has it, over the ring where that is faster. */
import type * as nodeTypes from 'node:fs/promises';
import { open } from './handle.ts';
import { like, nodePromises } from './node.ts';
import { readFile } from './read-file.ts';
import { lstat, stat } from './stat.ts';
import { appendFile, writeFile } from './write-file.ts';

/** What is not Node's own. */
export const ours: Pick<
  typeof nodeTypes,
  'appendFile' | 'lstat' | 'open' | 'readFile' | 'stat' | 'writeFile'
> = {
  appendFile: like(nodePromises.appendFile, appendFile),
  lstat: like(nodePromises.lstat, lstat),
  open: like(nodePromises.open, open),
  readFile: like(nodePromises.readFile, readFile),
  stat: like(nodePromises.stat, stat),
  writeFile: like(nodePromises.writeFile, writeFile),
};

/** All of it. */
export const promises: typeof nodeTypes = { ...nodePromises, ...ours };
