/** Runs a script in a process of its own that is confined: another user, little locked memory, a seccomp filter. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXTENSION, LOADER, ROOT } from './loader.ts';

/** What a script needs to run from a copy: a checkout that only its owner can read can't serve another user. */
const NEEDED = ['lib', 'structs', 'package.json'];
const MODULES = ['koffi', '@koromix', ...(EXTENSION === '.ts' ? ['tsx', 'esbuild', '@esbuild'] : [])];

/** How a process is confined. */
export interface Confinement {
  /** Become this user, without groups and capabilities. For root only. */
  readonly uid?: number;
  /** RLIMIT_MEMLOCK, soft and hard. */
  readonly memlockKib?: number;
  /** System calls that a seccomp filter refuses with this errno. */
  readonly seccomp?: { readonly syscalls: readonly number[]; readonly errno: number };
}

/** Installs a filter and becomes the command that follows: ERRNO SYSCALL,SYSCALL COMMAND... */
const LAUNCHER = `
import ctypes, os, struct, sys
errno, calls = int(sys.argv[1]), [int(each) for each in sys.argv[2].split(',')]
code = [(0x20, 0, 0, 0)] + [(0x15, len(calls) - i, 0, nr) for i, nr in enumerate(calls)]
code += [(0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050000 | errno)]
filters = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *each) for each in code))
class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
program = Program(len(code), ctypes.addressof(filters))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program)) == 0, ctypes.get_errno()
os.execvp(sys.argv[3], sys.argv[3:])
`;

function command(confinement: Confinement): string[] {
  const { uid, memlockKib, seccomp } = confinement;
  const limits = memlockKib === undefined ? [] : ['prlimit', `--memlock=${memlockKib * 1024}`];
  const user =
    uid === undefined ? [] : ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  const filter =
    seccomp === undefined ? [] : ['python3', '-c', LAUNCHER, `${seccomp.errno}`, seccomp.syscalls.join(',')];
  return [...limits, ...user, ...filter, process.execPath];
}

/** Runs Node.js to its end, confined. */
export function start(
  confinement: Confinement,
  parameters: readonly string[],
  cwd: string,
): SpawnSyncReturns<string> {
  const [file = '', ...before] = command(confinement);
  // a clean environment: NODE_TEST_CONTEXT would make the child a test file, NODE_OPTIONS a child of this loader
  const { PATH } = process.env;
  return spawnSync(file, [...before, ...parameters], {
    cwd,
    env: { PATH },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

/** Why a process can't be confined so on this machine, for `skip`; false where it can. */
export function cannotConfine(confinement: Confinement): string | false {
  if (confinement.uid !== undefined && process.geteuid?.() !== 0) return 'only root can become another user';
  const { status, stderr, error } = start(confinement, ['--version'], tmpdir());
  if (status === 0) return false;
  return `this machine can't do it: ${error?.message ?? stderr.trim().split('\n').at(-1) ?? status}`;
}

/** A copy of the sources that any user can read. */
export class ConfinedCopy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'uring-confined-'));
  #count = 0;

  constructor() {
    const modules = MODULES.map((name) => join('node_modules', name));
    for (const path of [...NEEDED, ...modules]) {
      if (existsSync(join(ROOT, path)))
        cpSync(join(ROOT, path), join(this.#folder, path), { recursive: true });
    }
    spawnSync('chmod', ['-R', 'a+rX', this.#folder]);
  }

  /**
   * Runs `script` (a module of JavaScript at the root of the copy: it imports './lib/....ts'), confined.
   * @returns the value that the script writes to stdout as JSON
   */
  run<T>(script: string, confinement: Confinement): T {
    const file = join(this.#folder, `script-${++this.#count}.mjs`);
    writeFileSync(file, script.replaceAll(/^(import .*)\.ts';$/gm, `$1${EXTENSION}';`), { mode: 0o644 });
    const { status, signal, stdout, stderr } = start(confinement, [...LOADER, file], this.#folder);
    if (status !== 0) throw new Error(`the script ended with ${status ?? signal}:\n${stderr}`);
    return JSON.parse(stdout);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
