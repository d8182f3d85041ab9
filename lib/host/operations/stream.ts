/** Makes records of what becomes of operations. */
import { errnoName } from '../../../structs/errno.ts';
import { constants } from '../../../structs/flags.ts';
import { ops } from '../../../structs/ops.ts';
import type { ThreadName } from '../trace/names.ts';
import type { OpEvent } from '../trace/op-events.ts';
import type { Rings } from '../trace/rings.ts';
import type { Clock } from '../trace/session.ts';
import type { OperationStep } from './records.ts';
import type { Flight, FlightSink, Landing } from './tracker.ts';

/** `'OP_READ'`; `'OP_99'` for one that is in no header. */
export function operationName(opcode: number): string {
  return ops[opcode]?.name ?? `OP_${opcode}`;
}

/** `'SQE_IO_LINK'` and their values, by the beginning of the C name. */
function namesOf(prefix: string, omit: number): (readonly [name: string, value: number])[] {
  return Object.entries(constants).flatMap(([name, value]) => {
    if (!name.startsWith(prefix) || name.endsWith('_BIT') || typeof value !== 'number') return [];
    return [[name.slice(omit), value] as const];
  });
}

const SQE_FLAGS = namesOf('IOSQE_', 'IO'.length);
const CQE_FLAGS = namesOf('IORING_CQE_F_', 'IORING_'.length);
/** Flags of a request above these are the kernel's own. */
const SQE_FLAGS_MASK = 0x7f;
/** The upper half is the id of a buffer. */
const CQE_FLAGS_MASK = 0xffff;

function flagsText(flags: number, names: readonly (readonly [string, number])[]): string {
  return names
    .filter(([, value]) => (flags & value) !== 0)
    .map(([name]) => name)
    .join('|');
}

/** Which records are wanted, and what is known about the trace. */
export interface StreamOptions extends Clock {
  readonly nameOf: (tid: number) => ThreadName;
  readonly rings: Rings;
  readonly failed: boolean;
  readonly opcodes: ReadonlySet<number> | undefined;
  readonly steps: ReadonlySet<OpEvent['step']>;
  /** Is what this thread does wanted? */
  readonly isWanted: (tid: number) => boolean;
}

/** Turns what a Tracker finds into records. */
export class OperationStream implements FlightSink {
  readonly #options: StreamOptions;
  readonly #emit: (record: OperationStep) => void;
  /** Rings of wanted threads: what completes in them by others is wanted too. */
  readonly #wanted = new Map<number, boolean>();

  constructor(options: StreamOptions, emit: (record: OperationStep) => void) {
    this.#options = options;
    this.#emit = emit;
  }

  /** The ring at this address is another one from now on. */
  ringMade(ctx: number): void {
    this.#wanted.delete(ctx);
  }

  submitted(flight: Flight, event: OpEvent): void {
    const isWanted = this.#options.isWanted(flight.tid);
    if (isWanted || !this.#wanted.has(flight.ctx)) this.#wanted.set(flight.ctx, isWanted);
    const flags = flagsText(flight.flags & SQE_FLAGS_MASK, SQE_FLAGS);
    if (event.step !== 'refuse') {
      if (this.#options.failed || !this.#isWanted('submit', flight, event, flight.opcode)) return;
      const { sqThread } = event;
      this.#emit({ type: 'submit', ...this.#seen(flight, event), flags, bySqThread: sqThread });
      return;
    }
    if (!this.#isWanted('refuse', flight, event, flight.opcode)) return;
    const { value, entry } = event;
    const fields = entry === undefined ? undefined : withoutFlags(entry);
    const errno = value < 0 ? errnoName(-value) : undefined;
    this.#emit({ type: 'refuse', ...this.#seen(flight, event), flags, res: value, errno, fields });
  }

  completed(landing: Landing, event: OpEvent): void {
    const { flight, opcode, latency, hasMore, isNotification, isOverflow } = landing;
    const { value, tid } = event;
    if (this.#options.failed && value >= 0) return;
    if (!this.#isWanted('complete', flight, event, opcode)) return;
    this.#emit({
      type: 'complete',
      ...this.#seen(flight, event, opcode),
      res: value,
      errno: value < 0 ? errnoName(-value) : undefined,
      flags: flagsText(event.flags & CQE_FLAGS_MASK, CQE_FLAGS),
      ...{ hasMore, isNotification, isOverflow },
      latencyNs: latency === undefined ? undefined : BigInt(latency),
      isPunted: flight?.isPunted,
      isArmed: flight?.isArmed,
      isRefused: flight?.isRefused,
      byTid: flight === undefined || flight.tid === tid ? undefined : tid,
    });
    if (isOverflow) this.overflowed(event, flight);
  }

  overflowed(event: OpEvent, flight?: Flight): void {
    if (!this.#isWanted('overflow', flight, event, flight?.opcode ?? -1)) return;
    this.#emit({ type: 'overflow', ...this.#seen(flight, event), res: event.value });
  }

  passed(flight: Flight | undefined, event: OpEvent, link: Flight | undefined): void {
    const { step, value, opcode, flags } = event;
    if (this.#options.failed && step !== 'cut') return;
    if (!this.#isWanted(step, flight, event, flight?.opcode ?? opcode)) return;
    const seen = this.#seen(flight, event);
    if (step === 'punt') this.#emit({ type: 'punt', ...seen, isHashed: value !== 0 });
    else if (step === 'cut') this.#emit({ type: 'cut', ...seen, next: link?.id });
    else if (step === 'work') this.#emit({ type: 'work', ...seen, count: value });
    else if (step === 'arm') this.#emit({ type: 'arm', ...seen, mask: value, events: flags });
    else if (step === 'wake') this.#emit({ type: 'wake', ...seen, mask: value, events: undefined });
  }

  ended(): void {}

  forgotten(): void {}

  #isWanted(step: OpEvent['step'], flight: Flight | undefined, event: OpEvent, opcode: number): boolean {
    const { steps, opcodes, isWanted } = this.#options;
    if (!steps.has(step)) return false;
    if (opcodes !== undefined && !opcodes.has(opcode)) return false;
    return this.#wanted.get(flight?.ctx ?? event.ctx) ?? isWanted(event.tid);
  }

  #seen(flight: Flight | undefined, event: OpEvent, known = event.opcode) {
    const { nameOf, rings, baseNs, baseTimeNs } = this.#options;
    const since = BigInt(event.time);
    const tid = flight?.tid ?? event.tid;
    const ctx = event.ctx === 0 ? (flight?.ctx ?? 0) : event.ctx;
    const opcode = flight?.opcode ?? known;
    const { userLow, userHigh } = flight ?? event;
    return {
      source: 'kernel',
      timeNs: baseTimeNs + since,
      monoNs: baseNs + since,
      ...ofProcess(nameOf(tid), nameOf),
      tid,
      cpu: event.cpu,
      ring: ctx === 0 ? undefined : rings.at(ctx),
      id: flight?.id,
      opcode: opcode < 0 ? undefined : opcode,
      opcodeName: opcode < 0 ? undefined : operationName(opcode),
      userData: event.step === 'work' ? undefined : (BigInt(userHigh) << 32n) | BigInt(userLow),
    } as const;
  }
}

/** A submission thread or worker goes by its process's name: its own says only for whom it works. */
export function ofProcess(name: ThreadName, nameOf: (tid: number) => ThreadName): ThreadName {
  const { pid, comm } = name;
  if (pid === undefined || comm === undefined || !/^iou-(?:sqp|wrk)-/.test(comm)) return name;
  return { pid, comm: nameOf(pid).comm ?? comm };
}

function withoutFlags({ flags: _, ...fields }: NonNullable<OpEvent['entry']>) {
  return fields;
}
