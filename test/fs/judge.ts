/** Node is the judge: what `uring/fs` does is compared with what `node:fs` does with the same arguments. */
import assert from 'node:assert/strict';
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import uring, { type NodePromises } from '../../lib/fs.ts';

/** What is compared. */
export interface Fs extends NodePromises {
  readonly createReadStream: typeof fs.createReadStream;
  readonly createWriteStream: typeof fs.createWriteStream;
}

const { createReadStream, createWriteStream } = fs;
export const NODE: Fs = { ...promises, createReadStream, createWriteStream };

/** Does something in a folder of its own, and gives what is to be compared. */
export type Scene = (fs: Fs, folder: string) => Promise<unknown>;

/** A value, or an error as its reader sees it. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** The text without what differs: the folder. */
function neutral(text: string, folder: string): string {
  return text.replaceAll(folder, '~');
}

function outcomeOf(error: unknown, folder: string): Outcome {
  if (!(error instanceof Error)) return { error };
  const own = Object.entries(error).map(([key, value]) => [
    key,
    typeof value === 'string' ? neutral(value, folder) : value,
  ]);
  const { name, message, cause } = error;
  return { error: { name, message: neutral(message, folder), own, cause, class: error.constructor.name } };
}

async function play(scene: Scene, which: Fs, folder: string): Promise<Outcome> {
  try {
    return { value: await scene(which, folder) };
  } catch (error) {
    return outcomeOf(error, folder);
  }
}

/** Everything below a folder: names, modes, contents. */
export function tree(folder: string): unknown[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { mode } = statSync(path);
      return [name, mode, statSync(path).isFile() ? readFileSync(path) : undefined];
    });
}

/** Plays a scene with both, and compares what came of it, and of the folders. */
export async function judge(scene: Scene): Promise<void> {
  const folders = [mkdtempSync(join(tmpdir(), 'uring-judge-')), mkdtempSync(join(tmpdir(), 'uring-judge-'))];
  const [one = '', other = ''] = folders;
  try {
    const right = await play(scene, NODE, one);
    assert.deepEqual(await play(scene, uring, other), right);
    assert.deepEqual(tree(other), tree(one));
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}
