/** Where Deno and Bun differ from Node.js, so that tests of the suites fail there: each with its reason. */

export interface Difference {
  readonly runtime: 'deno' | 'bun';
  /** A part of the file's path. */
  readonly file: string;
  /** Which of its tests; all when absent. */
  readonly test?: RegExp;
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [];
