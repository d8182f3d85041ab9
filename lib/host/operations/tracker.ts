/**
 * Follows each operation from its submission to its last completion, by the kernel's request. A request is used again as
 * soon as it is free, so where events were lost nothing that began before is believed any more: what completes then has
 * no beginning, and no latency.
 */
import type { OpEvent } from '../trace/op-events.ts';

/** IORING_CQE_F_MORE, IORING_CQE_F_NOTIF. */
const CQE_MORE = 2;
const CQE_NOTIFICATION = 8;
/** IOSQE_CQE_SKIP_SUCCESS, as a flag of a request. */
const SKIPS_SUCCESS = 1 << 6;
/** IOSQE_IO_LINK, IOSQE_IO_HARDLINK. */
const LINKS = 4 | 8;

/**
 * Operations with completions that name no request, or another one: multishot ones (POLL_ADD, RECVMSG, TIMEOUT, ACCEPT,
 * RECV, URING_CMD, READ_MULTISHOT, RECV_ZC), and zero-copy sends with their notifications.
 */
const BY_USER_DATA: ReadonlySet<number> = new Set([6, 10, 11, 13, 27, 46, 47, 48, 49, 58]);

const POLL_ADD = 6;

/** So many operations are followed at once; beyond them the oldest is given up. */
const MOST = 1 << 20;
const MOST_THREADS = 8192;

/** An operation in flight. */
export interface Flight {
  /** Counts operations of this trace, from 1. */
  readonly id: number;
  readonly opcode: number;
  /** When it was submitted. */
  readonly time: number;
  /** Who submitted it; where a submission thread did, who made the ring, if that was seen. */
  readonly tid: number;
  /** The ring's and the request's address. */
  readonly ctx: number;
  readonly request: number;
  readonly userLow: number;
  readonly userHigh: number;
  /** IOSQE_* in the low 8 bits. */
  readonly flags: number;
  /** The kernel refused its entry: it never began. */
  readonly isRefused: boolean;
  /** It went to a worker; it waited for a file to become ready. */
  isPunted: boolean;
  isArmed: boolean;
  completions: number;
}

/** A completion, and what is known of its operation. */
export interface Landing {
  /** Undefined where its submission was not seen, or can't be told from another's. */
  readonly flight: Flight | undefined;
  /** Also where several operations could be meant that all have the same opcode; -1 where it is not known. */
  readonly opcode: number;
  /** From the submission to this first completion, in nanoseconds; undefined where it is not sure, or not the first one. */
  readonly latency: number | undefined;
  /** More completions of the operation follow. */
  readonly hasMore: boolean;
  readonly isNotification: boolean;
  /** The completion queue was full: it waits elsewhere, or is lost. */
  readonly isOverflow: boolean;
}

/** Gets what becomes of operations, in the order of time. */
export interface FlightSink {
  /** It was submitted, or refused. `isFollowed` is false where what becomes of it can't be told for sure. */
  readonly submitted: (flight: Flight, event: OpEvent, isFollowed: boolean) => void;
  readonly completed: (landing: Landing, event: OpEvent) => void;
  /** An event on its way, `punt`, `arm`, `wake`, `cut`, `work`, of an operation that may not be known. */
  readonly passed: (flight: Flight | undefined, event: OpEvent, link: Flight | undefined) => void;
  /** The completion before found the queue full. */
  readonly overflowed: (event: OpEvent) => void;
  /** It ended without a completion: `'skipped'` as the program wished, `'unseen'` for another reason. */
  readonly ended: (flight: Flight, how: 'skipped' | 'unseen') => void;
  /** Those that were in flight are followed no more. */
  readonly forgotten: (flights: Iterable<Flight>) => void;
}

/** The 64 bits as a number that is as good as unique: what it finds is compared. */
const userKey = (low: number, high: number): number => low + high * 2 ** 32;

const NOBODY: readonly Flight[] = [];

/** The operations of a ring by user_data. */
type ByUser = Map<number, Set<Flight>>;

/** Follows operations. Events must come in the order of time. */
export class Tracker {
  readonly #sink: FlightSink;
  /** Completions of this kernel name the request. */
  readonly #namesRequest: boolean;
  /** By request. */
  readonly #open = new Map<number, Flight>();
  /** By ring, those that are found by user_data. */
  readonly #byUser = new Map<number, ByUser>();
  /** The threads that made the rings. */
  readonly #makers = new Map<number, number>();
  /** Rings of which all operations are found by user_data: they had an overflow, which names no request. */
  readonly #overflowing = new Set<number>();
  /** Heads and middles of chains that have completed, by request: only then the kernel tells that their next one is cut off. */
  readonly #linked = new Map<number, Flight>();
  /** The last completion of each thread, while nothing else came of it: an overflow may speak of the same one. */
  readonly #last = new Map<number, OpEvent>();
  /** Until when events were lost. */
  #lostUntil = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(namesRequest: boolean, sink: FlightSink) {
    this.#namesRequest = namesRequest;
    this.#sink = sink;
  }

  get inFlight(): Iterable<Flight> {
    return this.#open.values();
  }

  /** Events were lost before `time`, and after all that came until now. */
  gap(time: number): void {
    this.#lostUntil = Math.max(this.#lostUntil, time);
    this.#sink.forgotten(this.#open.values());
    this.#open.clear();
    this.#byUser.clear();
    this.#linked.clear();
    this.#last.clear();
  }

  /** A ring was made at this address, by this thread: what belonged to an earlier one is over. */
  ringMade(ctx: number, tid: number): void {
    this.#makers.set(ctx, tid);
    this.#overflowing.delete(ctx);
    for (const flight of this.#open.values()) if (flight.ctx === ctx) this.#vanish(flight);
  }

  take(event: OpEvent): void {
    const { step, tid } = event;
    if (step === 'complete') {
      this.#complete(event, false);
      if (this.#last.size >= MOST_THREADS) this.#last.clear();
      this.#last.set(tid, event);
      return;
    }
    if (step === 'overflow') {
      this.#overflow(event);
      return;
    }
    if (step === 'submit' || step === 'refuse') this.#submit(event);
    else this.#pass(event);
    this.#last.delete(tid);
  }

  #submit(event: OpEvent): void {
    const { step, time, ctx, request, opcode, userLow, userHigh, entry } = event;
    const before = this.#open.get(request);
    if (before !== undefined) this.#vanish(before);
    if (this.#linked.size > 0) this.#linked.delete(request);
    // spreading would take ten times as long, for each of a million
    const flight: Flight = {
      id: ++this.#count,
      opcode,
      time,
      // a submission thread may be gone when somebody asks for its process
      tid: event.sqThread ? (this.#makers.get(ctx) ?? event.tid) : event.tid,
      ctx,
      request,
      userLow,
      userHigh,
      flags: entry === undefined ? event.flags : entry.flags,
      isRefused: step === 'refuse',
      isPunted: false,
      isArmed: false,
      completions: 0,
    };
    const isFollowed = time >= this.#lostUntil;
    if (isFollowed) this.#follow(flight);
    this.#sink.submitted(flight, event, isFollowed);
  }

  #follow(flight: Flight): void {
    if (this.#open.size >= MOST) {
      for (const oldest of this.#open.values()) {
        this.#vanish(oldest);
        break;
      }
    }
    this.#open.set(flight.request, flight);
    const { opcode, ctx } = flight;
    if (!this.#namesRequest || BY_USER_DATA.has(opcode) || this.#overflowing.has(ctx)) this.#index(flight);
  }

  #index(flight: Flight): void {
    const { ctx, userLow, userHigh } = flight;
    const users: ByUser = this.#byUser.get(ctx) ?? new Map();
    this.#byUser.set(ctx, users);
    const key = userKey(userLow, userHigh);
    const flights = users.get(key);
    if (flights === undefined) users.set(key, new Set([flight]));
    else flights.add(flight);
  }

  #remove(flight: Flight): void {
    if (this.#open.get(flight.request) === flight) this.#open.delete(flight.request);
    const users = this.#byUser.get(flight.ctx);
    const key = userKey(flight.userLow, flight.userHigh);
    const flights = users?.get(key);
    if (flights === undefined || !flights.delete(flight) || flights.size > 0) return;
    users?.delete(key);
    if (users?.size === 0) this.#byUser.delete(flight.ctx);
  }

  /** Its request is used again, or its ring is gone, and no completion was seen. */
  #vanish(flight: Flight): void {
    this.#remove(flight);
    // after a completion that promised another there is one; it was told to nobody when the ring was closed
    this.#sink.ended(flight, (flight.flags & SKIPS_SUCCESS) === 0 ? 'unseen' : 'skipped');
  }

  #complete(event: OpEvent, isOverflow: boolean): void {
    const isNotification = (event.flags & CQE_NOTIFICATION) !== 0;
    const hasMore = (event.flags & CQE_MORE) !== 0;
    // a notification has a request of its own, which nobody has submitted
    const named = isNotification || event.request === 0 ? undefined : this.#named(event);
    const found = named === undefined ? this.#findByUser(event) : NOBODY;
    const first = named ?? found[0];
    const flight = found.length > 1 ? undefined : first;
    const isSame = found.every(({ opcode }) => opcode === first?.opcode);
    const landing: Landing = {
      flight,
      opcode: first !== undefined && isSame ? first.opcode : -1,
      latency: flight === undefined || flight.completions > 0 ? undefined : event.time - flight.time,
      hasMore,
      isNotification,
      isOverflow,
    };
    if (first !== undefined) {
      // where several could be meant one of them is over, whichever it is
      if (hasMore) first.completions++;
      else this.#remove(first);
      if ((first.flags & LINKS) !== 0) this.#linked.set(first.request, first);
    }
    this.#sink.completed(landing, event);
  }

  #named({ request, userLow, userHigh }: OpEvent): Flight | undefined {
    const flight = this.#open.get(request);
    if (flight === undefined || (flight.userLow === userLow && flight.userHigh === userHigh)) return flight;
    // the user_data of a poll can be changed; otherwise an operation ended unseen, and another has its request
    if (flight.opcode === POLL_ADD) return flight;
    this.#vanish(flight);
    return undefined;
  }

  #findByUser({ ctx, userLow, userHigh }: OpEvent): readonly Flight[] {
    const flights = this.#byUser.get(ctx)?.get(userKey(userLow, userHigh));
    if (flights === undefined) return NOBODY;
    return [...flights].filter((each) => each.userLow === userLow && each.userHigh === userHigh);
  }

  #overflow(event: OpEvent): void {
    const { tid, ctx, userLow, userHigh, value } = event;
    const last = this.#last.get(tid);
    this.#last.delete(tid);
    // before 6.2 or so the event of the completion comes, too
    const isTold =
      last?.ctx === ctx && last.userLow === userLow && last.userHigh === userHigh && last.value === value;
    if (isTold) {
      this.#sink.overflowed(event);
      return;
    }
    if (!this.#overflowing.has(ctx)) {
      this.#overflowing.add(ctx);
      for (const flight of this.#open.values()) if (flight.ctx === ctx) this.#index(flight);
    }
    this.#complete(event, true);
  }

  #pass(event: OpEvent): void {
    const { step, request, link } = event;
    const flight =
      request === 0 ? this.#findOnly(event) : (this.#open.get(request) ?? this.#linked.get(request));
    if (flight !== undefined && step === 'punt') flight.isPunted = true;
    if (flight !== undefined && step === 'arm') flight.isArmed = true;
    this.#sink.passed(flight, event, link === 0 ? undefined : this.#open.get(link));
  }

  #findOnly(event: OpEvent): Flight | undefined {
    const found = event.ctx === 0 ? NOBODY : this.#findByUser(event);
    return found.length === 1 ? found[0] : undefined;
  }
}
