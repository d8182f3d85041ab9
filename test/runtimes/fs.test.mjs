/** `uring/fs` on this Node: FileHandle is made as lib/fs/node-handle.ts expects it, and its reads go through the ring. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, createReadStream, open, readFile, writeFile } from 'uring/fs';

test('a FileHandle reads and writes through the ring', async () => {
  assert.deepEqual(backend(), { name: 'io_uring' });
  const folder = await mkdtemp(join(tmpdir(), 'uring-fs-'));
  try {
    const path = join(folder, 'file');
    await writeFile(path, 'hello world');
    // the first one is Node's own: it shows how the others are made
    const first = await open(path);
    const file = await open(path, 'r+');
    for (const each of [first, file]) {
      const prototype = Object.getPrototypeOf(each);
      assert.ok(
        Object.hasOwn(prototype, 'read') && !Object.hasOwn(prototype, 'stat'),
        'this is a FileHandle of Node',
      );
    }
    assert.equal((await file.read(Buffer.alloc(5), 0, 5, 0)).buffer.toString(), 'hello');
    assert.equal((await file.write(Buffer.from('HE'), 0, 2, 0)).bytesWritten, 2);
    let text = '';
    for await (const part of file.createReadStream({ start: 0, encoding: 'utf8' })) text += part;
    assert.equal(text, 'HEllo world');
    await first.close();
    text = '';
    for await (const part of createReadStream(path, 'utf8')) text += part;
    assert.equal(text, await readFile(path, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('its errors are those of this Node', async () => {
  const node = await import('node:fs/promises');
  const words = async (reading) => {
    const error = await reading.catch((reason) => reason);
    return [error.message, error.errno, error.code, error.syscall, error.path];
  };
  assert.deepEqual(await words(readFile('/none/x')), await words(node.readFile('/none/x')));
  assert.deepEqual(await words(readFile('/')), await words(node.readFile('/')));
});
