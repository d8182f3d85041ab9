/** Personalities: credentials kept by a ring, for operations that shall run with them. */
import { registerPersonality, unregisterPersonality } from '../../register/notify.ts';
import type { RingBase } from '../base.ts';
import type { RingCore } from '../core/core.ts';
import { Owner } from './owner.ts';

/** The credentials that the process had when it was registered. Operations take it as `{ personality }`. */
export class Personality extends Owner {
  readonly #id: number;

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is Personality {
    return typeof value === 'object' && value !== null && #id in value;
  }

  private constructor(ring: RingBase, core: RingCore, id: number) {
    super(ring, core, 'the personality');
    this.#id = id;
  }

  /** @internal REGISTER_PERSONALITY */
  static register(ring: RingBase, core: RingCore): Personality {
    return new Personality(ring, core, registerPersonality(core.handle));
  }

  /** @internal Its id. @throws unless it is registered with this ring now */
  static use(personality: Personality, core: RingCore): number {
    Owner.require(personality, core, 'personality', personality.#id);
    return personality.#id;
  }

  protected override release(): void {
    unregisterPersonality(this.core.handle, this.#id);
  }
}
