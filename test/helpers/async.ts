/** Tests of AsyncRing. */
import assert from 'node:assert/strict';
import { OpError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { type Scope, until } from './rings.ts';

/** A ring that must have nothing in flight when the test ends. */
export function asyncRing(scope: Scope, entries = 8, options: RingBaseOptions = {}): AsyncRing {
  const ring = new AsyncRing(entries, options);
  scope.defer(() => {
    const { inFlight } = ring;
    ring.close();
    assert.equal(inFlight, 0, 'in flight');
  });
  return ring;
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail('it did not reject');
}

/** The promise rejects with this OpError. */
export async function fails(code: string, op: string, promise: Promise<unknown>): Promise<void> {
  const error = await failure(promise);
  assert.ok(error instanceof OpError, error.stack);
  assert.deepEqual(
    { code: error.code, op: error.op, syscall: error.syscall },
    { code, op, syscall: 'io_uring_enter' },
  );
}

/** The promise rejects with AbortError, as Node.js has it. */
export async function aborts(promise: Promise<unknown>, reason?: unknown): Promise<void> {
  const error = await failure(promise);
  assert.equal(error.name, 'AbortError', error.stack);
  assert.equal(Reflect.get(error, 'code'), 'ABORT_ERR');
  if (reason !== undefined) assert.equal(error.cause, reason);
}

/** Each call rejects with an error that names its argument, and the kernel hears of none. */
export async function refusesAll(
  ring: AsyncRing,
  calls: readonly (readonly [argument: string, call: () => Promise<unknown>])[],
): Promise<void> {
  await until('a quiet ring', () => ring.inFlight === 0);
  const { enter } = sys;
  let submitted = 0;
  sys.enter = (fd, submit, ...rest) => {
    submitted += submit;
    return enter(fd, submit, ...rest);
  };
  try {
    for (const [argument, call] of calls) {
      const error = await failure(call());
      assert.match(String(Reflect.get(error, 'code')), /^ERR_INVALID_ARG_/, error.stack);
      assert.ok(error.message.startsWith(`The "${argument}" argument`), `${argument}: ${error.message}`);
    }
  } finally {
    sys.enter = enter;
  }
  assert.equal(submitted, 0, 'entries submitted');
  assert.equal(ring.inFlight, 0);
}

export { openFds } from './raw-ring.ts';

/** Text in memory. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
