// What a user of plain JavaScript writes: no build step, no `using`.
import assert from 'node:assert/strict';
import { AsyncRing, alloc, probe, Ring } from 'uring';
import uringFs, { readFile } from 'uring/fs';
import { libc, register, setup } from 'uring/raw';
import { constants, RegisterOp, RsrcRegister } from 'uring/structs';

const ring = new Ring(8);
try {
  assert.equal(probe().register.REGISTER_BUFFERS.supported, true);
  const buffers = ring.registerBuffers([alloc(4096), new Uint8Array(100)]);
  try {
    assert.equal(buffers.at(1).length, 100);
    ring.prepare.nop({ userData: 42 });
    assert.equal(ring.submit({ wait: 1 }), 1);
    assert.deepEqual([...ring.completions()], [{ userData: 42, res: 0, flags: 0 }]);
  } finally {
    buffers.unregister();
  }
} finally {
  ring.close();
}

const { fd } = setup(8, { flags: constants.IORING_SETUP_CLAMP });
try {
  const table = RsrcRegister.encode({ nr: 4, flags: constants.IORING_RSRC_REGISTER_SPARSE });
  register(fd, RegisterOp.REGISTER_FILES2, table, table.byteLength);
  assert.throws(() => register(fd, RegisterOp.REGISTER_FILES2, table, table.byteLength), { code: 'EBUSY' });
} finally {
  libc.close(fd);
}

const asyncRing = new AsyncRing(8);
try {
  const file = await asyncRing.open('package.json');
  const bytes = new Uint8Array(100);
  const n = await asyncRing.read(file, bytes, { offset: 0 });
  assert.match(new TextDecoder().decode(bytes.subarray(0, n)), /"private": true/);
  await file.close();
} finally {
  asyncRing.close();
}

assert.match(await readFile('package.json', 'utf8'), /"private": true/);
assert.equal(uringFs.readFile, readFile);
