/**
 * The async context (AsyncLocalStorage) in which callbacks run: that of the call that started their operation. To keep one
 * takes an AsyncResource, which costs as much as all else that an operation does here. So operations that are started one
 * after the other in the same context share it.
 */
import { AsyncLocalStorage, AsyncResource, executionAsyncResource } from 'node:async_hooks';

const TYPE = 'URING_OPERATION';
const done = Promise.resolve();

/** Where a resource has the store of one AsyncLocalStorage, and what is there. */
interface Store {
  readonly key: symbol;
  readonly value: unknown;
}

function storesOf(resource: object, name: string | undefined): Store[] {
  return Object.getOwnPropertySymbols(resource)
    .filter(({ description }) => description === name)
    .map((key) => ({ key, value: Reflect.get(resource, key) }));
}

/** What the keys of stores are called, on Node.js 20 and 22. Newer versions keep stores elsewhere. */
const STORE = 'kResourceStore';

/** Do resources have the stores as properties, so that contexts can be compared? */
function hasStores(): boolean {
  const storage = new AsyncLocalStorage();
  try {
    return storage.run(TYPE, () =>
      storesOf(executionAsyncResource(), STORE).some(({ value }) => value === TYPE),
    );
  } catch {
    // another runtime
    return false;
  } finally {
    storage.disable();
  }
}

/** A context that was kept. */
interface Kept {
  readonly context: AsyncResource;
  /** The resource that it was copied from, and its stores. */
  readonly from: object;
  readonly stores: readonly Store[];
}

let isComparable: boolean | undefined;
/** What was kept last since microtasks ran; a store that is used for the first time ever is seen after them. */
let last: Kept | undefined;

function forget(): void {
  last = undefined;
}

function isSame(resource: object, { context, from, stores }: Kept): boolean {
  if (resource !== from && resource !== context) return false;
  for (const { key, value } of stores) if (Reflect.get(resource, key) !== value) return false;
  return true;
}

/** Keeps the current context. */
export function currentContext(): AsyncResource {
  isComparable ??= hasStores();
  if (!isComparable) return new AsyncResource(TYPE);
  const resource = executionAsyncResource();
  if (last !== undefined && isSame(resource, last)) return last.context;
  if (last === undefined) done.then(forget);
  const context = new AsyncResource(TYPE);
  last = { context, from: resource, stores: storesOf(context, STORE) };
  return context;
}
