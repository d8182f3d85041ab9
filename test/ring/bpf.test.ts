import assert from 'node:assert/strict';
import { Ring } from '../../lib/faces/ring.ts';
import { Bpf } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import { SockFilter } from '../../structs/posix.ts';
import { bytesAt, withOpcode } from '../helpers/fake-kernel.ts';
import { knows, needs } from '../helpers/needs.ts';
import { hex, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, result, ringTest } from '../helpers/rings.ts';

const EACCES = -13;
const FILTER = { opcode: 37, size: Bpf.size };
/** BPF_LD | BPF_W | BPF_ABS of the operation's family, BPF_JMP | BPF_JEQ, BPF_RET. */
const PROGRAM = [
  { code: 0x20, k: 16 },
  { code: 0x15, jt: 0, jf: 1, k: 2 },
  { code: 0x06, k: 1 },
  { code: 0x06, k: 0 },
];

ringTest('options that are wrong are named before any system call', {}, (scope) => {
  const ring = scope.ring();
  const good = { op: 'OP_SOCKET', filter: 'deny' };
  for (const [name, options] of [
    ['options', undefined],
    ['options.ops', { ...good, ops: [] }],
    ['options.op', { filter: 'deny' }],
    ['options.op', { ...good, op: 'SOCKET' }],
    ['options.op', { ...good, op: 45 }],
    ['options.filter', { op: 'OP_SOCKET' }],
    ['options.filter', { ...good, filter: 'allow' }],
    ['options.denyRest', { ...good, denyRest: 1 }],
    ['options.strictSize', { ...good, strictSize: 'yes' }],
    ['options.pduSize', { ...good, pduSize: 256 }],
  ] as const) {
    refuses(name, () => ring.registerBpfFilter(wrong(options)));
    refuses(name, () => Ring.registerBpfFilter(wrong(options)));
  }
  for (const [name, filter] of [
    ['options.filter', []],
    ['options.filter', Array.from({ length: 4097 }, () => ({ code: 6 }))],
    ['options.filter[1]', [{ code: 6 }, 6]],
    ['options.filter[1].cod', [{ code: 6 }, { cod: 6 }]],
    ['options.filter[0].code', [{ code: 2 ** 16 }]],
    ['options.filter[0].jt', [{ jt: 256 }]],
    ['options.filter[0].jf', [{ jf: -1 }]],
    ['options.filter[0].k', [{ k: 2 ** 32 }]],
  ] as const) {
    refuses(name, () => ring.registerBpfFilter({ op: 'OP_SOCKET', filter: wrong(filter) }));
  }
  ring.close();
  closed({ registerBpfFilter: () => ring.registerBpfFilter({ op: 'OP_SOCKET', filter: 'deny' }) });
});

ringTest('the kernel gets the program, the operation and the flags', {}, (scope) => {
  const ring = scope.ring();
  const programs: Uint8Array[] = [];
  const heads: unknown[] = [];
  withOpcode(
    FILTER,
    (argument) => {
      const { cmdType, cmdFlags, filter } = Bpf.decode(argument);
      assert.equal(cmdType, constants.IO_URING_BPF_CMD_FILTER);
      assert.equal(cmdFlags, 0);
      const { opcode, flags, pduSize, filterLen, filterPtr } = filter;
      heads.push({ opcode, flags, pduSize });
      programs.push(bytesAt(filterPtr, filterLen * SockFilter.size).slice());
      return 0;
    },
    (calls) => {
      ring.registerBpfFilter({ op: 'OP_SOCKET', filter: PROGRAM, pduSize: 12, strictSize: true });
      ring.registerBpfFilter({ op: 'OP_OPENAT', filter: 'deny', denyRest: true });
      Ring.registerBpfFilter({ op: 'OP_NOP', filter: 'deny' });
      assert.deepEqual(calls, [
        { fd: ring.fd, opcode: 37, nrArgs: 1 },
        { fd: ring.fd, opcode: 37, nrArgs: 1 },
        { fd: -1, opcode: 37, nrArgs: 1 },
      ]);
    },
  );
  const { IO_URING_BPF_FILTER_DENY_REST, IO_URING_BPF_FILTER_SZ_STRICT } = constants;
  assert.deepEqual(heads, [
    { opcode: constants.IORING_OP_SOCKET, flags: IO_URING_BPF_FILTER_SZ_STRICT, pduSize: 12 },
    { opcode: constants.IORING_OP_OPENAT, flags: IO_URING_BPF_FILTER_DENY_REST, pduSize: 0 },
    { opcode: constants.IORING_OP_NOP, flags: 0, pduSize: 0 },
  ]);
  const deny = hex('0600 00 00 00000000');
  assert.deepEqual(programs, [
    hex('2000 00 00 10000000  1500 00 01 02000000  0600 00 00 01000000  0600 00 00 00000000'),
    deny,
    deny,
  ]);
});

ringTest('an operation that a filter denies ends with EACCES', needs('REGISTER_BPF_FILTER'), (scope) => {
  const ring = scope.ring();
  const other = scope.ring();
  ring.registerBpfFilter({ op: 'OP_NOP', filter: 'deny' });
  ring.prepare.nop();
  assert.equal(result(ring), EACCES);
  ring.prepare.timeout({ afterMs: 0, count: 1 });
  assert.notEqual(result(ring), EACCES);
  ring.registerBpfFilter({ op: 'OP_TIMEOUT', filter: [{ code: 0x06, k: 1 }], denyRest: true });
  ring.prepare.timeout({ afterMs: 0 });
  assert.notEqual(result(ring), EACCES);
  ring.prepare.pollAdd(scope.pipe().writer, 4);
  assert.equal(result(ring), EACCES);
  other.prepare.nop();
  assert.equal(result(other), 0);
});

ringTest('a kernel before 7.0 says what it needs', {}, (scope) => {
  if (knows('REGISTER_BPF_FILTER')) return;
  const ring = scope.ring();
  for (const call of [
    () => ring.registerBpfFilter({ op: 'OP_SOCKET', filter: 'deny' }),
    () => Ring.registerBpfFilter({ op: 'OP_SOCKET', filter: 'deny' }),
  ]) {
    assert.throws(call, { name: 'UnsupportedError', need: 'REGISTER_BPF_FILTER', since: '7.0' });
  }
});
