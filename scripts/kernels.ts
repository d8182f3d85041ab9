/**
 * `npm run test:kernels [-- SERIES... | --all] [--jobs N]`: the tests on many kernels, each in an emulated machine.
 *
 * Fetches the newest kernel of each series, boots it with the built project, runs test/{register,ring,ops,async,net,kernels}, what else
 * depends on the kernel, and the tour in it, and compares what the library says of the
 * kernel with test/fixtures/abi/kernels.json. Prints a table, or with
 * `--json` the same as data; `--all` writes docs/kernels.md. Exits with 1 when a test fails, with 125 when
 * what the tests need can't be had, with 2 for wrong arguments.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { climb } from './kernels/climb.ts';
import { checkTools, Infrastructure, Misuse } from './kernels/commands.ts';
import { writeDocument } from './kernels/document.ts';
import { Cache } from './kernels/fetch.ts';
import { ladder, type Rung } from './kernels/ladder.ts';
import { type Outcome, summary } from './kernels/outcome.ts';
import { Progress } from './kernels/progress.ts';
import { Project } from './kernels/project.ts';
import { failures, printTable, toJson } from './kernels/table.ts';
import { checkLadder, checkRung } from './kernels/verify.ts';

const FAILED = 1;
const MISUSED = 2;
const INFRASTRUCTURE = 125;
const INIT = readFileSync(new URL('kernels/init.sh', import.meta.url), 'utf8');

const OPTIONS = {
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  /** Only test files whose path contains one of these words, apart by commas. */
  only: { type: 'string', default: '' },
  /** How many machines run at the same time: each takes about one cpu, and 1 GiB. */
  jobs: { type: 'string', default: '1' },
} as const;

/** What every rung is run with. */
interface Common {
  readonly cache: Cache;
  readonly project: Project;
  readonly folder: string;
  readonly only: readonly string[];
}

/** Runs a rung, and tells how it went. */
async function one(rung: Rung, { cache, project, folder, only }: Common): Promise<Outcome> {
  const progress = new Progress(rung.name);
  try {
    const { image, series } = cache.kernel(rung);
    progress.step('building');
    const archives = [cache.userland(rung.architecture, INIT), project.archive(rung.architecture)];
    progress.step('booting');
    const own = join(folder, rung.name);
    mkdirSync(own, { recursive: true });
    const outcome = await climb({
      ...{ rung, series, image, archives, folder: own, only },
      onProgress: (...at) => progress.files(...at),
    });
    outcome.problems.push(...checkRung(outcome));
    progress.end(summary(outcome));
    for (const failure of failures(outcome)) console.error(failure);
    return outcome;
  } catch (error) {
    progress.end('could not be run');
    throw error;
  }
}

/** Runs one, and once more if the machine for it didn't come up; undefined, and told of, if neither did. */
async function oneOrAgain(rung: Rung, common: Common): Promise<Outcome | undefined> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      return await one(rung, common);
    } catch (error) {
      if (!(error instanceof Infrastructure)) throw error;
      console.error(error.message);
    }
  }
  return undefined;
}

/** Runs all of them, `jobs` at the same time; those that could not be run are left out. */
async function climbAll(rungs: readonly Rung[], jobs: number, common: Common): Promise<Outcome[]> {
  const outcomes: (Outcome | undefined)[] = [];
  const left = rungs.entries();
  const lane = async (): Promise<void> => {
    for (const [i, rung] of left) outcomes[i] = await oneOrAgain(rung, common);
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  return outcomes.filter((outcome) => outcome !== undefined);
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const only = values.only.split(',').filter((word) => word !== '');
  const jobs = Number(values.jobs);
  if (!(Number.isInteger(jobs) && jobs > 0))
    throw new Misuse(`--jobs takes a count from 1 on, not ${values.jobs}`);
  const rungs = ladder(positionals, values.all);
  checkTools(rungs.map(({ architecture }) => architecture));
  const folder = mkdtempSync(join(tmpdir(), 'uring-kernels-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const cache = new Cache(join(import.meta.dirname, '../node_modules/.cache/uring-kernels'));
  const outcomes = await climbAll(rungs, jobs, { cache, project: new Project(folder, cache), folder, only });
  const problems = checkLadder(outcomes);
  if (values.json) console.log(toJson(outcomes, problems));
  else printTable(outcomes, problems);
  if (problems.length > 0 || outcomes.some((each) => failures(each).length > 0)) return FAILED;
  if (outcomes.length < rungs.length) return INFRASTRUCTURE;
  if (values.all && only.length === 0) writeDocument(outcomes);
  return 0;
}

// so that what runs at exit ends qemu
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(INFRASTRUCTURE));

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Infrastructure || error instanceof Misuse)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof Misuse ? MISUSED : INFRASTRUCTURE;
}
