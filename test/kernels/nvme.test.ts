/** Polled I/O and NVMe passthrough, on the guest's own disk, which is blank and nobody's. */
import assert from 'node:assert/strict';
import { existsSync, constants as fs, openSync, readFileSync } from 'node:fs';
import { alloc, type Ring } from '../../lib/index.ts';
import { uringCmd128 } from '../../lib/ops/preparers.ts';
import { addressOf, enter, nextSqe } from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { type Needs, needsKernel, needsOp, needsSetup } from '../helpers/needs.ts';
import { complete, result, ringTest, type Scope } from '../helpers/rings.ts';
import { OpRing } from '../ops/op-ring.ts';

const DISK = '/dev/nvme0n1';
/** The namespace, and the controller, as character devices. */
const NAMESPACE = '/dev/ng0n1';
const CONTROLLER = '/dev/nvme0';
const BLOCK = 4096;
const SECTOR = 512;
const EOPNOTSUPP = -95;

/** _IOWR('N', 0x80, struct nvme_uring_cmd) and 0x82: to a namespace, to the controller. */
const NVME_URING_CMD_IO = 0xc048_4e80;
const NVME_URING_CMD_ADMIN = 0xc048_4e82;
const NVME_WRITE = 0x01;
const NVME_READ = 0x02;
const NVME_IDENTIFY = 0x06;

/** Kernels for all kinds of machines have the disk's driver as a module, and a guest has no modules. */
const ATTACHED: Needs = existsSync(DISK)
  ? {}
  : { skip: 'there is no NVMe disk: its driver is a module of this kernel' };

/** The first that says to skip. */
function skipFirst(...all: readonly Needs[]): Needs {
  return all.find(({ skip }) => skip !== undefined) ?? {};
}

/** struct nvme_uring_cmd, 72 bytes. */
function nvmeCommand(
  opcode: number,
  data: Uint8Array,
  { namespace = 0, cdw10 = 0, cdw12 = 0 }: { namespace?: number; cdw10?: number; cdw12?: number },
): Uint8Array {
  const bytes = new Uint8Array(72);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode);
  view.setUint32(4, namespace, true);
  view.setBigUint64(24, BigInt(addressOf(data)), true);
  view.setUint32(36, data.byteLength, true);
  view.setUint32(40, cdw10, true);
  view.setUint32(48, cdw12, true);
  return bytes;
}

function openDisk(scope: Scope, flags = 0): number {
  return scope.fd(openSync(DISK, fs.O_RDWR | flags));
}

/** Memory full of a text. */
function full(text: string, length = BLOCK): Uint8Array {
  const bytes = alloc(length);
  bytes.set(Buffer.alloc(length, text));
  return bytes;
}

/** How often the disk has interrupted. */
function interrupts(): number {
  const lines = readFileSync('/proc/interrupts', 'utf8').split('\n');
  const counts = lines.flatMap((line) =>
    /nvme0q[1-9]/.test(line) ? (line.match(/(?<= )\d+(?= )/g) ?? []) : [],
  );
  return counts.reduce((sum, each) => sum + Number(each), 0);
}

function writeAndRead(ring: Ring, disk: number, text: string): void {
  const out = full(text);
  const back = alloc(BLOCK);
  ring.prepare.write(disk, out, { offset: BLOCK });
  assert.equal(result(ring), BLOCK);
  ring.prepare.read(disk, back, { offset: BLOCK });
  assert.equal(result(ring), BLOCK);
  assert.deepEqual(back, out);
}

ringTest('a polled ring reads what it wrote, and the disk interrupts nobody', ATTACHED, (scope) => {
  const disk = openDisk(scope, fs.O_DIRECT);
  const before = interrupts();
  writeAndRead(scope.ring(), disk, 'by interrupts');
  assert.ok(interrupts() >= before + 2, 'the counter counts');
  const polled = scope.ring(8, { ioPoll: true });
  const quiet = interrupts();
  writeAndRead(polled, disk, 'polled for');
  assert.equal(interrupts(), quiet);
});

ringTest('a polled ring refuses a file that goes through the page cache', ATTACHED, (scope) => {
  const ring = scope.ring(8, { ioPoll: true });
  ring.prepare.read(openDisk(scope), alloc(BLOCK), { offset: 0 });
  assert.equal(result(ring), EOPNOTSUPP);
});

ringTest('a polled ring reads into a registered buffer', ATTACHED, (scope) => {
  const disk = openDisk(scope, fs.O_DIRECT);
  writeAndRead(scope.ring(), disk, 'registered');
  const ring = scope.ring(8, { ioPoll: true });
  const buffers = ring.registerBuffers([alloc(BLOCK)]);
  ring.prepare.readFixed(disk, buffers.at(0), { offset: BLOCK });
  assert.equal(result(ring), BLOCK);
  assert.deepEqual(buffers.at(0).bytes, full('registered'));
});

ringTest(
  'a hybrid polled ring sleeps first, and reads the same',
  skipFirst(ATTACHED, needsSetup('SETUP_HYBRID_IOPOLL')),
  (scope) => {
    const quiet = interrupts();
    writeAndRead(scope.ring(8, { ioPoll: 'hybrid' }), openDisk(scope, fs.O_DIRECT), 'hybrid');
    assert.equal(interrupts(), quiet);
  },
);

// ---- passthrough --------------------------------------------------------------------------------------------------------

// the device is 5.13's, the operation 5.19's
const passthrough = skipFirst(
  ATTACHED,
  needsOp('OP_URING_CMD'),
  needsKernel('5.19', () => ATTACHED.skip === undefined && !existsSync(NAMESPACE)),
);

ringTest('a read command reads what a write command wrote', passthrough, (scope) => {
  const file = scope.fd(openSync(NAMESPACE, 'r+'));
  const ring = scope.ring(8, { sqe128: true, cqe32: true });
  const send = (opcode: number, memory: Uint8Array): number => {
    // eight sectors at sector 64; cdw12 counts from 0
    const at = { namespace: 1, cdw10: 64, cdw12: memory.length / SECTOR - 1 };
    ring.prepare.uringCmd(file, NVME_URING_CMD_IO, { data: nvmeCommand(opcode, memory, at), hold: memory });
    return complete(ring, 1)[0]?.res ?? Number.NaN;
  };
  const out = full('passthrough');
  const back = alloc(BLOCK);
  assert.equal(send(NVME_WRITE, out), 0);
  assert.equal(send(NVME_READ, back), 0);
  assert.deepEqual(back, out);
  const disk = openDisk(scope, fs.O_DIRECT);
  const same = alloc(BLOCK);
  ring.prepare.read(disk, same, { offset: 64 * SECTOR });
  assert.equal(result(ring), BLOCK);
  assert.deepEqual(same, out, 'the block device sees it too');
});

ringTest('a command that the disk refuses has its NVMe status in the completion', passthrough, (scope) => {
  const ring = scope.ring(8, { sqe128: true, cqe32: true });
  const file = scope.fd(openSync(NAMESPACE, 'r+'));
  const data = full('x');
  const beyond = nvmeCommand(NVME_READ, data, { namespace: 1, cdw10: 0x7fff_0000, cdw12: 7 });
  ring.prepare.uringCmd(file, NVME_URING_CMD_IO, { data: beyond, hold: data });
  const LBA_OUT_OF_RANGE = 0x80;
  assert.equal(result(ring) & 0xff, LBA_OUT_OF_RANGE);
});

ringTest(
  'OP_URING_CMD128 takes 80 bytes to the driver on a mixed ring',
  skipFirst(ATTACHED, needsOp('OP_URING_CMD128')),
  (scope) => {
    const file = scope.fd(openSync(CONTROLLER, 'r+'));
    const { IORING_SETUP_CQE_MIXED, IORING_SETUP_SQE_MIXED } = constants;
    const mixed = new OpRing(scope, IORING_SETUP_SQE_MIXED | IORING_SETUP_CQE_MIXED);
    const data = alloc(BLOCK);
    mixed.address(data);
    const sqe = nextSqe(mixed.queues);
    uringCmd128(sqe, file, NVME_URING_CMD_ADMIN, 0, 0, 0);
    sqe.cmd = nvmeCommand(NVME_IDENTIFY, data, { cdw10: 1 });
    nextSqe(mixed.queues);
    mixed.queues.publish();
    assert.equal(enter(mixed.fd, { toSubmit: 2 }), 2);
    assert.equal(mixed.next().res, 0);
    // the controller's serial number, as the machine was given it
    assert.equal(Buffer.from(data.subarray(4, 24)).toString().trim(), 'scratch');
  },
);
