/** Compares what happens with rules. Pure: what it is told is all that it knows. */
import { setupFlags } from '../../../structs/ops.ts';
import type { RegisterCall } from '../call.ts';
import type { HostRing } from '../inspect.ts';
import type { Refusal, Submission } from '../operations/records.ts';
import { commPattern } from '../trace/filter.ts';
import type { SetupCall } from '../trace/records.ts';
import type { ProcessIdentity } from '../who.ts';
import type { RuleSet } from './file.ts';
import type { Condition, Rule, Severity } from './rules.ts';

/** Something that a rule speaks of. */
export interface Finding {
  readonly type: 'finding';
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** The rule's id, title and severity. */
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  readonly why: string;
  readonly pid: number;
  readonly comm: string | undefined;
  /** What was seen: `'OP_OPENAT, OP_CONNECT'`. */
  readonly evidence: string;
  readonly process: ProcessIdentity | undefined;
}

/** What is looked at, one by one. */
export type Seen = Submission | Refusal | RegisterCall | SetupCall;

/** What is known of a process. */
interface Known {
  readonly raised: Set<string>;
  /** Operations that were seen, for rules that need several. */
  readonly operations: Set<string>;
  /** When register calls failed, in nanoseconds. */
  failures: bigint[];
  /** Its effective user when it registered a personality. */
  personalityOf: number | undefined;
  isRestricted: boolean;
}

const CAP_SYS_ADMIN = 1n << 21n;
const MOST_PROCESSES = 65_536;

/** Who asks about processes. */
export interface Asking {
  /** As it was when it was first seen. */
  readonly whoWas: (pid: number) => ProcessIdentity | undefined;
  /** As it is now. */
  readonly whoIs: (pid: number) => ProcessIdentity | undefined;
}

/** Finds what the rules speak of. */
export class Engine {
  readonly #set: RuleSet;
  readonly #asking: Asking;
  readonly #known = new Map<number, Known>();

  constructor(set: RuleSet, asking: Asking) {
    this.#set = set;
    this.#asking = asking;
  }

  #of(pid: number): Known {
    const found = this.#known.get(pid);
    if (found !== undefined) return found;
    if (this.#known.size >= MOST_PROCESSES) this.#known.clear();
    const fresh: Known = {
      raised: new Set(),
      operations: new Set(),
      failures: [],
      personalityOf: undefined,
      isRestricted: false,
    };
    this.#known.set(pid, fresh);
    return fresh;
  }

  /** A process has this number that is another one than before, or runs another program. */
  forget(pid: number): void {
    this.#known.delete(pid);
  }

  /** Looks at an operation or a call. */
  see(record: Seen): Finding[] {
    const { pid, type } = record;
    if (pid === undefined) return [];
    const known = this.#of(pid);
    if (type === 'submit' || type === 'refuse') known.operations.add(record.opcodeName ?? '');
    if (type === 'register') this.#noteCall(known, record);
    return this.#set.rules.flatMap((rule) => {
      if (known.raised.has(rule.id)) return [];
      const evidence = this.#evidence(rule.when, record, known, pid);
      return evidence === undefined ? [] : this.#raise(rule, pid, record.comm, evidence, record.timeNs ?? 0n);
    });
  }

  #noteCall(known: Known, { opcodeName, ret = 0, pid = 0, timeNs = 0n }: RegisterCall): void {
    if (ret < 0) {
      known.failures.push(timeNs);
      return;
    }
    if (opcodeName === 'REGISTER_PERSONALITY') known.personalityOf = this.#asking.whoIs(pid)?.euid;
    if (opcodeName === 'REGISTER_RESTRICTIONS') known.isRestricted = true;
  }

  #evidence(when: Condition, record: Seen, known: Known, pid: number): string | undefined {
    const { type } = record;
    switch (when.event) {
      case 'operation':
        return type === 'submit' || type === 'refuse' ? operationEvidence(when, known) : undefined;
      case 'ring':
        return type === 'create' ? this.#ringEvidence(when, record, pid) : undefined;
      case 'register':
        return type === 'register' && when.any.includes(record.opcodeName ?? '')
          ? record.opcodeName
          : undefined;
      case 'register-failures': {
        if (type !== 'register' || record.timeNs === undefined) return undefined;
        const since = record.timeNs - BigInt(Math.round(when.seconds * 1e9));
        known.failures = known.failures.filter((time) => time >= since);
        const { length } = known.failures;
        return length >= when.count ? `${length} failures within ${when.seconds} s` : undefined;
      }
      default:
        return undefined;
    }
  }

  #ringEvidence(
    when: Condition & { readonly event: 'ring' },
    record: SetupCall,
    pid: number,
  ): string | undefined {
    const { flags = [], inContainer, executablesOtherThan } = when;
    const { flags: made, ret = 0 } = record;
    if (ret < 0) return undefined;
    if (!flags.every((name) => hasFlag(made ?? 0, name))) return undefined;
    const who = this.#asking.whoWas(pid);
    const { container } = who?.cgroup ?? {};
    if (inContainer !== undefined && (container !== undefined) !== inContainer) return undefined;
    const isListed = executablesOtherThan?.some((glob) => matches(glob, who?.exe));
    if (executablesOtherThan !== undefined && (isListed || who?.exe === undefined)) return undefined;
    const parts = [...flags, ...(inContainer && container ? [`${container.runtime} ${container.id}`] : [])];
    return parts.length > 0 ? parts.join(', ') : `ring of ${who?.exe ?? 'an unknown program'}`;
  }

  /** Looks at all rings of the host. */
  look(rings: readonly HostRing[], timeNs: bigint): Finding[] {
    const byProcess = new Map<number, HostRing[]>();
    for (const ring of rings) byProcess.set(ring.pid, [...(byProcess.get(ring.pid) ?? []), ring]);
    return [...byProcess].flatMap(([pid, own]) => {
      const known = this.#of(pid);
      return this.#set.rules.flatMap((rule) => {
        if (known.raised.has(rule.id)) return [];
        const evidence = this.#hostEvidence(rule.when, own, known);
        return evidence === undefined ? [] : this.#raise(rule, pid, own[0]?.comm, evidence, timeNs);
      });
    });
  }

  #hostEvidence(when: Condition, rings: readonly HostRing[], known: Known): string | undefined {
    const pid = rings[0]?.pid ?? 0;
    switch (when.event) {
      case 'workers': {
        const workers = rings[0]?.threads.filter(({ kind }) => kind === 'worker').length ?? 0;
        return workers > when.above ? `${workers} workers` : undefined;
      }
      case 'pinned': {
        const bytes = rings.reduce((sum, { buffers }) => sum + Number(buffers.bytes ?? 0), 0);
        return bytes > when.aboveBytes ? `${bytes} bytes` : undefined;
      }
      case 'shared':
        return this.#sharedEvidence(rings);
      case 'user-changed': {
        const now = known.personalityOf === undefined ? undefined : this.#asking.whoIs(pid)?.euid;
        if (now === undefined || now === known.personalityOf) return undefined;
        return `registered as uid ${known.personalityOf}, now ${now}`;
      }
      case 'unrestricted': {
        const capabilities = this.#asking.whoIs(pid)?.capabilities ?? 0n;
        return (capabilities & CAP_SYS_ADMIN) !== 0n && !known.isRestricted ? 'CAP_SYS_ADMIN' : undefined;
      }
      default:
        return undefined;
    }
  }

  #sharedEvidence(rings: readonly HostRing[]): string | undefined {
    const me = this.#asking.whoIs(rings[0]?.pid ?? 0);
    for (const other of new Set(rings.flatMap(({ sharedWith }) => sharedWith))) {
      const them = this.#asking.whoIs(other);
      if (me?.exe === undefined || them?.exe === undefined) continue;
      if (them.exe !== me.exe || them.euid !== me.euid) {
        return `with process ${other} (${them.exe}, uid ${them.euid})`;
      }
    }
    return undefined;
  }

  #raise(rule: Rule, pid: number, comm: string | undefined, evidence: string, timeNs: bigint): Finding[] {
    const process = this.#asking.whoWas(pid);
    this.#of(pid).raised.add(rule.id);
    if (this.#isAllowed(rule, comm, process)) return [];
    const { id, title, severity, why } = rule;
    return [{ type: 'finding', timeNs, rule: id, title, severity, why, pid, comm, evidence, process }];
  }

  #isAllowed({ id }: Rule, comm: string | undefined, who: ProcessIdentity | undefined): boolean {
    return this.#set.allow.some((allowance) => {
      const { rule, executable, container, unit, uid } = allowance;
      if (rule !== undefined && rule !== id) return false;
      if (uid !== undefined && who?.euid !== uid) return false;
      return (
        [
          [executable, who?.exe],
          [allowance.comm, comm],
          [container, who?.cgroup?.container?.id],
          [unit, who?.cgroup?.unit],
        ] as const
      ).every(([glob, value]) => glob === undefined || matches(glob, value));
    });
  }
}

function matches(glob: string, value: string | undefined): boolean {
  return value !== undefined && commPattern(glob).test(value);
}

function hasFlag(flags: number, name: string): boolean {
  const value = setupFlags.find((each) => each.name === name)?.value ?? 0;
  return value !== 0 && (flags & value) !== 0;
}

function operationEvidence(
  { any, and }: Condition & { readonly event: 'operation' },
  { operations }: Known,
): string | undefined {
  const first = any.filter((name) => operations.has(name));
  const second = and?.filter((name) => operations.has(name));
  if (first.length === 0 || second?.length === 0) return undefined;
  return [...first, ...(second ?? [])].join(', ');
}
