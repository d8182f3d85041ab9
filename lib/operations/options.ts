/** Names of options. */

/** Is `name` one of a few? On the hot path comparing pointers is several times faster than hashing for a Set. */
export function includes(names: readonly string[], name: string): boolean {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}
