/**
 * Debian packages from a private apt tree. Of the system's configuration it reads the mirrors and their keyring, and it
 * writes nowhere but into its own folder.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Infrastructure, run } from './commands.ts';
import { type Architecture, debianName } from './ladder.ts';

/** Suites of Debian, by the archive that has them. */
export interface Suites {
  readonly security: readonly string[];
  readonly main: readonly string[];
}

/** Where kernels are: three releases' security updates, and the newest backports. `main` has what a guest is made of. */
const SUITES: Suites = {
  security: ['bullseye-security', 'bookworm-security', 'trixie-security'],
  main: ['trixie', 'trixie-backports'],
};
const FRESH_MS = 12 * 3600 * 1000;

/** What Debian signs its releases with. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The system's own mirrors: of the releases, and of their security updates. */
export function mirrors(): { readonly main: string; readonly security: string } {
  const targets = run('apt-get', [
    ...['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'],
  ]);
  const lines = targets.toString().split('\n');
  const security = lines.find((line) => line.endsWith('-security'))?.split(' ')[0];
  const main = lines.find((line) => /^\S+ [a-z]+$/.test(line))?.split(' ')[0];
  if (!main || !security || !existsSync(KEYRING)) {
    throw new Infrastructure(
      `what is fetched comes from Debian: this system lacks a source of it, one of its security updates, or ${KEYRING}`,
    );
  }
  return { main, security };
}

/** A line of a sources.list. */
export function source(kind: 'deb' | 'deb-src', mirror: string, suite: string): string {
  return `${kind} [signed-by=${KEYRING}] ${mirror} ${suite} main`;
}

/** The lines of a sources.list: the system's own mirrors, other suites. */
function sources(suites: Suites): string[] {
  const { main, security } = mirrors();
  const line = (mirror: string, suite: string) => source('deb', mirror, suite);
  return [
    ...suites.security.map((suite) => line(security, suite)),
    ...suites.main.map((suite) => line(main, suite)),
  ];
}

/**
 * Makes a tree of apt's own in `folder`, which writes nowhere else.
 * @param lines of its sources.list
 * @returns the environment in which apt uses it
 */
export function makeTree(folder: string, architecture: string, lines: readonly string[]): NodeJS.ProcessEnv {
  for (const each of ['lists/partial', 'cache/archives/partial', 'empty']) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  const file = join(folder, 'apt.conf');
  writeFileSync(join(folder, 'sources.list'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(file, configuration(folder, architecture));
  return { ...process.env, LC_ALL: 'C', APT_CONFIG: file };
}

function configuration(folder: string, architecture: string): string {
  const at = (name: string) => `"${join(folder, name)}"`;
  return `Dir::State ${at('')}; Dir::State::lists ${at('lists')}; Dir::State::status ${at('status')};
Dir::Cache ${at('cache')}; Dir::Etc::sourcelist ${at('sources.list')}; Dir::Etc::sourceparts ${at('empty')};
Dir::Etc::preferences ${at('none')}; Dir::Etc::preferencesparts ${at('empty')};
APT::Architecture "${architecture}"; APT::Architectures { "${architecture}"; };
Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; APT::Sandbox::User "";
`;
}

/** The packages for one architecture. */
export class PackageTree {
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  #names: readonly string[] | undefined;

  /** @param name of the tree in the cache: one for each set of suites */
  constructor(cache: string, architecture: Architecture, suites = SUITES, name = 'apt') {
    this.#folder = join(cache, `${name}-${architecture}`);
    this.#environment = makeTree(this.#folder, debianName(architecture), sources(suites));
  }

  /** Fetches the lists, unless they are of today. Without a network the old ones do. */
  #update(): void {
    const lists = join(this.#folder, 'lists');
    const stamp = join(this.#folder, 'updated');
    if (existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < FRESH_MS) return;
    try {
      run('apt-get', ['-qq', 'update'], { env: this.#environment });
      writeFileSync(stamp, '');
    } catch (error) {
      // a suite that has moved to the archive must not take the others with it
      if (!readdirSync(lists).some((name) => name.endsWith('Packages') || name.includes('Packages.')))
        throw error;
    }
  }

  /** The names of all packages that begin with `prefix`. */
  names(prefix: string): readonly string[] {
    if (!this.#names) {
      this.#update();
      this.#names = run('apt-cache', ['pkgnames'], { env: this.#environment }).toString().split('\n');
    }
    return this.#names.filter((name) => name.startsWith(prefix));
  }

  /** Downloads a package, and unpacks into `folder` what of it matches the patterns of `only`. */
  unpack(name: string, folder: string, only: readonly string[]): void {
    this.names('');
    const place = mkdtempSync(join(tmpdir(), 'uring-package-'));
    try {
      run('apt-get', ['-qq', 'download', name], { cwd: place, env: this.#environment });
      const [file = ''] = readdirSync(place);
      const data = run('dpkg-deb', ['--fsys-tarfile', join(place, file)]);
      const args = ['-x', '-C', folder, '--keep-directory-symlink', '--no-same-owner', '--exclude=*/gconv/*'];
      run('tar', [...args, '--wildcards', ...only], { input: data });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
}
