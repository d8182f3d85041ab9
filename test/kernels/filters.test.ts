/** Filters of operations (opcode 37, 7.0) that look at what an operation asks for. */
import assert from 'node:assert/strict';
import { constants as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BpfInstruction } from '../../lib/ring/bpf.ts';
import { needs } from '../helpers/needs.ts';
import { result, ringTest, type Scope } from '../helpers/rings.ts';

const AF_INET = 2;
const EACCES = -13;
const filters = needs('REGISTER_BPF_FILTER');

/** Lets an operation pass when the 32-bit word at `offset` of what the filter sees is `value`, with the other bits masked. */
function whereWord(offset: number, mask: number, value: number): BpfInstruction[] {
  return [
    { code: 0x20, k: offset },
    { code: 0x54, k: mask >>> 0 },
    { code: 0x15, jt: 0, jf: 1, k: value },
    { code: 0x06, k: 1 },
    { code: 0x06, k: 0 },
  ];
}

/** Where the operation's own fields begin, behind user_data, opcode, flags and size. */
const OWN = 16;

ringTest('a filter sees the family of a socket', filters, (scope: Scope) => {
  const ring = scope.ring();
  const filter = whereWord(OWN, 0xffff_ffff, AF_INET);
  ring.registerBpfFilter({ op: 'OP_SOCKET', filter, pduSize: 12, strictSize: true });
  ring.prepare.socket('IPv4');
  scope.fd(result(ring));
  ring.prepare.socket('unix');
  assert.equal(result(ring), EACCES);
});

ringTest('a filter sees the flags of an open', filters, (scope) => {
  const ring = scope.ring();
  ring.registerBpfFilter({ op: 'OP_OPENAT', filter: whereWord(OWN, fs.O_CREAT, 0), pduSize: 24 });
  ring.prepare.openat('/etc/passwd');
  scope.fd(result(ring));
  ring.prepare.openat(join(tmpdir(), 'never-made'), { flags: fs.O_CREAT | fs.O_WRONLY, mode: 0o600 });
  assert.equal(result(ring), EACCES);
});

ringTest('a program that is none is refused, and the ring stays unfiltered', filters, (scope) => {
  const ring = scope.ring();
  // a jump behind the end
  const broken = [
    { code: 0x15, jt: 9, jf: 9, k: 0 },
    { code: 0x06, k: 1 },
  ];
  assert.throws(() => ring.registerBpfFilter({ op: 'OP_NOP', filter: broken }), { code: 'EINVAL' });
  ring.prepare.nop();
  assert.equal(result(ring), 0);
});
