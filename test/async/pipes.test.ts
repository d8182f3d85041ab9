import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BufferPart } from '../../lib/ring/owners/buffer-ring.ts';
import { aborts, asyncRing, bytes, fails, failure, openFds, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const O_NONBLOCK = 0o4000;
const hasPipe = needsOp('OP_PIPE');
const hasMultishot = needsOp('OP_READ_MULTISHOT');

ringTest(
  'wrong arguments reject, naming the argument, before any syscall',
  needs('REGISTER_PBUF_RING'),
  async (scope) => {
    const ring = asyncRing(scope);
    const other = asyncRing(scope);
    const pool = other.registerBufferRing({ entries: 1, bufferSize: 8 });
    const files = ring.registerFiles({ slots: 2 });
    await refusesAll(ring, [
      ['length', () => ring.splice(0, 1, -1)],
      ['length', () => ring.splice(0, 1, 2 ** 32)],
      ['from', () => ring.splice(-1, 1, 1)],
      ['to', () => ring.splice(0, wrong('1'), 1)],
      ['options.offsetIn', () => ring.splice(0, 1, 1, { offsetIn: -2 })],
      ['options.offsetOut', () => ring.splice(0, 1, 1, { offsetOut: 2n ** 53n })],
      ['options.flags', () => ring.splice(0, 1, 1, { flags: 2 ** 31 })],
      ['length', () => ring.tee(0, 1, -1)],
      ['from', () => ring.tee(-1, 1, 1)],
      ['options.offset', () => ring.tee(0, 1, 1, wrong({ offset: 1 }))],
      ['options.flags', () => ring.pipe({ flags: -1 })],
      ['options.into', () => ring.pipe({ into: wrong(1) })],
      ['options.into', () => ring.pipe({ into: files.at(1) })],
      ['pool', () => ring.readMultishot(0, pool).next()],
    ]);
  },
);

ringTest('pipe gives two ends that close on exec', hasPipe, async (scope) => {
  const ring = asyncRing(scope);
  const before = openFds();
  const { reader, writer } = await ring.pipe({ flags: O_NONBLOCK });
  for (const { fd } of [reader, writer]) {
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /flags:\t0200400[01]\n/);
  }
  await fails('EAGAIN', 'OP_READ', ring.read(reader, new Uint8Array(1), { flags: 8 }));
  await ring.write(writer, bytes('through'));
  const memory = new Uint8Array(10);
  assert.equal(await ring.read(reader, memory), 7);
  assert.equal(text(memory.subarray(0, 7)), 'through');
  await Promise.all([reader.close(), writer.close()]);
  assert.deepEqual(openFds(), before);
});

ringTest('pipe puts its ends into the file table: two slots, or free ones', hasPipe, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 4 });
  const before = openFds();
  const named = await ring.pipe({ into: files.at(2) });
  assert.deepEqual([named.reader.index, named.writer.index], [2, 3]);
  const free = await ring.pipe({ into: 'alloc' });
  assert.deepEqual([free.reader.index, free.writer.index].sort(), [0, 1]);
  await fails('ENFILE', 'OP_PIPE', ring.pipe({ into: files }));
  for (const { reader, writer } of [named, free]) {
    await ring.write(writer, bytes('slot'));
    const memory = new Uint8Array(4);
    assert.equal(await ring.read(reader, memory), 4);
    assert.equal(text(memory), 'slot');
  }
  assert.deepEqual(openFds(), before);
});

ringTest(
  'a pipe that nobody gets is closed: its fds, its slots, also where the table is gone',
  hasPipe,
  async (scope) => {
    const ring = asyncRing(scope);
    const files = ring.registerFiles({ slots: 4 });
    const before = openFds();
    for (const into of [undefined, 'alloc', files.at(2), files] as const) {
      const controller = new AbortController();
      const pipe = ring.pipe(wrong({ into, signal: controller.signal }));
      controller.abort();
      await aborts(pipe);
      await until('its slots are empty', () => ring.inFlight === 0);
    }
    const [first, second] = [await ring.pipe({ into: files }), await ring.pipe({ into: files })];
    assert.deepEqual(
      [first, second].flatMap(({ reader, writer }) => [reader.index, writer.index]).sort(),
      [0, 1, 2, 3],
    );
    for (const { reader, writer } of [first, second])
      await Promise.all([ring.closeFd(reader), ring.closeFd(writer)]);
    const controller = new AbortController();
    // it completes before the pipe, in the same turn
    ring.nop(() => files.unregister());
    const pipe = ring.pipe({ into: files, signal: controller.signal });
    controller.abort();
    await aborts(pipe);
    await ring.nop();
    assert.deepEqual(openFds(), before);
  },
);

ringTest('splice moves bytes between files through a pipe, also of fixed files', {}, async (scope) => {
  const ring = asyncRing(scope);
  const folder = scope.folder();
  const { reader, writer } = scope.pipe();
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  writeFileSync(from, '0123456789');
  writeFileSync(to, '..........');
  const files = ring.registerFiles([reader, writer]);
  const source = await ring.open(from);
  const target = await ring.open(to, { flags: 1 });
  assert.equal(await ring.splice(source, writer, 4, { offsetIn: 2 }), 4);
  assert.equal(await ring.splice(reader, target, 100, { offsetOut: 1n }), 4);
  assert.equal(readFileSync(to, 'utf8'), '.2345.....');
  assert.equal(await ring.splice(source, files.at(1), 100, { offsetIn: 8 }), 2);
  assert.equal(await ring.splice(files.at(0), target, 100, { offsetOut: 8 }), 2);
  assert.equal(readFileSync(to, 'utf8'), '.2345...89');
  assert.equal(await ring.splice(source, writer, 1, { offsetIn: 10 }), 0);
  await fails('EINVAL', 'OP_SPLICE', ring.splice(source, target, 1));
  await Promise.all([source.close(), target.close()]);
});

ringTest('tee copies from pipe to pipe and leaves the bytes', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [one, two] = [scope.pipe(), scope.pipe()];
  const files = ring.registerFiles([one.reader]);
  writeSync(one.writer, 'tea');
  assert.equal(await ring.tee(one.reader, two.writer, 2), 2);
  assert.equal(await ring.tee(files.at(0), two.writer, 10), 3);
  const memory = new Uint8Array(10);
  assert.equal(await ring.read(two.reader, memory), 5);
  assert.equal(text(memory.subarray(0, 5)), 'tetea');
  assert.equal(await ring.read(one.reader, memory), 3);
  await fails('EINVAL', 'OP_TEE', ring.tee(one.reader, ring, 1));
});

ringTest(
  'readMultishot gives what comes, part by part, until the end',
  { ...hasMultishot, ...needsOp('OP_PIPE') },
  async (scope) => {
    const ring = asyncRing(scope);
    const { reader, writer } = await ring.pipe();
    const pool = ring.registerBufferRing({ entries: 4, bufferSize: 16 });
    const found: string[] = [];
    const reading = (async () => {
      for await (const part of ring.readMultishot(reader, pool)) {
        found.push(text(part.bytes));
        part.release();
      }
    })();
    for (const word of ['one', 'two', 'x'.repeat(40)]) {
      const before = found.length;
      await ring.write(writer, bytes(word));
      await until('a part', () => found.length > before);
    }
    await writer.close();
    await reading;
    assert.equal(found.join(''), `onetwo${'x'.repeat(40)}`);
    assert.deepEqual(found.slice(0, 2), ['one', 'two']);
    assert.equal(pool.free, 4);
    await reader.close();
  },
);

ringTest('without a free buffer it waits, and goes on when one is released', hasMultishot, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 4 });
  const parts = ring.readMultishot(reader, pool);
  writeSync(writer, 'aaaabbbbccccdddd');
  const held: BufferPart[] = [];
  for (let i = 0; i < 2; i++) {
    const { value } = await parts.next();
    assert.ok(value);
    held.push(value);
  }
  const third = parts.next();
  await until('no buffer', () => ring.inFlight === 0);
  held[0]?.release();
  const { value } = await third;
  assert.equal(text(value?.bytes ?? bytes('')), 'cccc');
  value?.release();
  held[1]?.release();
  const last = await parts.next();
  assert.equal(text(last.value?.bytes ?? bytes('')), 'dddd');
  last.value?.release();
  await parts.return?.();
  assert.equal(pool.free, 2);
});

ringTest('close fails one that waits for a buffer, or for data', hasMultishot, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const pool = ring.registerBufferRing({ entries: 1, bufferSize: 4 });
  const quiet = ring.readMultishot(scope.pipe().reader, pool).next();
  const parts = ring.readMultishot(reader, pool);
  writeSync(writer, 'aaaabbbb');
  await parts.next();
  const starved = parts.next();
  await until('no buffer', () => ring.inFlight === 1);
  ring.close();
  for (const each of [quiet, starved]) {
    const error = await failure(each);
    assert.equal(Reflect.get(error, 'code'), 'ERR_URING_CLOSED', error.stack);
  }
});

ringTest('a pool that is unregistered ends one that waits for a buffer', hasMultishot, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const pool = ring.registerBufferRing({ entries: 1, bufferSize: 4 });
  const parts = ring.readMultishot(reader, pool);
  writeSync(writer, 'aaaabbbb');
  await parts.next();
  const starved = parts.next();
  await until('no buffer', () => ring.inFlight === 0);
  pool.unregister();
  assert.equal(Reflect.get(await failure(starved), 'code'), 'ERR_URING_CLOSED');
});

ringTest(
  'leaving the loop stops the kernel, and gives back what nobody took',
  hasMultishot,
  async (scope) => {
    const ring = asyncRing(scope);
    const { reader, writer } = scope.pipe();
    const pool = ring.registerBufferRing({ entries: 8, bufferSize: 4 });
    writeSync(writer, 'aaaabbbbcccc');
    for await (const part of ring.readMultishot(reader, pool)) {
      part.release();
      break;
    }
    assert.equal(ring.inFlight, 0);
    assert.equal(pool.free, 8);
  },
);

ringTest('an abort rejects the next one; what came before it is still given', hasMultishot, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const pool = ring.registerBufferRing({ entries: 8, bufferSize: 4 });
  const controller = new AbortController();
  const { signal } = controller;
  await aborts(ring.readMultishot(reader, pool, { signal: AbortSignal.abort() }).next());
  const parts = ring.readMultishot(reader, pool, { signal });
  writeSync(writer, 'data');
  const first = await parts.next();
  const second = parts.next();
  controller.abort('enough');
  await aborts(second, 'enough');
  assert.deepEqual(await parts.next(), { done: true, value: undefined });
  assert.equal(text(first.value?.bytes ?? bytes('')), 'data');
  first.value?.release();
  assert.equal(ring.inFlight, 0);
});

ringTest(
  'a fixed file works, a regular file is refused',
  { ...needs('REGISTER_PBUF_RING'), ...hasMultishot },
  async (scope) => {
    const ring = asyncRing(scope);
    const { reader, writer } = scope.pipe();
    const pool = ring.registerBufferRing({ entries: 1, bufferSize: 100 });
    const slot = ring.registerFiles([reader]).at(0);
    const parts = ring.readMultishot(slot, pool);
    writeSync(writer, 'ab');
    const { value } = await parts.next();
    assert.equal(text(value?.bytes ?? bytes('')), 'ab');
    value?.release();
    await parts.return?.();
    const path = join(scope.folder(), 'file');
    writeFileSync(path, 'x');
    const file = await ring.open(path);
    await fails('EBADFD', 'OP_READ_MULTISHOT', ring.readMultishot(file, pool).next());
    await file.close();
  },
);
