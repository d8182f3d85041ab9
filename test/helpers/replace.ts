/** Puts other functions in place of an object's, until `restore()`; also twice (node:test's restoreAll can't undo that). */

const undo: (() => void)[] = [];

/** `object[key]` is `value` from now on. */
export function replace<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
  const original = object[key];
  undo.push(() => {
    object[key] = original;
  });
  object[key] = value;
}

/** Everything is as it was before the first `replace`. */
export function restore(): void {
  for (const back of undo.splice(0).reverse()) back();
}
