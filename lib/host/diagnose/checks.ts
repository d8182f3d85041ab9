/** What the doctor looks at: one function for each check, from what the trials said and what the host tells of itself. */
import { arch, platform } from 'node:os';
import { errnoName } from '../../../structs/errno.ts';
import { type Refusal, sysctlRefusal } from '../../register/refusal.ts';
import {
  container,
  containerMarks,
  credentials,
  effectiveCapabilities,
  holdsCapability,
  inInitialUserNamespace,
  ioUringDisabled,
  ioUringGroup,
  isGvisor,
  kernelConfig,
  kernelRelease,
  type Limit,
  libc,
  limit,
  noNewPrivs,
  pinnedBytes,
  runtimeProblem,
  seccompFilters,
  seccompMode,
  securityLabel,
  securityModules,
} from '../../sys/host.ts';
import { type Cause, callOf, MORE_FILES, MORE_MEMLOCK, remedy } from './cause.ts';
import { type Check, type CheckStatus, check, listed } from './check.ts';
import { BUFFER_BYTES, ENTRIES } from './trials.ts';
import type { Tried } from './try.ts';

const ENOMEM = 12;
const ENOSYS = 38;

/** What the checks are made of. */
export interface Findings {
  readonly tried: Tried;
  readonly refusal: Refusal | undefined;
}

/** A trial's result for people: `'EPERM'`, `'ok'`, `'not tried'`. */
function shown(result: number | undefined): string {
  if (result === undefined) return 'not tried';
  return result < 0 ? errnoName(-result) : 'ok';
}

// ---- the system -----------------------------------------------------------------------------------------------

function kernel({ tried }: Findings): Check {
  const gvisor = isGvisor() || tried.results.gvisor === 1 ? 'gVisor' : undefined;
  const system = platform() === 'linux' ? 'Linux' : platform();
  return check('kernel', 'ok', listed(`${system} ${kernelRelease}`, arch(), libc(), gvisor));
}

function runtime(): Check {
  return check(
    'runtime',
    'ok',
    `Node.js ${process.versions.node}, koffi ${runtimeProblem === undefined ? 'works' : 'does not'}`,
  );
}

// ---- what the calls say ---------------------------------------------------------------------------------------

/** What calls on nothing are answered where they get through. */
const THROUGH = { setup: [-22], enter: [-9], register: [-22, -9] } as const;

function isThrough(name: keyof typeof THROUGH, result: number | undefined): boolean {
  return THROUGH[name].some((wanted) => wanted === result);
}

function syscalls({ tried: { results, killedAt, trouble } }: Findings): Check {
  const names = ['setup', 'enter', 'register'] as const;
  const said = names.map((name) => `io_uring_${name} ${killedAt === name ? 'SIGSYS' : shown(results[name])}`);
  if (names.every((name) => isThrough(name, results[name])))
    return check('syscalls', 'ok', `${listed(...said)}: as wrong calls should`);
  const isKnown = killedAt !== undefined || names.every((name) => results[name] !== undefined);
  return check('syscalls', isKnown ? 'fail' : 'unknown', listed(...said, trouble));
}

/** A trial that makes a ring. */
function rings(
  { tried: { results, killedAt } }: Findings,
  name: 'ring' | 'sqpoll' | 'iopoll',
  what: string,
  refused: CheckStatus,
): Check {
  const result = results[name];
  if (killedAt === name) return check(name, refused, `${what}: SIGSYS`);
  if (result === undefined) return check(name, 'unknown', `${what}: not tried`);
  return result < 0
    ? check(name, refused, `${what}: ${errnoName(-result)}`)
    : check(name, 'ok', `${what}: made and closed`);
}

function ring(findings: Findings): Check {
  return rings(findings, 'ring', `a ring of ${ENTRIES} entries`, 'fail');
}

function register({ tried: { results, killedAt } }: Findings): Check {
  const { register: plain, opcodes = 0, query, probe } = results;
  if (killedAt !== undefined && callOf(killedAt) === 'io_uring_register')
    return check('register', 'fail', 'io_uring_register: SIGSYS');
  if (plain === undefined) return check('register', 'unknown', 'io_uring_register: not tried');
  if (!isThrough('register', plain)) return check('register', 'fail', `io_uring_register: ${shown(plain)}`);
  const how = query === 0 ? 'by QUERY' : 'asked one by one';
  const operations = (probe ?? -1) < 0 ? `PROBE: ${shown(probe)}` : `${probe} operations by PROBE`;
  return check(
    'register',
    opcodes === 0 ? 'fail' : probe === undefined ? 'unknown' : 'ok',
    `${opcodes} register opcodes ${how}, ${operations}`,
  );
}

// ---- who may forbid it ----------------------------------------------------------------------------------------

function whoAmI(): string {
  const me = credentials();
  const capabilities = effectiveCapabilities();
  return listed(
    me && `uid ${me.uid}`,
    me && `gids ${[...new Set([me.gid, ...me.groups])].join(' ')}`,
    capabilities === undefined ? undefined : `CapEff ${capabilities.toString(16)}`,
    inInitialUserNamespace() === false ? 'in a user namespace' : undefined,
  );
}

function sysctl(): Check {
  const disabled = ioUringDisabled();
  if (disabled === undefined) {
    return check('sysctl', 'ok', 'no kernel.io_uring_disabled: it came with Linux 6.6');
  }
  const refusal = sysctlRefusal();
  const group = disabled === 1 ? `io_uring_group ${ioUringGroup() ?? 'unknown'}` : undefined;
  const who = disabled === 0 ? 'everybody may make rings' : whoAmI();
  const evidence = listed(`kernel.io_uring_disabled ${disabled}`, group, who);
  return refusal === undefined
    ? check('sysctl', 'ok', evidence)
    : check('sysctl', 'fail', evidence, remedy(refusal));
}

function seccomp({ tried: { results }, refusal }: Findings): Check {
  const mode = seccompMode();
  const filters = seccompFilters();
  const evidence = listed(
    mode === 'none' ? 'no filter' : `mode ${mode ?? 'unknown'}`,
    filters ? `filters: ${filters}` : undefined,
    noNewPrivs() ? 'no_new_privs' : undefined,
    mode === 'filter' && refusal === undefined ? 'io_uring passes' : undefined,
    refusal?.by === 'seccomp' && results.setup === -ENOSYS ? 'the kernel has io_uring' : undefined,
    refusal?.by === 'unknown' ? 'it may be what forbids io_uring_setup' : undefined,
  );
  return check('seccomp', mode === undefined || refusal?.by === 'unknown' ? 'unknown' : 'ok', evidence);
}

function security({ tried: { results }, refusal }: Findings): Check {
  const label = securityLabel();
  const names = securityModules()?.join(' ') ?? 'no list of modules is readable';
  const evidence = listed(names || 'no module', label === undefined ? undefined : `this process is ${label}`);
  // where a ring can be made none of them forbids it
  return check('security', results.ring === undefined || refusal !== undefined ? 'unknown' : 'ok', evidence);
}

function containerCheck({ tried }: Findings): Check {
  const marks = containerMarks().map(({ mark }) => mark);
  if (isGvisor() || tried.results.gvisor === 1) {
    const fix = 'run it with another runtime (runc). Cost: its system calls reach the kernel of the host';
    return check('container', 'warn', listed('gVisor: it has little of io_uring, or nothing', ...marks), fix);
  }
  if (marks.length === 0) return check('container', 'ok', 'no trace of one');
  return check('container', 'ok', `${container() ?? 'some container'}: ${marks.join(', ')}`);
}

// ---- limits ---------------------------------------------------------------------------------------------------

function size(bytes: number | undefined): string {
  if (bytes === undefined) return 'unknown';
  return bytes === Number.POSITIVE_INFINITY ? 'unlimited' : `${Math.floor(bytes / 1024)} KiB`;
}

function count(limited: number): string {
  return limited === Number.POSITIVE_INFINITY ? 'unlimited' : String(limited);
}

function pair(values: Limit | undefined, show: (value: number) => string): string {
  return values === undefined ? 'limit unknown' : `soft ${show(values.soft)}, hard ${show(values.hard)}`;
}

function memlock({ tried: { results } }: Findings): Check {
  const isShort = results.buffer === -ENOMEM;
  const pinned = pinnedBytes();
  const evidence = listed(
    pair(limit('memlock'), size),
    holdsCapability('CAP_IPC_LOCK') ? 'CAP_IPC_LOCK: no limit counts' : 'no CAP_IPC_LOCK',
    pinned === undefined ? undefined : `VmPin ${size(pinned)}`,
    isShort ? `a registered buffer of ${size(BUFFER_BYTES)}: ENOMEM` : undefined,
  );
  return check('memlock', isShort ? 'warn' : 'ok', evidence, MORE_MEMLOCK);
}

/** Fewer than this and programs with many sockets or registered files soon stop. */
const FEW_FILES = 1024;

function nofile(): Check {
  const files = limit('nofile');
  const isFew = files !== undefined && files.soft < FEW_FILES;
  const evidence = `${pair(files, count)}: also the most files that a ring can register`;
  return check('nofile', isFew ? 'warn' : 'ok', evidence, MORE_FILES);
}

// ---- what else there is ---------------------------------------------------------------------------------------

function sqpoll(findings: Findings): Check {
  const { name, status, evidence } = rings(findings, 'sqpoll', 'a ring with a submission thread', 'warn');
  const fix =
    'CAP_SYS_NICE (before Linux 5.13), more memlock or processes. Cost: a kernel thread that keeps a cpu busy';
  return check(name, status, evidence, fix);
}

function iopoll(findings: Findings): Check {
  return rings(findings, 'iopoll', 'a ring that polls devices', 'warn');
}

const CONFIG = ['IO_URING', 'IO_URING_ZCRX', 'NET_RX_BUSY_POLL', 'FTRACE_SYSCALLS'];

function config(): Check {
  const found = kernelConfig();
  if (found === undefined) {
    return check(
      'config',
      'unknown',
      `neither /proc/config.gz nor /boot/config-${kernelRelease} can be read`,
    );
  }
  const values = CONFIG.map((name) => `${name}=${found.options.get(`CONFIG_${name}`) ?? 'n'}`);
  const isIn = found.options.has('CONFIG_IO_URING');
  return check('config', isIn ? 'ok' : 'warn', `${found.path}: ${values.join(' ')}`);
}

/** In the order in which people read them. */
const CHECKS: readonly ((findings: Findings) => Check)[] = [
  kernel,
  runtime,
  syscalls,
  ring,
  register,
  sysctl,
  seccomp,
  security,
  containerCheck,
  memlock,
  nofile,
  sqpoll,
  iopoll,
  config,
];

/** Everything that says whether io_uring can be used; the check that `cause` names fails. */
export function usageChecks(findings: Findings, cause: Cause | undefined): readonly Check[] {
  const looks = runtimeProblem === undefined ? CHECKS : [kernel, runtime];
  return looks.map((look) => {
    const found = look(findings);
    if (found.name !== cause?.check) return found;
    return check(found.name, 'fail', listed(found.evidence, cause.why), cause.fix);
  });
}
