/** Regions: memory that holds the limits of waits, so that a wait names them instead of passing them. */
import { options as checkOptions, integer, oneOf, U32_MAX, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { RegWait } from '../../../structs/memory.ts';
import { record } from '../../register/arguments.ts';
import { registerMemRegion } from '../../register/instance.ts';
import { type Mapping, mapAnonymous, mapRing, pageSize } from '../../sys/memory.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore, ringCore } from '../core/rings.ts';
import { FOREVER_MS, milliseconds, timespec } from '../core/time.ts';

const WAITS = 64;
/** As many as one mapping can hold on Node 20. */
const MAX_WAITS = 2 ** 26;

/** Options of `registerRegion`. */
export interface RegionOptions {
  /** How many wait arguments it holds; 64 when absent, which is one page. */
  readonly waits?: number | undefined;
  /** Who allocates it: `'user'` when absent, or `'kernel'`. */
  readonly memory?: 'user' | 'kernel' | undefined;
}

/** Limits of a wait. */
export interface WaitLimits {
  /** Waits at most so many milliseconds; without limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** After so many microseconds one completion is enough. */
  readonly minWaitUs?: number | undefined;
}

/** One place in a region. `submit({ wait, waitArgument })` waits by it. */
export class WaitArgument {
  readonly #core: RingCore;
  readonly #memory: Mapping;
  readonly #offset: number;

  /** @internal */
  constructor(core: RingCore, memory: Mapping, offset: number) {
    this.#core = core;
    this.#memory = memory;
    this.#offset = offset;
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is WaitArgument {
    return typeof value === 'object' && value !== null && #offset in value;
  }

  /** Stores other limits; what is absent is no limit. */
  set(limits: WaitLimits): this {
    record('limits', limits, ['timeoutMs', 'minWaitUs']);
    const { timeoutMs, minWaitUs = 0 } = limits;
    if (timeoutMs !== undefined) milliseconds('limits.timeoutMs', timeoutMs);
    integer('limits.minWaitUs', minWaitUs, 0, U32_MAX);
    // without a timeout the kernel takes the minimal time for one
    const ms = timeoutMs ?? (minWaitUs > 0 ? FOREVER_MS : undefined);
    const time = ms === undefined ? {} : { ts: timespec(ms), flags: constants.IORING_REG_WAIT_TS };
    this.#core.check();
    const bytes = new Uint8Array(this.#memory.buffer);
    RegWait.encodeInto(bytes, { ...time, minWaitUsec: minWaitUs }, this.#offset);
    return this;
  }

  /** @internal The offset of `argument` in its region, in bytes, for a wait of the ring that has the region. */
  static use(argument: WaitArgument, core: RingCore): number {
    if (core !== argument.#core) {
      throw wrongValue('options.waitArgument', "of this ring's region, not of another's", argument.#offset);
    }
    core.check();
    return argument.#offset;
  }
}

function inOwnMemory(core: RingCore, size: number): Mapping {
  const mapping = mapAnonymous(size);
  try {
    registerMemRegion(core.handle, { userAddr: mapping.address, size, regWaitArg: true });
    return mapping;
  } catch (error) {
    mapping.unmap();
    throw error;
  }
}

/** A registered region can't be unregistered: one that can't be mapped stays unused until the ring closes. */
function inKernelMemory(core: RingCore, size: number): Mapping {
  if (core.fd < 0) throw wrongValue('options.memory', "'user' where the ring has no fd", 'kernel');
  const { mmapOffset } = registerMemRegion(core.handle, { size, regWaitArg: true });
  return mapRing(core.fd, size, mmapOffset);
}

/** Unmaps when the ring closes. The closure refers to the mapping alone: the ring's core must not refer to the ring. */
function unmapAtClose(core: RingCore, mapping: Mapping): void {
  core.onClose(() => mapping.unmap());
}

/** A region of wait arguments. It cannot be unregistered, and lives as long as its ring. */
export class Region {
  readonly #ring: AnyRing;
  readonly #length: number;
  readonly #core: RingCore;
  readonly #memory: Mapping;

  private constructor(ring: AnyRing, length: number, memory: Mapping) {
    this.#ring = ring;
    this.#length = length;
    this.#core = ringCore('ring', ring);
    this.#memory = memory;
    unmapAtClose(this.#core, memory);
  }

  /** The ring that it is registered with. */
  get ring(): AnyRing {
    return this.#ring;
  }

  /** How many wait arguments it holds. */
  get length(): number {
    return this.#length;
  }

  /** @internal REGISTER_MEM_REGION */
  static register(ring: AnyRing, options: RegionOptions = {}): Region {
    const core = openCore('ring', ring);
    checkOptions('options', options, ['waits', 'memory']);
    const { waits = WAITS, memory = 'user' } = options;
    integer('options.waits', waits, 1, MAX_WAITS);
    oneOf('options.memory', memory, ['user', 'kernel']);
    const size = Math.ceil((waits * RegWait.size) / pageSize()) * pageSize();
    const register = memory === 'user' ? inOwnMemory : inKernelMemory;
    return new Region(ring, waits, register(core, size));
  }

  /** The wait argument in a place, 0..length-1. At first it has no limits. */
  at(index: number): WaitArgument {
    this.#core.check();
    integer('index', index, 0, this.#length - 1);
    return new WaitArgument(this.#core, this.#memory, index * RegWait.size);
  }
}
