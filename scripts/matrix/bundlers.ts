/** Bundlers, and what is made of bundles. */
import { cjs, esm, type Row } from './row.ts';

/** Runs a bundle where there is nothing but koffi's packages, and where there is nothing at all. */
const withKoffi = (bundle: string): string[] => [
  `mkdir "$AWAY/node_modules"; cp -r "$MODULES/koffi" "$MODULES/@koromix" "$AWAY/node_modules"; cp -r ${bundle} "$AWAY/"`,
  `cd /; node "$AWAY/${bundle}"`,
];
const alone = (bundle: string): string[] => [`cp ${bundle} "$AWAY/"`, `cd /; ! node "$AWAY/${bundle}"`];
/** The binary beside the bundle, where koffi looks for it. */
const withBinary = (bundle: string): string[] => [
  `cp -r ${bundle} "$MODULES"/@koromix/koffi-linux-*/linux_* "$AWAY/"`,
  `cd /; node "$AWAY/${bundle}"`,
];
const NOT_HERE =
  'ERR_URING_UNSUPPORTED uring: the package koffi could not be loaded: it is not installed here; a bundle needs it beside itself';
const NO_BINARY = 'ERR_URING_UNSUPPORTED uring: the package koffi could not be loaded: its binary for';

const ESBUILD = 'esbuild program.mjs --bundle --platform=node --log-level=warning';
const esbuild: readonly Row[] = [
  {
    name: 'esbuild, CommonJS, koffi external',
    isSample: true,
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=cjs --external:koffi --outfile=out.cjs`, ...withKoffi('out.cjs')],
  },
  {
    name: 'esbuild, ES module, koffi external',
    isSample: true,
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=esm --external:koffi --outfile=out.mjs`, ...withKoffi('out.mjs')],
  },
  {
    name: 'esbuild, minified',
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --minify --format=cjs --external:koffi --outfile=out.cjs`, ...withKoffi('out.cjs')],
  },
  {
    name: 'esbuild, CommonJS, koffi external and absent',
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=cjs --external:koffi --outfile=out.cjs`, ...alone('out.cjs')],
    says: NOT_HERE,
  },
  {
    name: 'esbuild, ES module, koffi external and absent',
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=esm --external:koffi --outfile=out.mjs`, ...alone('out.mjs')],
    says: NOT_HERE,
  },
  {
    name: 'esbuild, CommonJS, koffi bundled',
    files: { 'program.mjs': esm },
    steps: [
      `${ESBUILD} --format=cjs --external:*.node --loader:.node=file --outfile=out.cjs`,
      ...withBinary('out.cjs'),
    ],
    remark: "with the folder linux_* of koffi's binary beside it",
  },
  {
    name: 'esbuild, CommonJS, koffi bundled, no binary',
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=cjs --outfile=out.cjs`, ...alone('out.cjs')],
    says: NO_BINARY,
  },
  {
    name: 'esbuild, ES module, koffi bundled',
    files: { 'program.mjs': esm },
    steps: [`${ESBUILD} --format=esm --outfile=out.mjs`, ...withKoffi('out.mjs')],
    remark: 'takes the koffi beside it',
  },
];

const webpack = (name: string, config: string, steps: readonly string[]): Row => ({
  name,
  tools: ['webpack@5'],
  files: {
    'program.mjs': esm,
    'build.cjs': `require('webpack')({ entry: './program.mjs', target: 'node', mode: 'production', context: __dirname,
  output: { path: __dirname, filename: 'out.cjs' }, ${config} }, (error, stats) => {
  if (error || stats.hasErrors()) { console.log(error ?? stats.toString()); process.exit(1); }
});`,
  },
  steps: ['node build.cjs', ...steps],
});
const webpacks: readonly Row[] = [
  webpack('webpack, koffi external', `externals: { koffi: 'commonjs koffi' }`, withKoffi('out.cjs')),
  webpack(
    'webpack, ES module, koffi external',
    `externals: { koffi: 'node-commonjs koffi' }, experiments: { outputModule: true },
  output: { path: __dirname, filename: 'out.mjs', module: true, library: { type: 'module' } },`,
    withKoffi('out.mjs'),
  ),
  {
    ...webpack('webpack, koffi bundled', '', withKoffi('out.cjs')),
    remark: 'takes the koffi beside it',
  },
];

const rollup = (name: string, format: string, external: string, steps: readonly string[]): Row => ({
  name,
  tools: ['@rollup/wasm-node@4', '@rollup/plugin-commonjs@29', '@rollup/plugin-node-resolve@16'],
  files: {
    'program.mjs': esm,
    'build.mjs': `import { rollup } from '@rollup/wasm-node';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
const bundle = await rollup({ input: 'program.mjs', external: [${external}], plugins: [nodeResolve(), commonjs()] });
await bundle.write({ file: 'out.${format === 'es' ? 'mjs' : 'cjs'}', format: '${format}', inlineDynamicImports: true });`,
  },
  steps: ['node build.mjs', ...steps],
});
const rollups: readonly Row[] = [
  { ...rollup('Rollup, CommonJS, koffi external', 'cjs', `'koffi'`, withKoffi('out.cjs')), isSample: true },
  rollup('Rollup, ES module, koffi external', 'es', `'koffi'`, withKoffi('out.mjs')),
  {
    ...rollup('Rollup, koffi bundled', 'es', '', withKoffi('out.mjs')),
    remark: 'takes the koffi beside it',
  },
];

const vite = (name: string, ssr: string, steps: readonly string[]): Row => ({
  name,
  tools: ['vite@8.3.8'],
  files: {
    'program.mjs': esm,
    'vite.config.mjs': `export default { build: { ssr: 'program.mjs', outDir: 'out', minify: false }, ssr: ${ssr} };`,
  },
  steps: ['vite build --logLevel warn', ...steps],
});
const vites: readonly Row[] = [
  vite('Vite, server build', '{}', ['node out/program.mjs']),
  vite('Vite, server build, uring inside', `{ noExternal: true, external: ['koffi'] }`, [
    'cp out/program.mjs out.mjs',
    ...withKoffi('out.mjs'),
  ]),
];

/** One file of its own: Node.js with the program inside. */
const executable: Row = {
  name: 'single executable application',
  tools: ['postject@1.0.0-alpha.6'],
  files: {
    'program.mjs': esm,
    'sea.json': '{ "main": "out.cjs", "output": "blob", "disableExperimentalSEAWarning": true }',
  },
  steps: [
    `${ESBUILD} --format=cjs --external:koffi --outfile=out.cjs`,
    'node --experimental-sea-config sea.json 2>said || { cat said; exit 1; }',
    'cp "$(node -p process.execPath)" "$AWAY/app"',
    'postject "$AWAY/app" NODE_SEA_BLOB blob --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2 >said 2>&1',
    'mkdir "$AWAY/node_modules"; cp -r "$MODULES/koffi" "$MODULES/@koromix" "$AWAY/node_modules"',
    'cd /; "$AWAY/app"',
  ],
  remark: 'with koffi in node_modules beside it',
};
const executableAlone: Row = {
  ...executable,
  name: 'single executable application, koffi absent',
  steps: [...executable.steps.slice(0, -2), 'cd /; ! "$AWAY/app"'],
  says: NOT_HERE,
};

/** Package managers, in an empty folder. */
const installed = (name: string, tools: readonly string[], install: string, start: string): Row => ({
  name,
  tools,
  files: { 'program.cjs': cjs, 'package.json': '{ "private": true, "license": "MIT" }' },
  steps: [
    'cp program.cjs package.json "$AWAY/"',
    `cd "$AWAY"; ${install} >said 2>&1 || { cat said; exit 1; }`,
    start,
  ],
});
const REGISTRY = 'registry=$(npm config get registry)';
const YARN = `export YARN_NPM_REGISTRY_SERVER=$(npm config get registry) YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_IMMUTABLE_INSTALLS=false; export YARN_UNSAFE_HTTP_WHITELIST='*' YARN_GLOBAL_FOLDER="$PWD/yarn"`;
const berry = (linker: string): string =>
  `${YARN}; touch yarn.lock; export YARN_NODE_LINKER=${linker}; node "$MODULES/@yarnpkg/cli-dist/bin/yarn.js" add "uring@file:$TARBALL"`;
const managers: readonly Row[] = [
  installed('npm', [], 'npm install --no-audit --no-fund "$TARBALL"', 'cd "$AWAY"; node program.cjs'),
  {
    ...installed('npm install --global', [], 'npm install --global --prefix . "$TARBALL"', ''),
    steps: [
      'cd "$AWAY"; npm install --global --prefix . --no-audit --no-fund "$TARBALL" >said 2>&1',
      'cd "$AWAY"; test -s share/man/man1/uring.1; bin/uring probe',
    ],
    says: 'Register opcodes:',
    remark: 'the command, and its manual pages',
  },
  {
    ...installed(
      'pnpm',
      ['pnpm@12.4.2'],
      `echo 'allowBuilds: { koffi: false }' >pnpm-workspace.yaml; pnpm add "$TARBALL"`,
      'cd "$AWAY"; node program.cjs',
    ),
    remark:
      "with `allowBuilds: { koffi: false }`: pnpm wants to be told about koffi's script, which is not needed",
  },
  installed(
    'Yarn 1',
    ['yarn@1.22.22'],
    `${REGISTRY}; node "$MODULES/yarn/bin/yarn.js" --registry "$registry" --cache-folder "$PWD/cache" add "$TARBALL"`,
    'cd "$AWAY"; node program.cjs',
  ),
  installed(
    'Yarn 4, node_modules',
    ['@yarnpkg/cli-dist@4'],
    berry('node-modules'),
    'cd "$AWAY"; node program.cjs',
  ),
  installed(
    "Yarn 4, Plug'n'Play",
    ['@yarnpkg/cli-dist@4'],
    berry('pnp'),
    'cd "$AWAY"; node --require ./.pnp.cjs program.cjs',
  ),
];

export const bundlers: readonly Row[] = [
  ...esbuild,
  ...webpacks,
  ...rollups,
  ...vites,
  executable,
  executableAlone,
  ...managers,
];
