/** Looks for rings that do what rings should not: rules over operations, register calls and the rings of the host. */
import { integer, options, wrongType } from '../../structs/check.ts';
import { ops } from '../../structs/ops.ts';
import { UnsupportedError } from '../errors.ts';
import { inspect } from './inspect.ts';
import { type Operations, operations } from './operations.ts';
import { RecordQueue } from './trace/queue.ts';
import type { LostEvents, TraceEnd, TraceStart } from './trace/records.ts';
import { Engine, type Finding } from './watch/engine.ts';
import { type RuleSet, ruleSet } from './watch/file.ts';
import { Identities, identify } from './who.ts';

export type { Finding } from './watch/engine.ts';
export { type Allowance, RULE_FILE_SCHEMA, RuleError, type RuleSet, ruleSet } from './watch/file.ts';
export { type Condition, RULES, type Rule, type Severity } from './watch/rules.ts';

/** What `watch()` looks for. */
export interface WatchOptions {
  /** The rules, by `ruleSet()`; by default those that come with uring. */
  readonly rules?: RuleSet | undefined;
  /** `'full'` also sees register calls that reach no ring, and slows all system calls down by up to 25 ns. By default `'light'`. */
  readonly calls?: 'light' | 'full' | undefined;
  /** So often the rings of the host are looked at: milliseconds, 1000 by default. */
  readonly lookMs?: number | undefined;
  /** KiB of the kernel's buffer for each cpu. */
  readonly bufferKb?: number | undefined;
  /** Ends it with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  /** Where tracefs is mounted; by default what /proc/self/mounts says. */
  readonly tracefs?: string | undefined;
}

const OPTIONS = [
  'rules',
  'calls',
  'lookMs',
  'bufferKb',
  'signal',
  'tracefs',
] as const satisfies readonly (keyof WatchOptions)[];

/** What a watch yields: `type` tells which. */
export type WatchRecord = Finding | TraceStart | LostEvents | TraceEnd;

/** The operations that rules ask for, to be chosen in the kernel. */
function operationsOf({ rules }: RuleSet): number[] {
  const names = new Set(
    rules.flatMap(({ when }) => (when.event === 'operation' ? [...when.any, ...(when.and ?? [])] : [])),
  );
  const found = ops.filter(({ name }) => names.has(name)).map(({ value }) => value);
  // a filter must name something; this one's submissions are ignored
  return found.length > 0 ? found : [255];
}

/** A running watch, to be read with `for await`. It begins with the first `next()`; leaving the loop ends it. */
export class Watch implements AsyncIterableIterator<WatchRecord, undefined>, AsyncDisposable {
  readonly #queue = new RecordQueue<WatchRecord>();
  readonly #stream: Operations;
  readonly #engine: Engine;
  readonly #identities = new Identities();
  readonly #lookMs: number;
  #timer: NodeJS.Timeout | undefined;
  #hasBegun = false;

  /** @internal */
  constructor(given: WatchOptions) {
    options('options', given, OPTIONS);
    const { rules = ruleSet(), calls = 'light', lookMs = 1000, ...rest } = given;
    if (typeof rules !== 'object' || rules === null) throw wrongType('options.rules', 'a RuleSet', rules);
    this.#lookMs = integer('options.lookMs', lookMs, 10, 86_400_000);
    this.#stream = operations({ ...rest, calls, opcodes: operationsOf(rules), steps: ['submit', 'refuse'] });
    this.#engine = new Engine(rules, { whoWas: (pid) => this.#identities.of(pid), whoIs: identify });
  }

  async #run(): Promise<void> {
    try {
      for await (const record of this.#stream) this.#take(record);
      this.#queue.end();
    } catch (error) {
      this.#queue.fail(error);
    } finally {
      clearInterval(this.#timer);
    }
  }

  #take(record: Awaited<ReturnType<Operations['next']>>['value']): void {
    if (record === undefined) return;
    const { type } = record;
    if (type === 'start') {
      this.#queue.push(record);
      this.#look();
      this.#timer = setInterval(() => this.#look(), this.#lookMs);
      return;
    }
    if (type === 'end') this.#look();
    if (type === 'lost' || type === 'end') this.#queue.push(record);
    if (type === 'create' && record.pid !== undefined) this.#noticeProgram(record.pid);
    if (type === 'submit' || type === 'refuse' || type === 'register' || type === 'create') {
      for (const finding of this.#engine.see(record)) this.#queue.push(finding);
    }
  }

  /** A new ring may be that of a new process with an old number, or of another program. */
  #noticeProgram(pid: number): void {
    const before = this.#identities.of(pid);
    this.#identities.forget(pid);
    const now = this.#identities.of(pid);
    if (before !== undefined && (before.exe !== now?.exe || before.ppid !== now?.ppid))
      this.#engine.forget(pid);
  }

  #look(): void {
    try {
      const findings = this.#engine.look(inspect().rings, BigInt(Date.now()) * 1_000_000n);
      for (const finding of findings) this.#queue.push(finding);
    } catch (error) {
      // without /proc operations are still seen
      if (!(error instanceof UnsupportedError)) void this.#fail(error);
    }
  }

  async #fail(error: unknown): Promise<void> {
    clearInterval(this.#timer);
    await this.#stream.return();
    this.#queue.fail(error);
  }

  /**
   * The next record: `start` first, `end` last.
   * @throws as `operations()` does
   */
  next(): Promise<IteratorResult<WatchRecord, undefined>> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      void this.#run();
    }
    return this.#queue.next();
  }

  /** Ends in good order: what was seen until now still comes, and then the record `end`. */
  stop(): void {
    this.#stream.stop();
  }

  /** Ends at once; resolves when nothing of it is left. */
  async return(): Promise<IteratorResult<WatchRecord, undefined>> {
    this.#hasBegun = true;
    clearInterval(this.#timer);
    await this.#stream.return();
    this.#queue.clear();
    this.#queue.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/**
 * Watches all rings of the host for what the rules speak of; each rule raises one finding for a process. For root, since
 * Linux 5.10. The kernel tells which operations are submitted, not with which path or address.
 * @throws TypeError, RangeError wrong options; everything else is thrown by `next()`, as by `operations()`
 * @example
 * for await (const each of watch()) if (each.type === 'finding') console.log(each.severity, each.comm, each.title);
 */
export function watch(given: WatchOptions = {}): Watch {
  return new Watch(given);
}
