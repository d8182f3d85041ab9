/**
 * `npm run build [-- FOLDER]`: the package as it is published, in dist or in another folder. Its modules are bundled into few,
 * for most of what loading 90 takes is finding them; each keeps a declaration of its own, in types.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What users import, and `child`, which runs in a process of its own. */
const LIBRARY = {
  index: 'lib/index.ts',
  raw: 'lib/raw.ts',
  structs: 'structs/index.ts',
  host: 'lib/host.ts',
  child: 'lib/host/diagnose/child.ts',
};

/** Has a copy of the library, so that the parts that it loads one by one don't cut the library into small pieces. */
const COMMAND = { cli: 'lib/cli/main.ts' };

const [folder = join(root, 'dist')] = process.argv.slice(2);
rmSync(folder, { recursive: true, force: true });
for (const entryPoints of [LIBRARY, COMMAND]) {
  await build({
    ...{ absWorkingDir: root, entryPoints, outdir: folder },
    ...{ bundle: true, splitting: true, packages: 'external', chunkNames: 'chunk-[hash]' },
    ...{ format: 'esm', platform: 'node', target: 'node20', sourcemap: true, logLevel: 'warning' },
  });
}
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const types = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'types')];
const { status, error } = spawnSync(process.execPath, [compiler, ...types], { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
