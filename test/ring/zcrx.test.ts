import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { SyscallError, UnsupportedError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import type { ZcrxIfqOptions } from '../../lib/ring/owners/zcrx.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';
import { RegionDesc } from '../../structs/memory.ts';
import { ZcrxAreaReg, ZcrxCtrl, ZcrxIfqReg } from '../../structs/zcrx.ts';
import { bytesAt, withOpcode } from '../helpers/fake-kernel.ts';
import { knows, needs } from '../helpers/needs.ts';
import { leftMapped, withoutMemory } from '../helpers/pairs.ts';
import { answer, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, ringTest } from '../helpers/rings.ts';

const zcrx = needs('REGISTER_ZCRX_IFQ');
const LOOPBACK: ZcrxIfqOptions = { interface: 'lo', queue: 0, entries: 16, areaBytes: 65_536 };
const RING = { deferTaskrun: true, cqe32: true } as const;
const IFQ = { opcode: 32, size: ZcrxIfqReg.size };
const CONTROL = { opcode: 36, size: ZcrxCtrl.size };

function hasCapability(): boolean {
  const bits = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${bits}`) >> 12n) & 1n) === 1n;
}

ringTest('options that are wrong are named before any system call', {}, (scope) => {
  const ring = scope.ring();
  for (const [name, options] of [
    ['options', undefined],
    ['options.iface', { ...LOOPBACK, iface: 'lo' }],
    ['options.interface', { ...LOOPBACK, interface: 0 }],
    ['options.interface', { ...LOOPBACK, interface: '' }],
    ['options.interface', { ...LOOPBACK, interface: 'x'.repeat(16) }],
    ['options.interface', { ...LOOPBACK, interface: 'l\0' }],
    ['options.interface', { ...LOOPBACK, interface: null }],
    ['options.queue', { ...LOOPBACK, queue: -1 }],
    ['options.entries', { ...LOOPBACK, entries: 0 }],
    ['options.entries', { ...LOOPBACK, entries: 32_769 }],
    ['options.areaBytes', { ...LOOPBACK, areaBytes: 0 }],
    ['options.areaBytes', { ...LOOPBACK, areaBytes: 2 ** 32 + 1 }],
    ['options.bufferBytes', { ...LOOPBACK, bufferBytes: 0 }],
  ] as const) {
    refuses(name, () => ring.registerZcrxIfq(wrong(options)));
  }
  ring.close();
  closed({ registerZcrxIfq: () => ring.registerZcrxIfq(LOOPBACK) });
});

ringTest('an interface that does not exist is ENODEV', {}, (scope) => {
  const ring = scope.ring();
  assert.throws(
    () => ring.registerZcrxIfq({ ...LOOPBACK, interface: 'no-such-if0' }),
    (error: unknown) =>
      error instanceof SyscallError && error.code === 'ENODEV' && /no-such-if0/.test(error.message),
  );
});

ringTest('an interface that cannot is refused by the kernel, and nothing stays mapped', zcrx, () => {
  const left = leftMapped(() => {
    using ring = new Ring(8, RING);
    const expected = hasCapability() ? ['EOPNOTSUPP', 'ENODEV'] : ['EPERM', 'EPERM'];
    for (const name of ['lo', 1]) {
      const outcome = answer(() => ring.registerZcrxIfq({ ...LOOPBACK, interface: name }));
      assert.equal(outcome, expected[0], String(name));
    }
    const outcome = answer(() => ring.registerZcrxIfq({ ...LOOPBACK, interface: 0x7fff_fff0 }));
    assert.equal(outcome, expected[1]);
    using plain = new Ring(8);
    assert.equal(
      answer(() => plain.registerZcrxIfq(LOOPBACK)),
      hasCapability() ? 'EINVAL' : 'EPERM',
    );
  });
  assert.deepEqual(left, []);
});

ringTest('memory that cannot be mapped is an error, and nothing stays mapped', {}, () => {
  const left = leftMapped(() => {
    using ring = new Ring(8);
    for (const nth of [1, 2]) {
      withoutMemory(() => assert.throws(() => ring.registerZcrxIfq(LOOPBACK), { syscall: 'mmap' }), nth);
    }
  });
  assert.deepEqual(left, []);
});

ringTest('the kernel gets the queue, the area and the refill ring', {}, () => {
  const left = leftMapped(() => {
    using ring = new Ring(8);
    const ifq = withOpcode(
      IFQ,
      (argument) => {
        const asked = ZcrxIfqReg.decode(argument);
        assert.equal(asked.ifIdx, 1);
        assert.equal(asked.ifRxq, 3);
        assert.equal(asked.rqEntries, 100);
        assert.equal(asked.flags, 0);
        assert.equal(asked.rxBufLen, 8192);
        const area = ZcrxAreaReg.decode(bytesAt(asked.areaPtr, ZcrxAreaReg.size));
        assert.equal(Number(area.addr) % pageSize(), 0);
        assert.equal(Number(area.len), 2 * pageSize());
        assert.equal(area.flags, 0);
        const region = RegionDesc.decode(bytesAt(asked.regionPtr, RegionDesc.size));
        assert.equal(Number(region.userAddr) % pageSize(), 0);
        assert.equal(region.flags, constants.IORING_MEM_REGION_TYPE_USER);
        // room for 128 entries of 16 bytes behind a head of whatever size
        assert.ok(Number(region.size) >= pageSize() + 128 * 16);
        // both can be written
        bytesAt(area.addr, 2 * pageSize()).fill(1);
        bytesAt(region.userAddr, Number(region.size)).fill(1);
        ZcrxIfqReg.encodeInto(argument, { ...asked, rqEntries: 128, zcrxId: 7 });
        return 0;
      },
      (calls) => {
        const owner = ring.registerZcrxIfq({
          interface: 'lo',
          queue: 3,
          entries: 100,
          areaBytes: pageSize() + 1,
          bufferBytes: 8192,
        });
        assert.deepEqual(calls, [{ fd: ring.fd, opcode: 32, nrArgs: 1 }]);
        return owner;
      },
    );
    assert.equal(ifq.length, 128);
    assert.equal(ifq.ring, ring);
    let exported = 41;
    withOpcode(
      CONTROL,
      (argument) => {
        const { zcrxId, op } = ZcrxCtrl.decode(argument);
        assert.equal(zcrxId, 7);
        assert.deepEqual(argument.slice(8), new Uint8Array(ZcrxCtrl.size - 8));
        if (op === constants.ZCRX_CTRL_EXPORT) {
          ZcrxCtrl.encodeInto(argument, { zcrxId, op, zcExport: { zcrxFd: ++exported } });
        }
        return 0;
      },
      (calls) => {
        assert.equal(ifq.control({ flush: true }), undefined);
        assert.equal(ifq.control({ export: true }), 42);
        assert.deepEqual(
          calls.map(({ nrArgs }) => nrArgs),
          [0, 0],
        );
      },
    );
    for (const command of [{}, { flush: false }, { flush: true, export: true }]) {
      refuses('command', () => ifq.control(wrong(command)));
    }
    refuses('command', () => ifq.control(wrong(undefined)));
    refuses('command.flsh', () => ifq.control(wrong({ flsh: true })));
    if (!knows('REGISTER_ZCRX_CTRL')) {
      assert.throws(
        () => ifq.control({ flush: true }),
        (error: unknown) => error instanceof UnsupportedError && error.since === '6.19',
      );
    }
    ring.close();
    closed({ control: () => ifq.control({ flush: true }) });
  });
  assert.deepEqual(left, []);
});
