/** Every operation has its encoder, its method of AsyncRing and its tests, or a reason why not. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsyncRing } from '../../lib/async/async-ring.ts';
import { Prepare } from '../../lib/faces/prepare.ts';
import * as operations from '../../lib/operations/index.ts';
import type { OpName } from '../../lib/register/support.ts';
import { ops } from '../../structs/ops.ts';

const SOURCES = join(import.meta.dirname, '../../lib/async');

/** How an operation is used on a ring of promises. */
type Name = Extract<keyof AsyncRing, string>;
type Use = { readonly methods: readonly Name[] } | { readonly none: string };

function by(...methods: readonly Name[]): Use {
  return { methods };
}

const USES: { readonly [op in OpName]: Use } = {
  OP_NOP: by('nop'),
  OP_READV: by('readv'),
  OP_WRITEV: by('writev'),
  OP_FSYNC: by('fsync'),
  OP_READ_FIXED: by('readFixed', 'read'),
  OP_WRITE_FIXED: by('writeFixed', 'write'),
  OP_POLL_ADD: by('poll', 'pollMultishot'),
  OP_POLL_REMOVE: { none: 'a poll ends by its signal, or by leaving the loop' },
  OP_SYNC_FILE_RANGE: by('syncFileRange'),
  OP_SENDMSG: by('sendmsg'),
  OP_RECVMSG: by('recvmsg', 'recvmsgMultishot'),
  OP_TIMEOUT: by('timeout', 'interval'),
  OP_TIMEOUT_REMOVE: { none: 'a timeout ends by its signal' },
  OP_ACCEPT: by('accept', 'acceptMultishot'),
  OP_ASYNC_CANCEL: by('cancel'),
  OP_LINK_TIMEOUT: { none: 'timeoutMs, an option of every operation' },
  OP_CONNECT: by('connect'),
  OP_FALLOCATE: by('fallocate'),
  OP_OPENAT: by('open'),
  OP_CLOSE: by('closeFd'),
  OP_FILES_UPDATE: by('filesUpdate'),
  OP_STATX: by('statx'),
  OP_READ: by('read'),
  OP_WRITE: by('write'),
  OP_FADVISE: by('fadvise'),
  OP_MADVISE: by('madvise'),
  OP_SEND: by('send'),
  OP_RECV: by('recv', 'recvBundle', 'recvMultishot'),
  OP_OPENAT2: by('open'),
  OP_EPOLL_CTL: by('epollCtl'),
  OP_SPLICE: by('splice'),
  OP_PROVIDE_BUFFERS: { none: 'superseded by registerBufferRing: uring/raw has it' },
  OP_REMOVE_BUFFERS: { none: 'superseded by registerBufferRing: uring/raw has it' },
  OP_TEE: by('tee'),
  OP_SHUTDOWN: by('shutdown'),
  OP_RENAMEAT: by('rename'),
  OP_UNLINKAT: by('unlink'),
  OP_MKDIRAT: by('mkdir'),
  OP_SYMLINKAT: by('symlink'),
  OP_LINKAT: by('link'),
  OP_MSG_RING: by('msgRing', 'msgRingFd'),
  OP_FSETXATTR: by('fsetxattr'),
  OP_SETXATTR: by('setxattr'),
  OP_FGETXATTR: by('fgetxattr'),
  OP_GETXATTR: by('getxattr'),
  OP_SOCKET: by('socket'),
  OP_URING_CMD: by('uringCmd', 'getsockopt', 'setsockopt', 'siocinq', 'siocoutq', 'getsockname'),
  OP_SEND_ZC: by('sendZeroCopy'),
  OP_SENDMSG_ZC: by('sendmsgZeroCopy'),
  OP_READ_MULTISHOT: by('readMultishot'),
  OP_WAITID: by('waitid'),
  OP_FUTEX_WAIT: by('futexWait'),
  OP_FUTEX_WAKE: by('futexWake'),
  OP_FUTEX_WAITV: by('futexWaitv'),
  OP_FIXED_FD_INSTALL: by('fixedFdInstall'),
  OP_FTRUNCATE: by('ftruncate'),
  OP_BIND: by('bind'),
  OP_LISTEN: by('listen'),
  OP_RECV_ZC: { none: 'needs a network card that can: ring.prepare.recvZc' },
  OP_EPOLL_WAIT: by('epollWait'),
  OP_READV_FIXED: by('readv'),
  OP_WRITEV_FIXED: by('writev'),
  OP_PIPE: by('pipe'),
  OP_NOP128: { none: 'for rings with entries of two sizes, which Ring does not make: uring/raw has it' },
  OP_URING_CMD128: {
    none: 'for rings with entries of two sizes: uring/raw has it; uringCmd takes 80 bytes with sqe128',
  },
};

/** Operations without a checked encoder: their reason is above. */
const WITHOUT_ENCODER: readonly OpName[] = [
  'OP_POLL_REMOVE',
  'OP_TIMEOUT_REMOVE',
  'OP_LINK_TIMEOUT',
  'OP_PROVIDE_BUFFERS',
  'OP_REMOVE_BUFFERS',
  'OP_NOP128',
  'OP_URING_CMD128',
];

/** Members of AsyncRing that start no operation. */
const OTHERS: readonly string[] = [
  'constructor',
  'chain',
  'messages',
  'close',
  'enable',
  'ref',
  'unref',
  'personalityOf',
  'registerEventfd',
];

const isOperation = (value: unknown): value is { readonly op: OpName } =>
  typeof value === 'object' && value !== null && 'op' in value && 'encode' in value;
const exported: readonly (readonly [string, unknown])[] = Object.entries(operations);
const encoders = new Set(exported.flatMap(([, value]) => (isOperation(value) ? [value.op] : [])));
const isCalled = (name: string, text: string) =>
  new RegExp(`\\b(?:ring|maker|other|sender|c|each)\\.${name}\\(`).test(text);

/** The sources of AsyncRing. */
const sources = readdirSync(SOURCES)
  .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
  .join('\n');
const isProtected = (name: string) => new RegExp(`^  protected (?:override )?${name}\\b`, 'm').test(sources);

function testsIn(folder: string): string {
  return readdirSync(join(import.meta.dirname, folder))
    .filter((name) => name.endsWith('.test.ts') || name.endsWith('.scenes.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, folder, name), 'utf8'))
    .join('\n');
}

/** The classes between AsyncRing and RingBase: their methods are operations. */
function methods(): string[] {
  const found: string[] = [];
  for (
    let prototype: object = AsyncRing.prototype;
    !Object.hasOwn(prototype, 'registerBuffers');
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
      if (typeof value === 'function') found.push(name);
    }
  }
  return [...new Set(found)];
}

test('the table has all operations', () => {
  assert.deepEqual(
    ops.map(({ name }) => name),
    Object.keys(USES),
  );
});

test('every operation has an encoder with checked arguments, or a reason why not', () => {
  const without = ops.map(({ name }) => name).filter((name) => !encoders.has(name));
  // OPENAT2, READV_FIXED and their kin are chosen by the encoder of their family
  assert.deepEqual(without, WITHOUT_ENCODER);
  for (const name of WITHOUT_ENCODER) assert.ok('none' in USES[name], name);
});

test('every method of the table is there, and every method is in the table', () => {
  const named = Object.values(USES).flatMap((use) => ('methods' in use ? use.methods : []));
  const missing = named.filter((name) => !(name in AsyncRing.prototype));
  assert.deepEqual(missing, []);
  const strays = methods().filter(
    (name) => !OTHERS.includes(name) && !isProtected(name) && !named.some((each) => each === name),
  );
  assert.deepEqual(strays, []);
});

test('every operation that is checked can be prepared too, but for those that tell more than a number', () => {
  const prepared = Object.getOwnPropertyNames(Prepare.prototype);
  for (
    let each = Object.getPrototypeOf(Prepare.prototype);
    each !== Object.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    prepared.push(...Object.getOwnPropertyNames(each));
  }
  const names = exported.flatMap(([name, value]) => (isOperation(value) ? [name] : []));
  const without = names.filter((name) => !prepared.includes(name));
  // these fill memory that only AsyncRing reads, or are forms of another one
  assert.deepEqual(without.sort(), [
    'cancel',
    'delay',
    'epollWait',
    'getsockname',
    'getsockopt',
    'interval',
    'poll',
    'pollMultishot',
    'recvmsgMultishot',
    'waitid',
  ]);
});

test('every method has a test', () => {
  const text = testsIn('.');
  const named = Object.values(USES).flatMap((use) => ('methods' in use ? use.methods : []));
  assert.deepEqual(
    [...new Set(named)].filter((name) => !isCalled(name, text)),
    [],
  );
});

test('every operation, also one without a method, has a test of its effect', () => {
  const text = testsIn('.') + testsIn('../ops') + testsIn('../ring');
  const missing = ops.filter(({ name }) => {
    const use = USES[name];
    if ('methods' in use) return false;
    const camel = name
      .slice(3)
      .toLowerCase()
      .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    return !new RegExp(`\\b${camel}\\b`).test(text);
  });
  assert.deepEqual(missing, []);
});

test('every operation is named where its method is', () => {
  const missing = Object.entries(USES).filter(([name, use]) => 'methods' in use && !sources.includes(name));
  assert.deepEqual(missing, []);
});
