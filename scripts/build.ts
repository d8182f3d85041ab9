/**
 * `npm run build [-- FOLDER]`: the package as it is published, in dist or in another folder.
 *
 * The library is CommonJS, because that is what `require`, `import` and every bundler can take, with an ES module of
 * names for each entrance: one implementation, so one copy of its state. Its modules are bundled into few, for most of
 * what loading 90 takes is finding them. The command has what it shows things with inside; its manual pages and what
 * shells complete it with are its own words.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { type OutputChunk, type OutputOptions, type Plugin, rollup } from '@rollup/wasm-node';
import { transform } from 'esbuild';
import { writeDeclarations } from './build/declarations.ts';
import { entrances, everythingOf, root } from './build/entrances.ts';
import { inLines } from './build/lines.ts';
import { writeNotice } from './build/notice.ts';
import { withNumbers } from './build/numbers.ts';

/** By require: its declarations don't fit what `import` gives. */
const commonjs: () => Plugin = createRequire(import.meta.url)('@rollup/plugin-commonjs');

const LIBRARY = Object.fromEntries(entrances.map(({ name, source }) => [name, source]));
/** What is started: `child` by the library, in a process of its own. */
const CHILD = { child: 'lib/host/diagnose/child.ts' };
/** It is long, so it has its hash in its name, and is started by a short file (MOST_WITHOUT_HASH of consumer.ts says why). */
const COMMAND = { cli: 'lib/cli/main.ts' };

/**
 * Each entrance is a file of names alone: before Node.js imports a CommonJS file, it reads all of it to find its exports,
 * and that takes longer than to run it.
 */
const facades: Plugin = {
  name: 'facades',
  resolveId: (id) => (id.startsWith(FACADE) ? id : null),
  load: (id) =>
    id.startsWith(FACADE) ? everythingOf(sourceOf(id), JSON.stringify(join(root, sourceOf(id)))) : null,
};
const FACADE = '\0facade:';
const sourceOf = (facade: string): string => facade.slice(FACADE.length);

/** Takes the types away, and makes constants numbers. */
const typescript: Plugin = {
  name: 'typescript',
  async transform(code, sourcefile) {
    if (!sourcefile.endsWith('.ts')) return null;
    const { code: js } = await transform(code, { loader: 'ts', target: 'node20', sourcefile });
    return { code: await withNumbers(js, this.parse(js), sourcefile), map: null };
  },
  resolveImportMeta: (property) =>
    property === 'dirname' || property === 'filename' ? `__${property}` : null,
};

/** Modules of Node.js without `require`, which esbuild's ES bundles don't have. */
const builtins: Plugin = {
  name: 'builtins',
  renderChunk: (code) => code.replaceAll(/\brequire\(('node:[\w/]+')\)/g, 'process.getBuiltinModule($1)'),
};

const CHUNK = 'chunk-[hash].cjs';
const OUTPUT: OutputOptions = {
  format: 'cjs',
  exports: 'named',
  esModule: false,
  entryFileNames: ({ name }) => (name in COMMAND ? CHUNK : '[name].cjs'),
  chunkFileNames: CHUNK,
};

/** Which piece of the library each of its modules is in: as if there were no command, which would cut it smaller. */
const libraryChunks = new Map<string, string>();
const library = await rollup({ input: { ...LIBRARY, ...CHILD }, plugins: [typescript], external: /^[^./]/ });
for (const chunk of (await library.generate(OUTPUT)).output) {
  if (chunk.type === 'asset' || chunk.name in CHILD) continue;
  for (const id of chunk.moduleIds) libraryChunks.set(id, chunk.name);
}
await library.close();

const [folder = join(root, 'dist')] = process.argv.slice(2);
rmSync(folder, { recursive: true, force: true });
const bundle = await rollup({
  // rollup, because it leaves `const` alone: V8 compiles a module's constants into the code
  input: {
    ...Object.fromEntries(Object.entries(LIBRARY).map(([name, source]) => [name, FACADE + source])),
    ...CHILD,
    ...COMMAND,
  },
  plugins: [
    facades,
    typescript,
    nodeResolve({ exportConditions: ['node'], preferBuiltins: true }),
    commonjs(),
  ],
  external: ['koffi', /^node:/],
});
const { output } = await bundle.write({
  ...OUTPUT,
  dir: folder,
  plugins: [builtins],
  manualChunks: (id) => libraryChunks.get(id),
});
await bundle.close();
const chunks = output.filter((each): each is OutputChunk => each.type === 'chunk');
for (const chunk of chunks) if (!isFacade(chunk)) await shorten(chunk);
for (const { name } of entrances) writeFileSync(join(folder, `${name}.mjs`), esModule(name));
for (const { name, fileName } of chunks)
  if (name in COMMAND)
    writeFileSync(join(folder, `${name}.cjs`), `#!/usr/bin/env node\nrequire('./${fileName}');\n`);
writeNotice(
  join(folder, 'THIRD-PARTY-LICENSES.txt'),
  chunks.flatMap(({ moduleIds }) => moduleIds),
);
writeDeclarations(folder);
const manual = [join(folder, 'cli.cjs'), 'completion', 'bash', '--write', folder];
const { status, error } = spawnSync(process.execPath, manual, { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;

function isFacade({ moduleIds }: OutputChunk): boolean {
  return moduleIds.some((id) => id.startsWith(FACADE));
}

/**
 * Without comments and indentation, in lines of a length that errors can show. Names that stacks have stay (functions of
 * modules, classes, members); those of variables in functions are short. What only the command has is made shorter still.
 * It is done last: the lines end where they may.
 */
async function shorten({ fileName, code, moduleIds }: OutputChunk): Promise<void> {
  const minifySyntax = !moduleIds.some((id) => libraryChunks.has(id));
  const options = { minifyWhitespace: true, minifyIdentifiers: true, minifySyntax } as const;
  const { code: short } = await transform(code, { ...options, legalComments: 'none', target: 'node20' });
  writeFileSync(join(folder, fileName), inLines(short));
}

function exportsOf(entrance: string): readonly string[] {
  return chunks.find((chunk) => chunk.isEntry && chunk.name === entrance)?.exports ?? [];
}

/** The names of an entrance; one that exports nothing is run all the same. */
function esModule(entrance: string): string {
  const names = exportsOf(entrance);
  if (names.length === 0) return `import './${entrance}.cjs';\n`;
  const values = names.filter((name) => name !== 'default');
  const text = `import uring from './${entrance}.cjs';\nexport const {\n  ${values.join(',\n  ')},\n} = uring;\n`;
  return names.includes('default') ? `${text}export default uring.default;\n` : text;
}
