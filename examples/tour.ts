/**
 * Goes through all 38 opcodes of io_uring_register(2) on real rings, files, sockets and threads, and proves each by
 * its effect.
 *
 *     npm start [--silent -- --json]
 *
 * Exits with 1 only when a proof failed, or where io_uring can't be used at all.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { machine, release } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Ring } from 'uring';
import { buffers } from './tour/buffers.ts';
import { files } from './tour/files.ts';
import { instance } from './tour/instance.ts';
import { Scratch } from './tour/kit.ts';
import { limits } from './tour/limits.ts';
import { network } from './tour/network.ts';
import { notify } from './tour/notify.ts';
import { pools } from './tour/pools.ts';
import { printFooter, printHeader, printProgress, printPromises, printRow } from './tour/print.ts';
import { promises } from './tour/promises.ts';
import { flag, opcodes, type Proofs, prove, type Result, type Row } from './tour/proof.ts';
import { workerThreads } from './tour/workers.ts';
import { zcrx } from './tour/zcrx.ts';

const proofs: Required<Proofs> = {
  ...buffers,
  ...files,
  ...pools,
  ...notify,
  ...limits,
  ...workerThreads,
  ...network,
  ...zcrx,
  ...instance,
};

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const kernel = release().split('-')[0];

/** Why no ring can be made here; undefined where one can. */
function trouble(): string | undefined {
  try {
    new Ring(64).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The open files of this process, each with what it is. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // the folder's own
    }
  });
}

/** What was not open before. The ring that wakes the event loop for promises stays a tenth of a second after the last of them. */
async function leftOpen(before: readonly string[]): Promise<string[]> {
  const end = performance.now() + 1000;
  for (;;) {
    const left = openFiles().filter((file) => !before.includes(file));
    if (left.length === 0 || performance.now() > end) return left;
    await setTimeout(10);
  }
}

function run(row: Row, scratch: Scratch, isQuiet: boolean): Result {
  if (!isQuiet) printProgress(row);
  const result = prove(row, proofs, scratch);
  if (!isQuiet) printRow(result);
  return result;
}

/** What came of the promises. */
interface Promised {
  readonly verdict: 'proved' | 'failed';
  readonly evidence: string;
  readonly ms: number;
}

async function provePromises(scratch: Scratch): Promise<Promised> {
  const start = performance.now();
  try {
    return { verdict: 'proved', evidence: await promises(scratch), ms: performance.now() - start };
  } catch (error) {
    const evidence = error instanceof Error ? error.message : String(error);
    return { verdict: 'failed', evidence, ms: performance.now() - start };
  }
}

async function tour(isQuiet: boolean): Promise<void> {
  const start = performance.now();
  const before = openFiles();
  if (!isQuiet) {
    const host = `Linux ${kernel} ${machine()}, Node ${process.versions.node}`;
    printHeader(`uring ${version} on ${host}`, `${opcodes.length} register opcodes`);
  }
  using scratch = new Scratch();
  const rows = opcodes.map((row) => run(row, scratch, isQuiet));
  const last = run(flag, scratch, isQuiet);
  const ms = performance.now() - start;
  const promised = await provePromises(scratch);
  const leaked = await leftOpen(before);
  if (isQuiet) {
    console.log(
      JSON.stringify(
        { uring: version, kernel, opcodes: rows, flag: last, promises: promised, leaked, ms },
        null,
        2,
      ),
    );
  } else {
    printFooter(rows, last, ms);
    printPromises(promised);
    if (leaked.length > 0) console.log(`left open: ${leaked.join(', ')}`);
  }
  if (leaked.length > 0 || [...rows, last, promised].some(({ verdict }) => verdict === 'failed'))
    process.exitCode = 1;
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const problem = trouble();
if (problem === undefined) {
  await tour(values.json);
} else {
  console.error(`uring can't be used here: ${problem}`);
  process.exitCode = 1;
}
