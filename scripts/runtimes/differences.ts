/** Where Deno and Bun differ from Node.js, so that tests of the suites fail there: each with its reason. */

export interface Difference {
  readonly runtime: 'deno' | 'bun';
  /** A part of the file's path. */
  readonly file: string;
  /** Which of its tests; all when absent. */
  readonly test?: RegExp;
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    runtime: 'bun',
    file: 'async/cancel.',
    test: /^an open that won although it was aborted is closed$/,
    reason:
      'Bun opens an epoll file and an eventfd of its own with the first child process, which count as left behind',
  },
];
