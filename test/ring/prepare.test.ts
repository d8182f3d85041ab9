/** What every method of `ring.prepare` promises. What each operation does is proved in test/ops. */
import assert from 'node:assert/strict';
import { openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Prepare } from '../../lib/faces/prepare.ts';
import type { Ring } from '../../lib/faces/ring.ts';
import { RegisteredBuffer } from '../../lib/ring/owners/buffers.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { addressOf, alloc, Mapping, pageSize } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Sqe } from '../../structs/sqe.ts';
import { needs, needsFeature, needsOp } from '../helpers/needs.ts';
import { ECANCELED, lastEntry, mappedMemory, OpenRing, text } from '../helpers/pairs.ts';
import { refuses, trapped, unsteadyViews, wrong } from '../helpers/raw-ring.ts';
import { complete, result, ringTest, type Scope, until } from '../helpers/rings.ts';
import { makeProps, type Sample, samples } from '../helpers/samples.ts';

const PAGE = pageSize();
const EBADF = -9;
const EISDIR = -21;
/** What an operation sets itself. */
const OWN_FLAGS = constants.IOSQE_FIXED_FILE | constants.IOSQE_BUFFER_SELECT;
const SAFE = Number.MAX_SAFE_INTEGER;
const NO_FD = 0x7fff_fff0;
const skips = needsFeature('FEAT_CQE_SKIP');
/** What the samples are made from has a buffer ring. */
const all = needs('REGISTER_PBUF_RING');

/** The names of all methods, also of the classes that Prepare extends. */
const methods: string[] = [];
for (let each = Prepare.prototype; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
  methods.push(...Object.getOwnPropertyNames(each).filter((name) => name !== 'constructor'));
}

function openRing(scope: Scope, options = {}): OpenRing {
  const ring = new OpenRing(4, options);
  scope.defer(() => ring.close());
  return ring;
}

/** Calls a method by its name. */
function prepare(ring: Ring, method: string, args: readonly unknown[], options?: unknown): void {
  Reflect.apply(Reflect.get(ring.prepare, method), ring.prepare, [...args, options]);
}

/** Calls `body` for each method with a function that calls it with arguments that are right and these options. */
function eachMethod(
  scope: Scope,
  ring: OpenRing,
  body: (method: string, call: (options?: unknown) => void, sample: Sample) => void,
): void {
  const props = makeProps(scope, ring);
  for (const method of methods) {
    const sample = samples.get(method);
    if (sample === undefined) continue;
    const args = sample.args(props);
    const own = sample.options?.(props);
    const given = sample.required === undefined ? own : { ...sample.required, ...own };
    const call = (options?: unknown) =>
      prepare(ring, method, args, given === undefined ? options : merged(given, options));
    body(method, call, sample);
  }
}

/** Both, where the second is an object at all. Its getters stay getters. */
function merged(first: object, second: unknown): unknown {
  if (second === undefined) return first;
  if (typeof second !== 'object' || second === null) return second;
  return Object.defineProperties({ ...first }, Object.getOwnPropertyDescriptors(second));
}

/** The entry that was prepared last. */
const entry = (ring: OpenRing): ReturnType<typeof Sqe.decode> => Sqe.decode(lastEntry(ring.inner));

/** Takes the memory of a view away. */
function detach({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] });
}

/** Takes back the operation that was prepared last. */
function takeBack(ring: OpenRing): void {
  const slot = Number(entry(ring).userData & 0xffff_ffffn);
  ring.inner.flights.remove(slot);
  ring.inner.queues.rewind(1);
}

/** What a getter may do: other operations, that are submitted at once. */
function meddle(ring: Ring): void {
  ring.prepare.nop({ userData: 1 });
  ring.prepare.nop({ userData: 2 });
  ring.submit();
}

/** After `meddle`: the NOPs are done, and the operation that was prepared around them is in its entry, whole. */
function isWhole(ring: OpenRing, method: string, expected: number): void {
  assert.deepEqual(
    [...ring.completions()].map(({ userData, res }) => [userData, res]),
    [
      [1, 0],
      [2, 0],
    ],
    method,
  );
  const { userData, opcode } = entry(ring);
  assert.ok(ring.inner.kernelUserData(expected).includes(userData), method);
  assert.equal(opcode, samples.get(method)?.opcode, method);
  assert.equal(ring.inFlight, 1, method);
  takeBack(ring);
}

/** From where to where the memory goes that can be reached from a value. */
function memoryOf(value: unknown, seen = new Set<unknown>()): (readonly [from: bigint, to: bigint])[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === 0) return [];
    const from = BigInt(addressOf('view', value));
    return [[from, from + BigInt(value.byteLength)]];
  }
  if (value instanceof RegisteredBuffer) return memoryOf(value.bytes, seen);
  if (value instanceof Mapping) return [[BigInt(value.address), BigInt(value.address + value.length)]];
  return Object.values(value).flatMap((each) => memoryOf(each, seen));
}

ringTest('every method is declared, and every declaration has its methods', {}, () => {
  assert.deepEqual(
    methods.filter((method) => !samples.has(method)),
    [],
  );
  assert.deepEqual(
    [...samples.keys()].filter((method) => !methods.includes(method)),
    [],
  );
});

ringTest('a misspelt or wrong option is named, and no entry is taken', all, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (method, call) => {
    const cases: readonly (readonly [string, unknown])[] = [
      ['options', 5],
      ['options', null],
      ['options', 'link'],
      ['options.userdata', { userdata: 1 }],
      ['options.Link', { Link: true }],
      ['options.userData', { userData: -1 }],
      ['options.userData', { userData: 2 ** 53 }],
      ['options.userData', { userData: 1.5 }],
      ['options.userData', { userData: 1n }],
      ['options.userData', { userData: null }],
      ['options.personality', { personality: 1 }],
    ];
    for (const [name, options] of cases) refuses(name, () => call(options));
    assert.deepEqual([method, ring.sqSpace, ring.inFlight], [method, 4, 0]);
  });
});

ringTest('wrong arguments are refused by their type, and no entry is taken', all, (scope) => {
  const ring = openRing(scope);
  const props = makeProps(scope, ring);
  for (const method of methods) {
    const args = samples.get(method)?.args(props) ?? [];
    args.forEach((_, i) => {
      for (const value of [
        ...(samples.get(method)?.optional.includes(i) ? [] : [undefined]),
        null,
        Symbol('no'),
        Number.NaN,
        -7,
        {},
        [],
        () => {},
        new ArrayBuffer(8),
      ]) {
        // what the kernel can judge alone may pass: a path, an epoll action, ...
        try {
          prepare(ring, method, args.with(i, value));
          ring.inner.queues.rewind(1);
          ring.inner.flights.remove(ring.inner.flights.slots()[0] ?? 0);
          assert.ok(Array.isArray(value) || value === -7, `${method}: argument ${i} may be ${String(value)}`);
        } catch (error) {
          const { code, message } = Object(error);
          assert.match(
            String(code),
            /^ERR_INVALID_ARG_(TYPE|VALUE)$/,
            `${method}: argument ${i}: ${message}`,
          );
        }
      }
    });
    assert.deepEqual([method, ring.sqSpace, ring.inFlight], [method, 4, 0]);
  }
});

ringTest('userData comes back as it was, from 0 to 2^53-1', {}, (scope) => {
  const ring = openRing(scope);
  const values = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, SAFE - 1, SAFE];
  for (const userData of values) {
    ring.prepare.nop({ userData });
    const [completion] = complete(ring, 1);
    assert.equal(completion?.userData, userData);
  }
  ring.prepare.nop();
  ring.prepare.nop({});
  assert.deepEqual(
    complete(ring, 2).map(({ userData }) => userData),
    [0, 0],
  );
});

ringTest('common options set their bits in the entry, and nothing else', { ...skips, ...all }, (scope) => {
  const ring = openRing(scope, { disabled: true });
  const personality = ring.registerPersonality();
  eachMethod(scope, ring, (method, call) => {
    for (const [options, bits] of [
      [{ link: true }, constants.IOSQE_IO_LINK],
      [{ hardlink: true }, constants.IOSQE_IO_HARDLINK],
      [{ drain: true }, constants.IOSQE_IO_DRAIN],
      [{ async: true }, constants.IOSQE_ASYNC],
      [{ link: false, hardlink: false, drain: false, async: false, skipSuccess: false }, 0],
    ] as const) {
      call(options);
      const { flags, personality: id } = entry(ring);
      assert.equal(flags & ~OWN_FLAGS, bits, method);
      assert.equal(id, 0);
      takeBack(ring);
    }
    call({ personality });
    assert.ok(entry(ring).personality > 0, method);
    takeBack(ring);
  });
});

ringTest(
  'every byte of an entry is written, also of the second half of a big one',
  needs('REGISTER_PBUF_RING'),
  (scope) => {
    const ring = openRing(scope, { sqe128: true, disabled: true });
    const { sqe } = ring.inner.queues;
    const bytesAfter = (fill: number, call: () => void): Uint8Array => {
      sqe.words.fill(fill);
      call();
      const found = new Uint8Array(sqe.words.buffer).slice(sqe.base * 4, (sqe.base + sqe.stride) * 4);
      takeBack(ring);
      return found;
    };
    // what differs from call to call: addresses of copies, and the generation of the slot
    const { off, addr, userData, addr3 } = Sqe.at;
    const varies = [off, addr, userData, addr3];
    eachMethod(scope, ring, (method, call) => {
      const [zeros, ones] = [bytesAfter(0, call), bytesAfter(0xffff_ffff, call)];
      ones.forEach((byte, i) => {
        // the upper two bytes of an address are zero
        if (varies.some((at) => i >= at && i < at + 6)) return;
        assert.equal(byte, zeros[i], `${method}: byte ${i}`);
      });
    });
  },
);

ringTest(
  'an operation that gives the kernel memory must have a completion',
  { ...skips, ...all },
  (scope) => {
    const ring = openRing(scope, { disabled: true });
    eachMethod(scope, ring, (method, call, { holdsData }) => {
      if (holdsData) {
        refuses('options.skipSuccess', () => call({ skipSuccess: true }));
        assert.equal(ring.sqSpace, 4, method);
      } else {
        call({ skipSuccess: true, userData: SAFE });
        const { flags } = entry(ring);
        assert.equal(flags & constants.IOSQE_CQE_SKIP_SUCCESS, constants.IOSQE_CQE_SKIP_SUCCESS, method);
        assert.equal(ring.inFlight, 0);
        ring.inner.queues.rewind(1);
      }
    });
  },
);

ringTest('whatever an entry points to is held, and what that points to, too', all, (scope) => {
  const ring = openRing(scope, { disabled: true });
  const pointed: string[] = [];
  eachMethod(scope, ring, (method, call, { holds }) => {
    call();
    const { off, addr, addr3, userData } = entry(ring);
    const held = ring.inner.flights.held(Number(userData & 0xffff_ffffn));
    const pieces = memoryOf(held);
    const isMemory = mappedMemory();
    const known = (pointer: bigint) => pieces.some(([from, to]) => pointer >= from && pointer <= to);
    for (const pointer of [off, addr, addr3].filter(isMemory)) {
      pointed.push(method);
      assert.ok(holds, `${method}: ${pointer.toString(16)} is memory`);
      assert.ok(known(pointer), `${method}: 0x${pointer.toString(16)} is held by nobody`);
    }
    // iovecs, msghdrs and their kin
    for (const [from, to] of pieces.filter(([begin, end]) => end - begin <= 1024n)) {
      const words = new BigUint64Array(viewMemory(from, Number(to - from) & ~7));
      for (const word of words)
        if (isMemory(word)) assert.ok(known(word), `${method}: 0x${word.toString(16)} inside`);
    }
    takeBack(ring);
  });
  for (const method of [
    'read',
    'readv',
    'sendmsg',
    'recvmsg',
    'accept',
    'openat2',
    'futexWaitv',
    'uringCmd',
  ]) {
    assert.ok(pointed.includes(method), `${method}: no address was found`);
  }
});

ringTest('a full queue refuses every method, and keeps what is in it', all, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (_method, call) => {
    for (let i = 0; i < 4; i++) ring.prepare.nop({ userData: i });
    for (const options of [undefined, {}, { skipSuccess: false }, { userData: 9 }]) {
      assert.throws(() => call(options), { code: 'ERR_URING_QUEUE_FULL', message: /4 entries.*submit\(\)/ });
    }
    assert.equal(ring.inFlight, 4);
    assert.deepEqual(
      complete(ring, 4).map(({ userData }) => userData),
      [0, 1, 2, 3],
    );
  });
});

// ---- what getters may do --------------------------------------------------------------------------------------------------

ringTest('a getter in the options may prepare and submit', all, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (method, call) => {
    let reads = 0;
    call({
      get userData() {
        reads++;
        meddle(ring);
        return 3;
      },
    });
    assert.equal(reads, 1, method);
    isWhole(ring, method, 3);
  });
});

ringTest('a getter of a file or a ring may prepare and submit', all, (scope) => {
  const ring = openRing(scope);
  const props = makeProps(scope, ring);
  for (const method of methods) {
    const sample = samples.get(method);
    const args = sample?.args(props) ?? [];
    args.forEach((arg, i) => {
      if (arg !== props.file && arg !== props.other) return;
      const { fd } = arg === props.other ? props.other : { fd: props.file };
      let reads = 0;
      const file = {
        get fd() {
          reads++;
          meddle(ring);
          return fd;
        },
      };
      prepare(ring, method, args.with(i, file), { ...sample?.options?.(props), userData: 3 });
      assert.equal(reads, 1, `${method}: argument ${i}`);
      isWhole(ring, method, 3);
    });
  }
});

ringTest('a getter in the options may close the ring', all, (scope) => {
  for (const method of methods) {
    const ring = openRing(scope);
    eachMethod(scope, ring, (each, call) => {
      if (each !== method) return;
      const closing = {
        get link() {
          ring.close();
          return false;
        },
      };
      assert.throws(() => call(closing), { code: 'ERR_URING_CLOSED' }, method);
      assert.throws(() => call(), { code: 'ERR_URING_CLOSED' }, method);
    });
  }
});

ringTest('a getter of a file that takes the memory away is not too late', all, (scope) => {
  const ring = openRing(scope);
  const props = makeProps(scope, ring);
  const refused: string[] = [];
  for (const method of methods) {
    const memory = alloc(PAGE);
    const from = BigInt(addressOf('memory', memory));
    const sample = samples.get(method);
    const args = sample?.args({ ...props, memory }) ?? [];
    const options = sample?.options?.({ ...props, memory });
    const at = args.indexOf(props.file);
    if (at < 0) continue;
    const file = {
      get fd() {
        detach(memory);
        return props.file;
      },
    };
    try {
      prepare(ring, method, args.with(at, file), options);
    } catch (error) {
      assert.ok(error instanceof RangeError, `${method}: ${error}`);
      refused.push(method);
      continue;
    }
    const { off, addr, addr3 } = entry(ring);
    const end = from + BigInt(PAGE);
    for (const pointer of [off, addr, addr3]) assert.ok(pointer < from || pointer >= end, method);
    takeBack(ring);
  }
  assert.equal(ring.inFlight, 0);
  for (const method of [
    'read',
    'write',
    'readv',
    'send',
    'sendZc',
    'sendmsg',
    'recv',
    'recvmsg',
    'uringCmd',
  ]) {
    assert.ok(refused.includes(method), method);
  }
});

ringTest('a getter of a file that unregisters the buffer is not too late', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  for (const method of ['read', 'write', 'readFixed', 'writeFixed', 'send', 'recv', 'sendZc'] as const) {
    const buffers = ring.registerBuffers([alloc(64)]);
    const buffer = buffers.at(0);
    const file = {
      get fd() {
        buffers.unregister();
        return reader;
      },
    };
    assert.throws(() => ring.prepare[method](file, buffer), { code: 'ERR_URING_CLOSED' }, method);
  }
  assert.equal(ring.inFlight, 0);
});

ringTest('a getter in a list that takes away the memory before it is not too late', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  const victim = () => new Uint8Array(4096);
  const steal = (memory: ArrayBufferView) => () => detach(memory);
  for (const method of ['readv', 'writev'] as const) {
    const memory = victim();
    refuses('pieces[0]', () => ring.prepare[method](reader, trapped([memory, alloc(8)], 1, steal(memory))));
  }
  for (const method of ['sendmsg', 'sendmsgZc', 'recvmsg'] as const) {
    const memory = victim();
    assert.throws(
      () => ring.prepare[method](reader, wrong({ data: trapped([memory, alloc(8)], 1, steal(memory)) })),
      /data\[0\]/,
    );
  }
  const array = new Int32Array(4);
  const second = { array: new Int32Array(4), index: 0, value: 0 };
  refuses('futexes[0].array', () =>
    ring.prepare.futexWaitv(trapped([{ array, index: 0, value: 0 }, second], 1, steal(array))),
  );
  assert.equal(ring.inFlight, 0);
});

// ---- memory ----------------------------------------------------------------------------------------------------------

/** A view that says of itself what is not so. */
function lying<V extends ArrayBufferView>(view: V): V {
  const lies = { byteLength: 4096, byteOffset: 0, length: 4096, buffer: new ArrayBuffer(4096) };
  for (const [name, value] of Object.entries(lies)) Object.defineProperty(view, name, { value });
  return view;
}

ringTest('what a view says of itself reaches no kernel: it writes to what V8 knows of it', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  writeSync(writer, new Uint8Array(8192).fill(7));
  for (const room of [new Uint8Array(64), alloc(64)]) {
    const { buffer, byteOffset } = room;
    const views = [
      new Uint8Array(buffer, byteOffset + 24, 16),
      new Int32Array(buffer, byteOffset + 24, 4),
      new DataView(buffer, byteOffset + 24, 16),
    ];
    for (const view of views.map(lying)) {
      for (const prepare of [
        () => ring.prepare.read(reader, wrong(view)),
        () => ring.prepare.readv(reader, [wrong(view)]),
      ]) {
        room.fill(0);
        prepare();
        assert.equal(result(ring), 16);
        assert.deepEqual(room, new Uint8Array(64).fill(7, 24, 40));
      }
    }
  }
  refuses('fds', () => ring.prepare.pipe(lying(new Int32Array(1))));
  refuses('index', () => ring.prepare.futexWait(lying(new Int32Array(1)), 1, 0));
  refuses('buffer', () => ring.prepare.statx('/', lying(new Uint8Array(8))));
  refuses('value', () => ring.prepare.setxattr('/', 'user.x', lying(new Uint8Array(65_537))));
  refuses('memory', () => ring.prepare.madvise(lying(alloc(8)), 'MADV_DONTNEED'));
});

ringTest('memory that would not stay where it is is refused', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  const { prepare } = ring;
  const views: unknown[] = unsteadyViews().map(([, view]) => view);
  for (const memory of [...views, undefined, null, 'text', [1], new ArrayBuffer(8)]) {
    refuses('memory', () => prepare.read(reader, wrong(memory)));
    refuses('memory', () => prepare.write(reader, wrong(memory)));
    refuses('memory', () => prepare.send(reader, wrong(memory)));
    refuses('memory', () => prepare.recv(reader, wrong(memory)));
    refuses('buffer', () => prepare.readFixed(reader, wrong(memory)));
    refuses('buffer', () => prepare.writeFixed(reader, wrong(memory)));
  }
  refuses('buffer', () => prepare.readFixed(reader, wrong(new Uint8Array(8))));
  assert.equal(ring.inFlight, 0);
});

ringTest('every kind of view can be read into', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  const room = new ArrayBuffer(32);
  const views: readonly ArrayBufferView[] = [
    new Uint8Array(room, 3, 8),
    new DataView(room, 1, 8),
    new Float64Array(room, 8, 1),
    new BigUint64Array(1),
    Buffer.from('pool slice').subarray(1, 9),
    Buffer.allocUnsafe(8),
    new Uint8Array(new SharedArrayBuffer(16), 4, 8),
    alloc(8),
  ];
  for (const view of views) {
    const around = new Uint8Array(view.buffer).slice();
    ring.prepare.read(reader, view);
    writeSync(writer, 'abcdefgh');
    assert.equal(result(ring), 8);
    around.set(new TextEncoder().encode('abcdefgh'), view.byteOffset);
    assert.deepEqual(new Uint8Array(view.buffer), around, 'the bytes, and none beside them');
  }
});

ringTest('a file is an fd, an object that has one, or a slot of this ring', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  const memory = new Uint8Array(4);
  for (const file of [-1, 1.5, 2 ** 31, '0', null, undefined, {}, []]) {
    assert.throws(() => ring.prepare.read(wrong(file), memory), /"file(?:\.fd)?"/);
    assert.throws(() => ring.prepare.pollAdd(wrong(file), 1), /"file(?:\.fd)?"/);
    assert.throws(() => ring.prepare.splice(wrong(file), writer, 1), /"from(?:\.fd)?"/);
    assert.throws(() => ring.prepare.splice(reader, wrong(file), 1), /"to(?:\.fd)?"/);
    assert.throws(() => ring.prepare.recv(wrong(file), memory), /"socket(?:\.fd)?"/);
  }
  refuses('file.fd', () => ring.prepare.read({ fd: -1 }, memory));
  assert.equal(ring.sqSpace, 4);
  const slot = ring.registerFiles([-1, reader]).at(1);
  for (const file of [reader, { fd: reader }, slot]) {
    ring.prepare.read(file, memory);
    writeSync(writer, 'slot');
    assert.equal(result(ring), 4);
  }
  const foreign = scope.ring().registerFiles([reader]).at(0);
  refuses('file', () => ring.prepare.read(foreign, memory));
});

ringTest('offsets are checked, and reach the kernel whole', {}, (scope) => {
  const ring = openRing(scope);
  const path = join(scope.folder(), 'sparse');
  writeFileSync(path, '');
  ring.prepare.openat(path, { flags: 2 });
  const file = scope.fd(result(ring));
  const memory = new Uint8Array(4);
  for (const offset of [-2, 1.5, 2 ** 53, '0', null, 2n ** 64n, Number.NaN]) {
    refuses('options.offset', () => ring.prepare.read(file, memory, { offset: wrong(offset) }));
  }
  for (const flags of [-1, 2 ** 32, '0', 1n]) {
    refuses('options.flags', () => ring.prepare.read(file, memory, { flags: wrong(flags) }));
  }
  const far = 2 ** 33 + 5;
  ring.prepare.write(file, new TextEncoder().encode('far.'), { offset: BigInt(far) });
  assert.equal(result(ring), 4);
  assert.equal(readSync(file, memory, 0, 4, far), 4);
  assert.equal(text(memory), 'far.');
  memory.fill(0);
  ring.prepare.read(file, memory, { offset: far });
  assert.equal(result(ring), 4);
  assert.equal(text(memory), 'far.');
});

ringTest('paths are checked, and are a copy', {}, (scope) => {
  const ring = openRing(scope);
  const folder = scope.folder();
  for (const path of ['', 'a\0b', 'x'.repeat(4096), 5, null, undefined, new Uint8Array(0), [47]]) {
    refuses('path', () => ring.prepare.openat(wrong(path)));
  }
  const path = join(folder, 'ütf-8');
  writeFileSync(path, 'content');
  for (const each of [path, new TextEncoder().encode(path)]) {
    ring.prepare.openat(each);
    if (typeof each !== 'string') each.fill(120);
    const fd = scope.fd(result(ring));
    assert.equal(readSync(fd, new Uint8Array(16)), 7);
  }
});

// ---- effects of the common options ------------------------------------------------------------------------------------

ringTest('linked operations run one after another, and end with the first that fails', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  // a bad fd would do, too, but before 5.18 it ends a chain before it starts
  const folder = scope.fd(openSync(scope.folder(), 'r'));
  const memory = new Uint8Array(4);
  ring.prepare.write(writer, new TextEncoder().encode('link'), { link: true, userData: 1 });
  ring.prepare.read(reader, memory, { link: true, userData: 2 });
  ring.prepare.read(folder, new Uint8Array(1), { link: true, userData: 3 });
  ring.prepare.nop({ userData: 4 });
  assert.deepEqual(
    complete(ring, 4).map(({ userData, res }) => [userData, res]),
    [
      [1, 4],
      [2, 4],
      [3, EISDIR],
      [4, ECANCELED],
    ],
  );
  assert.equal(text(memory), 'link');
  ring.prepare.read(folder, new Uint8Array(1), { hardlink: true, userData: 1 });
  ring.prepare.nop({ userData: 2 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData, res }) => [userData, res]),
    [
      [1, EISDIR],
      [2, 0],
    ],
  );
  assert.equal(ring.inFlight, 0);
});

ringTest('a drained operation waits for what is before it', {}, (scope) => {
  const ring = openRing(scope);
  ring.prepare.timeout({ afterMs: 15, userData: 1 });
  ring.prepare.nop({ drain: true, userData: 2 });
  ring.submit({ wait: 1 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData }) => userData),
    [1, 2],
  );
});

ringTest('skipSuccess: only a failure is told', skips, (scope) => {
  const ring = openRing(scope);
  ring.prepare.nop({ skipSuccess: true, userData: 1 });
  ring.prepare.fsync(NO_FD, { skipSuccess: true, userData: SAFE });
  ring.prepare.nop({ userData: 3 });
  const found = new Map(complete(ring, 2).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(SAFE), found.get(3)], [EBADF, 0]);
});

ringTest('async: a worker does it', {}, async (scope) => {
  const ring = openRing(scope);
  const eventfd = ring.registerEventfd(undefined, { async: true });
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 0);
  ring.prepare.nop({ async: true });
  result(ring);
  // the worker shows the completion first, and signals then
  await until('the signal of the worker', () => eventfd.read() === 1);
});

ringTest('cancel finds an operation by its userData', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  for (const userData of [-1, 1.5, '1', {}, 2 ** 53]) {
    refuses('what.userData', () => ring.prepare.cancel({ userData: wrong(userData) }));
  }
  for (const what of [-1, '1', undefined, {}]) refuses('what', () => ring.prepare.asyncCancel(wrong(what)));
  ring.prepare.pollAdd(reader, 1, { userData: SAFE });
  ring.submit();
  ring.prepare.cancel({ userData: 5 }, { userData: 1 });
  ring.prepare.cancel({ userData: SAFE }, { userData: 2 });
  const found = new Map(complete(ring, 3).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(1), found.get(2), found.get(SAFE)], [-2, 0, ECANCELED]);
});

ringTest('msgRing posts on another ring what was asked for', needsOp('OP_MSG_RING'), (scope) => {
  const ring = openRing(scope);
  const other = scope.ring();
  for (const target of [-1, '1', null, undefined, {}]) {
    assert.throws(() => ring.prepare.msgRing(wrong(target)), /"target(?:\.fd)?"/);
  }
  refuses('options.messageData', () => ring.prepare.msgRing(other, { messageData: 2 ** 53 }));
  refuses('options.res', () => ring.prepare.msgRing(other, { res: 2 ** 31 }));
  ring.prepare.msgRing(other, { messageData: SAFE, res: -5, userData: 1 });
  ring.prepare.msgRing(other.fd, { userData: 2 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData, res }) => [userData, res]),
    [
      [1, 0],
      [2, 0],
    ],
  );
  assert.deepEqual(
    complete(other, 2).map(({ userData, res }) => [userData, res]),
    [
      [SAFE, -5],
      [0, 0],
    ],
  );
  other.close();
  assert.throws(() => ring.prepare.msgRing(other), { code: 'ERR_URING_CLOSED' });
});

ringTest('close empties a slot, and closes an fd', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  const fds = new Int32Array(2);
  assert.equal(sys.pipe(fds, 0), 0);
  const [end = -1, writer = -1] = fds;
  sys.close(writer);
  ring.prepare.close(end);
  assert.equal(result(ring), 0);
  assert.equal(sys.close(end), EBADF);
  const slot = ring.registerFiles([-1, reader]).at(1);
  ring.prepare.close(slot);
  assert.equal(result(ring), 0);
  ring.prepare.close(slot);
  assert.equal(result(ring), EBADF);
});
