/** Everything that is compared, in the order of docs/bench.md. */
import { appends } from './families/appends.ts';
import { beside } from './families/beside.ts';
import { chain } from './families/chain.ts';
import { connections } from './families/connections.ts';
import { echo } from './families/echo.ts';
import { ends } from './families/ends.ts';
import { files } from './families/files.ts';
import { fs } from './families/fs.ts';
import { gibibyte } from './families/gibibyte.ts';
import { hash } from './families/hash.ts';
import { heap } from './families/heap.ts';
import { http } from './families/http.ts';
import { inflight } from './families/inflight.ts';
import { load } from './families/load.ts';
import { log } from './families/log.ts';
import { nop } from './families/nop.ts';
import { paths } from './families/paths.ts';
import { proxy } from './families/proxy.ts';
import { cachedReads, directReads, sequentialReads } from './families/reads.ts';
import { registerCalls } from './families/register.ts';
import { rings } from './families/rings.ts';
import { stat } from './families/stat.ts';
import { tree } from './families/tree.ts';
import { wakeup } from './families/wakeup.ts';
import type { Family } from './harness.ts';

export const families: readonly Family[] = [
  nop,
  registerCalls,
  cachedReads,
  directReads,
  sequentialReads,
  gibibyte,
  files,
  fs,
  paths,
  chain,
  appends,
  beside,
  tree,
  hash,
  stat,
  log,
  echo,
  connections,
  http,
  proxy,
  wakeup,
  ends,
  inflight,
  rings,
  heap,
  load,
];
