/** Code of the caller's that runs while arguments are read: it may do what it likes, and hurts nobody. */
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import vm from 'node:vm';
import type { Ring } from '../../lib/faces/ring.ts';
import { coreOf } from '../../lib/ring/core/rings.ts';
import { BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import { RegisteredBuffer } from '../../lib/ring/owners/buffers.ts';
import { FixedFile, RegisteredFiles } from '../../lib/ring/owners/files.ts';
import { Owner } from '../../lib/ring/owners/owner.ts';
import { Personality } from '../../lib/ring/owners/personality.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { refuses } from '../helpers/raw-ring.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

const KNOWN = 0x41;

function dataFile(scope: Scope): number {
  const path = join(mkdtempSync(join(tmpdir(), 'uring-hostile-')), 'data');
  writeFileSync(path, new Uint8Array(1 << 16).fill(KNOWN));
  return scope.fd(openSync(path, 'r'));
}

/** One lap of reads over all entries of a ring of four, and the memory that they filled, emptied again. */
function oneLap(ring: Ring, fd: number): Uint8Array[] {
  const memory = Array.from({ length: 4 }, () => new Uint8Array(64));
  for (const each of memory) ring.prepare.read(fd, each, { offset: 0 });
  ring.submit({ wait: 4 });
  assert.equal([...ring.completions()].length, 4);
  for (const each of memory) {
    assert.equal(each[0], KNOWN);
    each.fill(0);
  }
  return memory;
}

/** What was prepared completes, no completion is lost, and the memory of completed reads stays as it is. */
function finish(ring: Ring, expected: number[], completed: readonly Uint8Array[]): void {
  ring.submit({ wait: expected.length });
  // the kernel promises no order: a read may go to a worker
  const completions = [...ring.completions()].map(({ userData }) => Number(userData));
  assert.deepEqual(completions.toSorted(), expected.toSorted());
  assert.equal(ring.inFlight, 0);
  for (const each of completed) assert.ok(each.every((byte) => byte === 0));
}

ringTest('a trap of a Proxy that is given as a file can prepare operations of its own', {}, (scope) => {
  const fd = dataFile(scope);
  const ring = scope.ring(4);
  for (const trap of ['getPrototypeOf', 'get', 'has'] as const) {
    const completed = oneLap(ring, fd);
    let calls = 0;
    const file = new Proxy(
      { fd },
      {
        [trap](...args: [object, never]) {
          if (++calls <= 2) ring.prepare.nop({ userData: 1 });
          return Reflect.apply(Reflect[trap], Reflect, args);
        },
      },
    );
    const bytes = new Uint8Array(16);
    ring.prepare.read(file, bytes, { offset: 0, userData: 2 });
    finish(ring, [...Array.from({ length: Math.min(calls, 2) }, () => 1), 2], completed);
    assert.ok(bytes.every((byte) => byte === KNOWN));
  }
});

ringTest('a getter of the data of a command can prepare operations of its own', {}, (scope) => {
  const fd = dataFile(scope);
  const ring = scope.ring(4);
  const nothing = scope.fd(openSync('/dev/null', 'r'));
  const completed = oneLap(ring, fd);
  const data = new Uint8Array(8);
  Object.defineProperty(data, 'length', {
    get: () => {
      ring.prepare.nop({ userData: 1 });
      return 8;
    },
  });
  ring.prepare.uringCmd(nothing, 0, { data, userData: 2 });
  // what V8 knows is asked for, so that the getter never runs
  finish(ring, [2], completed);
});

ringTest('memory that is taken away while pieces are read is refused, or left alone', {}, (scope) => {
  const fd = dataFile(scope);
  const ring = scope.ring(4);
  const first = new Uint8Array(4096);
  const second = new Uint8Array(16);
  const take = () => void structuredClone(first.buffer, { transfer: [first.buffer] });
  const proxied = new Proxy(Uint8Array.prototype, {
    getPrototypeOf(target) {
      take();
      return Object.getPrototypeOf(target);
    },
  });
  Object.setPrototypeOf(second, proxied);
  ring.prepare.readv(fd, [first, second], { offset: 0, userData: 1 });
  finish(ring, [1], []);
  assert.equal(first[0], KNOWN);

  const list = [first, second];
  Object.defineProperty(list, 1, {
    get: () => {
      take();
      return second;
    },
  });
  refuses('pieces[0]', () => ring.prepare.readv(fd, list));
  assert.equal(ring.inFlight, 0);
});

ringTest(
  'memory that is taken away while buffers are registered is refused',
  needs('REGISTER_BUFFERS'),
  (scope) => {
    const ring = scope.ring(4);
    const first = new Uint8Array(4096);
    const list = [first, new Uint8Array(4096)];
    const second = list[1];
    Object.defineProperty(list, 1, {
      get: () => {
        structuredClone(first.buffer, { transfer: [first.buffer] });
        return second;
      },
    });
    refuses('buffers[0]', () => ring.registerBuffers(list));
  },
);

ringTest('a path is the bytes that V8 knows of, whatever its class says', needsOp('OP_MKDIRAT'), (scope) => {
  class Shorter extends Uint8Array {
    override get length(): number {
      return super.length - 1;
    }
  }
  const ring = scope.ring(4);
  const folder = mkdtempSync(join(tmpdir(), 'uring-hostile-'));
  for (let i = 0; i < 50; i++) {
    ring.prepare.mkdirat(new Shorter(Buffer.from(`${folder}/${String(i).padEnd(40, 'x')}`)));
    ring.submit({ wait: 1 });
    for (const { res } of ring.completions()) assert.equal(res, 0);
  }
  assert.ok(readdirSync(folder).every((name) => name.length === 40));
});

ringTest('what an owner says of itself can not be changed', {}, (scope) => {
  const ring = scope.ring(4);
  const buffers = ring.registerBuffers([new Uint8Array(4096)]);
  const files = ring.registerFiles({ slots: 1 });
  for (const [owner, names] of [
    [buffers, ['ring', 'length']],
    [buffers.at(0), ['bytes', 'index', 'length']],
    [files, ['ring', 'length']],
    [files.at(0), ['index']],
  ] as const) {
    for (const name of names) {
      assert.equal(Reflect.set(owner, name, 1), false, name);
      assert.equal(Object.hasOwn(owner, name), false, name);
    }
  }
});

ringTest(
  'properties that the caller puts on an owner change nothing',
  needs('REGISTER_PBUF_RING'),
  (scope) => {
    const ring = scope.ring(4);
    const core = coreOf(ring);
    assert.ok(core !== undefined);
    const memory = new Uint8Array(4096);
    const buffers = ring.registerBuffers([null, memory]);
    const buffer = buffers.at(1);
    const files = ring.registerFiles({ slots: 2 });
    const file = files.at(1);
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16, group: 3 });
    const personality = ring.registerPersonality();
    const address = RegisteredBuffer.addressOf(buffer);
    const lie = () => {
      throw new Error('code of the caller runs');
    };
    for (const object of [buffers, buffer, files, file, pool, personality]) {
      for (const name of [
        ...[
          'index',
          'address',
          'bytes',
          'length',
          'table',
          'core',
          'ring',
          'held',
          'isRegistered',
          'bufferSize',
        ],
        ...['use', 'check', 'subarray', 'take', 'at', 'next'],
      ]) {
        Object.defineProperty(object, name, { get: lie });
      }
    }
    assert.equal(RegisteredBuffer.use(buffer, core), buffer);
    assert.equal(RegisteredBuffer.indexOf(buffer), 1);
    assert.equal(RegisteredBuffer.addressOf(buffer), address);
    assert.equal(RegisteredBuffer.lengthOf(buffer), 4096);
    assert.equal(RegisteredBuffer.memoryOf(buffer).buffer, memory.buffer);
    assert.equal(FixedFile.use(file, core), 1);
    assert.equal(FixedFile.indexOf(file), 1);
    assert.equal(FixedFile.tableOf(file), files);
    RegisteredFiles.use(files, core);
    assert.equal(BufferRing.use(pool, core), 3);
    assert.equal(BufferRing.buffersOf(pool).smallest, 16);
    Personality.use(personality, core);
    for (const owner of [RegisteredBuffer, FixedFile, RegisteredFiles, BufferRing, Personality, Owner]) {
      assert.ok(Object.isFrozen(owner), owner.name);
    }
  },
);

ringTest(
  'an array of the caller’s is read by index, and nothing of it runs after the first address',
  {},
  (scope) => {
    const ring = scope.ring(4);
    const first = new Uint8Array(4096);
    const trap = new Proxy([first, new Uint8Array(4096)], {
      get(target, name, receiver) {
        // reading the second one takes the memory of the first one away
        if (name === '1') structuredClone(first, { transfer: [first.buffer] });
        return Reflect.get(target, name, receiver);
      },
    });
    refuses('buffers[0]', () => ring.registerBuffers(trap));
    class Lying extends Array<Uint8Array> {
      static override get [Symbol.species](): ArrayConstructor {
        throw new Error('code of the caller runs');
      }
      override map(): never {
        throw new Error('code of the caller runs');
      }
      override [Symbol.iterator](): never {
        throw new Error('code of the caller runs');
      }
    }
    const lying = Lying.of(new Uint8Array(4096));
    assert.equal(ring.registerBuffers(lying).at(0).length, 4096);
  },
);

ringTest('views of another realm are memory as any other', {}, (scope) => {
  const fd = dataFile(scope);
  const ring = scope.ring(4);
  const bytes: Uint8Array = vm.runInNewContext('new Uint8Array(32)');
  const path: Uint8Array = vm.runInNewContext("Uint8Array.from('/dev/null', (c) => c.charCodeAt(0))");
  assert.ok(!(path instanceof Uint8Array));
  ring.prepare.read(fd, bytes, { offset: 0, userData: 1 });
  ring.prepare.statx(path, new Uint8Array(256), { userData: 2 });
  ring.submit({ wait: 2 });
  assert.deepEqual([...ring.completions()].map(({ userData, res }) => [userData, res]).sort(), [
    [1, 32],
    [2, 0],
  ]);
  assert.equal(bytes[31], KNOWN);
});
