/** The project as a guest gets it: compiled, with the packages that its users get, and nothing else. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../compile.ts';
import { writeArchive } from './archive.ts';
import { Infrastructure } from './commands.ts';
import type { Cache } from './fetch.ts';
import type { Architecture } from './ladder.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What is no JavaScript, and is read when tests or the tour run. */
const FILES = ['LICENSE', 'test/fixtures', 'test/helpers/scenario.mjs'];
/** Packages that are not needed to run: a guest's memory is small. */
const LEFT_OUT = /\/koffi\/(vendor|doc)$/;

/** Packages that the command shows things with: in what is published they are inside of it. */
const SHOWN_WITH = ['commander', 'picocolors'];

interface Locked {
  readonly version?: unknown;
  readonly dev?: unknown;
  readonly dependencies?: { readonly [name: string]: string };
}

function lockedPackages(): Record<string, Locked> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  return lock.packages;
}

/** These packages, and all that they need. Those that are inside of another one's folder come with it. */
function withDependencies(names: readonly string[], packages: Record<string, Locked>): Set<string> {
  const found = new Set(names);
  for (const name of found) {
    for (const [path, { dependencies = {} }] of Object.entries(packages)) {
      if (path !== `node_modules/${name}` && !path.startsWith(`node_modules/${name}/`)) continue;
      for (const each of Object.keys(dependencies))
        if (packages[`node_modules/${each}`] !== undefined) found.add(each);
    }
  }
  return found;
}

/** What users of the package get, with versions: installed, and inside of the command. Not what is for development. */
function productionModules(): Map<string, string> {
  const packages = lockedPackages();
  const shownWith = withDependencies(SHOWN_WITH, packages);
  const found = Object.entries(packages).flatMap(([path, { version, dev }]): [string, string][] => {
    const name = path.slice('node_modules/'.length);
    const isWanted = path.startsWith('node_modules/') && (dev !== true || shownWith.has(name));
    return isWanted ? [[name, String(version)]] : [];
  });
  return new Map(found);
}

function copyModules(folder: string, architecture: Architecture, cache: Cache): void {
  const native = `@koromix/koffi-linux-${architecture}`;
  for (const [name, version] of productionModules()) {
    // of the binaries only the guest's own
    if (name.startsWith('@koromix/') && name !== native) continue;
    const here = join(ROOT, 'node_modules', name);
    const from = existsSync(here) ? here : cache.module(name, version);
    cpSync(from, join(folder, 'node_modules', name), {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(path),
    });
  }
}

/** Builds the project: compiled once, packed once for each architecture. */
export class Project {
  readonly #folder: string;
  readonly #cache: Cache;
  readonly #archives = new Map<Architecture, string>();

  /** @param folder where to build */
  constructor(folder: string, cache: Cache) {
    this.#folder = folder;
    this.#cache = cache;
  }

  #compile(app: string): void {
    try {
      compile(app);
    } catch (error) {
      throw new Infrastructure(error instanceof Error ? error.message : String(error));
    }
    for (const path of FILES) cpSync(join(ROOT, path), join(app, path), { recursive: true });
  }

  /** The project as an archive, which becomes /app in the guest. */
  archive(architecture: Architecture): string {
    const known = this.#archives.get(architecture);
    if (known !== undefined) return known;
    const root = join(this.#folder, `project-${architecture}`);
    const app = join(root, 'app');
    mkdirSync(app, { recursive: true });
    this.#compile(app);
    copyModules(app, architecture, this.#cache);
    const archive = `${root}.cpio`;
    writeArchive(root, archive);
    this.#archives.set(architecture, archive);
    return archive;
  }
}
