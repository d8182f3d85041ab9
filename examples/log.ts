/**
 * A log that a crash can't break: a record counts once it is on the disk, and a torn one at the end is cut off.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AsyncRing } from 'uring';

const textOf = (i: number) => `record ${i} ${'x'.repeat(i % 3000)}`;
/** A record: its length, its checksum, its text. */
function recordOf(text: string): Buffer {
  const record = Buffer.from(`\0\0\0\0\0\0\0\0${text}`);
  record.writeUInt32LE(record.length - 8, 0);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/** Writes until it is killed, and tells which records are on the disk. */
async function write(path: string): Promise<void> {
  await using ring = new AsyncRing(8);
  await using log = await ring.open(path, { flags: 'a' });
  for (let i = 0; process.send !== undefined; process.send(i++)) {
    const record = recordOf(textOf(i));
    await ring.chain((c) => [c.write(log, record, { offset: -1 }), c.fsync(log, { dataOnly: true })]);
  }
}

/** The records of a log, up to the first that is torn; the file ends there from now on. */
function recover(path: string): string[] {
  const all = readFileSync(path);
  const found: string[] = [];
  let at = 0;
  while (at + 8 <= all.length) {
    const data = all.subarray(at + 8, at + 8 + all.readUInt32LE(at));
    if (data.length < all.readUInt32LE(at) || crc32(data) !== all.readUInt32LE(at + 4)) break;
    found.push(data.toString());
    at += 8 + data.length;
  }
  truncateSync(path, at);
  return found;
}

const [, program = '', given] = process.argv;
if (given !== undefined) await write(given);
const path = join(tmpdir(), `uring-log-${process.pid}`);
const child = fork(program, [path]);
const told: unknown[] = [];
child.on('message', (i) => told.push(i) > 50 && child.kill('SIGKILL'));
await once(child, 'close');
appendFileSync(path, recordOf('torn').subarray(0, 11));
const records = recover(path);
assert.ok(records.length >= told.length && records.every((record, i) => record === textOf(i)));
console.log('killed: every record that was told is there, the torn one is cut off');
rmSync(path);
