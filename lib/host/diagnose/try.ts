/** Runs the trials in a process of their own, and tells what came of them, also where it did not survive. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { files } from '../../sys/host.ts';
import { isTrialName, type Results, type TrialName } from './trials.ts';

/** What the trials showed. */
export interface Tried {
  readonly results: Results;
  /** The trial at which a seccomp filter killed the process. */
  readonly killedAt?: TrialName | undefined;
  /** Why trials are missing, where no filter killed the process. */
  readonly trouble?: string | undefined;
}

/** A machine that is slower than this is taken for one on which a call hangs. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 100;

// ---- how the process is started -------------------------------------------------------------------------------

const LOADERS = /^(?:--import|--require|-r|--loader|--experimental-loader|--conditions|-C)(=|$)/;

/** Those options of Node.js that say how modules are found; `--eval`, `--test`, `--inspect-brk` are ours alone. */
function loaders(options: readonly string[]): string[] {
  return options.flatMap((option, i) => {
    const found = LOADERS.exec(option);
    if (found === null) return [];
    return found[1] === '=' ? [option] : [option, options[i + 1] ?? ''];
  });
}

/** The words of NODE_OPTIONS, with their quotes. */
function words(text: string): string[] {
  return text.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
}

/** One way to start the process. */
interface Start {
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** First without anything of ours that could be in the way, then with what may be needed to find modules (tsx, PnP). */
function starts(): readonly Start[] {
  const { NODE_OPTIONS = '' } = process.env;
  // Node.js itself must not be killed for using io_uring, nor write what it covered
  const env = { ...process.env, UV_USE_IO_URING: '0', NODE_V8_COVERAGE: '' };
  return [
    { execArgv: [], env: { ...env, NODE_OPTIONS: '' }, cwd: '/' },
    {
      execArgv: loaders(process.execArgv),
      env: { ...env, NODE_OPTIONS: loaders(words(NODE_OPTIONS)).join(' ') },
    },
  ];
}

function start({ execArgv, ...options }: Start): ChildProcess {
  // one by one: that is how the build finds them
  const program = join(import.meta.dirname, `child${extname(import.meta.filename)}`);
  return spawn(process.execPath, [...execArgv, program], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
}

// ---- how it ends ----------------------------------------------------------------------------------------------

/** What is known of a process that has ended. */
interface Ended {
  readonly said: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** Reads a pipe to its end; call the result for the text. */
function collect(pipe: unknown): () => string {
  let text = '';
  if (pipe instanceof Readable) {
    pipe.setEncoding('utf8').on('data', (piece: string) => {
      // enough for a verdict, whatever comes
      if (text.length < 65_536) text += piece;
    });
  }
  return () => text;
}

function hasFirstThreadEnded(pid: number | undefined): boolean {
  return /^\d+ \(.*\) Z /s.test(files.read(`/proc/${pid}/stat`) ?? '');
}

/**
 * Ends a process that does not end by itself. A filter may kill the calling thread alone (SECCOMP_RET_KILL_THREAD): the
 * others live on.
 * @returns stops watching, and tells whether that has happened
 */
function watch(child: ChildProcess): () => boolean {
  const end = performance.now() + PATIENCE_MS;
  let looks = 0;
  const timer = setInterval(() => {
    looks = hasFirstThreadEnded(child.pid) ? looks + 1 : 0;
    // a process that has ended as a whole is gone at the second look
    if (looks === 2 || performance.now() > end) child.kill('SIGKILL');
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    return looks >= 2;
  };
}

async function run(how: Start): Promise<Ended> {
  const child = start(how);
  const said = collect(child.stdio[3]);
  const stderr = collect(child.stderr);
  const stopWatching = watch(child);
  try {
    await once(child, 'close');
  } finally {
    stopWatching();
  }
  const signal = stopWatching() ? 'SIGSYS' : child.signalCode;
  return { said: said(), stderr: stderr(), code: child.exitCode, signal };
}

// ---- what it says ---------------------------------------------------------------------------------------------

/** The results, and the trial that was begun and has none. */
function read(said: string): { readonly results: Results; readonly open: TrialName | undefined } {
  const results: { [name in TrialName]?: number } = {};
  let open: TrialName | undefined;
  for (const line of said.split('\n')) {
    const [name = '', result] = line.split(' ');
    if (!isTrialName(name)) continue;
    if (result !== undefined) results[name] = Number(result);
    open = result === undefined ? name : undefined;
  }
  return { results, open };
}

function tried({ said, stderr, code, signal }: Ended): Tried {
  const { results, open } = read(said);
  // the kernel's log is nothing that io_uring needs
  if (code === 0 || open === 'gvisor') return { results };
  if (signal === 'SIGSYS' && open !== undefined) return { results, killedAt: open };
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  const where = open === undefined ? 'before its first call' : `while it tried "${open}"`;
  const reason = stderr.split('\n').find((line) => /^\w*Error\b/.test(line));
  return {
    results,
    trouble: `the process that tries the calls was ended ${how} ${where}${reason === undefined ? '' : `: ${reason}`}`,
  };
}

/** Tries the system calls in another process. */
export async function tryInProcess(): Promise<Tried> {
  let last: Tried = { results: {} };
  for (const how of starts()) {
    try {
      const ended = await run(how);
      last = tried(ended);
      if (ended.said !== '') break;
    } catch (error) {
      last = { results: {}, trouble: `no process can be started to try the calls: ${String(error)}` };
    }
  }
  return last;
}
