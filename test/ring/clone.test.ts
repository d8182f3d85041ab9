import assert from 'node:assert/strict';
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Ring } from '../../lib/faces/ring.ts';
import type { CloneRange, RegisteredBuffers } from '../../lib/ring/owners/buffers.ts';
import { addressOf, alloc } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';
import { withFailing } from '../helpers/fake-kernel.ts';
import { clonesIntoTables } from '../helpers/kernel-bugs.ts';
import { needs } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { refuses, table, wrong } from '../helpers/raw-ring.ts';
import { complete, result, ringTest, type Scope, until } from '../helpers/rings.ts';

/** Ranges and `replace` came one version later: an opcode of that version. */
const NEEDS = needs('REGISTER_CLONE_BUFFERS', 'REGISTER_RESIZE_RINGS');

/** What fdinfo says about each slot: its address. */
function slots(ring: Ring): (string | undefined)[] {
  return [...table(ring.fd, 'UserBufs')].map(([, what]) => (what === '<none>' ? undefined : what));
}

/** What the owner says about each slot. */
function told(buffers: RegisteredBuffers): (string | undefined)[] {
  return Array.from({ length: buffers.length }, (_, index) => {
    try {
      const { bytes } = buffers.at(index);
      return `0x${addressOf('bytes', bytes).toString(16)}/${bytes.byteLength}`;
    } catch {
      return undefined;
    }
  });
}

function contentFile(scope: Scope): number {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content');
  return scope.fd(openSync(path, 'r'));
}

/** A fixed read of the file into a slot works, and lands in its memory. */
function works(ring: Ring, buffers: RegisteredBuffers, index: number, file: number): boolean {
  const buffer = buffers.at(index);
  buffer.bytes.fill(0);
  ring.prepare.readFixed(file, buffer, { offset: 0 });
  return result(ring) === 7 && text(buffer.bytes.subarray(0, 7)) === 'content';
}

ringTest('what is wrong is named before any system call', NEEDS, (scope) => {
  const source = scope.ring().registerBuffers([alloc(64), alloc(64)]);
  const target = scope.ring();
  for (const each of [undefined, null, 5, {}, target.fd])
    refuses('target', () => source.cloneTo(wrong(each)));
  for (const [name, range] of [
    ['range', 5],
    ['range', null],
    ['range.count ', { 'count ': 1 }],
    ['range.offset', { offset: -1 }],
    ['range.offset', { offset: 2 }],
    ['range.offset', { offset: '0' }],
    ['range.count', { count: 0 }],
    ['range.count', { count: 3 }],
    ['range.count', { offset: 1, count: 2 }],
    ['range.at', { at: -1 }],
    ['range.at', { at: 16_383 }],
    ['range.replace', { replace: 1 }],
  ] as const) {
    refuses(name, () => source.cloneTo(target, wrong(range)));
  }
  target.close();
  assert.throws(() => source.cloneTo(target), { code: 'ERR_URING_CLOSED' });
});

ringTest('a full clone has all slots, empty ones too, and shares the memory', NEEDS, (scope) => {
  const file = contentFile(scope);
  const source = scope.ring().registerBuffers([alloc(64), null, alloc(8192)]);
  const target = scope.ring();
  const clone = source.cloneTo(target);
  assert.equal(clone.ring, target);
  assert.deepEqual(told(clone), told(source));
  assert.deepEqual(slots(target), told(source));
  assert.ok(works(target, clone, 2, file));
  assert.equal(text(source.at(2).bytes.subarray(0, 7)), 'content', 'the same memory');
  assert.throws(() => clone.at(1), { code: 'ERR_URING_CLOSED' });
});

ringTest('a clone lives on when its source is unregistered and closed', NEEDS, (scope) => {
  const file = contentFile(scope);
  const ring = scope.ring();
  const source = ring.registerBuffers([alloc(64)]);
  const target = scope.ring();
  const clone = source.cloneTo(target);
  const handle = source.at(0);
  source.unregister();
  ring.close();
  assert.ok(works(target, clone, 0, file));
  assert.throws(() => target.prepare.read(file, handle), /this ring/, 'a handle is of its ring');
  clone.unregister();
  assert.deepEqual(slots(target), []);
});

ringTest('a target with a table is EBUSY without replace, and keeps its table', NEEDS, (scope) => {
  const source = scope.ring().registerBuffers([alloc(64)]);
  const target = scope.ring();
  const previous = target.registerBuffers([alloc(64), alloc(64)]);
  const before = slots(target);
  for (const range of [{}, { count: 1 }, { at: 5 }]) {
    assert.throws(() => source.cloneTo(target, range), { code: 'EBUSY', opcode: 'REGISTER_CLONE_BUFFERS' });
  }
  assert.deepEqual(slots(target), before);
  assert.deepEqual(told(previous), before);
});

ringTest('a range goes where it is told to; the slots before it are empty', NEEDS, (scope) => {
  const file = contentFile(scope);
  const source = scope.ring().registerBuffers([alloc(64), alloc(65), alloc(66), alloc(67)]);
  const target = scope.ring();
  const clone = source.cloneTo(target, { offset: 1, count: 2, at: 3 });
  const [, second, third] = told(source);
  assert.deepEqual(told(clone), [undefined, undefined, undefined, second, third]);
  assert.ok(works(target, clone, 4, file));
});

ringTest(
  'whatever the ranges: the owner knows exactly what the kernel has',
  clonesIntoTables(NEEDS),
  (scope) => {
    const file = contentFile(scope);
    for (const sourceLength of [1, 2, 4]) {
      for (const targetLength of [0, 1, 3, 6]) {
        for (const range of ranges(sourceLength)) {
          const ring = scope.ring(2);
          const target = scope.ring(2);
          const source = ring.registerBuffers(
            Array.from({ length: sourceLength }, (_, i) => (i === 1 ? null : alloc(64 + i))),
          );
          if (targetLength > 0)
            target.registerBuffers(Array.from({ length: targetLength }, (_, i) => alloc(128 + i)));
          const clone = source.cloneTo(target, { ...range, replace: true });
          const what = `${sourceLength} -> ${targetLength}, ${JSON.stringify(range)}`;
          assert.deepEqual(told(clone), slots(target), what);
          const last = told(clone).findLastIndex((slot) => slot !== undefined);
          if (last >= 0) assert.ok(works(target, clone, last, file), what);
          ring.close();
          target.close();
        }
      }
    }
  },
);

/** Some ranges of a table with so many slots. */
function ranges(length: number): CloneRange[] {
  const all: CloneRange[] = [{}, { at: 1 }, { at: 5 }, { count: 1 }];
  if (length > 1) all.push({ offset: 1 }, { offset: 1, at: 2, count: 1 });
  return all;
}

ringTest(
  'replace: what is replaced is released, the rest moves to the new owner',
  clonesIntoTables(NEEDS),
  (scope) => {
    const file = contentFile(scope);
    const source = scope.ring().registerBuffers([alloc(64)]);
    const target = scope.ring();
    const released: number[] = [];
    const previous = target.registerBuffers([alloc(64), alloc(64), alloc(64)], {
      onRelease: (index) => void released.push(index),
    });
    const [kept, gone] = [previous.at(2), previous.at(1)];
    const clone = source.cloneTo(target, { at: 1, count: 1, replace: true });
    assert.equal(previous.isRegistered, false);
    assert.throws(() => previous.at(0), { code: 'ERR_URING_CLOSED' });
    previous.unregister();
    assert.equal(clone.length, 3);
    target.reap(() => {});
    assert.deepEqual(released, [1]);
    assert.throws(() => target.prepare.read(file, gone), { code: 'ERR_URING_CLOSED' });
    target.prepare.readFixed(file, kept, { offset: 0 });
    assert.equal(result(target), 7);
    assert.ok(works(target, clone, 1, file));
    clone.update(0, [null]);
    target.reap(() => {});
    assert.deepEqual(released.sort(), [0, 1]);
    clone.unregister();
    target.reap(() => {});
    assert.deepEqual(released.sort(), [0, 1, 2]);
  },
);

ringTest('a table is cloned to its own ring', NEEDS, (scope) => {
  const file = contentFile(scope);
  const ring = scope.ring();
  const source = ring.registerBuffers([alloc(64), alloc(64)]);
  const [first] = told(source);
  const clone = source.cloneTo(ring, { count: 1, at: 4, replace: true });
  assert.equal(source.isRegistered, false);
  assert.deepEqual(told(clone), slots(ring));
  assert.equal(told(clone)[4], first);
  assert.ok(works(ring, clone, 0, file) && works(ring, clone, 1, file) && works(ring, clone, 4, file));
  clone.unregister();
  assert.deepEqual(slots(ring), []);
});

ringTest('clones of clones, from a ring with a registered index', NEEDS, (scope) => {
  const file = contentFile(scope);
  const [first, second, third] = [scope.ring(), scope.ring(), scope.ring()];
  assert.ok(first && second && third);
  first.registerRingFd();
  third.registerRingFd();
  const source = first.registerBuffers([alloc(64)]);
  const clone = source.cloneTo(second).cloneTo(third);
  first.close();
  second.close();
  assert.ok(works(third, clone, 0, file));
});

ringTest('a refused clone changes no books', NEEDS, (scope) => {
  const file = contentFile(scope);
  const ring = scope.ring();
  const source = ring.registerBuffers([alloc(64)]);
  const target = scope.ring();
  const previous = target.registerBuffers([alloc(64)]);
  for (const errno of [1, 7, 9, 12, 14, 17, 95]) {
    withFailing(constants.IORING_REGISTER_CLONE_BUFFERS, errno, () => {
      assert.throws(() => source.cloneTo(target, { replace: true }), { errno: -errno });
    });
  }
  assert.equal(previous.isRegistered, true);
  assert.ok(works(target, previous, 0, file));
  assert.ok(works(ring, source, 0, file));
});

ringTest(
  'a read in flight on a clone ends in the memory that source and clone gave up',
  NEEDS,
  async (scope) => {
    const { reader, writer } = scope.pipe();
    const ring = scope.ring();
    const memory = alloc(64);
    const source = ring.registerBuffers([memory]);
    const target = scope.ring();
    const clone = source.cloneTo(target);
    target.prepare.readFixed(reader, clone.at(0), { userData: 1 });
    target.submit();
    source.unregister();
    ring.close();
    clone.unregister();
    writeSync(writer, 'still mine');
    assert.deepEqual(
      complete(target, 1).map(({ userData, res }) => [userData, res]),
      [[1, 10]],
    );
    assert.equal(text(memory.subarray(0, 10)), 'still mine');
  },
);

ringTest(
  'a getter that puts another table in place of the source does not have it cloned',
  NEEDS,
  (scope) => {
    const ring = scope.ring();
    const target = scope.ring();
    const old = ring.registerBuffers([alloc(64)]);
    const range = {
      get count() {
        if (old.isRegistered) {
          old.unregister();
          ring.registerBuffers([alloc(64)]);
        }
        return 1;
      },
    };
    assert.throws(() => old.cloneTo(target, range), { code: 'ERR_URING_CLOSED' });
    assert.deepEqual(slots(target), []);
  },
);

ringTest(
  'the tags of the source come when the source gives up, not when the clone does',
  NEEDS,
  async (scope) => {
    const ring = scope.ring();
    const target = scope.ring();
    const released: number[] = [];
    const source = ring.registerBuffers([alloc(64)], { onRelease: (index) => void released.push(index) });
    const clone = source.cloneTo(target);
    clone.unregister();
    target.reap(() => assert.fail('a clone has no tags'));
    ring.reap(() => {});
    assert.deepEqual(released, []);
    source.unregister();
    await until('the release', () => {
      ring.reap(() => {});
      return released.length === 1;
    });
  },
);
