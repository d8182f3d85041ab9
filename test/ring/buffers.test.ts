import assert from 'node:assert/strict';
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Ring } from '../../lib/faces/ring.ts';
import { registerBuffers } from '../../lib/register/buffers.ts';
import { RegisteredBuffer, type RegisteredBuffers } from '../../lib/ring/owners/buffers.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { hasCapability } from '../../lib/sys/host.ts';
import { addressOf, alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { withFailing, withoutFeatures } from '../helpers/fake-kernel.ts';
import { clonesIntoTables } from '../helpers/kernel-bugs.ts';
import { needs, promptUnregister } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { fdinfo, refuses, table, trapped, unfitViews, wrong } from '../helpers/raw-ring.ts';
import { complete, result, ringTest, type Scope, until } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_BUFFERS2', 'REGISTER_BUFFERS_UPDATE');
/** Cloning into a table that is there: 6.13. */
const REPLACES = clonesIntoTables(needs('REGISTER_CLONE_BUFFERS', 'REGISTER_RESIZE_RINGS'));
const MAX_BUFFERS = 16_384;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const EACCES = 13;
const ENOMEM = 12;

/** A file with this content. */
function fileOf(scope: Scope, content: string): number {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, content);
  return scope.fd(openSync(path, 'r'));
}

/** What fdinfo says about each slot of the buffer table. */
function slots(ring: Ring): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (const [slot, what] of table(ring.fd, 'UserBufs')) {
    // kernels before 6.13 show an empty slot as memory at no address
    found[slot] = /^(<none>|0xf{16}\/(1|4294967295))$/.test(what) ? undefined : what;
  }
  return found;
}

/** The same, of views. */
function seenAs(views: readonly (Uint8Array | null)[]): (string | undefined)[] {
  return views.map((view) =>
    view === null ? undefined : `0x${addressOf('view', view).toString(16)}/${view.byteLength}`,
  );
}

/** Memory that the kernel refuses to write to. */
function readOnly(scope: Scope): Uint8Array {
  const address = sys.mmap(4096, 1, MAP_PRIVATE_ANONYMOUS, -1, 0);
  assert.ok(address > 0);
  scope.defer(() => sys.munmap(address, 4096));
  return new Uint8Array(viewMemory(address, 4096));
}

ringTest('a buffer is as long as V8 knows it to be, whatever the view says', NEEDS, (scope) => {
  const ring = scope.ring(8);
  const room = alloc(4096);
  const [start, view] = [addressOf('room', room), room.subarray(0, 100)];
  for (const [name, value] of Object.entries({ byteLength: 4096, byteOffset: 64 })) {
    Object.defineProperty(view, name, { value });
  }
  const buffers = ring.registerBuffers([view]);
  assert.deepEqual(slots(ring), [`0x${start.toString(16)}/100`]);
  const buffer = buffers.at(0);
  const { bytes, length } = buffer;
  const address = RegisteredBuffer.addressOf(buffer);
  assert.deepEqual([bytes.byteLength, bytes.byteOffset, length, address], [100, room.byteOffset, 100, start]);
  Object.defineProperty(buffer.bytes, 'subarray', { value: () => new Uint8Array(room.buffer) });
  Object.defineProperty(buffer.bytes, 'byteLength', { value: 4096 });
  const piece = buffer.subarray(10, -10);
  assert.deepEqual([piece.length, RegisteredBuffer.addressOf(piece), buffer.length], [80, start + 10, 100]);
  buffers.unregister();
  registerBuffers(ring.fd, [view]);
  assert.deepEqual(slots(ring), [`0x${start.toString(16)}/100`]);
});

/** Reads the content of a file into a slot; what is in the slot's memory then. */
function readInto(ring: Ring, buffers: RegisteredBuffers, index: number, file: number): string {
  const buffer = buffers.at(index);
  ring.prepare.readFixed(file, buffer, { offset: 0 });
  assert.equal(result(ring), buffer.length);
  return text(buffer.bytes);
}

// ---- bad input ----------------------------------------------------------------------------------------------------------

ringTest('what is wrong is named before any system call', NEEDS, (scope) => {
  const ring = scope.ring();
  const view = alloc(64);
  const cases: readonly (readonly [string, unknown, unknown?])[] = [
    ['buffers', undefined],
    ['buffers', null],
    ['buffers', 5],
    ['buffers', {}],
    ['buffers', view],
    ['buffers', []],
    ['buffers', Array(MAX_BUFFERS + 1).fill(null)],
    ['buffers[1]', [view, 5]],
    ['buffers[1]', [view, undefined]],
    ['buffers[0]', [new ArrayBuffer(8)]],
    ['buffers[0]', [{ address: 1, length: 1 }]],
    ['buffers.slots', { slots: 0 }],
    ['buffers.slots', { slots: MAX_BUFFERS + 1 }],
    ['buffers.slots', { slots: 1.5 }],
    ['buffers.slot', { slots: 1, slot: 1 }],
    ['options', [view], 5],
    ['options.onrelease', [view], { onrelease: () => {} }],
    ['options.onRelease', [view], { onRelease: 5 }],
    ...unfitViews().map(([, unfit]) => ['buffers[0]', [unfit]] as const),
  ];
  for (const [name, buffers, options] of cases) {
    refuses(name, () => ring.registerBuffers(wrong(buffers), wrong(options)));
  }
  const buffers = ring.registerBuffers([view, view]);
  for (const [name, offset, updates] of [
    ['buffers', 0, 5],
    ['buffers', 0, { slots: 1 }],
    ['buffers[0]', 0, [5]],
    ['buffers', 0, []],
    ['buffers', 0, [null, null, null]],
    ['offset', -1, [null]],
    ['offset', 2, [null]],
    ['offset', 1, [null, null]],
    ['offset', 0.5, [null]],
    ['offset', '0', [null]],
  ] as const) {
    refuses(name, () => buffers.update(wrong(offset), wrong(updates)));
  }
  for (const index of [-1, 2, 0.5, '0', undefined]) refuses('index', () => buffers.at(wrong(index)));
});

ringTest('more than 1 GiB is refused before the kernel sees it', NEEDS, (scope) => {
  const ring = scope.ring();
  const room = new ArrayBuffer(2 ** 30 + 1);
  refuses('buffers[0]', () => ring.registerBuffers([new Uint8Array(room)]));
});

ringTest('memory that the kernel refuses is EFAULT, and leaves nothing behind', NEEDS, (scope) => {
  const ring = scope.ring();
  const released: number[] = [];
  const bad = readOnly(scope);
  assert.throws(() => ring.registerBuffers([alloc(64), bad], { onRelease: (i) => released.push(i) }), {
    name: 'RegisterError',
    code: 'EFAULT',
    opcode: 'REGISTER_BUFFERS2',
    nrArgs: 32,
  });
  assert.deepEqual(slots(ring), []);
  ring.registerBuffers([alloc(64)]).unregister();
  ring.prepare.nop();
  assert.equal(result(ring), 0);
  assert.deepEqual(released, []);
});

// ---- registered ----------------------------------------------------------------------------------------------------------

ringTest('several buffers are several slots, and a fixed read fills each', NEEDS, (scope) => {
  const ring = scope.ring();
  const file = fileOf(scope, 'x'.repeat(8192));
  const odd = new Uint8Array(alloc(8192).buffer, 4097, 33);
  const views = [alloc(4096), null, odd, new Uint8Array(7), alloc(8192)];
  const buffers = ring.registerBuffers(views);
  assert.equal(buffers.length, 5);
  assert.equal(buffers.ring, ring);
  assert.deepEqual(slots(ring), seenAs(views));
  for (const index of [0, 2, 3, 4]) {
    const view = views[index];
    assert.ok(view);
    assert.equal(readInto(ring, buffers, index, file), 'x'.repeat(view.byteLength));
    assert.equal(text(view), 'x'.repeat(view.byteLength), 'it is the memory that was given');
    assert.equal(buffers.at(index).index, index);
  }
  assert.equal(new Uint8Array(odd.buffer)[4096], 0);
  assert.equal(new Uint8Array(odd.buffer)[4097 + 33], 0);
  assert.throws(() => buffers.at(1), { code: 'ERR_URING_CLOSED' });
});

ringTest('a piece is read and written, and has the meaning of subarray', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader, writer } = scope.pipe();
  const buffer = ring.registerBuffers([alloc(64)]).at(0);
  const piece = buffer.subarray(10, 16);
  writeSync(writer, 'middle');
  ring.prepare.read(reader, piece);
  assert.equal(result(ring), 6);
  assert.equal(text(buffer.bytes.subarray(8, 18)), '\0\0middle\0\0');
  ring.prepare.writeFixed(writer, piece.subarray(-3));
  ring.prepare.read(reader, buffer.subarray(61));
  assert.deepEqual(
    complete(ring, 2).map(({ res }) => res),
    [3, 3],
  );
  assert.equal(text(buffer.bytes.subarray(61)), 'dle');
  assert.deepEqual([buffer.subarray(60, 99).length, buffer.subarray(5, 2).length], [4, 0]);
  ring.prepare.write(writer, buffer.subarray(64));
  assert.equal(result(ring), 0);
});

ringTest('a fixed read past the end of its slot is EFAULT in the completion', NEEDS, (scope) => {
  const ring = scope.ring();
  const file = fileOf(scope, 'content');
  const room = alloc(8192);
  const big = ring.registerBuffers([room]);
  const buffer = big.at(0);
  // prepared with the big buffer, submitted with a small one in its slot
  ring.prepare.readFixed(file, buffer, { offset: 0, userData: 1 });
  big.update(0, [room.subarray(0, 16)]);
  ring.prepare.readFixed(file, big.at(0), { offset: 0, userData: 2 });
  const found = new Map(complete(ring, 2).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(1), found.get(2)], [-14, 7]);
});

ringTest('an empty table is filled and emptied slot by slot', NEEDS, (scope) => {
  const ring = scope.ring();
  const file = fileOf(scope, 'content');
  const buffers = ring.registerBuffers({ slots: 5 });
  assert.equal(buffers.length, 5);
  assert.throws(() => buffers.at(0), { code: 'ERR_URING_CLOSED' });
  const views = [alloc(7), alloc(7)];
  buffers.update(2, views);
  assert.deepEqual(slots(ring), seenAs([null, null, ...views, null]));
  assert.equal(readInto(ring, buffers, 3, file), 'content');
  buffers.update(0, [null, alloc(7), null]);
  assert.throws(() => buffers.at(2), { code: 'ERR_URING_CLOSED' });
  assert.equal(slots(ring)[2], undefined);
  assert.equal(readInto(ring, buffers, 1, file), 'content');
});

/** Each slot of the largest table counts as a page of locked memory. */
const UNLIMITED = hasCapability('CAP_IPC_LOCK')
  ? NEEDS
  : { skip: 'needs 64 MiB of locked memory: CAP_IPC_LOCK, which this user has not' };

ringTest('the largest table', UNLIMITED, (scope) => {
  const ring = scope.ring();
  const view = alloc(64);
  const buffers = ring.registerBuffers(Array(MAX_BUFFERS).fill(view));
  const file = fileOf(scope, 'y'.repeat(64));
  assert.equal(readInto(ring, buffers, MAX_BUFFERS - 1, file), 'y'.repeat(64));
});

ringTest('a second table is EBUSY until the first is unregistered', NEEDS, (scope) => {
  const ring = scope.ring();
  const first = ring.registerBuffers([alloc(64)]);
  assert.throws(() => ring.registerBuffers([alloc(64)]), { code: 'EBUSY', hint: /unregister/ });
  assert.equal(first.isRegistered, true);
  first.unregister();
  first.unregister();
  first[Symbol.dispose]();
  assert.equal(first.isRegistered, false);
  assert.deepEqual(slots(ring), []);
  for (const call of [() => first.at(0), () => first.update(0, [null]), () => first.cloneTo(scope.ring())]) {
    assert.throws(call, { code: 'ERR_URING_CLOSED', message: /buffer table/ });
  }
  {
    using second = ring.registerBuffers([alloc(64)]);
    assert.equal(second.isRegistered, true);
  }
  assert.deepEqual(slots(ring), []);
});

ringTest('a handle is good only for the memory that it was given for', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  const buffers = ring.registerBuffers([alloc(64), alloc(64), alloc(64)]);
  const [replaced, cleared, dropped] = [buffers.at(0), buffers.at(1), buffers.at(2)];
  const piece = replaced.subarray(1, 5);
  buffers.update(0, [alloc(64), null]);
  for (const stale of [replaced, piece, cleared]) {
    assert.throws(() => ring.prepare.read(reader, stale), { code: 'ERR_URING_CLOSED' });
    assert.throws(() => ring.prepare.writeFixed(reader, stale), { code: 'ERR_URING_CLOSED' });
  }
  ring.prepare.read(reader, dropped);
  buffers.unregister();
  assert.throws(() => ring.prepare.read(reader, dropped), { code: 'ERR_URING_CLOSED' });
  ring.registerBuffers([alloc(64), alloc(64), alloc(64)]);
  assert.throws(() => ring.prepare.read(reader, dropped), { code: 'ERR_URING_CLOSED' });
  const foreign = scope
    .ring()
    .registerBuffers([alloc(64)])
    .at(0);
  refuses('buffer', () => ring.prepare.read(reader, foreign));
  assert.equal(ring.inFlight, 1);
});

ringTest(
  'a failed update says how far it came, and the slot that failed keeps its memory',
  NEEDS,
  (scope) => {
    const ring = scope.ring();
    const file = fileOf(scope, 'content');
    const released: number[] = [];
    const views = [alloc(7), alloc(7), alloc(7)];
    const buffers = ring.registerBuffers(views, { onRelease: (index) => released.push(index) });
    const [first, second, third] = [buffers.at(0), buffers.at(1), buffers.at(2)];
    const fresh = alloc(7);
    assert.throws(() => buffers.update(0, [fresh, readOnly(scope), alloc(7)]), {
      code: 'EFAULT',
      opcode: 'REGISTER_BUFFERS_UPDATE',
      done: 1,
      nrArgs: 32,
      hint: /1 of 3/,
    });
    assert.deepEqual(slots(ring), seenAs([fresh, ...views.slice(1)]));
    assert.throws(() => ring.prepare.read(file, first), { code: 'ERR_URING_CLOSED' });
    assert.equal(readInto(ring, buffers, 0, file), 'content');
    assert.equal(text(fresh), 'content');
    for (const kept of [second, third]) {
      ring.prepare.readFixed(file, kept, { offset: 0 });
      assert.equal(result(ring), 7);
    }
    assert.deepEqual(released, [0]);
    buffers.unregister();
    ring.reap(() => {});
    assert.deepEqual(released.sort(), [0, 0, 1, 2]);
  },
);

// ---- released -------------------------------------------------------------------------------------------------------------

/** What gives up slot 0, and the slots that it gives up. */
const givingUp: {
  readonly [name: string]: readonly [(buffers: RegisteredBuffers) => void, readonly number[]];
} = {
  unregister: [(buffers) => buffers.unregister(), [0, 1]],
  dispose: [(buffers) => buffers[Symbol.dispose](), [0, 1]],
  replace: [(buffers) => buffers.update(0, [alloc(64)]), [0]],
  clear: [(buffers) => buffers.update(0, [null]), [0]],
  clone: [(buffers) => void buffers.cloneTo(buffers.ring, { count: 1, replace: true }), [0]],
};

for (const [name, [giveUp, expected]] of Object.entries(givingUp)) {
  const need = name === 'clone' ? REPLACES : NEEDS;
  for (const features of [0, constants.IORING_FEAT_RSRC_TAGS]) {
    const where = features === 0 ? '' : ', on a kernel without tags';
    if (name === 'clone' && features !== 0) continue;

    ringTest(`${name}: onRelease is told once, at the next reap${where}`, need, (scope) => {
      const ring = withoutFeatures(features, () => scope.ring());
      const released: number[] = [];
      const buffers = ring.registerBuffers([alloc(64), alloc(64)], { onRelease: (i) => released.push(i) });
      assert.deepEqual(released, []);
      giveUp(buffers);
      assert.deepEqual(released, [], 'not inside of the call');
      for (let i = 0; i < 3; i++) {
        ring.prepare.nop();
        assert.equal(result(ring), 0);
      }
      assert.deepEqual(released.sort(), expected);
      ring.close();
      assert.deepEqual(released, expected);
    });

    ringTest(
      `${name}: a read in flight still ends in the old memory, and only then onRelease is told${where}`,
      name === 'unregister' || name === 'dispose' ? promptUnregister : need,
      async (scope) => {
        const ring = withoutFeatures(features, () => scope.ring());
        const { reader, writer } = scope.pipe();
        const old = alloc(64);
        const released: number[] = [];
        const buffers = ring.registerBuffers([old, alloc(64)], { onRelease: (i) => released.push(i) });
        ring.prepare.readFixed(reader, buffers.at(0), { userData: 1 });
        ring.submit();
        giveUp(buffers);
        for (let i = 0; i < 3; i++) {
          ring.prepare.nop();
          result(ring);
        }
        assert.ok(!released.includes(0), 'the kernel still writes to it');
        writeSync(writer, 'written later');
        assert.deepEqual(
          complete(ring, 1).map(({ userData, res }) => [userData, res]),
          [[1, 13]],
        );
        assert.equal(text(old.subarray(0, 13)), 'written later');
        await until('the release', () => {
          ring.reap(() => {});
          return released.includes(0);
        });
        assert.deepEqual(released.sort(), expected);
        ring.close();
        assert.deepEqual(released, expected);
      },
    );
  }
}

ringTest('without an onRelease nothing is told, and no tag is seen', NEEDS, (scope) => {
  const ring = scope.ring();
  ring.registerBuffers([alloc(64), alloc(64)]).unregister();
  assert.equal(ring.ready, 0);
  assert.deepEqual([...ring.completions()], []);
});

ringTest(
  'a program that never reaps keeps nothing: neither in the queue nor in the kernel',
  promptUnregister,
  (scope) => {
    const ring = scope.ring(1);
    const views = Array.from({ length: 8 }, () => alloc(64));
    for (let i = 0; i < 20; i++) {
      const buffers = ring.registerBuffers(views);
      for (let k = 0; k < 20; k++) buffers.update(0, views);
      buffers.unregister();
    }
    assert.equal(fdinfo(ring.fd, 'CqHead'), fdinfo(ring.fd, 'CqTail'));
    assert.match(readFileSync(`/proc/self/fdinfo/${ring.fd}`, 'utf8'), /^CqOverflowList:\n(?!.*user_data)/m);
    assert.equal(ring.inFlight, 0);
  },
);

ringTest('what comes between the tags is left for who reaps it', promptUnregister, (scope) => {
  const ring = scope.ring(4);
  const released: number[] = [];
  ring.prepare.nop({ userData: 7 });
  ring.submit();
  ring.registerBuffers([alloc(64), alloc(64)]).unregister();
  ring.registerBuffers([alloc(64)], { onRelease: (i) => released.push(i) }).unregister();
  assert.deepEqual(released, []);
  assert.deepEqual(
    [...ring.completions()].map(({ userData }) => userData),
    [7],
  );
  assert.deepEqual(released, [0]);
});

ringTest('close tells of what was given up before, not of what was not', NEEDS, (scope) => {
  const { reader } = scope.pipe();
  const ring = scope.ring();
  const released: number[] = [];
  const buffers = ring.registerBuffers([alloc(64), alloc(64), alloc(64)], {
    onRelease: (i) => released.push(i),
  });
  ring.prepare.readFixed(reader, buffers.at(1));
  ring.submit();
  buffers.update(0, [null, null]);
  ring.close();
  assert.deepEqual(released.sort(), [0, 1]);
});

for (const features of [0, constants.IORING_FEAT_RSRC_TAGS]) {
  ringTest(
    `an onRelease may register, update, and start what it likes${features === 0 ? '' : ', on a kernel without tags'}`,
    promptUnregister,
    (scope) => {
      const ring = withoutFeatures(features, () => scope.ring());
      const { reader, writer } = scope.pipe();
      const released: string[] = [];
      const second = alloc(64);
      const first = ring.registerBuffers([alloc(64), alloc(64)], {
        onRelease: (index) => {
          released.push(`first ${index}`);
          if (released.length > 1) return;
          const next = ring.registerBuffers([second], { onRelease: (i) => released.push(`second ${i}`) });
          ring.prepare.readFixed(reader, next.at(0), { userData: 7 });
          ring.submit();
          next.unregister();
        },
      });
      first.unregister();
      ring.reap(() => assert.fail('nothing has completed'));
      assert.ok(released.length > 0 && !released.includes('second 0'), `${released}`);
      writeSync(writer, 'late');
      assert.equal(complete(ring, 1)[0]?.userData, 7);
      ring.reap(() => {});
      assert.equal(text(second.subarray(0, 4)), 'late');
      assert.deepEqual(released.sort(), ['first 0', 'first 1', 'second 0']);
    },
  );
}

// ---- when the kernel says no ------------------------------------------------------------------------------------------------

ringTest('a refused unregister leaves the owner as it is', NEEDS, (scope) => {
  const ring = scope.ring();
  const file = fileOf(scope, 'content');
  const released: number[] = [];
  const buffers = ring.registerBuffers([alloc(7)], { onRelease: (i) => released.push(i) });
  const handle = buffers.at(0);
  const calls = withFailing(constants.IORING_UNREGISTER_BUFFERS, EACCES, () => {
    assert.throws(() => buffers.unregister(), { code: 'EACCES', opcode: 'UNREGISTER_BUFFERS' });
  });
  assert.equal(calls, 1);
  assert.equal(buffers.isRegistered, true);
  ring.prepare.readFixed(file, handle, { offset: 0 });
  assert.equal(result(ring), 7);
  assert.deepEqual(released, []);
  buffers.unregister();
  ring.reap(() => {});
  assert.deepEqual(released, [0]);
});

ringTest('a refused register or update keeps the books, whatever the errno', NEEDS, (scope) => {
  const { IORING_REGISTER_BUFFERS2, IORING_REGISTER_BUFFERS_UPDATE } = constants;
  const ring = scope.ring();
  const file = fileOf(scope, 'content');
  const released: number[] = [];
  const onRelease = (index: number) => void released.push(index);
  for (const errno of [1, 4, 7, 9, 11, ENOMEM, EACCES, 14, 16, 77]) {
    withFailing(IORING_REGISTER_BUFFERS2, errno, () => {
      assert.throws(() => ring.registerBuffers([alloc(7)], { onRelease }), {
        errno: -errno,
        syscall: 'io_uring_register',
      });
    });
    const buffers = ring.registerBuffers([alloc(7), alloc(7)], { onRelease });
    const handle = buffers.at(0);
    withFailing(IORING_REGISTER_BUFFERS_UPDATE, errno, () => {
      assert.throws(() => buffers.update(0, [alloc(7)]), { errno: -errno, done: undefined });
      assert.throws(() => buffers.update(0, [null, null]), { errno: -errno });
    });
    ring.prepare.readFixed(file, handle, { offset: 0 });
    assert.equal(result(ring), 7);
    assert.deepEqual(released, []);
    buffers.unregister();
    ring.reap(() => {});
    assert.deepEqual(released.splice(0).sort(), [0, 1]);
  }
});

ringTest('a kernel without sparse tables gets each slot named empty', NEEDS, (scope) => {
  const ring = scope.ring();
  const calls = withFailing(constants.IORING_REGISTER_BUFFERS2, 22, () => {
    const buffers = ring.registerBuffers({ slots: 3 });
    assert.equal(buffers.length, 3);
    assert.equal(table(ring.fd, 'UserBufs').size, 3);
    buffers.update(1, [alloc(64)]);
    assert.equal(buffers.at(1).length, 64);
  });
  assert.ok(calls >= 1);
  assert.throws(
    () => {
      withFailing(constants.IORING_REGISTER_BUFFERS2, ENOMEM, () =>
        scope.ring().registerBuffers({ slots: 3 }),
      );
    },
    { code: 'ENOMEM' },
  );
});

// ---- what getters may do ------------------------------------------------------------------------------------------------

ringTest('a getter that puts another table in place does not have it updated', NEEDS, (scope) => {
  const ring = scope.ring();
  const old = ring.registerBuffers([alloc(64)]);
  const other = alloc(64);
  const swap = () => {
    if (!old.isRegistered) return;
    old.unregister();
    ring.registerBuffers([other]);
  };
  assert.throws(() => old.update(0, trapped([alloc(64)], 0, swap)), { code: 'ERR_URING_CLOSED' });
  assert.deepEqual(slots(ring), seenAs([other]));
});

ringTest('a registered buffer whose memory was transferred away is used no more', NEEDS, (scope) => {
  const ring = scope.ring();
  const file = fileOf(scope, 'content');
  const view = new Uint8Array(64);
  const buffers = ring.registerBuffers([view, alloc(64)]);
  const handle = buffers.at(0);
  const piece = handle.subarray(0, 8);
  structuredClone(view, { transfer: [view.buffer] });
  for (const gone of [handle, piece]) {
    refuses('memory', () => ring.prepare.read(file, gone));
    refuses('buffer', () => ring.prepare.writeFixed(file, gone));
  }
  refuses('the memory of the slot', () => buffers.at(0));
  assert.equal(readInto(ring, buffers, 1, fileOf(scope, 'z'.repeat(64))), 'z'.repeat(64));
  buffers.update(0, [alloc(7)]);
  assert.equal(readInto(ring, buffers, 0, file), 'content');
});

ringTest('a getter that registers a table first makes the second one EBUSY', NEEDS, (scope) => {
  const ring = scope.ring();
  const mine = alloc(64);
  let first: RegisteredBuffers | undefined;
  const sneak = () => {
    first ??= ring.registerBuffers([mine]);
  };
  assert.throws(() => ring.registerBuffers(trapped([alloc(64)], 0, sneak)), { code: 'EBUSY' });
  assert.equal(first?.isRegistered, true);
  assert.deepEqual(slots(ring), seenAs([mine]));
});

ringTest(
  'a view that is detached between its check and the call is not given to the kernel',
  NEEDS,
  (scope) => {
    const ring = scope.ring();
    const victim = new Uint8Array(64);
    const detach = () => structuredClone(victim, { transfer: [victim.buffer] });
    refuses('buffers[0]', () => ring.registerBuffers(trapped([victim, alloc(64)], 1, detach)));
    assert.deepEqual(slots(ring), []);
  },
);
