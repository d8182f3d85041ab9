/** Busy polling of network devices for the sockets of a ring. */
import {
  boolean,
  options as checkOptions,
  copyList,
  integer,
  oneOf,
  U32_MAX,
  wrongValue,
} from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { StateError } from '../../errors.ts';
import { registerNapi, unregisterNapi } from '../../register/network.ts';
import type { RingCore } from '../core/core.ts';
import { type Newer, withNewer } from '../core/newer.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';

const { IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_STATIC_ADD_ID, IO_URING_NAPI_STATIC_DEL_ID } = constants;
const TRACKING = {
  dynamic: constants.IO_URING_NAPI_TRACKING_DYNAMIC,
  static: constants.IO_URING_NAPI_TRACKING_STATIC,
};

const STATIC_TRACKING: Newer = { need: 'IO_URING_NAPI_TRACKING_STATIC', since: '6.13' };

/** More ids than a list of them is meant for: a list that never ends is refused. */
const MAX_IDS = 65_536;

/** Options of `enableNapi`. */
export interface NapiOptions {
  /** How long a wait polls before it sleeps, in microseconds; 0 when absent. Kernels cut it to 10 ms. */
  readonly busyPollUs?: number | undefined;
  /** Prefers polling to interrupts while there is traffic (SO_PREFER_BUSY_POLL). */
  readonly prefer?: boolean | undefined;
  /** Which queues: `'dynamic'` those of the sockets that the ring uses, `'static'` those in `ids` (6.13). */
  readonly tracking?: 'dynamic' | 'static' | undefined;
  /** NAPI ids to poll, with static tracking: as getsockopt(2) SO_INCOMING_NAPI_ID gives them. */
  readonly ids?: readonly number[] | undefined;
}

/** The rings that poll: there is one `Napi` for each, because a second one would change the settings of the first. */
const polledRings = new WeakSet<RingCore>();

function checkId(name: string, id: number | undefined): number {
  return integer(name, id, 1, U32_MAX);
}

/** The options without the ids, checked. */
interface Settings {
  readonly busyPollUs: number;
  readonly prefer: boolean;
  readonly tracking: 'dynamic' | 'static';
}

/** Busy polling of a ring, until `unregister()` or the ring's end. */
export class Napi extends Owner {
  readonly #settings: Settings;
  readonly #ids = new Set<number>();

  private constructor(ring: AnyRing, settings: Settings) {
    super(ring, 'busy polling');
    this.#settings = settings;
  }

  /** How long a wait polls before it sleeps, in microseconds, as it was asked for. */
  get busyPollUs(): number {
    return this.#settings.busyPollUs;
  }

  /** Is polling preferred to interrupts? */
  get prefer(): boolean {
    return this.#settings.prefer;
  }

  /** Which queues are polled. */
  get tracking(): 'dynamic' | 'static' {
    return this.#settings.tracking;
  }

  /** @internal REGISTER_NAPI */
  static register(ring: AnyRing, options: NapiOptions = {}): Napi {
    const core = openCore('ring', ring);
    checkOptions('options', options, ['busyPollUs', 'prefer', 'tracking', 'ids']);
    const { busyPollUs = 0, prefer = false, tracking = 'dynamic', ids = [] } = options;
    integer('options.busyPollUs', busyPollUs, 0, U32_MAX);
    boolean('options.prefer', prefer);
    oneOf('options.tracking', tracking, ['dynamic', 'static']);
    const wanted = copyList('options.ids', ids, 0, MAX_IDS).map((id, i) => checkId(`options.ids[${i}]`, id));
    const isStatic = tracking === 'static';
    if (wanted.length > 0 && !isStatic) {
      throw wrongValue('options.ids', "absent: only { tracking: 'static' } has ids", ids);
    }
    if (polledRings.has(core)) throw new StateError('the ring busy-polls already: unregister that first');
    withNewer(isStatic && !core.has(constants.IORING_SETUP_IOPOLL) ? STATIC_TRACKING : undefined, () =>
      registerNapi(core.handle, {
        busyPollTo: busyPollUs,
        preferBusyPoll: prefer,
        opcode: IO_URING_NAPI_REGISTER_OP,
        opParam: TRACKING[tracking],
      }),
    );
    polledRings.add(core);
    const napi = new Napi(ring, { busyPollUs, prefer, tracking });
    napi.#addAll(wanted);
    return napi;
  }

  #addAll(ids: readonly number[]): void {
    try {
      for (const id of ids) this.#add(id);
    } catch (error) {
      this.unregister();
      throw error;
    }
  }

  /** The ids that are polled with static tracking. */
  get ids(): readonly number[] {
    return [...this.#ids];
  }

  /**
   * Polls one queue more, with static tracking (since 6.13).
   * @param id as SO_INCOMING_NAPI_ID gives it
   * @throws RegisterError EEXIST (it is in the list), EINVAL (no such number can be an id)
   */
  addId(id: number): void {
    this.#add(id);
  }

  #add(id: number): void {
    this.#change(IO_URING_NAPI_STATIC_ADD_ID, id);
    this.#ids.add(id);
  }

  /**
   * Polls one queue less, with static tracking (since 6.13).
   * @throws RegisterError ENOENT (it is not in the list)
   */
  removeId(id: number): void {
    this.#change(IO_URING_NAPI_STATIC_DEL_ID, id);
    this.#ids.delete(id);
  }

  #change(opcode: number, id: number): void {
    Owner.check(this);
    checkId('id', id);
    if (this.#settings.tracking !== 'static') {
      throw new StateError("ids are for { tracking: 'static' }: with 'dynamic' the ring finds them itself");
    }
    registerNapi(Owner.coreOf(this).handle, { opcode, opParam: id });
  }

  protected override release(): void {
    unregisterNapi(Owner.coreOf(this).handle);
    polledRings.delete(Owner.coreOf(this));
  }
}
