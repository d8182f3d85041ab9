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

interface Locked {
  readonly version?: unknown;
  readonly dev?: unknown;
}

/** What users of the package get installed, with versions: not what is for development. */
function productionModules(): Map<string, string> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const found = Object.entries(lock.packages).flatMap(([path, { version, dev }]): [string, string][] =>
    path.startsWith('node_modules/') && dev !== true
      ? [[path.slice('node_modules/'.length), String(version)]]
      : [],
  );
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
