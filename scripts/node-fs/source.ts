/** Node's own tests: from Debian's source package of Node.js 20, which is fetched into a cache. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree, mirrors, source } from '../kernels/apt.ts';
import { Infrastructure, run } from '../kernels/commands.ts';

const SUITE = 'trixie';
/** The tests, and what they use. */
const WANTED = ['*/test/parallel/test-fs*', '*/test/common/*', '*/test/fixtures/*'];
const HELPER = '/usr/lib/apt/apt-helper';
/** `'URI' FILE SIZE HASH` */
const ORIGINAL = /^'([^']+)' (nodejs_20\.\S+\.orig\.tar\.xz) \d+ (\S+)$/m;

/** The archive as its makers released it: Debian's changes are of no matter here. */
function fetch(cache: string): string {
  const folder = join(cache, 'apt');
  const architecture = run('dpkg', ['--print-architecture']).toString().trim();
  const env = makeTree(folder, architecture, [source('deb-src', mirrors().main, SUITE)]);
  run('apt-get', ['-qq', 'update'], { env });
  const [, uri, name = '', hash = ''] =
    ORIGINAL.exec(run('apt-get', ['source', '--print-uris', 'nodejs'], { env }).toString()) ?? [];
  if (uri === undefined) throw new Infrastructure(`${SUITE} has no source of Node.js 20`);
  const archive = join(cache, name);
  run(HELPER, ['download-file', uri, archive, hash], { env });
  return archive;
}

/** The folder `test` of Node's source in `cache`; fetched unless it is there. */
export function nodeTests(cache: string): string {
  const root = join(cache, 'tests');
  if (!existsSync(root)) {
    const fresh = `${root}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    const archive = fetch(cache);
    run('tar', ['-xJf', archive, '-C', fresh, '--no-same-owner', '--wildcards', ...WANTED]);
    rmSync(archive);
    // Deno takes a file for CommonJS only where this says so
    for (const version of readdirSync(fresh))
      writeFileSync(join(fresh, version, 'package.json'), '{ "type": "commonjs" }\n');
    renameSync(fresh, root);
  }
  const [version] = readdirSync(root);
  if (version === undefined) throw new Infrastructure(`${root} is empty: remove it`);
  return join(root, version, 'test');
}
