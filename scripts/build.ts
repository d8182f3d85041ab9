/**
 * `npm run build [-- FOLDER]`: the package as it is published, in dist or in another folder. Its modules are bundled into few,
 * for most of what loading 90 takes is finding them; each keeps a declaration of its own, in types.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Plugin, rollup } from '@rollup/wasm-node';
import { transform } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What users import or preload, and `child`, which runs in a process of its own. */
const LIBRARY = {
  index: 'lib/index.ts',
  raw: 'lib/raw.ts',
  structs: 'structs/index.ts',
  host: 'lib/host.ts',
  fs: 'lib/fs.ts',
  register: 'lib/fs/register.ts',
  child: 'lib/host/diagnose/child.ts',
};

/** Has a copy of the library, so that the parts that it loads one by one don't cut the library into small pieces. */
const COMMAND = { cli: 'lib/cli/main.ts' };

/** Takes the types away. */
const typescript: Plugin = {
  name: 'typescript',
  async transform(code, sourcefile) {
    const { code: js, map } = await transform(code, {
      ...{ loader: 'ts', target: 'node20', sourcefile, sourcemap: true },
    });
    return { code: js, map };
  },
};

const [folder = join(root, 'dist')] = process.argv.slice(2);
rmSync(folder, { recursive: true, force: true });
for (const input of [LIBRARY, COMMAND]) {
  // rollup, because it leaves `const` alone: V8 compiles a module's constants into the code
  const bundle = await rollup({ input, plugins: [typescript], external: /^[^./]/ });
  await bundle.write({ dir: folder, chunkFileNames: 'chunk-[hash].js', sourcemap: true });
  await bundle.close();
}
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const types = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'types')];
const { status, error } = spawnSync(process.execPath, [compiler, ...types], { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
