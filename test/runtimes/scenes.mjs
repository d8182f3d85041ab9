/** Scenes, each run by `node scenes.mjs NAME ARGUMENT...` in a process of its own. Each writes one JSON value. */
import { spawn } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [name, ...args] = process.argv.slice(2);
/** One that tests workers must not load the package in the main thread, unless it is told to. */
const isAlone = name === 'terminatedAlone' || (name === 'workers' && args[1] !== 'both');
const { AsyncRing } = isAlone ? {} : await import('uring');
const { libc } = isAlone ? {} : await import('uring/raw');

function tell(value) {
  process.stdout.write(JSON.stringify(value));
}

/** A file of `bytes` bytes, byte i being i % 251; open for reading. */
function patternFile(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'uring-runtimes-'));
  const path = join(folder, 'pattern');
  writeFileSync(
    path,
    Uint8Array.from({ length: bytes }, (_, i) => i % 251),
  );
  const fd = openSync(path, 'r');
  rmSync(folder, { recursive: true });
  return fd;
}

/** Is `bytes` what the pattern file has at `offset`? */
function isPattern(bytes, offset) {
  return bytes.every((byte, i) => byte === (offset + i) % 251);
}

/** How many rings are open in this process. */
function ringFds() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false; // the folder's own
    }
  }).length;
}

const codeOf = (error) => error.code;
const never = () => {
  throw new Error('it was to be refused');
};

const scenes = {
  /** A chain of promises over timeouts and reads, with nothing else on the event loop: how many steps, how slow. */
  async chain() {
    const ring = new AsyncRing(8);
    const [reader, writer] = libc.pipe();
    const file = patternFile(65536);
    const bytes = new Uint8Array(64);
    const slow = [];
    const codes = new Set();
    // without it the loop would end after each step, which lets promises continue whatever else does not
    const holder = setTimeout(() => {}, 60_000);
    for (let i = 0; i < 60; i++) {
      const start = performance.now();
      // nothing to read: the linked timeout ends it, by an interrupt of the kernel's
      codes.add(await ring.read(reader, bytes, { timeoutMs: 2 }).catch(codeOf));
      codes.add(await ring.read(file, bytes, { offset: i * 64 }));
      codes.add(isPattern(bytes, i * 64));
      const reading = ring.read(reader, bytes);
      writeSync(writer, 'x');
      codes.add(await reading);
      slow.push(performance.now() - start);
    }
    clearTimeout(holder);
    ring.close();
    tell({ codes: [...codes], median: slow.sort((a, b) => a - b)[30] });
  },

  /** Callbacks of a user's that throw: what became of the errors, and of the ring. */
  async throwing() {
    const caught = [];
    process.on('uncaughtException', (error) => caught.push(error.message));
    const ring = new AsyncRing(8);
    const file = patternFile(4096);
    const releases = [];
    const buffers = ring.registerBuffers([new Uint8Array(64), new Uint8Array(64), new Uint8Array(64)], {
      onRelease(index) {
        releases.push(index);
        throw new Error(`release ${index}`);
      },
    });
    const bytes = new Uint8Array(64);
    const counts = [];
    // the kernel lets go of them at once
    buffers.update(0, [null, null]);
    for (let i = 0; i < 5; i++) counts.push(await ring.read(file, bytes, { offset: 0 }));
    // of this one while the event loop sleeps: its poll callback is what runs next
    const [reader, writer] = libc.pipe();
    const reading = ring.read(reader, buffers.at(2));
    await turn();
    buffers.update(2, [null]);
    spawn('sleep', ['0.05'], { stdio: ['ignore', writer, 'ignore'] });
    libc.close(writer);
    counts.push(await reading);
    for (let i = 0; i < 20 && caught.length < 3; i++) await turn();
    const calls = [];
    for (let i = 0; i < 5; i++) {
      buffers.update(0, [null]);
      calls.push(ring.probe().ops.length > 0);
    }
    const subscriber = () => {
      throw new Error('subscriber');
    };
    diagnostics.subscribe('uring:register', subscriber);
    ring.registerFiles([file]).unregister();
    diagnostics.unsubscribe('uring:register', subscriber);
    for (let i = 0; i < 5; i++) counts.push(await ring.read(file, bytes, { offset: 0 }));
    await turn();
    ring.close();
    tell({ caught: caught.sort(), releases: releases.sort(), counts, calls });
  },

  /** Reads at a depth, all of which need task work, on a ring whose eventfd wakes the event loop. */
  async defer(depth) {
    const ring = new AsyncRing(256, { deferTaskrun: true });
    const file = patternFile(1 << 20);
    const [reader, writer] = libc.pipe();
    let next = 0;
    let wrong = 0;
    const lane = async () => {
      const bytes = new Uint8Array(512);
      while (next < 2048) {
        const offset = 512 * (next++ % 2048);
        // at a worker thread's: its completion is task work
        if ((await ring.read(file, bytes, { offset, async: true })) !== 512 || !isPattern(bytes, offset))
          wrong++;
      }
    };
    await Promise.all(Array.from({ length: Number(depth) }, lane));
    // and by polling, many at once
    for (let round = 0; round < 8; round++) {
      const reads = Array.from({ length: 256 }, () => ring.read(reader, new Uint8Array(1)));
      await turn();
      writeSync(writer, new Uint8Array(256));
      for (const count of await Promise.all(reads)) if (count !== 1) wrong++;
    }
    ring.close();
    tell({ reads: next, wrong });
  },

  /** What nobody but the kernel uses stays where it is until the kernel has let go, however often memory is collected. */
  async dropped() {
    const SIZE = 512;
    const ring = new AsyncRing(64);
    const [reader, writer] = libc.pipe();
    const refs = [];
    const reads = Array.from({ length: 64 }, () => {
      const bytes = new Uint8Array(SIZE);
      refs.push(new WeakRef(bytes));
      return ring.read(reader, bytes);
    });
    await turn();
    const alive = () => refs.filter((ref) => ref.deref() !== undefined).length;
    const storm = async () => {
      for (let i = 0; i < 20; i++) {
        globalThis.gc();
        Array.from({ length: 1024 }, () => new Uint8Array(SIZE));
        await turn();
      }
    };
    await storm();
    const during = alive();
    const canaries = Array.from({ length: 4096 }, () => new Uint8Array(SIZE));
    writeSync(writer, new Uint8Array(64 * SIZE).fill(0xee));
    const counts = new Set(await Promise.all(reads));
    const harmed = canaries.filter((bytes) => bytes.some((byte) => byte !== 0)).length;
    await storm();
    tell({ during, counts: [...counts], harmed, after: alive() });
    ring.close();
  },

  /** A ring that nobody has any more, with an operation in flight that somebody awaits, is not closed. */
  async forgotten() {
    // it keeps the ring that wakes the event loop, which is counted here and not below
    const other = new AsyncRing(8);
    const before = ringFds();
    const [reader, writer] = libc.pipe();
    const warnings = [];
    process.on('warning', ({ code }) => warnings.push(code));
    const bytes = new Uint8Array(8);
    const reading = (() => new AsyncRing(8).read(reader, bytes))();
    for (let i = 0; i < 20; i++) {
      globalThis.gc();
      await turn();
    }
    const open = ringFds() - before;
    writeSync(writer, 'data');
    const count = await reading;
    for (let i = 0; i < 100 && ringFds() > before; i++) {
      globalThis.gc();
      await turn();
    }
    await turn();
    tell({ open, count, left: ringFds() - before, warnings });
    other.close();
  },

  /** Memory that can move or is no memory. */
  async refused() {
    const ring = new AsyncRing(8);
    const file = patternFile(4096);
    const detached = new Uint8Array(64);
    new MessageChannel().port1.postMessage(null, [detached.buffer]);
    const codes = [];
    for (const memory of [
      detached,
      new Uint8Array(new ArrayBuffer(64, { maxByteLength: 128 })),
      new ArrayBuffer(64),
      'text',
      undefined,
    ]) {
      codes.push(await ring.read(file, memory).then(never, codeOf));
      codes.push(await ring.write(file, memory).then(never, codeOf));
      try {
        ring.registerBuffers([memory]);
      } catch ({ code }) {
        codes.push(code);
      }
    }
    // no bytes are nothing to register, and as good as any for operations
    const empty = [];
    const [, writer] = libc.pipe();
    for (const memory of [new Uint8Array(0), new Uint8Array(64).subarray(64)]) {
      empty.push(await ring.read(file, memory), await ring.write(writer, memory));
      try {
        ring.registerBuffers([memory]);
      } catch ({ code }) {
        codes.push(code);
      }
    }
    const pending = ring.inFlight;
    // memory that goes away between the call and the entry is refused as well
    const bytes = new Uint8Array(64);
    const vanishing = {
      get offset() {
        new MessageChannel().port1.postMessage(null, [bytes.buffer]);
        return 0;
      },
    };
    codes.push(await ring.read(file, bytes, vanishing).then(never, codeOf));
    ring.close();
    tell({ codes: [...new Set(codes)], count: codes.length, empty, pending });
    process.exit(); // message ports
  },

  /** A ring that has nothing to do does not hold the process. */
  async idle(kind) {
    const ring = new AsyncRing(8, { deferTaskrun: kind === 'defer' });
    const bytes = new Uint8Array(64);
    const count = await ring.read(patternFile(4096), bytes);
    tell({ count });
    globalThis.kept = ring;
  },

  /** An operation that is pending does, unless the ring is unref'd. */
  async pending(kind) {
    const ring = new AsyncRing(8);
    const [reader, writer] = libc.pipe();
    if (kind !== 'ref') ring.unref();
    if (kind === 'again') ring.ref();
    const said = [];
    process.on('exit', () => tell(said));
    ring.read(reader, new Uint8Array(8)).then((count) => said.push(count));
    setTimeout(() => writeSync(writer, 'four'), 50).unref();
  },

  /** Workers that end in some way, again and again, with a ring: how each ended, and how many rings are left. */
  async workers(how, _where, cycles) {
    const before = ringFds();
    const ends = new Set();
    for (let left = Number(cycles); left > 0; left -= 5) {
      const five = Array.from({ length: Math.min(5, left) }, () => workerEnding(how));
      for (const end of await Promise.all(five)) ends.add(end);
    }
    tell({ ends: [...ends], left: ringFds() - before });
  },

  /** Workers that are terminated while their rings work: what they leave, and whether memory of others was written to. */
  async terminated(how, count) {
    const pattern = 0x5a;
    const canaries = Array.from({ length: 64 }, (_, i) => new Uint8Array(1 << (6 + (i % 12))).fill(pattern));
    new AsyncRing(8).close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = { fds: fdCount(), rings: ringFds(), mappings: uringMappings(), pinned: pinnedKib() };
    let ended = 0;
    for (let left = Number(count); left > 0; left -= 4) {
      const some = Array.from({ length: Math.min(4, left) }, () => terminateBusy(how));
      for (const end of await Promise.all(some)) if (end === 1) ended++;
      // what V8 has freed is given to others
      for (let i = 0; i < 64; i++) canaries[i] = canaries[i].slice();
    }
    const harmed = canaries.filter((bytes) => bytes.some((byte) => byte !== pattern)).length;
    // the rings of workers are unmapped by a later ring
    for (let i = 0; i < 50 && (uringMappings() > before.mappings || pinnedKib() > before.pinned); i++) {
      new AsyncRing(8).close();
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    tell({
      ended,
      fds: fdCount() - before.fds,
      rings: ringFds() - before.rings,
      mappings: uringMappings() - before.mappings,
      pinned: pinnedKib() - before.pinned,
      harmed,
    });
  },

  /** Servers whose sockets are slots of their rings: each client hears that its server has ended, and no fd stays. */
  async terminatedServers(count) {
    const folder = mkdtempSync(join(tmpdir(), 'uring-serving-'));
    new AsyncRing(8).close();
    await terminateBusy('idle');
    // its ring goes a moment after it, and that by which this thread is woken
    await new Promise((resolve) => setTimeout(resolve, 400));
    const before = fdCount();
    let heard = 0;
    for (let i = 0; i < Number(count); i++) {
      const path = join(folder, `${i}`);
      const clients = [];
      await terminateBusy('serving', path, async () => {
        for (let k = 0; k < 4; k++) clients.push(connect(path));
        await Promise.all(clients.map((client) => once(client, 'data')));
      });
      for (const client of clients) {
        if (!client.closed) await once(client, 'close');
        heard++;
      }
    }
    rmSync(folder, { recursive: true });
    for (let i = 0; i < 50 && fdCount() > before; i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    tell({ heard, fds: fdCount() - before });
  },

  /** The same with a parent that does not have the package. */
  async terminatedAlone(count) {
    // the first worker of a process opens files of Node.js's own
    await terminateBusy('idle');
    const before = fdCount();
    let ended = 0;
    for (let i = 0; i < Number(count); i++) if ((await terminateBusy('listening')) === 1) ended++;
    tell({ ended, fds: fdCount() - before });
  },
};

function fdCount() {
  return readdirSync('/proc/self/fd').length;
}

/** KiB that registered buffers pin. */
function pinnedKib() {
  return Number(/^VmPin:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Mappings of rings, and memory of workers. */
function uringMappings() {
  return readFileSync('/proc/self/maps', 'utf8').match(/\[io_uring\]|memfd:uring/g)?.length ?? 0;
}

/** One worker that is terminated while it works; its exit code. */
async function terminateBusy(how, path, whileBusy) {
  const [reader, writer] = libc?.pipe() ?? [-1, -1];
  const workerData = { how, reader, path };
  const worker = new Worker(new URL('busy-worker.mjs', import.meta.url), { workerData });
  const end = new Promise((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  await Promise.race([new Promise((resolve) => worker.on('message', resolve)), end]);
  const feed = () => {
    if (how === 'completing') for (let i = 0; i < 200; i++) writeSync(writer, 'x');
  };
  await whileBusy?.();
  feed();
  const terminated = worker.terminate();
  feed();
  await terminated;
  const code = await end;
  if (libc !== undefined) for (const fd of [reader, writer]) libc.close(fd);
  return code;
}

/** One worker, from its start to its end; how it ended. */
function workerEnding(how) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: how });
  let failure;
  worker.on('error', ({ message }) => {
    failure = message;
  });
  worker.on('message', () => worker.terminate());
  return new Promise((resolve) => {
    worker.on('exit', (code) => resolve(failure ?? code));
  });
}

await scenes[name](...args);
