/** Why io_uring works here, or why it doesn't: what `uring doctor` shows. */
import { boolean, options as checkOptions } from '../../structs/check.ts';
import { runtimeProblem } from '../sys/host.ts';
import { type Cause, causeOf, refusalIn } from './diagnose/cause.ts';
import { type Check, type CheckName, listed } from './diagnose/check.ts';
import { usageChecks } from './diagnose/checks.ts';
import { observationChecks } from './diagnose/observe.ts';
import { type Tried, tryInProcess } from './diagnose/try.ts';

export type { Check, CheckName, CheckStatus } from './diagnose/check.ts';

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /** Also looks at what tracing and `inspect` need: tracefs, its events, the pid namespace, /proc. */
  readonly observe?: boolean;
}

/** What was found. */
export interface Diagnosis {
  /** Can rings be made, and things be registered with them? undefined: it can't be told. Limits are no no. */
  readonly usable: boolean | undefined;
  /** The check that shows what is in the way first; undefined where nothing is, as far as is known. */
  readonly cause: CheckName | undefined;
  /** What to do about it, with exact commands, and what that costs in security. */
  readonly fix: string | undefined;
  /** One sentence for people. */
  readonly verdict: string;
  readonly checks: readonly Check[];
}

function isUsable({ results }: Tried, cause: Cause | undefined): boolean | undefined {
  if (cause !== undefined) return false;
  return results.ring === undefined || results.probe === undefined ? undefined : true;
}

/** The names of the checks with a warning, in a sentence. */
function limits(checks: readonly Check[]): string | undefined {
  const names = checks.filter(({ status }) => status === 'warn').map(({ name }) => name);
  return names.length === 0 ? undefined : `with limits: ${names.join(', ')}`;
}

function verdictOf(tried: Tried, cause: Cause | undefined, checks: readonly Check[]): string {
  const { results, trouble } = tried;
  if (cause !== undefined) {
    // a filter that pretends success makes no ring
    const isHalf = (results.ring ?? -1) >= 0 && (results.setup ?? 0) < 0;
    return `${isHalf ? 'Rings can be made here, but not used in full' : 'io_uring does not work here'}: ${cause.why}`;
  }
  if (isUsable(tried, cause) === undefined) {
    return `It can't be told whether io_uring works here: ${trouble ?? 'a call did not answer'}`;
  }
  const operations = (results.probe ?? -1) < 0 ? undefined : `${results.probe} operations`;
  return `io_uring works here: ${listed(`${results.opcodes} register opcodes`, operations, limits(checks))}`;
}

/** What io_uring can't be used without. */
const NEEDED: readonly CheckName[] = ['syscalls', 'ring', 'register'];

/** A check that failed for a reason that nobody thought of: io_uring does not work all the same. */
function failureIn(checks: readonly Check[]): Cause | undefined {
  const failed = checks.find(({ name, status }) => status === 'fail' && NEEDED.includes(name));
  return failed && { check: failed.name, why: `${failed.name}: ${failed.evidence}` };
}

/** Puts together what the trials said and what the host tells of itself. */
export function conclude(tried: Tried, { observe = false }: DiagnoseOptions): Diagnosis {
  const refusal = refusalIn(tried);
  const found = causeOf(tried, refusal);
  const checks = usageChecks({ tried, refusal }, found);
  const cause = found ?? failureIn(checks);
  const all = observe && runtimeProblem === undefined ? [...checks, ...observationChecks()] : checks;
  return {
    usable: isUsable(tried, cause),
    cause: cause?.check,
    fix: cause?.fix,
    verdict: verdictOf(tried, cause, all),
    checks: all,
  };
}

/**
 * Finds out whether io_uring can be used here, and by whom or what it is limited: kernel, seccomp, sysctl, security
 * modules, containers, limits. The system calls are tried in a child process, which a seccomp profile may kill; nothing
 * on the host is changed. Never throws because of what it finds.
 *
 * Takes some tenths of a second; up to three more where locked memory is short, since that is given back late.
 * @throws TypeError, RangeError for wrong options
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  checkOptions('options', options, ['observe']);
  if (options.observe !== undefined) boolean('options.observe', options.observe);
  const tried = runtimeProblem === undefined ? await tryInProcess() : { results: {} };
  return conclude(tried, options);
}
