/** What `uring trace` and `uring ps` need of this host. Nothing is mounted, made or switched on to find out. */
import {
  credentials,
  files,
  hidepid,
  holdsCapability,
  inInitialPidNamespace,
  mounts,
} from '../../sys/host.ts';
import { type Check, check } from './check.ts';

const TRACING = '/sys/kernel/tracing';
const MOUNT = `mount -t tracefs nodev ${TRACING}`;

function tracefsPath(): string | undefined {
  return mounts()?.find(({ type }) => type === 'tracefs')?.path;
}

function tracefs(path: string | undefined): Check {
  if (path === undefined) {
    const fix = `${MOUNT} (root). Cost: none beyond what root sees anyway`;
    return check('tracefs', 'warn', 'not mounted: nothing can be traced', fix);
  }
  if (/\[confidentiality\]/.test(files.read('/sys/kernel/security/lockdown') ?? '')) {
    const fix = "boot with lockdown=integrity. Cost: root can read the kernel's memory";
    return check('tracefs', 'warn', `${path}, closed by lockdown=confidentiality`, fix);
  }
  if (files.isWritable(`${path}/instances`)) return check('tracefs', 'ok', `${path}, writable`);
  const fix = `run as root, or: mount -o remount,gid=<gid>,mode=770 ${path}. Cost: that group sees the calls of every program`;
  return check('tracefs', 'warn', `${path}, not writable for uid ${credentials()?.uid}`, fix);
}

const EVENTS = [
  'syscalls/sys_enter_io_uring_register',
  'syscalls/sys_exit_io_uring_register',
  'io_uring/io_uring_register',
];

function events(path: string | undefined): Check {
  if (path === undefined) return check('events', 'unknown', 'tracefs is not mounted');
  if (!files.isSearchable(`${path}/events`))
    return check('events', 'unknown', `${path}/events can't be read`);
  const missing = EVENTS.filter((event) => !files.exists(`${path}/events/${event}`));
  if (missing.length === 0) return check('events', 'ok', EVENTS.join(', '));
  const fix = missing.some((event) => event.startsWith('syscalls/'))
    ? 'a kernel with CONFIG_FTRACE_SYSCALLS; without, uring trace --light shows less'
    : 'a kernel with CONFIG_IO_URING and CONFIG_EVENT_TRACING';
  return check('events', 'warn', `missing: ${missing.join(', ')}`, fix);
}

function pids(): Check {
  const isInitial = inInitialPidNamespace();
  if (isInitial === undefined) return check('pids', 'unknown', "/proc/self/ns/pid can't be read");
  if (isInitial) return check('pids', 'ok', "the host's own pid namespace");
  const fix =
    'run it on the host (docker run --pid=host). Cost: the container sees every process, and may signal those of its user';
  return check(
    'pids',
    'warn',
    'a pid namespace of its own: traces name programs by numbers of the host',
    fix,
  );
}

function proc(): Check {
  const value = hidepid();
  const hides = value === '0' || value === 'off' ? undefined : value;
  const seesAll = holdsCapability('CAP_SYS_PTRACE');
  const mounted = hides === undefined ? '/proc hides nobody' : `/proc has hidepid=${hides}`;
  if (seesAll) return check('proc', 'ok', `${mounted}, CAP_SYS_PTRACE: rings of all processes are seen`);
  const fix = hides === undefined ? '' : ', and: mount -o remount,hidepid=0 /proc';
  return check(
    'proc',
    'warn',
    `${mounted}, no CAP_SYS_PTRACE: only rings of this user's processes are seen`,
    `run as root${fix}. Cost: it sees the files and addresses of every process`,
  );
}

/** Everything that says whether this process can watch io_uring on the host. */
export function observationChecks(): readonly Check[] {
  const path = tracefsPath();
  return [tracefs(path), events(path), pids(), proc()];
}
