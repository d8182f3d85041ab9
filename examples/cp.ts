/**
 * Copies a file by reads and writes that the kernel links, eight pairs at once, in memory that it has pinned.
 *
 *     npm run example cp [SOURCE TARGET]
 *
 * Killed in the middle it leaves an unfinished target: equal to the source, but for pieces of its last 2 MiB, which may
 * still be zeros. The next run completes it.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stderr } from 'node:process';
import { AsyncRing, alloc, OpError, type RegisteredBuffer } from 'uring';

const PIECE = 256 * 1024;
const AT_ONCE = 8;
const { O_CREAT, O_TRUNC, O_WRONLY } = constants;

async function copy(source: string, target: string): Promise<void> {
  const { size, mode, dev, ino } = statSync(source);
  const old = statSync(target, { throwIfNoEntry: false });
  if (old?.dev === dev && old.ino === ino) throw new Error(`${source} is ${target}`);
  await using ring = new AsyncRing(64);
  using buffers = ring.registerBuffers(Array.from({ length: AT_ONCE }, () => alloc(PIECE)));
  await using from = await ring.open(source);
  await using to = await ring.open(target, { flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode & 0o777 });

  // as many bytes as the buffer has, or fewer at the end of the source; tells how many
  const copyPiece = async (buffer: RegisteredBuffer, offset: number) => {
    let done = 0;
    try {
      [, done] = await ring.chain((c) => [c.read(from, buffer, { offset }), c.write(to, buffer, { offset })]);
    } catch (error) {
      // a read of fewer bytes breaks the link: then the write has not started
      if (!(error instanceof OpError && error.code === 'ECANCELED')) throw error;
    }
    while (done < buffer.length) {
      const end = done + (await ring.read(from, buffer.subarray(done), { offset: offset + done }));
      if (end === done) break;
      while (done < end) done += await ring.write(to, buffer.subarray(done, end), { offset: offset + done });
    }
    return done;
  };
  let done = 0;
  const start = performance.now();
  using _progress = setInterval(() => {
    if (!stderr.isTTY || performance.now() - start < 2000) return;
    const share = Math.min(done / size, 1);
    stderr.write(`\r${'#'.repeat(share * 40).padEnd(40, '-')} ${Math.floor(share * 100)} %\r`);
  }, 100);
  const pieces: Promise<number>[] = [];
  for (let at = 0; at < size; at += PIECE) {
    // in turn: while a piece is missing, at most seven after it are there
    const slot = (at / PIECE) % AT_ONCE;
    done += (await pieces[slot]) ?? 0;
    const piece = copyPiece(buffers.at(slot).subarray(0, size - at), at);
    piece.catch(() => {}); // it is heard when its turn comes
    pieces[slot] = piece;
  }
  for (const piece of pieces) done += await piece;
  // what came meanwhile; all of a file that does not know its size, as those of /proc
  for (let more = -1; more !== 0; done += more) more = await copyPiece(buffers.at(0), done);
  if (stderr.isTTY) stderr.write('\x1b[K');
  console.log(`${done} bytes, ${Math.round(done / (performance.now() - start) / 1000)} MB/s`);
}

const [source, target] = argv.slice(2);
if (source !== undefined && target !== undefined) await copy(source, target);
else {
  const folder = mkdtempSync(join(tmpdir(), 'uring-example-'));
  const [ours, theirs] = [join(folder, 'source'), join(folder, 'target')];
  writeFileSync(ours, randomBytes(5_000_001));
  await copy(ours, theirs);
  assert.deepEqual(readFileSync(theirs), readFileSync(ours));
  rmSync(folder, { recursive: true });
}
