/** The pages of all cpus as one stream of events in the order of time. */
import { SyscallError } from '../../errors.ts';
import { sys } from '../../sys/syscall.ts';
import type { EventReader, KernelEvent } from './events.ts';
import { PageEvents } from './page.ts';

const EINTR = 4;
const EAGAIN = 11;

/** Reads a page into memory: its length, or minus the errno; -EAGAIN where there is none. */
export type ReadPage = (into: Uint8Array) => number;

/** Reads the pages of an open trace_pipe_raw. */
export function pagesOf(fd: number): ReadPage {
  return (into) => sys.read(fd, into);
}

/** Gets what is found, in order. */
export interface Sink<E = KernelEvent> {
  readonly event: (event: E) => void;
  /** Events of the cpu were lost before `time`, and after all events that were given until now. */
  readonly gap: (cpu: number, time: number) => void;
}

/** A page out of the kernel. */
interface Page {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  length: number;
}

function newPage(size: number): Page {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer), length: 0 };
}

/** The pages of a cpu, in order. */
class Cpu {
  readonly cpu: number;
  readonly #read: ReadPage;
  /** Pages that wait for their turn. */
  readonly ahead: Page[] = [];
  /** The page whose events are given at present. */
  page: Page | undefined;
  readonly events: PageEvents;
  /** The first event of the page that was not given yet. */
  next = 0;
  /** Events were lost before it. */
  hasGap = false;

  constructor(cpu: number, read: ReadPage, pageSize: number) {
    this.cpu = cpu;
    this.#read = read;
    this.events = new PageEvents(pageSize);
  }

  /** When the next event was; Infinity where the page has no more. */
  get time(): number {
    return this.next < this.events.count ? (this.events.times[this.next] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** Reads a page out of the kernel; false where there is none. */
  load(page: Page): boolean {
    const length = this.#read(page.bytes);
    if (length <= 0) {
      if (length === 0 || length === -EAGAIN || length === -EINTR) return false;
      throw new SyscallError('read', -length, {}, `read trace_pipe_raw of cpu ${this.cpu}`);
    }
    page.length = length;
    return true;
  }

  /** Goes on with this page. */
  begin(page: Page, base: bigint): void {
    this.page = page;
    this.events.decode(page.view, page.length, base);
    this.next = 0;
    this.hasGap ||= this.events.hasGap;
  }
}

/** An event further ahead of the clock is none. It must not hold up the others until its time has come. */
const FUTURE_NS = 1e9;

/** So many pages are kept outside of the kernel: 32 MiB, some 270,000 calls. */
const AHEAD_PAGES = 8192;
const SPARE_PAGES = 64;

/** Merges the cpus' events in rounds: a round gives everything that was there when it began. */
export class Merge<E = KernelEvent> {
  readonly #readers = new Map<number, EventReader<E>>();
  readonly #cpus: Cpu[] = [];
  readonly #pageSize: number;
  readonly #baseNs: bigint;
  readonly #sink: Sink<E>;
  /** Cpus that this round has nothing more of. */
  readonly #empty = new Set<Cpu>();
  /** Pages to be used again. */
  readonly #spare: Page[] = [];
  #ahead = 0;
  /** Until when this round goes; undefined between rounds. */
  #limit: number | undefined;
  /** Events that were read. */
  events = 0;
  /** Pages and events that were not understood. */
  malformed = 0;

  /** @param baseNs what event times are relative to */
  constructor(readers: readonly EventReader<E>[], pageSize: number, baseNs: bigint, sink: Sink<E>) {
    for (const reader of readers) this.#readers.set(reader.id, reader);
    this.#pageSize = pageSize;
    this.#baseNs = baseNs;
    this.#sink = sink;
  }

  /** Takes in a cpu. */
  add(cpu: number, read: ReadPage): void {
    this.#cpus.push(new Cpu(cpu, read, this.#pageSize));
  }

  /** No more pages are taken out of the kernel before some were given. */
  get isFull(): boolean {
    return this.#ahead >= AHEAD_PAGES;
  }

  /** Takes pages out of the kernel before they are overwritten: it is faster than what is done with them. */
  readAhead(most: number): 'more' | 'empty' {
    let left = most;
    let cpus = this.#cpus;
    while (cpus.length > 0 && left > 0 && !this.isFull) {
      cpus = cpus.filter((cpu) => {
        const page = this.#load(cpu);
        if (page === undefined) return false;
        cpu.ahead.push(page);
        this.#ahead++;
        left--;
        return true;
      });
    }
    return cpus.length > 0 ? 'more' : 'empty';
  }

  /**
   * Goes on with the round, or begins one.
   * @param now until when a new round goes, relative to `baseNs`: what comes later on one cpu may be later than what
   *   another one was not asked for yet
   * @param lasts is there time left?
   * @returns `'unfinished'` where the round is not over; `'more'` where there is more for the next one
   */
  run(now: number, lasts: () => boolean): 'unfinished' | 'more' | 'empty' {
    if (this.#limit === undefined) {
      this.#limit = now;
      this.#empty.clear();
    }
    while (lasts()) {
      for (const cpu of this.#cpus) this.#fill(cpu);
      const first = this.#first();
      const isPossible = first === undefined || first.time - now <= FUTURE_NS;
      if (first === undefined || (isPossible && first.time > this.#limit)) {
        this.#limit = undefined;
        return first === undefined ? 'empty' : 'more';
      }
      this.#give(first, isPossible);
    }
    return 'unfinished';
  }

  /** The next round is a new one, also where this one is not over. */
  restart(): void {
    this.#limit = undefined;
  }

  #load(cpu: Cpu): Page | undefined {
    const page = this.#spare.pop() ?? newPage(this.#pageSize);
    if (cpu.load(page)) return page;
    this.#spare.push(page);
    return undefined;
  }

  /** Goes on until the cpu has an event, or nothing more for this round. */
  #fill(cpu: Cpu): void {
    while (cpu.time === Number.POSITIVE_INFINITY && !this.#empty.has(cpu)) {
      const ahead = cpu.ahead.shift();
      if (ahead !== undefined) this.#ahead--;
      const page = ahead ?? this.#load(cpu);
      if (cpu.page !== undefined && this.#spare.length < SPARE_PAGES) this.#spare.push(cpu.page);
      cpu.page = undefined;
      if (page === undefined) {
        this.#empty.add(cpu);
        return;
      }
      cpu.begin(page, this.#baseNs);
      if (cpu.events.isDamaged) this.malformed++;
      // told before the events of other cpus that were meanwhile: what was lost may have changed their meaning
      if (cpu.hasGap && cpu.time !== Number.POSITIVE_INFINITY) {
        cpu.hasGap = false;
        this.#sink.gap(cpu.cpu, cpu.time);
      }
    }
  }

  #first(): Cpu | undefined {
    let first: Cpu | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const cpu of this.#cpus) {
      const { time } = cpu;
      if (time >= least) continue;
      first = cpu;
      least = time;
    }
    return first;
  }

  #give(from: Cpu, isPossible: boolean): void {
    const { cpu, events, next, page, time } = from;
    const offset = events.offsets[next] ?? 0;
    const length = events.lengths[next] ?? 0;
    from.next++;
    this.events++;
    const id = page === undefined || length < 2 ? -1 : page.view.getUint16(offset, true);
    const reader = this.#readers.get(id);
    if (page === undefined || reader === undefined || length < reader.length || !isPossible) this.malformed++;
    else this.#sink.event(reader.read(page.view, offset, time, cpu));
  }
}
