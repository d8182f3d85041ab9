/** What files of AsyncRing can do by themselves. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createGzip, gunzipSync } from 'node:zlib';
import { ClosedError } from '../../lib/errors.ts';
import { aborts, asyncRing, fails, failure } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';
import { sceneArguments, sceneEnvironment } from '../helpers/scenario.ts';

const { O_CREAT, O_RDWR, O_RDONLY } = constants;

async function opened(scope: Scope, content: string | Uint8Array, flags = O_CREAT | O_RDWR) {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, content);
  const ring = asyncRing(scope, 16);
  return { path, ring, file: await ring.open(path, { flags }) };
}

ringTest('a file reads and writes at its position and at offsets', {}, async (scope) => {
  const { path, file } = await opened(scope, 'hello world');
  const memory = Buffer.alloc(5);
  assert.equal(await file.read(memory), 5);
  assert.equal(memory.toString(), 'hello');
  assert.equal(await file.read(memory, { offset: 6 }), 5);
  assert.equal(memory.toString(), 'world');
  assert.equal(await file.write(Buffer.from('HELLO'), { offset: 0 }), 5);
  await file.writeAll('!', { offset: 11n });
  assert.equal(readFileSync(path, 'utf8'), 'HELLO world!');
  await file.close();
});

ringTest('readAll gives all from the position, or from start, of what is large too', {}, async (scope) => {
  const content = randomBytes(3 * 64 * 1024 + 17);
  const { file } = await opened(scope, content);
  await file.read(Buffer.alloc(7));
  assert.deepEqual(await file.readAll(), content.subarray(7));
  assert.deepEqual(await file.readAll({ start: 100, highWaterMark: 1000 }), content.subarray(100));
  assert.deepEqual(await file.readAll({ start: content.length + 5 }), Buffer.alloc(0));
  await file.close();
});

ringTest('readAll reads files that have no length, and more than a buffer of them', {}, async (scope) => {
  const ring = asyncRing(scope);
  await using file = await ring.open('/proc/self/maps', { flags: O_RDONLY });
  const text = String(await file.readAll({ highWaterMark: 256 }));
  assert.match(text, /\[stack\]/);
});

ringTest('chunks are of one buffer, and the file stays open', {}, async (scope) => {
  const content = randomBytes(10_000);
  const { file } = await opened(scope, content);
  const buffers = new Set<ArrayBufferLike>();
  const copies: Uint8Array[] = [];
  for await (const chunk of file.chunks({ start: 0, highWaterMark: 4096 })) {
    buffers.add(chunk.buffer);
    copies.push(chunk.slice());
  }
  assert.deepEqual(
    copies.map(({ length }) => length),
    [4096, 4096, 1808],
  );
  assert.deepEqual(Buffer.concat(copies), content);
  assert.equal(buffers.size, 1);
  for await (const chunk of file) {
    assert.deepEqual(Buffer.from(chunk), content);
    break;
  }
  assert.equal((await file.stat()).size, content.length);
  await file.close();
});

ringTest('lines are those of the text, whatever the chunks', {}, async (scope) => {
  const text = 'one\r\n\ntwo € three\nlast without an end';
  const { file } = await opened(scope, text);
  for (const highWaterMark of [1, 2, 3, 7, 1000]) {
    const lines: string[] = [];
    for await (const line of file.lines({ start: 0, highWaterMark })) lines.push(line);
    assert.deepEqual(lines, ['one', '', 'two € three', 'last without an end']);
  }
  await file.close();
});

ringTest('a long line without an end takes no time of its square', {}, async (scope) => {
  const { file } = await opened(scope, `${'x'.repeat(4 * 1024 * 1024)}\nend`);
  const lengths: number[] = [];
  for await (const { length } of file.lines({ highWaterMark: 1024 })) lengths.push(length);
  assert.deepEqual(lengths, [4 * 1024 * 1024, 3]);
  await file.close();
});

ringTest('stat, sync', {}, async (scope) => {
  const { file } = await opened(scope, '12345');
  const { size, mode } = await file.stat();
  assert.deepEqual([size, mode & constants.S_IFMT], [5, constants.S_IFREG]);
  await file.sync();
  await file.sync({ dataOnly: true });
  await file.close();
});

ringTest('truncate', needsOp('OP_FTRUNCATE'), async (scope) => {
  const { path, file } = await opened(scope, '12345');
  await file.truncate(3);
  assert.equal(readFileSync(path, 'utf8'), '123');
  await file.truncate();
  assert.equal(readFileSync(path, 'utf8'), '');
  await file.close();
});

ringTest('chunks with memory of their own go through streams, and back by writeAll', {}, async (scope) => {
  const content = randomBytes(300_000);
  const { ring, file } = await opened(scope, content);
  const path = join(scope.folder(), 'packed');
  const target = await ring.open(path, { flags: O_CREAT | O_RDWR, mode: 0o600 });
  await pipeline(Readable.from(file.chunks({ reuse: false })), createGzip(), async (chunks) => {
    for await (const chunk of chunks) await target.writeAll(chunk);
  });
  assert.deepEqual(gunzipSync(readFileSync(path)), content);
  await target.close();
  await file.close();
});

ringTest('streams of Node.js, from and to a file, and parts of it', {}, async (scope) => {
  const content = randomBytes(300_000);
  const { path, ring, file } = await opened(scope, content);
  const copy = join(scope.folder(), 'copy');
  const target = await ring.open(copy, { flags: O_CREAT | O_RDWR, mode: 0o600 });
  await pipeline(file.createReadStream({ autoClose: false }), target.createWriteStream());
  assert.deepEqual(readFileSync(copy), content);
  // the one was to be closed, the other was not
  await assert.rejects(target.stat(), ClosedError);
  assert.equal((await file.stat()).size, content.length);
  const part = { start: 100, end: 70_000, highWaterMark: 1000 };
  assert.deepEqual(await file.readAll(part), content.subarray(100, 70_001));
  assert.deepEqual(await file.readAll({ start: 5, end: 4 }), Buffer.alloc(0));
  const stream = file.createReadStream(part);
  assert.deepEqual(await buffer(stream), content.subarray(100, 70_001));
  await until('it is closed', () => stream.closed);
  await assert.rejects(file.stat(), ClosedError);
  const again = await ring.open(path, { flags: O_RDWR });
  await pipeline(Readable.from(['one', 'two']), again.createWriteStream({ start: 10 }));
  assert.equal(readFileSync(path).subarray(10, 16).toString(), 'onetwo');
});

ringTest('streams of the web', {}, async (scope) => {
  const content = randomBytes(300_000);
  const { ring, file } = await opened(scope, content);
  const copy = join(scope.folder(), 'copy');
  const target = await ring.open(copy, { flags: O_CREAT | O_RDWR, mode: 0o600 });
  await file.readableWebStream().pipeTo(target.writableWebStream());
  assert.deepEqual(readFileSync(copy), content);
  // as those of a FileHandle they leave it open
  assert.equal((await target.stat()).size, content.length);
  const reader = file.readableWebStream({ start: 0, autoClose: true }).getReader();
  const { value } = await reader.read();
  assert.deepEqual(Buffer.from(value ?? ''), content.subarray(0, value?.length));
  await reader.cancel();
  await assert.rejects(file.stat(), ClosedError);
  await target.writableWebStream({ autoClose: true }).close();
  await assert.rejects(target.stat(), ClosedError);
});

ringTest('a signal ends streams of the web that do nothing, and closes their files', {}, async (scope) => {
  for (const moment of ['before', 'after']) {
    const { file, path, ring } = await opened(scope, 'x');
    const target = await ring.open(path, { flags: O_RDWR });
    const abort = new AbortController();
    if (moment === 'before') abort.abort(new Error('enough'));
    const options = { signal: abort.signal, autoClose: true };
    const reader = file.readableWebStream(options).getReader();
    const writer = target.writableWebStream(options).getWriter();
    writer.closed.catch(() => {});
    if (moment === 'after') abort.abort(new Error('enough'));
    await until(
      'they are closed',
      () => ring.inFlight === 0 && !`${inspect(file)}${inspect(target)}`.includes('fd'),
    );
    await aborts(reader.read(), abort.signal.reason);
    await aborts(writer.write('y'), abort.signal.reason);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
    assert.equal(readFileSync(path, 'utf8'), 'x');
  }
});

ringTest('a stream that waits for data is destroyed, or aborted', needsOp('OP_PIPE'), async (scope) => {
  const ring = asyncRing(scope);
  for (const end of ['destroy', 'abort']) {
    const { reader, writer } = await ring.pipe();
    const abort = new AbortController();
    const stream = reader.createReadStream({ signal: abort.signal });
    const failed = once(stream, 'error');
    stream.resume();
    await until('it waits', () => ring.inFlight > 0);
    if (end === 'destroy') stream.destroy(new Error('enough'));
    else abort.abort(new Error('enough'));
    const [error] = await failed;
    assert.equal(end === 'destroy' ? error.message : error.cause.message, 'enough');
    await until('it is closed', () => stream.closed);
    await assert.rejects(reader.stat(), ClosedError);
    await writer.close();
  }
});

ringTest('a signal destroys streams that do nothing', {}, async (scope) => {
  for (const moment of ['before', 'after']) {
    const { file, path, ring } = await opened(scope, 'x');
    const target = await ring.open(path, { flags: O_RDWR });
    const abort = new AbortController();
    if (moment === 'before') abort.abort(new Error('enough'));
    const streams = [file, target].map((each, i) =>
      i === 0
        ? each.createReadStream({ signal: abort.signal })
        : each.createWriteStream({ signal: abort.signal }),
    );
    const errors = streams.map((stream) => once(stream, 'error'));
    abort.abort(new Error('enough'));
    for (const [error] of await Promise.all(errors)) assert.equal(error.cause.message, 'enough');
    await until('they are closed', () => streams.every(({ closed }) => closed));
    for (const each of [file, target]) await assert.rejects(each.stat(), ClosedError);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  }
});

ringTest('wrong options of streams are refused', {}, async (scope) => {
  const { file } = await opened(scope, 'x');
  const wrongs: [name: string, call: () => unknown][] = [
    ['options.end', () => file.createReadStream({ end: 5 })],
    ['options.end', () => file.createReadStream({ start: 5, end: 3 })],
    ['options.start', () => file.createWriteStream({ start: -1 })],
    ['options.highWaterMark', () => file.createReadStream({ highWaterMark: 0 })],
    ['options.autoClose', () => file.readableWebStream({ autoClose: wrong(1) })],
    ['options.signal', () => file.createReadStream({ signal: wrong({}) })],
    ['options.signal', () => file.createWriteStream({ signal: wrong({}) })],
    ['options.autoclose', () => file.writableWebStream(wrong({ autoclose: true }))],
  ];
  for (const [name, call] of wrongs)
    assert.throws(call, (error: Error) => error.message.startsWith(`The "${name}" argument`), name);
  await file.close();
});

ringTest('pipes and sockets have the same methods', needsOp('OP_PIPE'), async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = await ring.pipe();
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of reader.lines()) lines.push(line);
  })();
  await writer.writeAll('a\nb');
  await writer.close();
  await reading;
  assert.deepEqual(lines, ['a', 'b']);
  await reader.close();
});

ringTest('operations of a file can be links of a chain', {}, async (scope) => {
  const { path, ring, file } = await opened(scope, '');
  await ring.chain(() => [
    file.write(Buffer.from('ab'), { offset: 0 }),
    file.sync(),
    file.write(Buffer.from('c'), { offset: 2 }),
  ]);
  assert.equal(readFileSync(path, 'utf8'), 'abc');
  await file.close();
});

ringTest('errors: after close, of the kernel, by a signal, by wrong arguments', {}, async (scope) => {
  const { ring, file } = await opened(scope, 'abc');
  await assert.rejects(file.writeAll(JSON.parse('7')), { code: 'ERR_INVALID_ARG_TYPE', message: /"data"/ });
  await assert.rejects(file.readAll({ highWaterMark: 0 }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => file.chunks(JSON.parse('{"size":1}')), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => file.chunks({ start: -1 }), { code: 'ERR_INVALID_ARG_VALUE' });
  for (const offset of ['abc', 1.5, -2, Number.NaN])
    await assert.rejects(file.writeAll('x', { offset: wrong(offset) }), { message: /"options.offset"/ });
  for (const options of [5, null, 'text', { ofset: 1 }])
    await assert.rejects(file.writeAll('x', wrong(options)), { message: /"options/ });
  await assert.rejects(file.readAll(wrong({ reuse: true })), { message: /"options.reuse"/ });
  await aborts(file.readAll({ signal: AbortSignal.abort() }));
  assert.match(inspect(file), /^RingFile \{ fd: \d+ \}$/);
  await file.close();
  assert.equal(inspect(file), 'RingFile { closed }');
  for (const call of [
    file.read(Buffer.alloc(1)),
    file.readAll(),
    file.writeAll('x'),
    file.writeAll(''),
    file.stat(),
    file.sync(),
    file.truncate(),
  ])
    assert.equal((await failure(call)).name, 'ClosedError');
  await using folder = await ring.open('/', { flags: O_RDONLY });
  await fails('EISDIR', 'OP_READ', folder.readAll());
});

test('a write that ends early is not written over', {}, () => {
  const scene = { module: new URL('position.scenes.ts', import.meta.url).href, name: 'tooLarge' };
  // 64 KiB; what would be longer is EFBIG, where SIGXFSZ is ignored
  const script = 'trap "" XFSZ; ulimit -f 128; exec "$@"';
  const args = ['-c', script, 'sh', process.execPath, ...sceneArguments(scene)];
  const { status, stdout, stderr } = spawnSync('sh', args, { env: sceneEnvironment(), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), ['EFBIG', 65_536, true]);
});
