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
    file: 'async/callbacks.',
    test: /^what a callback throws is an uncaught exception, and the others are told$/,
    reason: 'bun test fails a test for an uncaught exception, whoever captures it',
  },
  {
    runtime: 'bun',
    file: 'async/errors.',
    test: /^a path, as Node.js has it, and the frames of whoever awaits$/,
    reason: 'Bun has no frames of functions that await in the stack of an error made in a callback',
  },
  {
    runtime: 'bun',
    file: 'async/diagnostics.',
    test: /^a ring, a file, a server, a socket can not be sent to another thread, and say so$/,
    reason: 'Bun refuses to clone them in words of its own',
  },
  {
    runtime: 'deno',
    file: 'async/statx.',
    test: /^statx says what stat\(2\) says, of a path and of an open file$/,
    reason: "Deno's node:fs knows when a file was last changed (ctime) in whole seconds only",
  },
  ...(['deno', 'bun'] as const).map((runtime) => ({
    runtime,
    file: 'async/diagnostics.',
    test: /an async hook starts/,
    reason: 'its async_hooks tell of no promises',
  })),
];
