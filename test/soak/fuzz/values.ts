/** Good values for every parameter and every option, by name: a new one needs a row here, and the fuzzer says so. */
import { AddressBuffer } from '../../../lib/operations/address.ts';
import { MessageBuffer } from '../../../lib/operations/msghdr.ts';
import { ops } from '../../../structs/ops.ts';
import { registerOps } from '../../../structs/register-ops.ts';
import type { World } from './world.ts';

/** Makes a value. */
export type Generate = (world: World) => unknown;

const small =
  (limit: number): Generate =>
  ({ random }) =>
    random.below(limit);
const oneOf =
  (...values: readonly unknown[]): Generate =>
  ({ random }) =>
    random.pick(values);
const flag = oneOf(true, false);
const opName: Generate = ({ random }) => random.pick(ops)?.name;

const file: Generate = (world) =>
  world.random.one<unknown>(
    () => world.fd(),
    () => world.fd(),
    () => ({ fd: world.fd() }),
    () => world.owner('FixedFile') ?? world.fd(),
  );
const fd: Generate = (world) => (world.random.chance(80) ? world.fd() : { fd: world.fd() });
const socket: Generate = (world) =>
  world.random.chance(80) ? world.fd('socket') : (world.owner('FixedFile') ?? world.fd('socket'));
const view: Generate = ({ random, arena }) =>
  random.one<unknown>(
    () => arena.some(),
    () => arena.some(),
    () => new DataView(arena.bytes(64).buffer, 64, 64),
    () => new Float64Array(arena.bytes(64).buffer, 64, 8),
  );
const memory: Generate = (world) =>
  world.random.chance(70) ? view(world) : (world.owner('RegisteredBuffer') ?? view(world));
const many =
  (each: Generate, limit = 5): Generate =>
  (world) =>
    Array.from({ length: world.random.below(limit) }, () => each(world));
const path: Generate = (world) =>
  world.random.chance(80) ? world.path() : new TextEncoder().encode(world.path());
const pool: Generate = (world) => world.owner('BufferRing');
const address: Generate = (world) =>
  world.random.one<unknown>(
    () => ({ family: 'IPv4', address: '127.0.0.1', port: world.random.below(3) }),
    () => ({ path: world.path() }),
    () => ({ family: 'IPv6', address: '::1', port: 0 }),
  );
const ring: Generate = ({ random, sync, async, other }) => random.pick([sync, async, other, other.fd]);
const words: Generate = ({ arena }) => new Int32Array(arena.bytes(16).buffer, 64, 4);
const offset: Generate = ({ random }) => random.pick([-1, 0, 1, 4096, 2 ** 40, 10n, 2 ** 31]);
const message: Generate = (world) => ({
  data: world.random.chance(50) ? memory(world) : many(memory)(world),
});
const cancel: Generate = (world) =>
  world.random.pick([
    { any: true, timeoutMs: 1 },
    { op: opName(world), all: true, timeoutMs: 1 },
    { fd: file(world), timeoutMs: 0 },
    { userData: world.someUserData(), timeoutMs: 1 },
  ]);

/** Parameters by name, or by method and name where the name alone does not say what is meant. */
export const PARAMETERS: { readonly [name: string]: Generate } = {
  action: oneOf('add', 'delete', 'modify'),
  address,
  advice: oneOf('POSIX_FADV_WILLNEED', 'POSIX_FADV_DONTNEED', 'MADV_NORMAL', 'MADV_WILLNEED', 'MADV_COLD'),
  array: words,
  backlog: small(8),
  begin: small(64),
  end: small(64),
  buffer: (world) => world.owner('RegisteredBuffer'),
  'statx.buffer': ({ arena }) => arena.bytes(256),
  buffers: many(view, 9),
  build: (world) => () => {
    for (let i = world.random.below(4); i > 0; i--) world.startAsync();
  },
  bytes: small(100),
  callback: (world) => () => world.act(),
  child: oneOf('any', { pid: 2 ** 22 }, { group: 2 ** 22 }),
  clock: oneOf('monotonic', 'boottime'),
  command: small(5),
  'ZcrxIfq.control.command': oneOf({ flush: true }, { export: true }),
  completion: (world) => ({ res: world.random.below(512), flags: 1 | (world.random.below(9) << 16) }),
  count: small(4),
  data: (world) => (world.random.chance(50) ? view(world) : 'text \u{1f600}'),
  domain: oneOf('unix', 'IPv4', 'IPv6'),
  epoll: (world) => world.fd('epoll'),
  events: oneOf(1, 4, 5),
  fd: (world) => world.fd('eventfd'),
  fds: (world) => Array.from({ length: world.random.below(4) }, () => world.fd()),
  'pipe.fds': ({ arena }) => new Int32Array(arena.bytes(8).buffer, 64, 2),
  file,
  'close.file': (world) => world.victim(),
  'closeFd.file': (world) => world.victim(),
  'epollCtl.file': fd,
  files: (world) => world.owner('RegisteredFiles'),
  'registerFiles.files': (world) =>
    world.random.chance(30) ? { slots: 4 } : Array.from({ length: 4 }, () => world.fd()),
  'update.files': (world) => Array.from({ length: 2 }, () => world.fd()),
  '{res}': (world) => ({ res: world.random.below(512), flags: 1 | (world.random.below(9) << 16) }),
  from: file,
  // while it waits for a socket, the kernel holds the pipe, and whoever uses that waits with it
  'splice.from': (world) => world.fd('plain'),
  to: file,
  futexes: (world) => [{ array: words(world), index: 0, value: world.random.below(2) }],
  how: oneOf('read', 'write', 'both'),
  id: small(8),
  index: small(5),
  info: ({ arena }) => arena.bytes(128),
  into: (world) => world.owner('RegisteredFiles') ?? world.owner('FixedFile'),
  length: small(8192),
  level: oneOf(1, 6, 41),
  max: small(8),
  memory,
  'madvise.memory': ({ arena }) => arena.pages(1),
  'recv.memory': (world) => (world.random.chance(70) ? memory(world) : pool(world)),
  message,
  'sendMessage.message': (world) => world.message(),
  ms: oneOf(0, 1, 1e6, 2 ** 40),
  name: oneOf('user.fuzz', 'user.x'),
  newPath: path,
  noDelay: flag,
  nothing: () => undefined,
  offset: small(4),
  oldPath: path,
  option: small(20),
  path,
  pieces: many(memory),
  pool,
  queue: small(2),
  range: oneOf({}, { offset: 0, count: 1 }, { at: 1, replace: true }),
  reads: (world) => many((each) => ({ file: file(each), memory: memory(each), offset: offset(each) }))(world),
  room: ({ arena }) => new MessageBuffer({ data: arena.bytes(64), control: 64, address: true }),
  sandbox: (world) => ({ ops: ['OP_NOP', 'OP_READ', opName(world)] }),
  server: (world) => world.fd('server'),
  socket,
  started: (world) =>
    world.random.chance(50) ? world.someUserData() : world.random.pick(world.promises.recent),
  target: ring,
  'statx.target': (world) => (world.random.chance(50) ? path(world) : fd(world)),
  'symlink.target': path,
  'symlinkat.target': path,
  'cancelSync.target': cancel,
  limits: oneOf({ timeoutMs: 1 }, { timeoutMs: 1, minWaitUs: 10 }),
  userData: (world) => world.someUserData(),
  value: (world) => (world.random.chance(50) ? view(world) : world.random.below(2)),
  'futexWait.value': small(2),
  visit: (world) => world.visit,
  what: (world) => world.random.pick([{ any: true }, { op: opName(world) }, { fd: file(world) }]),
};

/** Options by name, whosever they are. */
export const OPTIONS: { readonly [name: string]: Generate } = {
  addr: oneOf(0, 1, 2n ** 40n),
  addr3: oneOf(0, 1, 2n ** 40n),
  address: flag,
  afterMs: oneOf(0, 1, 1e6),
  all: flag,
  allowFlags: oneOf([], ['IOSQE_FIXED_FILE', 'IOSQE_IO_LINK']),
  any: flag,
  areaBytes: oneOf(4096, 65_536),
  async: flag,
  at: (world) => world.fd(),
  atMs: ({ random }) => performance.now() + random.below(10),
  backlog: small(8),
  bounded: oneOf(4, 8),
  broadcast: flag,
  bufferBytes: oneOf(4096),
  bufferSize: oneOf(64, 256, 4096),
  buffers: (world) => [world.arena.bytes(64), world.arena.bytes(64)],
  busyPollUs: small(10),
  clamp: flag,
  clock: oneOf('monotonic', 'boottime'),
  control: small(100),
  count: small(4),
  cpus: oneOf([0], [0, 1]),
  cqEntries: oneOf(64, 128, 256),
  cqeFlags: oneOf(0, 1, 2, 0x1_0000),
  data: ({ random, arena }) => (random.chance(50) ? arena.bytes(random.below(17)) : random.below(1000)),
  dataOnly: flag,
  deadlineMs: ({ random }) => performance.now() + random.below(3),
  denyRest: flag,
  directory: flag,
  // on 6.18 a drained operation never starts behind a link with IOSQE_CQE_SKIP_SUCCESS that was cancelled, as the limit of a link
  // has it, nor does anything behind it: also by the bare system calls
  drain: oneOf(false),
  entries: oneOf(1, 8, 16),
  events: oneOf(1, 4),
  everyMs: oneOf(0.5, 1, 1000),
  family: oneOf(0, 4, 6),
  fd: file,
  filter: oneOf('deny'),
  flags: oneOf(0, 0, 0, 1, 2, 0x40, 0x80),
  from: fd,
  group: oneOf(0, 1, 2, 500),
  hard: flag,
  hardlink: flag,
  hold: () => ({}),
  host: oneOf('127.0.0.1', 'localhost', '::1'),
  ids: oneOf([], [1], [1, 2]),
  incremental: flag,
  inherit: flag,
  interface: oneOf('lo', 1),
  into: (world) => world.random.pick(['alloc', world.owner('RegisteredFiles'), world.owner('FixedFile')]),
  ipv6Only: flag,
  keep: flag,
  length: small(8192),
  level: flag,
  link: flag,
  mask: oneOf(0x7ff, 0xfff),
  maxHeld: small(9),
  memory: (world) => world.random.pick(['user', 'kernel', memory(world)]),
  messageData: (world) => world.message().userData,
  minLeft: oneOf(1, 64),
  minWaitUs: small(50),
  mode: oneOf(0, 0o600, 0o777),
  multishot: flag,
  noDelay: flag,
  noIowait: flag,
  nonBlocking: flag,
  offset,
  offsetIn: offset,
  offsetOut: offset,
  onRelease: (world) => () => world.act(),
  op: opName,
  ops: many(opName),
  path: (world) => world.path(),
  pduSize: oneOf(16),
  peer: (world) => world.random.pick([true, false, new AddressBuffer()]),
  personality: (world) => world.owner('Personality'),
  pollFirst: flag,
  port: oneOf(0, '0', 1),
  prefer: flag,
  protocol: oneOf(0),
  queue: small(2),
  register: ({ random }) => [random.pick(registerOps)?.name],
  reportUsage: flag,
  requireFlags: oneOf([], ['IOSQE_ASYNC']),
  res: small(100),
  resolve: oneOf(0, 8, 0x10),
  reuseAddr: flag,
  reusePort: flag,
  result: oneOf(0, -5, 77),
  sealed: flag,
  shared: flag,
  signal: (world) => world.signal(),
  silent: flag,
  skipSuccess: flag,
  sqEntries: oneOf(8, 16, 32),
  states: oneOf(['exited'], ['stopped', 'continued']),
  strictSize: flag,
  timeoutMs: oneOf(0, 1, 10),
  times: oneOf(1, 3),
  to: (world) => (world.random.chance(50) ? address(world) : world.fd()),
  tracking: oneOf('dynamic', 'static'),
  type: oneOf('stream', 'datagram', 'seqpacket'),
  unbounded: oneOf(4, 8),
  userData: (world) => world.someUserData(),
  wait: small(3),
  waitArgument: (world) => world.owner('WaitArgument'),
  waitForSpace: flag,
  waits: oneOf(1, 4),
};

/** The generator of a parameter. @param where whose method it is */
export function generatorOf(where: string, method: string, parameter: string): Generate | undefined {
  return (
    PARAMETERS[`${where}.${method}.${parameter}`] ??
    PARAMETERS[`${method}.${parameter}`] ??
    PARAMETERS[parameter]
  );
}
