/** Writes that end early, in a process that may not make large files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing } from '../../lib/faces/async-ring.ts';

/** Bytes that say where they belong. */
const PLACED = Buffer.from(Uint32Array.from({ length: 25_000 }, (_, i) => i).buffer);

/** Writes a file that is too large; the error, how long the file is, and whether each byte is in its place. */
export async function tooLarge(): Promise<readonly unknown[]> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-position-'));
  try {
    const path = join(folder, 'file');
    await using ring = new AsyncRing(8);
    await using file = await ring.open(path, { flags: 'w' });
    const error: unknown = await file.writeAll(PLACED).catch((reason) => reason);
    const written = readFileSync(path);
    const isRight = written.equals(PLACED.subarray(0, written.length));
    return [error instanceof Error && Reflect.get(error, 'code'), written.length, isRight];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
