/** Everything that is compared, in the order of docs/bench.md. */
import { appends } from './families/appends.ts';
import { echo } from './families/echo.ts';
import { files } from './families/files.ts';
import { fs } from './families/fs.ts';
import { heap } from './families/heap.ts';
import { inflight } from './families/inflight.ts';
import { load } from './families/load.ts';
import { nop } from './families/nop.ts';
import { paths } from './families/paths.ts';
import { cachedReads, directReads, sequentialReads } from './families/reads.ts';
import { registerCalls } from './families/register.ts';
import type { Family } from './harness.ts';

export const families: readonly Family[] = [
  nop,
  registerCalls,
  cachedReads,
  directReads,
  sequentialReads,
  files,
  fs,
  paths,
  appends,
  echo,
  inflight,
  heap,
  load,
];
