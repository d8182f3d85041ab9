/**
 * Follows a file: what is appended to it is shown as it comes, as `tail -f` does.
 *
 *     npm run example tail [FILE]
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendFile, open, watch, writeFile } from 'uring/fs';

/** Yields what is in the file and what is appended to it, line by line, until the signal aborts. */
async function* follow(path: string, signal: AbortSignal): AsyncGenerator<string> {
  await using file = await open(path);
  // watched before the first read: so nothing is missed between the two
  const changes = watch(path, { signal })[Symbol.asyncIterator]();
  const memory = Buffer.alloc(65_536);
  const decoder = new TextDecoder();
  let rest = '';
  for (let next = changes.next(); !signal.aborted; ) {
    const { bytesRead } = await file.read(memory);
    const lines = (rest + decoder.decode(memory.subarray(0, bytesRead), { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (bytesRead > 0) continue;
    if ((await next.catch(() => ({ done: true }))).done) return;
    next = changes.next();
    next.catch(() => {});
  }
}

const [, , given] = process.argv;
const folder = mkdtempSync(join(tmpdir(), 'uring-example-'));
const path = given ?? join(folder, 'log');
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

if (given === undefined) {
  await writeFile(path, 'line 1\nline 2\n');
  const seen: string[] = [];
  for await (const line of follow(path, stop.signal)) {
    seen.push(line);
    if (seen.length < 5) await appendFile(path, `line ${seen.length + 2}\n`);
    else if (seen.length === 6) stop.abort();
  }
  assert.deepEqual(seen, ['line 1', 'line 2', 'line 3', 'line 4', 'line 5', 'line 6']);
  console.log(`followed ${seen.length} lines, the last one is: ${seen.at(-1)}`);
} else {
  for await (const line of follow(path, stop.signal)) console.log(line);
}
rmSync(folder, { recursive: true });
