/** Callbacks of the caller's run in the async context in which they were given, as AsyncLocalStorage sees it. */
import { AsyncResource } from 'node:async_hooks';

/** Binds `callback` to the current async context. */
export function inContext<A extends readonly unknown[]>(
  callback: ((...args: A) => void) | undefined,
): ((...args: A) => void) | undefined {
  return callback && AsyncResource.bind(callback, 'URING_CALLBACK');
}
