/** Registered files: opcodes 2, 3, 6, 13, 14, 25. */
import { alloc, type File, Ring } from 'uring';
import { LICENSE, open, Pair, result, same, until } from './kit.ts';
import type { Proofs } from './proof.ts';

/** The first bytes of a file, read by the ring; or the errno's name. */
function head(ring: Ring, file: File): string {
  const memory = alloc(16);
  ring.prepare.read(file, memory, { offset: 0 });
  const length = result(ring);
  return typeof length === 'number' ? new TextDecoder().decode(memory.subarray(0, length)) : length;
}

export const files = {
  REGISTER_FILES: () => {
    using ring = new Ring(8);
    const file = open(LICENSE);
    using table = ring.registerFiles([file.fd]);
    file.close();
    same('what slot 0 reads', head(ring, table.at(0)), 'MIT License\n\nCop');
    return 'slot 0 reads LICENSE, whose fd is closed';
  },

  UNREGISTER_FILES: () => {
    using ring = new Ring(8);
    using pipe = Pair.pipe();
    using table = ring.registerFiles([pipe.b.fd]);
    pipe.b.close();
    same('the pipe while the table has its writer', pipe.a.read(), 'EAGAIN');
    table.unregister();
    until('the end of the pipe', () => pipe.a.read() === '');
    return "a pipe's only writer was in the table: now it ended";
  },

  REGISTER_FILES_UPDATE: (scratch) => {
    using ring = new Ring(8);
    using one = open(scratch.file('one', 'one'));
    using two = open(scratch.file('two', 'two'));
    using table = ring.registerFiles([one.fd, one.fd]);
    same('slots done', table.update(0, [two.fd, table.CLEAR]), 2);
    same('what slot 0 reads', head(ring, table.at(0)), 'two');
    same('what the cleared slot says', head(ring, table.at(1)), '-EBADF');
    return 'slot 0 reads another file, cleared slot 1 is EBADF';
  },

  REGISTER_FILES2: () => {
    using ring = new Ring(8);
    const released: number[] = [];
    const file = open(LICENSE);
    using table = ring.registerFiles([-1, file.fd], { onRelease: (slot) => released.push(slot) });
    file.close();
    same('what slot 1 reads', head(ring, table.at(1)), 'MIT License\n\nCop');
    table.unregister();
    until('the tag', () => ring.reap(() => {}) === 0 && released.length > 0);
    same('the slots whose tag came', released, [1]);
    return 'slot 1 reads LICENSE, its tag came when let go';
  },

  REGISTER_FILES_UPDATE2: (scratch) => {
    using ring = new Ring(8);
    const released: number[] = [];
    using one = open(scratch.file('three', 'three'));
    using two = open(scratch.file('four', 'four'));
    using table = ring.registerFiles([one.fd], { onRelease: (slot) => released.push(slot) });
    table.update(0, [two.fd]);
    until('the tag', () => ring.reap(() => {}) === 0 && released.length > 0);
    same('the slots whose tag came', released, [0]);
    same('what slot 0 reads', head(ring, table.at(0)), 'four');
    return "slot 0 reads another file, the old one's tag came";
  },

  REGISTER_FILE_ALLOC_RANGE: () => {
    using ring = new Ring(8);
    using table = ring.registerFiles({ slots: 10 });
    table.allocRange(5, 2);
    const slots = [1, 2, 3].map(() => {
      ring.prepare.openat(LICENSE, { into: 'alloc' });
      return result(ring);
    });
    same('the slots chosen', slots, [5, 6, '-ENFILE']);
    return 'three files opened into slots 5, 6 and ENFILE';
  },
} satisfies Proofs;
