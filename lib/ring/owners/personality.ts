/** Personalities: credentials kept by a ring, for operations that shall run with them. */
import { wrongType } from '../../../structs/check.ts';
import { registerPersonality, unregisterPersonality } from '../../register/notify.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';

/** The credentials that the process had when it was registered. Operations take it as `{ personality }`. */
export class Personality extends Owner {
  readonly #id: number;

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is Personality {
    return typeof value === 'object' && value !== null && #id in value;
  }

  private constructor(ring: AnyRing, id: number) {
    super(ring, 'the personality');
    this.#id = id;
  }

  /** @internal REGISTER_PERSONALITY */
  static register(ring: AnyRing): Personality {
    const { handle } = openCore('ring', ring);
    return new Personality(ring, registerPersonality(handle));
  }

  /** @internal The kernel's number of the option `personality`, for an operation of the ring that it is registered with. */
  static use(personality: Personality, core: RingCore): number {
    if (!Personality.is(personality)) throw wrongType('options.personality', 'a Personality', personality);
    Owner.checkRing(personality, core, 'personality', personality.#id);
    return personality.#id;
  }

  protected override release(): void {
    unregisterPersonality(Owner.coreOf(this).handle, this.#id);
  }
}

Object.freeze(Personality);
