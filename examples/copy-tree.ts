/**
 * Copies a tree of folders, 32 files at a time: small ones through the ring, large ones in the kernel.
 *
 *     npm run example copy-tree [SOURCE TARGET]
 */
import assert from 'node:assert/strict';
import * as node from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fs from 'uring/fs';

const [AT_ONCE, SMALL] = [32, 65_536];

/** Makes the folders, and yields what is in them. */
async function* entries(source: string, target: string): AsyncGenerator<readonly [from: string, to: string]> {
  await fs.mkdir(target);
  for (const entry of await fs.readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) yield* entries(from, to);
    else if (entry.isSymbolicLink()) await fs.symlink(await fs.readlink(from), to);
    else if (entry.isFile()) yield [from, to];
  }
}

async function copyTree(source: string, target: string): Promise<number> {
  const rest = entries(source, target);
  let copied = 0;
  const lane = async (): Promise<void> => {
    for await (const [from, to] of { [Symbol.asyncIterator]: () => ({ next: () => rest.next() }) }) {
      const { size, mode } = await fs.stat(from);
      if (size > SMALL) await fs.copyFile(from, to);
      else await fs.writeFile(to, await fs.readFile(from), { mode });
      copied++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return copied;
}

const folder = node.mkdtempSync(join(tmpdir(), 'uring-example-'));
const [, , source = join(folder, 'from'), target = join(folder, 'to')] = process.argv;
if (process.argv.length === 2) {
  node.mkdirSync(join(source, 'a/b'), { recursive: true });
  for (let i = 0; i < 500; i++)
    node.writeFileSync(join(source, i % 2 ? 'a' : 'a/b', `${i}`), 'x'.repeat(i * 400));
  node.symlinkSync('a/b', join(source, 'link'));
}
const copied = await copyTree(source, target);
console.log(`${copied} files copied by ${fs.backend().name}`);
if (process.argv.length === 2) {
  const names = node.readdirSync(source, { recursive: true, encoding: 'utf8' }).sort();
  assert.deepEqual(node.readdirSync(target, { recursive: true, encoding: 'utf8' }).sort(), names);
  assert.deepEqual(node.readFileSync(join(target, 'a/499')), node.readFileSync(join(source, 'a/499')));
}
node.rmSync(folder, { recursive: true });
