/**
 * Prints the SHA-256 of every file of a folder, 32 files at a time, each read in pieces.
 *
 *     npm run example hash [FOLDER]
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, opendir } from 'uring/fs';

const AT_ONCE = 32;
const PIECE = 65_536;

/** Reads a file into the same memory again and again. */
async function hash(path: string, memory: Uint8Array): Promise<string> {
  const sum = createHash('sha256');
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(memory);
    if (bytesRead === 0) return sum.digest('hex');
    sum.update(memory.subarray(0, bytesRead));
  }
}

const [, , given] = process.argv;
const folder = given ?? mkdtempSync(join(tmpdir(), 'uring-example-'));
if (given === undefined) {
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `${i}`), `I am ${i}. `.repeat(i * 100));
}

const names: string[] = [];
for await (const entry of await opendir(folder)) if (entry.isFile()) names.push(entry.name);
const sums = new Map<string, string>();
const rest = names.values();
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    const memory = new Uint8Array(PIECE);
    // all take from the same iterator
    for (const name of rest) sums.set(name, await hash(join(folder, name), memory));
  }),
);

if (given === undefined) {
  for (const [name, sum] of sums) {
    const whole = createHash('sha256').update(readFileSync(join(folder, name)));
    assert.equal(sum, whole.digest('hex'));
  }
  console.log(`${sums.size} files, 7: ${sums.get('7')}`);
  rmSync(folder, { recursive: true });
} else for (const [name, sum] of [...sums].sort()) console.log(`${sum}  ${join(folder, name)}`);
