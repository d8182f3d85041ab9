/** `uring/fs` does what `node:fs/promises` does, through a ring and over the threads: values, errors, files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ringUses } from '../../lib/fs/backend.ts';
import { backend } from '../../lib/fs.ts';
import { type Fs, judge, type Scene } from './judge.ts';

const LARGE = Buffer.alloc(3_000_001);
for (let i = 0; i < LARGE.length; i++) LARGE[i] = (i * 7919) >>> 3;

/** Opens a file of these bytes, does something with it, and closes it. */
function withFile(
  flags: string,
  content: string | Buffer,
  body: (file: FileHandle, path: string) => Promise<unknown>,
): Scene {
  return async (fs, folder) => {
    const path = join(folder, 'file');
    await fs.writeFile(path, content);
    const file = await fs.open(path, flags);
    try {
      return await body(file, path);
    } finally {
      await file.close();
    }
  };
}

/** Calls with wrong arguments are written as JavaScript has them: without types. */
function call(object: object, name: string, ...args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(object, name);
  assert.ok(typeof method === 'function');
  return Reflect.apply(method, object, args);
}

/** What became of a call that is expected to fail. */
async function outcome(folder: string, act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    assert.ok(error instanceof Error);
    return JSON.stringify([error.message, Object.entries(error)]).replaceAll(folder, '~');
  }
}

const FLAGS = [
  'r',
  'rs',
  'r+',
  'w',
  'wx',
  'xw',
  'w+',
  'wx+',
  'a',
  'ax',
  'as',
  'a+',
  'ax+',
  'sa+',
  'q',
  '',
  0,
  1,
  2,
  66,
  -1,
  1.5,
];

/** Each with the least number of calls that a ring is given. */
const SCENES: { readonly [name: string]: readonly [least: number, scene: Scene] } = {
  'readFile, writeFile, appendFile': [
    3,
    async (fs, folder) => {
      const path = join(folder, 'a');
      await fs.writeFile(path, 'hällo');
      await fs.appendFile(path, Buffer.from(' world'));
      return [
        await fs.readFile(path),
        await fs.readFile(path, 'utf8'),
        await fs.readFile(path, { encoding: 'hex' }),
      ];
    },
  ],
  'an empty file': [
    2,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), '');
      return fs.readFile(join(folder, 'a'));
    },
  ],
  'a large file': [
    2,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), LARGE);
      const found = await fs.readFile(join(folder, 'a'));
      return [found.equals(LARGE), (await fs.readFile(join(folder, 'a'), 'latin1')).length];
    },
  ],
  'files of sizes around the first read': [
    8,
    async (fs, folder) => {
      const path = join(folder, 'a');
      const found = [];
      for (const size of [1, 16_384, 16_385, 65_535, 65_536, 65_537, 589_823, 589_824, 589_825]) {
        await fs.writeFile(path, LARGE.subarray(0, size));
        found.push((await fs.readFile(path)).equals(LARGE.subarray(0, size)));
      }
      return found;
    },
  ],
  'files that can not be written, or opened': [
    6,
    async (fs, folder) => {
      const found = [];
      for (const path of ['/dev/full', join(folder, 'none', 'a'), folder, join(folder, 'a\0b')]) {
        found.push(
          await outcome(folder, () => fs.writeFile(path, 'text')),
          await outcome(folder, () => fs.appendFile(path, 'text')),
        );
      }
      const file = await fs.open('/dev/full', 'w');
      found.push(
        await outcome(folder, () => file.writeFile('text')),
        await outcome(folder, () => file.appendFile('text')),
      );
      await file.close();
      return found;
    },
  ],
  'typed arrays and a DataView': [
    3,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), new Uint16Array([1, 2, 3]).subarray(1));
      await fs.writeFile(join(folder, 'b'), new DataView(new ArrayBuffer(5), 1, 3));
      await fs.writeFile(join(folder, 'c'), 'ff00', 'hex');
    },
  ],
  'iterables and streams': [
    0,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), ['one', 'two']);
      await fs.writeFile(join(folder, 'b'), fs.createReadStream(join(folder, 'a')));
    },
  ],
  'paths as a URL and as bytes': [
    1,
    async (fs, folder) => {
      const path = join(folder, 'a b');
      await fs.writeFile(pathToFileURL(path), 'x');
      return fs.readFile(Buffer.from(path), 'utf8');
    },
  ],
  modes: [
    2,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), '', { mode: 0o600 });
      await fs.appendFile(join(folder, 'b'), '', { mode: '640' });
      await (await fs.open(join(folder, 'c'), 'w', 0o604)).close();
    },
  ],
  flush: [1, async (fs, folder) => fs.writeFile(join(folder, 'a'), 'x', { flush: true })],
  'flags of writeFile and readFile': [
    2,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), 'one', { flag: 'wx' });
      await fs.writeFile(join(folder, 'a'), 'two', { flag: 'a' });
      await fs.readFile(join(folder, 'b'), { flag: 'w+' });
    },
  ],
  'a file of /proc': [1, async (fs) => (await fs.readFile('/proc/cpuinfo', 'utf8')).length > 1000],
  'a file that is not there': [0, (fs, folder) => fs.readFile(join(folder, 'none'))],
  'a folder is no file': [0, (fs, folder) => fs.readFile(folder)],
  'a file in a file': [0, (fs, folder) => fs.readFile(join(folder, 'a/b/c'), 'utf8')],
  'a folder to write': [0, (fs, folder) => fs.writeFile(folder, 'x')],
  'it exists': [
    0,
    async (fs, folder) => {
      await fs.writeFile(join(folder, 'a'), '');
      return fs.writeFile(join(folder, 'a'), '', { flag: 'wx' });
    },
  ],
  'a path with a zero, an empty one, a wrong one': [
    0,
    async (fs) =>
      Promise.all(
        ['a\0b', '', 7, null, {}, new URL('http://x/y')].map((path) =>
          shown(() => call(fs, 'readFile', path)),
        ),
      ),
  ],
  'wrong options': [
    0,
    async (fs, folder) =>
      Promise.all(
        [7, 'klingon', { encoding: 'klingon' }, { flag: 'zz' }, { signal: 1 }, { flag: {} }].map((options) =>
          shown(() => call(fs, 'readFile', join(folder, 'x'), options)),
        ),
      ),
  ],
  'wrong data': [
    0,
    async (fs, folder) =>
      Promise.all(
        [undefined, null, 7, {}, Symbol('x'), true].map((data) =>
          shown(() => call(fs, 'writeFile', join(folder, 'x'), data)),
        ),
      ),
  ],
  'wrong flush and mode': [
    0,
    async (fs, folder) =>
      Promise.all(
        [{ flush: 1 }, { mode: 'x' }, { mode: -1 }, { mode: 1.5 }].map((options) =>
          shown(() => call(fs, 'writeFile', join(folder, 'x'), 'x', options)),
        ),
      ),
  ],
  'flags of open': [
    8,
    async (fs, folder) => {
      const found = [];
      for (const [i, flag] of FLAGS.entries()) {
        await fs.writeFile(join(folder, `${i}`), 'there');
        found.push(await shown(async () => (await fs.open(join(folder, `${i}`), flag)).close()));
        found.push(await shown(async () => (await fs.open(join(folder, `new-${i}`), flag)).close()));
      }
      return found;
    },
  ],
  'read: the forms of its arguments': [
    5,
    withFile('r', 'hello world', async (file) => {
      const found = [];
      const forms = [
        () => [Buffer.alloc(5)],
        () => [Buffer.alloc(5), 1, 3, 2],
        () => [Buffer.alloc(5), 1],
        () => [Buffer.alloc(5), { offset: 2, length: 2, position: 0 }],
        () => [{ buffer: Buffer.alloc(4), position: 6 }],
        () => [],
        () => [{}],
        () => [null],
        () => [Buffer.alloc(5), null, null, null],
        () => [Buffer.alloc(5), 0, 0],
        () => [Buffer.alloc(0)],
        () => [new Uint16Array(2), 0, 3, 0],
        () => [new DataView(new ArrayBuffer(3))],
        () => [Buffer.alloc(5), 0, 5, 100],
        () => [Buffer.alloc(5), 0, 5, 3n],
        () => [Buffer.alloc(5), 0, 5, '3'],
        () => [Buffer.alloc(5), 0, 5, -1],
        () => [Buffer.alloc(5), -1],
        () => [Buffer.alloc(5), 6],
        () => [Buffer.alloc(5), 0, 6],
        () => [Buffer.alloc(5), 0, -1],
        () => [Buffer.alloc(5), '1'],
        () => [Buffer.alloc(5), 1.5],
        () => [7],
        () => ['x'],
        () => [[]],
        () => [{ buffer: 7 }],
      ];
      for (const form of forms) found.push(await shown(() => call(file, 'read', ...form())));
      return found;
    }),
  ],
  'write: the forms of its arguments': [
    4,
    withFile('w+', '', async (file, path) => {
      const found = [];
      const forms = [
        () => [Buffer.from('hello')],
        () => [Buffer.from('hello'), 1, 3],
        () => [Buffer.from('hello'), 1, 3, 20],
        () => [Buffer.from('hello'), { offset: 1, position: 30 }],
        () => ['text'],
        () => ['text', 40],
        () => ['ff', null, 'hex'],
        () => [Buffer.alloc(0)],
        () => [Buffer.from('hello'), null, null, null],
        () => [new Uint16Array([65, 66])],
        () => [Buffer.from('x'), 2],
        () => [Buffer.from('x'), 0, 2],
        () => [Buffer.from('x'), '0'],
        () => [7],
        () => [undefined],
        () => [{}],
        () => ['x', 0, 'klingon'],
        () => [Buffer.from('y'), 0, 1, 5n],
      ];
      for (const form of forms) found.push(await shown(() => call(file, 'write', ...form())));
      return [found, await text((await import('node:fs')).createReadStream(path))];
    }),
  ],
  'readv and writev': [
    3,
    withFile('w+', '', async (file) => [
      await file.writev([Buffer.from('ab'), new Uint8Array([99, 100])]),
      await file.writev([Buffer.from('xy')], 1),
      await file.readv([Buffer.alloc(2), Buffer.alloc(3)], 0),
      await file.readv([Buffer.alloc(2)]),
      await file.writev([]),
      await shown(() => call(file, 'writev', 'x')),
      await shown(() => call(file, 'readv', [7])),
      await shown(() => call(file, 'readv', [Buffer.alloc(0)], 0)),
    ]),
  ],
  'the position moves': [
    6,
    withFile('r+', 'hello world', async (file) => {
      const found = [
        await file.read(Buffer.alloc(3)),
        await file.read(Buffer.alloc(3), 0, 3, 0),
        await file.read(Buffer.alloc(3)),
      ];
      await file.write('!!');
      return [...found, await file.readFile('utf8'), await file.readFile('utf8')];
    }),
  ],
  'a large file by its handle, from the middle': [
    2,
    withFile('r', LARGE, async (file) => {
      await file.read(Buffer.alloc(100_000));
      return (await file.readFile()).equals(LARGE.subarray(100_000));
    }),
  ],
  'writeFile and appendFile of a handle': [
    2,
    withFile('w+', '', async (file) => {
      await file.writeFile('one');
      await file.appendFile(new Uint8Array([65]));
      await call(file, 'writeFile', ['it', 'er']);
      return shown(() => call(file, 'writeFile', 7));
    }),
  ],
  'readFile and writeFile of a handle as the path': [
    1,
    async (fs, folder) => {
      const file = await fs.open(join(folder, 'a'), 'w+');
      await fs.writeFile(file, 'text');
      const found = await fs.readFile(file, 'utf8');
      await file.close();
      return found;
    },
  ],
  'what a ring has no part in': [
    1,
    withFile('r+', 'hello', async (file) => {
      await file.truncate(3);
      await file.chmod(0o600);
      await file.utimes(1, 2);
      await file.sync();
      await file.datasync();
      const { size, mtimeMs } = await file.stat();
      const lines = [];
      for await (const line of file.readLines()) lines.push(line);
      return [size, mtimeMs, lines];
    }),
  ],
  'not open for it': [
    1,
    async (fs, folder) => {
      const path = join(folder, 'a');
      await fs.writeFile(path, 'x');
      const reader = await fs.open(path, 'r');
      const writer = await fs.open(path, 'a');
      try {
        return [
          await shown(() => reader.write(Buffer.from('x'))),
          await shown(() => writer.read(Buffer.alloc(1))),
          await shown(() => reader.writev([Buffer.from('x')])),
          await shown(() => writer.readv([Buffer.alloc(1)])),
          await shown(() => writer.readFile()),
        ];
      } finally {
        await reader.close();
        await writer.close();
      }
    },
  ],
  'after close': [
    1,
    async (fs, folder) => {
      const file = await fs.open(join(folder, 'a'), 'w+');
      const events: string[] = [];
      call(file, 'on', 'close', () => events.push('close'));
      await file.close();
      await file.close();
      const failed = await Promise.all(
        [
          'read',
          'write',
          'readv',
          'writev',
          'readFile',
          'writeFile',
          'appendFile',
          'stat',
          'sync',
          'truncate',
        ].map((name) => shown(() => call(file, name, Buffer.alloc(1)))),
      );
      return [events, file.fd, failed];
    },
  ],
  'close waits for what is on its way': [
    3,
    withFile('r', 'hello', async (file) => {
      const order: string[] = [];
      const reading = file.read(Buffer.alloc(5)).then(() => order.push('read'));
      const closing = file.close().then(() => order.push('close'));
      await Promise.all([reading, closing]);
      return order;
    }),
  ],
  'a signal that has aborted, or does': [
    1,
    async (fs, folder) => {
      const path = join(folder, 'a');
      await fs.writeFile(path, LARGE);
      const soon = () => {
        const controller = new AbortController();
        process.nextTick(() => controller.abort(new Error('enough')));
        return controller.signal;
      };
      const now = () => {
        const controller = new AbortController();
        queueMicrotask(() => controller.abort());
        return controller.signal;
      };
      const file = await fs.open(path, 'r+');
      const found = [
        await shown(() => fs.readFile(path, { signal: AbortSignal.abort() })),
        await shown(() => fs.readFile(path, { signal: AbortSignal.abort('why') })),
        await shown(() => fs.readFile(path, { signal: soon() })),
        await shown(() => fs.readFile(path, { signal: now() })),
        await shown(() => fs.writeFile(join(folder, 'b'), 'x', { signal: AbortSignal.abort() })),
        await shown(() => fs.writeFile(join(folder, 'c'), LARGE, { signal: soon() })),
        await shown(() => file.readFile({ signal: soon() })),
        await shown(() => file.writeFile('x', { signal: AbortSignal.abort() })),
        (await fs.readFile(path, { signal: new AbortController().signal })).length,
      ];
      await file.close();
      return found;
    },
  ],
  streams: [
    4,
    async (fs, folder) => {
      const path = join(folder, 'a');
      const out = fs.createWriteStream(path, { mode: 0o600 });
      for (let i = 0; i < 100; i++) out.write(`line ${i}\n`);
      await new Promise<void>((done) => out.end(done));
      const again = fs.createWriteStream(path, { flags: 'r+', start: 4 });
      await new Promise<void>((done) => again.end('####', done));
      return [
        await text(fs.createReadStream(path)),
        await text(fs.createReadStream(path, 'latin1')),
        await text(fs.createReadStream(path, { start: 3, end: 10, highWaterMark: 3 })),
        await shown(() => text(fs.createReadStream(join(folder, 'none')))),
        await shown(async () => call(fs, 'createReadStream', path, 7)),
      ];
    },
  ],
  'streams of a handle': [
    3,
    async (fs, folder) => {
      const writer = await fs.open(join(folder, 'a'), 'w');
      const out = writer.createWriteStream();
      out.end('hello world');
      await new Promise<void>((done) => out.once('close', done));
      const reader = await fs.open(join(folder, 'a'));
      return [await text(reader.createReadStream({ start: 2 })), writer.fd];
    },
  ],
  'all else of the interface': [
    1,
    async (fs, folder) => {
      const path = (name: string) => join(folder, name);
      await fs.mkdir(path('d/e'), { recursive: true });
      await fs.writeFile(path('a'), 'x');
      await fs.copyFile(path('a'), path('b'));
      await fs.cp(path('d'), path('f'), { recursive: true });
      await fs.rename(path('b'), path('c'));
      await fs.link(path('c'), path('l'));
      await fs.symlink('c', path('s'));
      await fs.chmod(path('c'), 0o640);
      await fs.truncate(path('c'), 0);
      await fs.utimes(path('c'), 5, 6);
      await fs.unlink(path('l'));
      await fs.rmdir(path('f/e'));
      await fs.rm(path('f'), { recursive: true });
      const names = [];
      for await (const { name } of await fs.opendir(folder)) names.push(name);
      return [
        await fs.readlink(path('s')),
        names.sort(),
        (await fs.readdir(folder)).sort(),
        (await fs.stat(path('c'))).mtimeMs,
        (await fs.lstat(path('s'))).isSymbolicLink(),
        (await fs.realpath(path('s'))).endsWith('/c'),
        typeof (await fs.statfs(folder)).bsize,
        await shown(() => fs.access(path('none'))),
        await fs.rmdir(await fs.mkdtemp(path('t-'))),
      ];
    },
  ],
};

/** What came of a call: its value, or the error's own words. */
async function shown(run: () => unknown): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof Error)) return { error };
    const { name, message, cause } = error;
    const neutral = message.replace(/'[^']*\/uring-judge-\w+/g, "'~");
    return { ...error, path: undefined, name, message: neutral, cause };
  }
}

for (const use of ['io_uring', 'threads'] as const) {
  describe(`over ${use}`, () => {
    before(() => {
      assert.equal(backend({ use }).name, use);
    });
    after(() => {
      backend({ use: 'auto' });
    });
    for (const [name, [least, scene]] of Object.entries(SCENES)) {
      test(name, async () => {
        const uses = ringUses();
        await judge(scene);
        const used = ringUses() - uses;
        if (use === 'io_uring') assert.ok(used >= least, `a ring was given ${used} calls, not ${least}`);
        else assert.equal(used, 0);
      });
    }

    test('a pipe is read to its end', async () => {
      await judge(async (fs: Fs, folder) => {
        const path = join(folder, 'fifo');
        execFileSync('mkfifo', [path]);
        const reading = fs.readFile(path);
        const writer = await fs.open(path, 'w');
        for (const part of ['one ', 'two ', 'three']) await writer.write(Buffer.from(part));
        await writer.close();
        const found = await reading;
        await fs.unlink(path);
        return found;
      });
    });
  });
}
