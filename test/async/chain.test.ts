import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { alloc } from '../../lib/sys/memory.ts';
import { aborts, asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { knows, needsOp } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const MKDIR = needsOp('OP_MKDIRAT');
/** An fd that nobody has. */
const NO_FD = 0x7fff_fff0;

ringTest('wrong arguments reject, and nothing of the chain starts', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  const write = (): Promise<unknown> => ring.open(path, { flags: 0o102 });
  const page = alloc(16);
  await refusesAll(ring, [
    ['build', () => ring.chain(wrong(async () => [await ring.nop()]))],
    ['build', () => ring.chain(wrong(() => undefined))],
    ['options.hrad', () => ring.chain(() => [], wrong({ hrad: true }))],
    ['options', () => ring.chain(() => [], wrong(1))],
    // wrong when the entry is made
    ['file', () => ring.chain((c) => [write(), c.read(-1, new Uint8Array(1)), c.nop()])],
    // wrong before
    ['options.timeoutMs', () => ring.chain((c) => [write(), c.nop({ timeoutMs: -1 }), c.nop()])],
    ['options.x', () => ring.chain((c) => [c.nop(wrong({ x: 1 })), write()])],
    ['operations', () => ring.chain((c) => Array.from({ length: 9 }, () => c.nop()))],
    ['operations', () => ring.chain((c) => Array.from({ length: 5 }, () => c.nop({ timeoutMs: 1 })))],
  ]);
  await aborts(
    ring.chain((c) => [write(), c.read(0, page, { signal: AbortSignal.abort('why') })]),
    'why',
  );
  await fails('ENOENT', 'OP_STATX', ring.statx(path));
});

ringTest('a chain may be as long as the submission queue, and no longer', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { sqEntries } = ring;
  const nops = (count: number) => ring.chain((c) => Array.from({ length: count }, () => c.nop()));
  assert.equal((await nops(sqEntries)).length, sqEntries);
  await refusesAll(ring, [['operations', () => nops(sqEntries + 1)]]);
  // with something before it in the queue it waits for all of the room
  const before = ring.nop();
  assert.equal((await nops(sqEntries)).length, sqEntries);
  await before;
});

ringTest('each starts when the one before it is done, and has its own result', {}, async (scope) => {
  const ring = asyncRing(scope);
  const folder = scope.folder();
  const { reader, writer } = scope.pipe();
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  writeFileSync(from, 'content');
  const [source, target] = [await ring.open(from), await ring.open(to, { flags: 0o101 })];
  const chunk = new Uint8Array(7);
  let started = false;
  const copying = ring.chain((c) => [
    c.read(reader, new Uint8Array(1)),
    c.read(source, chunk, { offset: 0 }),
    c.write(target, chunk, { offset: 0 }),
    c.fsync(target),
    c.statx(target),
  ]);
  copying.then(() => (started = true));
  await ring.nop();
  assert.equal(started, false);
  assert.equal(readFileSync(to, 'utf8'), '');
  writeSync(writer, 'x');
  const [one, read, written, nothing, status] = await copying;
  assert.deepEqual([one, read, written, nothing, status.size], [1, 7, 7, undefined, 7]);
  assert.equal(readFileSync(to, 'utf8'), 'content');
  await Promise.all([source.close(), target.close()]);
});

ringTest(
  'a failure cancels the rest; the chain rejects with it when all have ended',
  MKDIR,
  async (scope) => {
    const ring = asyncRing(scope);
    const path = join(scope.folder(), 'file');
    const results: Promise<unknown>[] = [];
    const chain = ring.chain((c) => {
      results.push(c.nop(), c.open(path), c.mkdir(path), c.nop());
      return results;
    });
    await fails('ENOENT', 'OP_OPENAT', chain);
    const settled = await Promise.allSettled(results);
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? 'done' : each.reason.code)),
      ['done', 'ENOENT', 'ECANCELED', 'ECANCELED'],
    );
    await fails('ENOENT', 'OP_STATX', ring.statx(path));
  },
);

ringTest('chains do not nest', {}, async (scope) => {
  const ring = asyncRing(scope);
  let inner: Error | undefined;
  await ring.chain((c) => {
    failure(c.chain((d) => [d.nop()])).then((error) => (inner = error));
    return [c.nop()];
  });
  assert.equal(Reflect.get(inner ?? {}, 'code'), 'ERR_INVALID_ARG_VALUE');
});

ringTest('the kernel lets a chain go on after an operation on a path that failed', MKDIR, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'made');
  const results: Promise<unknown>[] = [];
  await fails(
    'ENOENT',
    'OP_UNLINKAT',
    ring.chain((c) => {
      results.push(c.unlink(path), c.mkdir(path));
      return results;
    }),
  );
  assert.equal(await results[1], undefined);
});

ringTest('a short read breaks a chain', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'abc');
  const file = await ring.open(path);
  const results: Promise<unknown>[] = [];
  await fails(
    'ECANCELED',
    'OP_NOP',
    ring.chain((c) => {
      results.push(c.read(file, new Uint8Array(10), { offset: 0 }), c.nop());
      return results;
    }),
  );
  assert.equal(await results[0], 3);
  await file.close();
});

ringTest('a hard chain goes on after a failure, also behind a timeout', MKDIR, async (scope) => {
  const ring = asyncRing(scope);
  const { reader } = scope.pipe();
  const folder = join(scope.folder(), 'made');
  const results: Promise<unknown>[] = [];
  const error = await failure(
    ring.chain(
      (c) => {
        results.push(
          c.read(NO_FD, new Uint8Array(1)),
          c.read(reader, new Uint8Array(1), { timeoutMs: 5 }),
          c.mkdir(folder),
        );
        return results;
      },
      { hard: true },
    ),
  );
  assert.equal(Reflect.get(error, 'code'), 'EBADF');
  await fails('ETIME', 'OP_READ', results[1] ?? Promise.resolve());
  assert.equal(await results[2], undefined);
  await ring.unlink(folder, { directory: true });
  await until('no timeout left', () => ring.inFlight === 0);
});

ringTest('links that never ran because one before failed are ECANCELED, not ETIME', {}, async (scope) => {
  const ring = asyncRing(scope);
  const results: Promise<unknown>[] = [];
  await ring
    .chain((c) => {
      results.push(c.open('/nowhere/at/all'), c.nop({ timeoutMs: 5000 }));
      return results;
    })
    .catch(() => {});
  await fails('ECANCELED', 'OP_NOP', results[1] ?? Promise.resolve());
});

ringTest('aborting one link fails those after it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader } = scope.pipe();
  const controller = new AbortController();
  const { signal } = controller;
  const chain = ring.chain((c) => [c.read(reader, new Uint8Array(1), { signal }), c.nop({ signal })]);
  await ring.nop();
  controller.abort();
  await aborts(chain);
});

ringTest('a signal that aborts while the chain is built cancels it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader } = scope.pipe();
  const controller = new AbortController();
  const { signal } = controller;
  const chain = ring.chain((c) => {
    const read = c.read(reader, new Uint8Array(1), { signal });
    controller.abort();
    return [read, c.nop()];
  });
  await aborts(chain);
});

ringTest('a build that throws starts nothing, and leaves no rejection behind', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'never');
  const unhandled: unknown[] = [];
  const listener = (error: unknown): number => unhandled.push(error);
  process.on('unhandledRejection', listener);
  const reason = new Error('build');
  const error = await failure(
    ring.chain((c) => {
      c.mkdir(path);
      throw reason;
    }),
  );
  assert.equal(error, reason);
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
  await fails('ENOENT', 'OP_STATX', ring.statx(path));
  // the ring has no chain open any more
  await ring.nop();
});

ringTest(
  'a link that is given up before the one in front of it leaves no rejection behind',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const { reader, writer } = scope.pipe();
    const controller = new AbortController();
    const unhandled: unknown[] = [];
    const listener = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', listener);
    const chain = ring.chain((c) => [
      c.read(reader, new Uint8Array(1)),
      c.nop({ signal: controller.signal }),
      c.nop(),
    ]);
    await ring.nop();
    controller.abort();
    // what the kernel does not end is given up 50 ms later
    await new Promise((resolve) => setTimeout(resolve, 100));
    writeSync(writer, 'ab');
    await aborts(chain);
    await aborts(chain);
    process.off('unhandledRejection', listener);
    assert.deepEqual(unhandled, []);
  },
);

ringTest('what becomes of the array of promises changes nothing', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [one, other] = [scope.pipe(), scope.pipe()];
  const list: Promise<number>[] = [];
  const memory = new Uint8Array(8);
  let link: Promise<number> | undefined;
  const chain = ring.chain((c) => {
    link = c.read(one.reader, memory);
    list.push(link, c.read(one.reader, memory));
    return list;
  });
  list.length = 0;
  list.push(Promise.resolve(0), Promise.resolve(0));
  await ring.nop();
  const read = ring.read(other.reader, new Uint8Array(8));
  writeSync(one.writer, '12345678');
  assert.equal(await link, 8);
  writeSync(one.writer, '12345678');
  assert.deepEqual(await chain, [8, 8]);
  writeSync(other.writer, 'abc');
  assert.equal(await read, 3);
});

ringTest('a link that fails before the one in front of it leaves no rejection behind', {}, async (scope) => {
  // the thread of several rings takes eight entries of each at a time, and cuts a chain there
  const first = asyncRing(scope, 32, { sqPoll: true });
  const ring = asyncRing(scope, 32, { sqPoll: true, attachTo: first });
  const { reader, writer } = scope.pipe();
  const unhandled: unknown[] = [];
  const listener = (error: unknown): number => unhandled.push(error);
  process.on('unhandledRejection', listener);
  const chain = ring.chain((c) => [
    c.read(reader, new Uint8Array(1)),
    ...Array.from({ length: 8 }, () => c.nop()),
    c.read(NO_FD, new Uint8Array(1)),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  writeSync(writer, 'a');
  // before 5.17 the file of a link is looked up when it is taken: the links taken with it do not run
  if (knows('REGISTER_PBUF_RING')) await fails('EBADF', 'OP_READ', chain);
  else await fails('ECANCELED', 'OP_NOP', chain);
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
});

ringTest('promises that are not those of the links in their order are results too', {}, async (scope) => {
  const ring = asyncRing(scope);
  const file = await ring.open(import.meta.filename);
  const memory = new Uint8Array(4);
  for (let i = 0; i < 20; i++) {
    const results = await ring.chain((c) => [
      c.read(file, memory, { offset: 0 }).then((count) => `${count} bytes`),
      c.nop(),
      Promise.resolve(i),
    ]);
    assert.deepEqual(results, ['4 bytes', undefined, i]);
    // none of them: the links go on, and their objects are theirs
    let read: Promise<number> | undefined;
    assert.deepEqual(
      await ring.chain((c) => {
        read = c.read(file, memory, { offset: 0 });
        return [];
      }),
      [],
    );
    assert.deepEqual(await Promise.all([ring.read(file, new Uint8Array(2), { offset: 0 }), read]), [2, 4]);
  }
  await file.close();
});

ringTest('what a getter starts does not come between the links', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader } = scope.pipe();
  const controller = new AbortController();
  let inner: Promise<void> | undefined;
  const options = {
    get offset(): number {
      inner ??= ring.nop();
      return -1;
    },
  };
  const chain = ring.chain((c) => [
    c.read(reader, new Uint8Array(1), { signal: controller.signal }),
    c.read(reader, new Uint8Array(1), options),
    c.nop(),
  ]);
  await inner;
  controller.abort();
  await aborts(chain);
});

ringTest('one options object for many operations: each has what it held then', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'digits');
  writeFileSync(path, '0123456789');
  const file = await ring.open(path);
  const options = { offset: 0 };
  const memory = Array.from({ length: 5 }, () => new Uint8Array(1));
  await ring.chain((c) =>
    memory.map((each) => {
      const read = c.read(file, each, options);
      options.offset += 2;
      return read;
    }),
  );
  assert.equal(memory.map(text).join(''), '02468');
  await file.close();
});

ringTest('chains keep together under pressure', {}, async (scope) => {
  const ring = asyncRing(scope, 4);
  const file = await ring.open(join(scope.folder(), 'log'), { flags: 0o2102 });
  const lines = Array.from({ length: 300 }, (_, i) => [`${i}a`, `${i}b`, `${i}c`] as const);
  const counts = await Promise.all(
    lines.map((line) => ring.chain((c) => line.map((each) => c.write(file, bytes(`${each} `))))),
  );
  assert.ok(counts.flat().every((count) => count >= 3));
  const words = readFileSync(`/proc/self/fd/${file.fd}`, 'utf8').trim().split(' ');
  assert.deepEqual([...words].sort(), lines.flat().sort());
  for (const [a, b, c] of lines) {
    assert.ok(words.indexOf(a) < words.indexOf(b) && words.indexOf(b) < words.indexOf(c), a);
  }
  await file.close();
});
