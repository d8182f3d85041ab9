/** Operations that were started, as others name them: to change, remove or cancel them. */
import { integer, wrongType } from '../../structs/check.ts';
import type { RingCore } from '../ring/core/core.ts';

/** What tells where in the ring's table an operation is; undefined while it has no entry. */
export interface Started {
  readonly slot: number | undefined;
  /** Remembers other arguments for the next request of an operation that goes on and on. */
  readonly change?: (index: number, argument: unknown) => void;
}

/**
 * An operation of this ring that was started: its userData; on AsyncRing the promise or the iterator that starting it gave.
 */
export type OperationKey = number | object;

/** The operations of AsyncRing that can be named, by what starting them gave. */
const started = new WeakMap<object, Started>();

/** From now on `handle` names the operation. */
export function nameOperation(handle: object, operation: Started): void {
  started.set(handle, operation);
}

/** The operation that `handle` names has another argument from now on. */
export function changeOperation(handle: OperationKey, index: number, argument: unknown): void {
  if (typeof handle === 'object') started.get(handle)?.change?.(index, argument);
}

/** Reads a key. */
export function readKey(name: string, value: OperationKey): number | Started {
  if (typeof value === 'number') return integer(name, value, 0, Number.MAX_SAFE_INTEGER);
  const operation = typeof value === 'object' && value !== null ? started.get(value) : undefined;
  if (operation === undefined)
    throw wrongType(name, 'the userData of an operation, or what starting it gave', value);
  return operation;
}

/** No operation of a ring has all ones in its user_data: the kernel says ENOENT. */
const NOBODY = 0xffff_ffff;

/** The slot of the operation in the ring's table; -1 where there is none. */
function slotOf(core: RingCore, key: number | Started): number {
  if (typeof key === 'number' && !core.hasUserData) {
    throw wrongType(
      'userData',
      'what starting the operation gave: operations of promises have no userData',
      key,
    );
  }
  return (typeof key === 'number' ? core.flights.find(key)[0] : key.slot) ?? -1;
}

/** The low half of its user_data. */
export function pinKeyLow(core: RingCore, _name: string, key: number | Started): number {
  const slot = slotOf(core, key);
  return slot < 0 ? NOBODY : slot;
}

/** The high half of its user_data. */
export function pinKeyHigh(core: RingCore, _name: string, key: number | Started): number {
  const slot = slotOf(core, key);
  return slot < 0 ? NOBODY : core.flights.high(slot);
}
