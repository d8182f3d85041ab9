/** What `watch()` looks for: rules as data. Each says why it matters, what raises it without harm, and how to silence it. */

export type Severity = 'low' | 'medium' | 'high';

/** When a rule raises a finding: once for each process. */
export type Condition =
  /** The process submits one of `any` by a ring; with `and`, one of these too. Names as in `ops`: `'OP_CONNECT'`. */
  | {
      readonly event: 'operation';
      readonly any: readonly string[];
      readonly and?: readonly string[] | undefined;
    }
  /** The process makes a ring with all of these setup flags (`'SETUP_SQPOLL'`), in a container, or by a program not listed. */
  | {
      readonly event: 'ring';
      readonly flags?: readonly string[] | undefined;
      readonly inContainer?: boolean | undefined;
      readonly executablesOtherThan?: readonly string[] | undefined;
    }
  /** The process registers by one of these opcodes: `'REGISTER_PERSONALITY'`. */
  | { readonly event: 'register'; readonly any: readonly string[] }
  /** So many register calls of the process fail within so many seconds. */
  | { readonly event: 'register-failures'; readonly count: number; readonly seconds: number }
  /** The process has registered a personality, and another effective user since. */
  | { readonly event: 'user-changed' }
  /** A ring is held by processes of different programs or users. */
  | { readonly event: 'shared' }
  /** The process has CAP_SYS_ADMIN and a ring, and no restrictions were registered since the watch began. */
  | { readonly event: 'unrestricted' }
  /** The process has more worker threads than this. */
  | { readonly event: 'workers'; readonly above: number }
  /** The process has registered more bytes as buffers than this. */
  | { readonly event: 'pinned'; readonly aboveBytes: number };

/** A rule. */
export interface Rule {
  /** `'outgoing-connection'` */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly when: Condition;
  readonly why: string;
  readonly falsePositives: string;
  readonly silence: string;
  /** Is it looked for where nothing else is said? */
  readonly enabled: boolean;
}

const OPENS = ['OP_OPENAT', 'OP_OPENAT2'];
const CONNECTS = ['OP_CONNECT'];

/** The rules that come with it. */
export const RULES: readonly Rule[] = [
  {
    id: 'open-and-connect',
    title: 'opens files and connects to the network by a ring',
    severity: 'high',
    when: { event: 'operation', any: OPENS, and: CONNECTS },
    why: 'A program that reads files and sends them away by io_uring makes no open, read, connect or send system call: tools that watch these see nothing.',
    falsePositives: 'A server or proxy written for io_uring that opens files and connects to others.',
    silence:
      'Allow its executable: {"allow": [{"rule": "open-and-connect", "executable": "/usr/bin/server"}]}.',
    enabled: true,
  },
  {
    id: 'outgoing-connection',
    title: 'connects to the network by a ring',
    severity: 'medium',
    when: { event: 'operation', any: CONNECTS },
    why: 'Few programs connect by io_uring, and monitors of connect(2) do not see it.',
    falsePositives: 'Proxies, database clients and runtimes that are built on io_uring.',
    silence: 'Allow its executable, or disable the rule where many programs do it.',
    enabled: true,
  },
  {
    id: 'hidden-ring',
    title: 'has a ring that /proc does not show',
    severity: 'medium',
    when: { event: 'ring', flags: ['SETUP_NO_MMAP', 'SETUP_REGISTERED_FD_ONLY'] },
    why: 'A ring without fd and without map is in no list of open files: neither lsof nor "uring ps" can find it.',
    falsePositives: 'Programs that save every system call may ask for it.',
    silence: 'Allow its executable.',
    enabled: true,
  },
  {
    id: 'personality',
    title: 'registers its credentials with a ring',
    severity: 'medium',
    when: { event: 'register', any: ['REGISTER_PERSONALITY'] },
    why: 'A registered personality lets later operations run as the user of that moment, also after the process has dropped its privileges, and for whoever else has the ring.',
    falsePositives: 'File servers that work for many users.',
    silence: 'Allow its executable.',
    enabled: true,
  },
  {
    id: 'personality-after-setuid',
    title: 'keeps the credentials of another user in a ring',
    severity: 'high',
    when: { event: 'user-changed' },
    why: 'It registered a personality, and has another user since: by the ring it can still act as the first one.',
    falsePositives: 'File servers that work for many users.',
    silence: 'Allow its executable.',
    enabled: true,
  },
  {
    id: 'shared-ring',
    title: 'shares a ring with a process of another program or user',
    severity: 'medium',
    when: { event: 'shared' },
    why: 'Whoever holds a ring can use the files, buffers and credentials that others have registered with it.',
    falsePositives: 'A service that hands its ring to a helper program on purpose.',
    silence: 'Allow its executable.',
    enabled: true,
  },
  {
    id: 'register-storm',
    title: 'makes many register calls that fail',
    severity: 'medium',
    when: { event: 'register-failures', count: 200, seconds: 10 },
    why: 'Programs that try to break the kernel, and fuzzers, make calls that fail, one after another.',
    falsePositives: 'Tests of io_uring; a program that asks for a feature in a loop.',
    silence: 'Allow its executable, or write a rule with a higher count.',
    enabled: true,
  },
  {
    id: 'many-workers',
    title: 'has very many io_uring workers',
    severity: 'medium',
    when: { event: 'workers', above: 1000 },
    why: 'Each operation that blocks takes a thread: thousands are a bug or an attack on the process limit.',
    falsePositives: 'Storage servers with thousands of slow files at once.',
    silence: 'Limit them by REGISTER_IOWQ_MAX_WORKERS, or write a rule with a higher limit.',
    enabled: true,
  },
  {
    id: 'pinned-memory',
    title: 'has much memory pinned by registered buffers',
    severity: 'low',
    when: { event: 'pinned', aboveBytes: 64 * 2 ** 30 },
    why: 'Pinned memory can be neither swapped nor moved.',
    falsePositives: 'Databases that register their buffer pool.',
    silence: 'Allow its executable, or write a rule with a higher limit.',
    enabled: true,
  },
  {
    id: 'file-opened',
    title: 'opens files by a ring',
    severity: 'low',
    when: { event: 'operation', any: OPENS },
    why: 'Monitors of open(2) do not see it.',
    falsePositives: 'Node.js with UV_USE_IO_URING, and most programs written for io_uring.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
  {
    id: 'file-removed',
    title: 'removes, renames or links files by a ring',
    severity: 'low',
    when: {
      event: 'operation',
      any: ['OP_UNLINKAT', 'OP_RENAMEAT', 'OP_LINKAT', 'OP_SYMLINKAT', 'OP_MKDIRAT'],
    },
    why: 'Monitors of unlink(2) and rename(2) do not see it.',
    falsePositives: 'Node.js with UV_USE_IO_URING.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
  {
    id: 'fd-installed',
    title: 'turns a file that only a ring had into an fd',
    severity: 'low',
    when: { event: 'operation', any: ['OP_FIXED_FD_INSTALL'] },
    why: 'No system call opened that file. By its fd it can be executed, or given to others.',
    falsePositives: 'Servers that hand accepted connections to other libraries.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
  {
    id: 'submission-thread',
    title: 'makes a ring with a submission thread',
    severity: 'low',
    when: { event: 'ring', flags: ['SETUP_SQPOLL'] },
    why: 'Operations need no system call at all: strace, seccomp and audit see nothing of them.',
    falsePositives: 'Node.js with UV_USE_IO_URING, fio, storage servers.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
  {
    id: 'ring-in-container',
    title: 'makes a ring in a container',
    severity: 'low',
    when: { event: 'ring', inContainer: true },
    why: 'Most container profiles forbid io_uring, because its bugs lead out of containers.',
    falsePositives: 'Databases in containers that are allowed to use it.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
  {
    id: 'privileged-unrestricted',
    title: 'is privileged, and its ring unrestricted',
    severity: 'low',
    when: { event: 'unrestricted' },
    why: 'Whoever takes over the process, or its ring, can let the kernel do anything.',
    falsePositives: 'Nearly every privileged program with a ring.',
    silence: 'It is off unless it is enabled.',
    enabled: false,
  },
];
