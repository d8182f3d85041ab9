/** What the doctor finds: one thing looked at. */

/** What is looked at; the last four only with `observe`. */
export type CheckName =
  | 'kernel'
  | 'runtime'
  | 'syscalls'
  | 'ring'
  | 'register'
  | 'sysctl'
  | 'seccomp'
  | 'security'
  | 'container'
  | 'memlock'
  | 'nofile'
  | 'sqpoll'
  | 'iopoll'
  | 'config'
  | 'tracefs'
  | 'events'
  | 'pids'
  | 'proc';

/** `'warn'`: usable, with a limit. `'unknown'`: it can't be told here. */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'unknown';

/** One thing that was looked at. */
export interface Check {
  readonly name: CheckName;
  readonly status: CheckStatus;
  /** What was seen. */
  readonly evidence: string;
  /** What to do about it, with exact commands, and what that costs in security. */
  readonly fix?: string;
}

/** A check; `fix` is dropped where nothing is known to be wrong. */
export function check(name: CheckName, status: CheckStatus, evidence: string, fix?: string): Check {
  const isWrong = status === 'warn' || status === 'fail';
  return isWrong && fix !== undefined ? { name, status, evidence, fix } : { name, status, evidence };
}

/** The words that there are, as a list in a sentence. */
export function listed(...words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(', ');
}
