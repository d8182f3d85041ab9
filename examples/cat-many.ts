/**
 * Reads ten thousand files, each by one chain that opens, reads and closes it, without a descriptor of this process.
 *
 *     npm run example cat-many [FOLDER]
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing, type FixedFile, probe } from 'uring';

const { supported, since } = probe().features.FEAT_LINKED_FILE;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

const AT_ONCE = 32;
await using ring = new AsyncRing(AT_ONCE * 3);
using files = ring.registerFiles({ slots: AT_ONCE });

async function read(path: string, slot: FixedFile, room = 4096): Promise<Uint8Array> {
  const memory = new Uint8Array(room);
  // hard: a file that ends before the memory does is no reason not to close it
  const [, length] = await ring.chain(
    (c) => [c.open(path, { into: slot }), c.read(slot, memory, { offset: 0 }), c.closeFd(slot)],
    { hard: true },
  );
  return length < room ? memory.subarray(0, length) : read(path, slot, room * 2);
}

const [, , folder = mkdtempSync(join(tmpdir(), 'uring-example-'))] = process.argv;
const written = new Map<string, string>();
if (process.argv.length === 2) {
  for (let i = 0; i < 10_000; i++) written.set(join(folder, `${i}`), `I am ${i}. `.repeat(i % 500));
  for (const [path, text] of written) writeFileSync(path, text);
}

const found = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isFile());
const paths = found.map(({ name }) => join(folder, name)).values();
let [count, total] = [0, 0];
const start = performance.now();
await Promise.all(
  Array.from({ length: AT_ONCE }, async (_, i) => {
    // all take from the same iterator
    for (const path of paths) {
      const bytes = await read(path, files.at(i));
      if (written.size > 0) assert.equal(new TextDecoder().decode(bytes), written.get(path));
      count++;
      total += bytes.length;
    }
  }),
);
const seconds = (performance.now() - start) / 1000;
console.log(`${count} files, ${total} bytes, ${Math.round(count / seconds)} files/s`);
if (written.size > 0) rmSync(folder, { recursive: true });
