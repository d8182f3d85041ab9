/** Runs seeds of the fuzzer, each in a process of its own: a signal, a hang and a finding all name the seed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOADER, moduleAt } from '../../helpers/loader.ts';
import type { Report } from './life.ts';

/** How long a process may take: a hang is a finding. */
const TIMEOUT_MS = 600_000;
const LAST_CALLS = 10;

/** What came of a seed. */
export interface Outcome {
  readonly seed: number;
  /** Undefined where the process did not come to its end. */
  readonly report: Report | undefined;
  readonly findings: readonly string[];
}

/** Runs one seed. */
export async function runSeed(seed: number, calls: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-seed-'));
  const trace = join(folder, 'trace');
  try {
    const program = [moduleAt('test/soak/fuzz/child.ts'), `${seed}`, `${calls}`, trace];
    const { PATH } = process.env;
    const child = spawn(process.execPath, [...LOADER, '--expose-gc', ...program], {
      // fuzzed operations have nothing to do in the project's folder
      cwd: folder,
      env: { PATH, NODE_PATH: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes) => {
      stdout += bytes;
    });
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    const [status, signal] = await once(child, 'close');
    if (status === 0) {
      const report: Report = JSON.parse(stdout);
      return { seed, report, findings: report.findings };
    }
    const last = readFileSync(trace, 'utf8').trimEnd().split('\n').slice(-LAST_CALLS).join(', ');
    const ending = `the process ended with ${signal ?? status} after ${last}\n${stderr.slice(-2000)}`;
    return { seed, report: undefined, findings: [ending] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What to say of a seed that found something. */
export function complaint({ seed, findings }: Outcome, calls: number): string {
  const how = `npm run fuzz -- --seed ${seed} --seeds 1 --calls ${calls}`;
  return [`seed ${seed} (again: ${how})`, ...findings.map((each) => `  ${each}`)].join('\n');
}
