/**
 * Calls that are known, written in every form and put into every envelope: each is decoded once, and as it was. What is cut
 * off of a line never makes a success of a failure.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DecodedRecord, DecodeStats } from '../../lib/host/decode/decoded.ts';
import { decode } from '../../lib/host/decode.ts';
import { errnoName } from '../../structs/errno.ts';
import { registerRow } from '../../structs/register-ops.ts';

interface Call {
  readonly fd: number;
  readonly opcode: number;
  readonly nrArgs: number;
  readonly ret: number;
}

type Form = (call: Call, tid: number) => readonly string[];

const u64 = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString();
const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16);
const hex32 = (value: number): string => (value >>> 0).toString(16);
const nameOf = (opcode: number): string => `IORING_${registerRow(opcode)?.name}`;
const failed = (ret: number): string => (ret < 0 ? `-1 ${errnoName(-ret)} (What it means)` : `${ret}`);

const json = (value: object): string[] => [JSON.stringify(value)];

/** One call as each tool writes it: in one line, or in several of one thread. */
const FORMS: { readonly [name: string]: Form } = {
  'tracee legacy': ({ fd, opcode, nrArgs, ret }, tid) =>
    json({
      ...{ eventName: 'io_uring_register', processName: 'a b', hostThreadId: tid, returnValue: ret },
      args: [
        ...[
          { name: 'fd', type: 'unsigned int', value: fd >>> 0 },
          { name: 'opcode', value: opcode },
        ],
        ...[
          { name: 'arg', value: '0x1000' },
          { name: 'nr_args', value: nrArgs },
        ],
      ],
    }),
  'tracee table': ({ fd, opcode, nrArgs, ret }, tid) => [
    `12:30:45:020855  1000   regs             ${tid}   ${tid}   ${`${ret}`.padEnd(16)} io_uring_register         fd: ${fd >>> 0}, opcode: ${opcode}, arg: 0x7FFE, nr_args: ${nrArgs}`,
  ],
  tetragon: ({ fd, opcode, nrArgs, ret }, tid) =>
    json({
      process_kprobe: {
        process: { pid: tid, binary: '/app/regs' },
        function_name: '__x64_sys_io_uring_register',
        args: [{ int_arg: fd }, { uint_arg: opcode }, { size_arg: '4096' }, { uint_arg: nrArgs }],
        return: { size_arg: u64(ret) },
      },
    }),
  sysdig: ({ fd, opcode, nrArgs, ret }, tid) => [
    `12 12:00:00.000000000 0 regs (${tid}) > io_uring_register`,
    `13 12:00:00.000000001 0 regs (${tid}) < io_uring_register res=${ret}${ret < 0 ? `(${errnoName(-ret)})` : ''} fd=${fd} opcode=99(${nameOf(opcode)}) arg=7FFE nr_args=${nrArgs} `,
  ],
  auditbeat: ({ fd, opcode, nrArgs, ret }, tid) =>
    json({
      auditd: {
        message_type: 'syscall',
        data: {
          ...{ syscall: 'io_uring_register', a0: hex(fd), a1: hex32(opcode), a2: '1000', a3: hex32(nrArgs) },
          exit: ret < 0 ? errnoName(-ret) : `${ret}`,
        },
      },
      process: { pid: tid },
    }),
  audit: ({ fd, opcode, nrArgs, ret }, tid) => [
    `type=SYSCALL msg=audit(1767225600.123:42): arch=c000003e syscall=427 success=${ret < 0 ? 'no' : 'yes'} exit=${ret} a0=${hex(fd)} a1=${hex32(opcode)} a2=1000 a3=${hex32(nrArgs)} items=0 ppid=1 pid=${tid} comm="regs"`,
  ],
  'ausearch -i': ({ fd, opcode, nrArgs, ret }, tid) => [
    `type=SYSCALL msg=audit(01/01/26 00:00:00.123:42) : arch=x86_64 syscall=io_uring_register success=${ret < 0 ? 'no' : 'yes'} exit=${ret < 0 ? `${errnoName(-ret)}(What it means)` : ret} a0=0x${hex(fd)} a1=0x${hex32(opcode)} a2=0x1000 a3=0x${hex32(nrArgs)} items=0 ppid=1 pid=${tid} comm=a b exe=/app/regs key=(null) `,
  ],
  strace: ({ fd, opcode, nrArgs, ret }, tid) => [
    `[pid ${tid}] io_uring_register(${fd}, ${nameOf(opcode)}, [{iov_base=0x1, iov_len=2}], ${nrArgs}) = ${failed(ret)}`,
  ],
  'strace in two parts': ({ fd, opcode, nrArgs, ret }, tid) => [
    `${tid} 12:00:00 io_uring_register(${fd}, 0x${opcode.toString(16)} /* ${nameOf(opcode)} */, [1, 2 <unfinished ...>`,
    `${tid} 12:00:01 <... io_uring_register resumed>], ${nrArgs}) = ${failed(ret)} <0.000012>`,
  ],
  'perf trace': ({ fd, opcode, nrArgs, ret }, tid) => [
    `     0.104 ( 0.005 ms): regs/${tid} io_uring_register(${[`fd: ${fd}`, ...(opcode === 0 ? [] : [`opcode: ${opcode}`]), 'arg: 0x7ffd', ...(nrArgs === 0 ? [] : [`nr_args: ${nrArgs}`])].join(', ')}) = ${failed(ret)}`,
  ],
  'perf trace in two parts': ({ fd, opcode, nrArgs, ret }, tid) => [
    `     0.104 (         ): regs/${tid} io_uring_register(fd: ${fd}, opcode: ${opcode}, arg: 0x7ffd, nr_args: ${nrArgs}) ...`,
    `     0.109 ( 0.005 ms): regs/${tid}  ... [continued]: io_uring_register()) = ${failed(ret)}`,
  ],
  tracefs: ({ fd, opcode, nrArgs, ret }, tid) => [
    `            regs-${tid} [001] .....  10.000001: sys_io_uring_register(fd: ${hex32(fd)}, opcode: ${opcode.toString(16)}, arg: 7ffd, nr_args: ${nrArgs.toString(16)})`,
    `            regs-${tid} [001] .....  10.000002: io_uring_register: ring 00000000aaaaaaaa, opcode ${opcode}, nr_user_files 1, nr_user_bufs 0, ret ${ret}`,
    `            regs-${tid} [001] .....  10.000003: sys_io_uring_register -> 0x${hex(ret)}`,
  ],
  'perf script': ({ fd, opcode, nrArgs, ret }, tid) => [
    `            regs  ${tid} [001]    10.000001: syscalls:sys_enter_io_uring_register: fd: 0x${hex32(fd)}, opcode: 0x${hex32(opcode)}, arg: 0x7ffd, nr_args: 0x${hex32(nrArgs)}`,
    `            regs  ${tid} [001]    10.000003:  syscalls:sys_exit_io_uring_register: 0x${hex(ret)}`,
  ],
  bpftrace: ({ fd, opcode, nrArgs, ret }, tid) => [
    `regs 1/${tid} tracepoint:syscalls:sys_enter_io_uring_register: fd=${fd} opcode=${opcode} arg=(nil) nr_args=${nrArgs}`,
    `regs 1/${tid} tracepoint:syscalls:sys_exit_io_uring_register: ret=${ret}`,
  ],
};

const ENVELOPES = {
  none: (line) => line,
  docker: (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-01-01T00:00:00Z' }),
  cri: (line) => `2026-01-01T00:00:00.123456789Z stdout F ${line}`,
  journald: (line) => JSON.stringify({ __CURSOR: 'x', MESSAGE: line, _PID: '4' }),
  syslog: (line) => `<13>Nov 28 21:00:00 web1 sensor[12]: ${line}`,
  ci: (line) => `2026-01-01T00:00:00.1234567Z ${line}`,
  kubectl: (line) => `[pod/sensor-x/sensor] ${line}`,
  'array over lines': (line) => (line.startsWith('{') ? `  ${line},` : line),
  pretty: (line) => (line.startsWith('{') ? JSON.stringify(JSON.parse(line), undefined, 2) : line),
} satisfies { readonly [name: string]: (line: string) => string };

const DULL = [
  ...['', 'GET / 200', '{"log":"x\\n","stream":"stdout","time":"t"}', '[pid 9] close(3) = 0'],
  ...['type=SYSCALL msg=audit(1.0:1): arch=c000003e syscall=257 exit=0 a0=3', '{', '}', '[', ']', '# x'],
  '            node-1 [000] .....  9.000001: sched_switch: prev_comm=a',
];

async function read(log: string): Promise<{ records: DecodedRecord[]; stats: DecodeStats }> {
  const decoding = decode(log);
  const records: DecodedRecord[] = [];
  for await (const record of decoding) records.push(record);
  return { records, stats: decoding.stats };
}

const core = ({ fd, opcode, nrArgs, ret }: { readonly [key in keyof Call]: number | undefined }) => ({
  fd,
  opcode,
  nrArgs,
  ret,
});

const call = fc.record({
  fd: fc.integer({ min: -1, max: 1000 }),
  opcode: fc.nat(36),
  nrArgs: fc.nat(5000),
  // a suspect of its own is tested elsewhere: it waits for its thread's next line
  ret: fc.oneof(
    fc.integer({ min: -133, max: -1 }).filter((ret) => !errnoName(-ret).startsWith('E1')),
    fc.constant(0),
  ),
});

test('each call is decoded once and as it was made, in every form and envelope, among other lines', async () => {
  const written = fc.record({
    call,
    write: fc.constantFrom(...Object.values(FORMS)),
    put: fc.constantFrom(...Object.values(ENVELOPES)),
    before: fc.array(fc.constantFrom(...DULL), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(written, { maxLength: 12 }), async (all) => {
      const lines = all.flatMap(({ call, write, put, before }, i) => {
        return [...before, ...write(call, 1000 + i).map(put)];
      });
      const { records, stats } = await read(lines.join('\n'));
      assert.deepEqual(
        records.flatMap((record) => (record.type === 'register' ? [core(record)] : [])),
        all.map(({ call }) => core(call)),
      );
      assert.deepEqual([stats.malformed, stats.incomplete], [0, 0]);
    }),
    { numRuns: 1000 },
  );
});

test('a call in each form in each envelope', async () => {
  const made = { fd: 3, opcode: 2, nrArgs: 1, ret: -22 };
  for (const [form, write] of Object.entries(FORMS)) {
    for (const [envelope, put] of Object.entries(ENVELOPES)) {
      const { records, stats } = await read(write(made, 77).map(put).join('\n'));
      assert.deepEqual(
        records.map((record) => record.type === 'register' && core(record)),
        [made],
        `${form} in ${envelope}`,
      );
      assert.equal(stats.malformed, 0);
    }
  }
});

test('a failed call that is cut off anywhere is no success, and no line that names it is dropped', async () => {
  for (const [form, write] of Object.entries(FORMS)) {
    const lines = write({ fd: 3, opcode: 2, nrArgs: 1, ret: -22 }, 77);
    const last = lines.at(-1) ?? '';
    // the first digits of a hexadecimal number are another number
    const most = /0x[\da-f]{16}$/.test(last) ? last.lastIndexOf('0x') + 2 : last.length;
    for (const put of [ENVELOPES.none, ENVELOPES.syslog]) {
      for (let length = 0; length <= most; length++) {
        const cut = [...lines.slice(0, -1), last.slice(0, length)].map(put);
        const { records, stats } = await read(cut.join('\n'));
        const isSuccess = records.some(
          (record) => record.type === 'register' && record.ret !== undefined && record.ret >= 0,
        );
        assert.ok(!isSuccess, `${form}: ${cut.at(-1)}`);
        const named = cut.filter((line) => line.includes('io_uring_register')).length;
        assert.ok(stats.used + stats.malformed >= named, `${form}: ${cut.at(-1)}`);
        assert.ok(stats.calls <= 1 || form.includes('parts') || lines.length > 1);
      }
    }
  }
});
