/** Busy polling of network devices for the sockets of a ring. */
import {
  boolean,
  options as checkOptions,
  integer,
  list,
  oneOf,
  U32_MAX,
  wrongValue,
} from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { StateError } from '../../errors.ts';
import { registerNapi, unregisterNapi } from '../../register/network.ts';
import type { RingBase } from '../base.ts';
import type { RingCore } from '../core/core.ts';
import { type Newer, withNewer } from '../core/newer.ts';
import { Owner } from './owner.ts';

const { IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_STATIC_ADD_ID, IO_URING_NAPI_STATIC_DEL_ID } = constants;
const TRACKING = {
  dynamic: constants.IO_URING_NAPI_TRACKING_DYNAMIC,
  static: constants.IO_URING_NAPI_TRACKING_STATIC,
};

const STATIC: Newer = { need: 'IO_URING_NAPI_TRACKING_STATIC', since: '6.13' };

/** Options of `enableNapi`. */
export interface NapiOptions {
  /** How long a wait polls before it sleeps, in microseconds; 0 when absent. Kernels cut it to 10 ms. */
  readonly busyPollUs?: number;
  /** Prefers polling to interrupts while there is traffic (SO_PREFER_BUSY_POLL). */
  readonly prefer?: boolean;
  /** Which queues: `'dynamic'` those of the sockets that the ring uses, `'static'` those in `ids` (6.13). */
  readonly tracking?: 'dynamic' | 'static';
  /** NAPI ids to poll, with static tracking: as getsockopt(2) SO_INCOMING_NAPI_ID gives them. */
  readonly ids?: readonly number[];
}

/** Rings with an owner: a second one would undo the first one's settings. */
const busy = new WeakSet<RingCore>();

function checkId(name: string, id: number): number {
  return integer(name, id, 1, U32_MAX);
}

/** Busy polling of a ring, until `unregister()` or the ring's end. */
export class Napi extends Owner {
  /** As it was asked for, in microseconds. */
  readonly busyPollUs: number;
  /** Is polling preferred to interrupts? */
  readonly prefer: boolean;
  readonly tracking: 'dynamic' | 'static';
  readonly #ids = new Set<number>();

  private constructor(ring: RingBase, core: RingCore, options: Required<Omit<NapiOptions, 'ids'>>) {
    super(ring, core, 'busy polling');
    this.busyPollUs = options.busyPollUs;
    this.prefer = options.prefer;
    this.tracking = options.tracking;
  }

  /** @internal REGISTER_NAPI */
  static register(ring: RingBase, core: RingCore, options: NapiOptions = {}): Napi {
    checkOptions('options', options, ['busyPollUs', 'prefer', 'tracking', 'ids']);
    const { busyPollUs = 0, prefer = false, tracking = 'dynamic', ids = [] } = options;
    integer('options.busyPollUs', busyPollUs, 0, U32_MAX);
    boolean('options.prefer', prefer);
    oneOf('options.tracking', tracking, ['dynamic', 'static']);
    const wanted = list('options.ids', ids).map((id, i) => checkId(`options.ids[${i}]`, id));
    const isStatic = tracking === 'static';
    if (wanted.length > 0 && !isStatic) {
      throw wrongValue('options.ids', "absent: only { tracking: 'static' } has ids", ids);
    }
    if (busy.has(core)) throw new StateError('the ring busy-polls already: unregister that first');
    withNewer(isStatic && !core.has(constants.IORING_SETUP_IOPOLL) ? STATIC : undefined, () =>
      registerNapi(core.handle, {
        busyPollTo: busyPollUs,
        preferBusyPoll: prefer,
        opcode: IO_URING_NAPI_REGISTER_OP,
        opParam: TRACKING[tracking],
      }),
    );
    busy.add(core);
    const napi = new Napi(ring, core, { busyPollUs, prefer, tracking });
    napi.#addAll(wanted);
    return napi;
  }

  #addAll(ids: readonly number[]): void {
    try {
      for (const id of ids) this.addId(id);
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
    this.check();
    checkId('id', id);
    if (this.tracking !== 'static') {
      throw new StateError("ids are for { tracking: 'static' }: with 'dynamic' the ring finds them itself");
    }
    registerNapi(this.core.handle, { opcode, opParam: id });
  }

  protected override release(): void {
    unregisterNapi(this.core.handle);
    busy.delete(this.core);
  }
}
