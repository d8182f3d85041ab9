/** Fetches what a guest is made of, into a cache: the kernel, and the few files of a Debian that Node.js needs. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PackageTree } from './apt.ts';
import { writeArchive } from './archive.ts';
import { Infrastructure, run } from './commands.ts';
import { type Architecture, isOlder, type Rung } from './ladder.ts';
import { extractVmlinux } from './vmlinux.ts';

const FOLDERS = 'bin dev etc proc root sys tmp usr/bin usr/lib usr/lib64'.split(' ');
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1'];
const LIBRARY_PATTERNS = ['*lib*/*.so*'];

/** A kernel in the cache. */
export interface Kernel {
  /** What qemu starts. */
  readonly image: string;
  /** `'6.12'`: not always the one that was asked for. */
  readonly series: string;
  /** The package that it comes from. */
  readonly source: string;
}

/** Numbers in it compare as numbers: 6.12.9 comes before 6.12.100. */
function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** Runs `make` in a fresh folder, which becomes `folder` when all went well. */
function cached(folder: string, make: (folder: string) => void): void {
  if (existsSync(folder)) return;
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  make(fresh);
  renameSync(fresh, folder);
}

function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'uring-fetch-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The file below a folder whose path contains `text`. */
function find(folder: string, text: string): string {
  const path = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((each) => each.includes(text));
  if (path === undefined) throw new Infrastructure(`a package lacks ${text}`);
  return join(folder, path);
}

/** The cache, and what comes into it. */
export class Cache {
  readonly #folder: string;
  readonly #trees = new Map<Architecture, PackageTree>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  #tree(architecture: Architecture): PackageTree {
    const tree = this.#trees.get(architecture) ?? new PackageTree(this.#folder, architecture);
    this.#trees.set(architecture, tree);
    return tree;
  }

  /** The newest kernel of a rung's series. */
  kernel(rung: Rung): Kernel {
    const { series, source } = this.#find(rung);
    const folder = join(this.#folder, 'kernels', source);
    cached(folder, (fresh) =>
      withFolder((place) => {
        this.#tree(rung.architecture).unpack(source, place, ['*vmlinuz*']);
        const image = readFileSync(find(place, 'vmlinuz'));
        writeFileSync(join(fresh, 'image'), rung.architecture === 'x64' ? extractVmlinux(image) : image);
      }),
    );
    return { image: join(folder, 'image'), series, source };
  }

  #find({ name, series, architecture, flavour, orNewest }: Rung): Pick<Kernel, 'series' | 'source'> {
    const pattern = new RegExp(
      `^linux-(image|binary|binary-unsigned)-(\\d+\\.\\d+)([.0-9a-z+-]*)-${flavour}$`,
    );
    const all = this.#tree(architecture)
      .names('linux-')
      .flatMap((source) => {
        const [, kind = '', found = '', rest = ''] = pattern.exec(source) ?? [];
        // without a third number it is a name for whatever is the newest
        return rest.startsWith('.') ? [{ source, kind, series: found, version: found + rest }] : [];
      });
    const highest = all.reduce((most, each) => (isOlder(most, each.series) ? each.series : most), '0.0');
    const wanted = orNewest && isOlder(highest, series) ? highest : series;
    const ofSeries = all.filter((each) => each.series === wanted);
    const version = ofSeries
      .map((each) => each.version)
      .sort(byVersion)
      .at(-1);
    // since 6.19 the image is an empty package that asks for the binary
    const kinds = ['binary', 'binary-unsigned', 'image'];
    const candidates = ofSeries.filter((each) => each.version === version);
    const best = candidates.sort((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind))[0];
    if (!best) throw new Infrastructure(`${name}: no kernel of this series is to be had (${flavour})`);
    return best;
  }

  /** The archive that every guest of an architecture starts from: busybox, Node.js as it runs here, C libraries, `init`. */
  userland(architecture: Architecture, init: string): string {
    const node = process.versions.node;
    const root = join(this.#folder, `root-${architecture}-${node}`);
    cached(root, (fresh) => {
      for (const each of FOLDERS) mkdirSync(join(fresh, each), { recursive: true });
      for (const each of ['lib', 'lib64']) symlinkSync(`usr/${each}`, join(fresh, each));
      const tree = this.#tree(architecture);
      for (const each of LIBRARIES) tree.unpack(each, fresh, LIBRARY_PATTERNS);
      withFolder((place) => {
        tree.unpack('busybox-static', place, ['*bin/busybox']);
        copyFileSync(find(place, 'bin/busybox'), join(fresh, 'bin/busybox'));
      });
      withFolder((place) => {
        const from = install(place, `node-linux-${architecture}`, node);
        copyFileSync(join(from, 'bin/node'), join(fresh, 'usr/bin/node'));
      });
      writeFileSync(join(fresh, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
      writeFileSync(join(fresh, 'etc/hosts'), '127.0.0.1 localhost\n');
    });
    const archive = `${root}.cpio`;
    const kept = join(root, 'init');
    if (!existsSync(archive) || !existsSync(kept) || readFileSync(kept, 'utf8') !== init) {
      writeFileSync(kept, init, { mode: 0o755 });
      writeArchive(root, `${archive}.new`);
      renameSync(`${archive}.new`, archive);
    }
    return archive;
  }

  /** A package of npm's, for whatever architecture it is; its folder. */
  module(name: string, version: string): string {
    const folder = join(this.#folder, 'npm', `${name.replaceAll('/', '-')}-${version}`);
    cached(folder, (fresh) => void install(fresh, name, version));
    return join(folder, 'node_modules', name);
  }
}

/** Installs a package of npm's into a folder; where it is. */
function install(folder: string, name: string, version: string): string {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // --force: it is for the guest's architecture, not for this one
  const flags = [
    '--force',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
  ];
  run('npm', ['install', '--prefix', folder, ...flags, `${name}@${version}`]);
  return join(folder, 'node_modules', name);
}
