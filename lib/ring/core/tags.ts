/**
 * The tags of registered slots: the kernel's completion for a tag says that it has let go of the slot's file or memory, which
 * an unregister that returned does not.
 */
import { Flights, join, TAG } from './flights.ts';

/** A slot of a registered table, which the kernel tells about when it has let go. */
export interface Tag {
  /** Where the ring keeps it. */
  entry: number;
  /** Its place in the registered table. */
  readonly index: number;
  /** The memory (or nothing, for a file). */
  held: unknown;
  /** A user's, called when the kernel has let go. */
  readonly onRelease: ((index: number) => void) | undefined;
  /** Held; given up, so that its completion is expected; or let go. */
  state: 'held' | 'expected' | 'gone';
}

export class Tags {
  /** Does the kernel tell when it has let go of a slot (5.13)? */
  readonly areKnown: boolean;
  readonly #tags = new Flights<Tag>(TAG);
  /** The operations of the ring: without any nothing uses a slot. */
  readonly #flights: Flights;
  #expected = 0;
  /** Completions that may come: before 6.13 those of an unregistered table never do. */
  #owed = 0;
  /** Called when a slot was given up whose tag's completion is to come. */
  onExpected: (() => void) | undefined;

  constructor(areKnown: boolean, flights: Flights) {
    this.areKnown = areKnown;
    this.#flights = flights;
  }

  /** How many slots were given up whose memory the kernel may still use. */
  get expected(): number {
    return this.#expected;
  }

  /** May completions of tags come? */
  get areOwed(): boolean {
    return this.#owed > 0;
  }

  /** Is it the user_data of a tag of ours? */
  has(high: number, low: number): boolean {
    return this.#tags.isCurrent(low, high) || this.#tags.isFormer(low, high);
  }

  /** Is it a tag whose coming nobody is told of? */
  isQuiet(high: number, low: number): boolean {
    return this.#tags.isCurrent(low, high)
      ? this.#tags.held(low)?.onRelease === undefined
      : this.#tags.isFormer(low, high);
  }

  /** A new tag for the slot `index`: its completion calls `onRelease` and lets go of `held`. */
  make(index: number, held: unknown, onRelease: ((index: number) => void) | undefined): Tag {
    const tag: Tag = { entry: -1, index, held, onRelease, state: 'held' };
    this.add(tag);
    return tag;
  }

  /** The same for an object of the owner's. */
  add(tag: Tag): void {
    tag.entry = this.#tags.add(0, tag);
  }

  /** The kernel's name of a tag. */
  valueOf({ entry }: Tag): bigint {
    return join(this.#tags.high(entry), entry);
  }

  /** The high half of the kernel's name of a tag; the low half is its `entry`. */
  highOf({ entry }: Tag): number {
    return this.#tags.high(entry);
  }

  /** Forgets a tag; one that was never registered, because the call failed. */
  remove(tag: Tag): void {
    if (tag.state === 'gone') return;
    if (tag.state === 'expected') this.#expected--;
    tag.state = 'gone';
    tag.held = undefined;
    this.#tags.remove(tag.entry);
  }

  /** The slot with this tag was given up: its completion says when the kernel has let go. */
  expect(tag: Tag): void {
    if (tag.state === 'held') {
      this.#owed++;
      this.onExpected?.();
    }
    this.expectRelease(tag);
  }

  /** The same for a slot that the kernel has no tag for: it has let go when nothing is in flight. */
  expectRelease(tag: Tag): void {
    if (tag.state !== 'held') return;
    tag.state = 'expected';
    this.#expected++;
  }

  /** A completion that is no operation's came: false where it is no tag's either. */
  released(high: number, low: number): boolean {
    const tag = this.#tags.isCurrent(low, high) ? this.#tags.held(low) : undefined;
    if (tag === undefined && !this.#tags.isFormer(low, high)) return false;
    // one that nobody asked for comes when an operation puts another file into the slot
    if (tag?.state !== 'held' && this.#owed > 0) this.#owed--;
    if (tag !== undefined) this.#letGo(tag);
    return true;
  }

  /**
   * Nothing is in flight, so that nothing uses a slot that was given up, whether its tag has come or not. Before 6.13
   * the kernel waits in the call instead of sending the tags of an unregistered table.
   */
  releaseExpected(): void {
    for (const tag of this.#allExpected()) {
      // an onRelease may have started something
      if (this.#flights.active > 0) return;
      if (tag.state === 'expected') this.#letGo(tag);
    }
  }

  /** The ring ends: as `releaseExpected`, whatever a user's onRelease does. */
  releaseAllExpected(): void {
    for (const tag of this.#allExpected()) {
      try {
        this.#letGo(tag);
      } catch {
        // nobody is left to be told
      }
    }
  }

  /** What the kernel may still use. */
  held(): unknown[] {
    return this.#tags.everything().map(({ held }) => held);
  }

  /** The ring is given back: lets go of everything, and tells nobody. */
  clear(): void {
    for (const tag of this.#tags.everything()) this.remove(tag);
  }

  #allExpected(): Tag[] {
    return this.#tags.everything().filter(({ state }) => state === 'expected');
  }

  #letGo(tag: Tag): void {
    this.remove(tag);
    tag.onRelease?.(tag.index);
  }
}
