/**
 * `npm run consumer`: packs the package as it would be published, looks at what is in it, lets linters of packages look,
 * installs it in an empty folder, and uses it from there: by import and require on several versions of Node.js, by
 * TypeScript alone, and as a command. What bundles and runs it else: `npm run matrix`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { entrances } from './build/entrances.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'uring-consumer-'));

/** The oldest that `engines` allows of each line, and the newest of later ones. */
const NODES = ['20.19.0', '22.12.0', '24', '26'];
const ENTRANCES = entrances.map(({ specifier }) => specifier);
/** What has Node's own types: all else does without them. */
const NODE_TYPED = ['uring/fs'];
const PROGRAMS = ['program.mjs', 'program.cjs'];
const PACKED =
  /^(dist\/[\w-]+\.([cm]js|d\.[cm]ts)|dist\/types\/\w+\.d\.cts|dist\/THIRD-PARTY-LICENSES\.txt|dist\/man\/uring[\w-]*\.1|dist\/completions\/(uring\.bash|_uring|uring\.fish)|schemas\/\w+\.schema\.json|docs\/(guides\/(pictures\/)?\w+\.(md|svg)|containers\/seccomp\.json|performance\.md)|README\.md|LICENSE|package\.json)$/;
const REQUIRED = [
  'README.md',
  'LICENSE',
  'package.json',
  'dist/THIRD-PARTY-LICENSES.txt',
  'dist/cli.cjs',
  'dist/man/uring.1',
  'dist/completions/uring.bash',
  'dist/completions/_uring',
  'dist/completions/uring.fish',
  ...entrances.flatMap(({ name }) => ['cjs', 'mjs', 'd.cts', 'd.mts'].map((ext) => `dist/${name}.${ext}`)),
];
/** The ways to find a package that attw tries. */
const RESOLUTIONS = ['node10', 'node16-cjs', 'node16-esm', 'bundler'];
/** What is installed: the package, koffi, and koffi's binary. */
const INSTALLED = ['@koromix/koffi-linux-*', 'koffi', 'uring'];
/** The oldest that has `using`, and the last one that finds packages as they were found before `exports`. */
const OLD_TYPESCRIPTS = ['5.2', '5.9'];
const OLD_RESOLVER = [
  '--module',
  'commonjs',
  '--moduleResolution',
  'node10',
  '--target',
  'es2022',
  '--strict',
];
/** The largest that it may be, in bytes. */
const MOST = { packed: 400_000, unpacked: 1_600_000 };
/** A file of code that is longer has its hash in its name: V8 hashes such a text by its length alone, and Deno 2.9 then runs an older version. */
const MOST_WITHOUT_HASH = 16_383;

/** Runs a program to its end; whatever it says is shown when it fails. */
function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`${[command, ...args].join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

function must(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(what);
}

/** What npm says of a tarball. */
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Packs, and tells the tarball's path. */
function pack(): string {
  const text = run(root, 'npm', 'pack', '--json', '--pack-destination', folder);
  const [packed]: Packed[] = JSON.parse(text.slice(text.indexOf('[')));
  if (packed === undefined) throw new Error(`npm pack says ${text}`);
  const paths = packed.files.map(({ path }) => path);
  for (const path of paths) must(PACKED.test(path), `${path} is packed, and should not be`);
  for (const path of REQUIRED) must(paths.includes(path), `${path} is not packed`);
  for (const { path, size } of packed.files)
    must(
      !path.endsWith('.cjs') || path.startsWith('dist/chunk-') || size <= MOST_WITHOUT_HASH,
      `${path} is long`,
    );
  const { man }: { man: string[] } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pages = paths.filter((path) => path.startsWith('dist/man/')).map((path) => `./${path}`);
  must(
    man.toSorted().join() === pages.toSorted().join(),
    '`man` of package.json does not name the manual pages',
  );
  const { size, unpackedSize } = packed;
  console.log(`${packed.filename}: ${paths.length} files, ${size} bytes, ${unpackedSize} unpacked`);
  must(size < MOST.packed && unpackedSize < MOST.unpacked, `more than ${JSON.stringify(MOST)}`);
  return join(folder, packed.filename);
}

/** The package and what came with it, as paths in node_modules; other architectures have another binary. */
function checkInstalled(): void {
  const modules = join(folder, 'node_modules');
  const found = readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
    )
    .map((name) => name.replace(/-linux-\w+$/, '-linux-*'));
  must(found.sort().join() === INSTALLED.join(), `installed were ${found.join(', ')}`);
  console.log(`npm install added ${found.length} packages`);
}

/** What the linters of packages say. */
async function checkLinters(tarball: string): Promise<void> {
  const bytes = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  const said = messages.map((message) => formatMessage(message, pkg) ?? message.code);
  must(said.length === 0, `publint: ${said.join('; ')}`);
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  must('problems' in analysis, 'attw found no types');
  if (!('problems' in analysis)) return;
  must(analysis.problems.length === 0, `attw: ${JSON.stringify(analysis.problems, undefined, 2)}`);
  const paths = Object.keys(analysis.entrypoints);
  for (const { specifier } of entrances) {
    const path = specifier.replace(/^[^/]*/, '.');
    const { resolutions } = analysis.entrypoints[path] ?? {};
    must(
      resolutions !== undefined && RESOLUTIONS.every((kind) => kind in resolutions),
      `attw left out ${path}`,
    );
  }
  console.log(`publint and attw: nothing to say of ${paths.join(', ')} for ${RESOLUTIONS.join(', ')}`);
}

function checkNode(name: string, node: string): void {
  for (const entrance of ENTRANCES) {
    run(folder, node, '-e', `require('${entrance}')`);
    run(folder, node, '--input-type=module', '-e', `import '${entrance}'`);
  }
  for (const program of PROGRAMS) run(folder, node, program);
  checkCommand(node, 'node_modules/uring/dist/cli.cjs');
  console.log(`${name}: import, require, the programs and the command work`);
}

function checkCommand(command: string, ...args: string[]): void {
  must(/^Usage: uring /.test(run(folder, command, ...args, '--help')), 'uring --help shows no usage');
  const abi: { structs: { io_uring_sqe?: { size: number } }; constants: object } = JSON.parse(
    run(folder, command, ...args, 'abi', '--json'),
  );
  must(abi.structs.io_uring_sqe?.size === 64 && 'IORING_OP_NOP' in abi.constants, 'uring abi has no SQE');
}

/** A file that has all of an entrance. */
function fileOf(entrance: string): string {
  return `${entrance.replace('/', '-')}.ts`;
}

function checkTypes(name: string, tsc: string, options: readonly string[], ...files: string[]): void {
  run(folder, process.execPath, tsc, '--noEmit', ...options, ...files);
  console.log(`${[name, ...options].join(' ')}: the types of ${files.join(', ')} are right`);
}

try {
  const tarball = pack();
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  run(folder, 'npm', ...install, tarball);
  checkInstalled();
  await checkLinters(tarball);
  cpSync(join(root, 'scripts/consumer'), folder, { recursive: true });

  const typescript = join(root, 'node_modules/typescript/bin/tsc');
  const nodenext = ['--module', 'nodenext', '--strict'];
  for (const entrance of ENTRANCES) {
    const text = `export * from '${entrance}';\n${NODE_TYPED.includes(entrance) ? `export { default } from '${entrance}';\n` : ''}`;
    writeFileSync(join(folder, fileOf(entrance)), text);
    if (!NODE_TYPED.includes(entrance)) checkTypes('TypeScript', typescript, [], fileOf(entrance));
  }
  cpSync(join(folder, 'types.ts'), join(folder, 'types.cts'));
  checkTypes('TypeScript', typescript, [], 'types.ts');
  checkTypes('TypeScript', typescript, nodenext, 'types.ts', 'types.cts');
  checkTypes('TypeScript', typescript, ['--module', 'esnext', '--moduleResolution', 'bundler'], 'types.ts');

  checkNode(process.version, process.execPath);
  checkCommand('npx', '--no-install', 'uring');
  const nodes = NODES.map((version) => `node-${version}@npm:node-linux-${process.arch}@${version}`);
  const compilers = OLD_TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`);
  run(folder, 'npm', ...install, tarball, ...compilers, '@types/node@20', ...nodes);
  for (const entrance of NODE_TYPED) checkTypes('TypeScript', typescript, nodenext, fileOf(entrance));
  for (const version of OLD_TYPESCRIPTS) {
    const tsc = join(folder, `node_modules/typescript-${version}/bin/tsc`);
    checkTypes(`TypeScript ${version}`, tsc, nodenext, 'types.ts', 'types.cts', ...NODE_TYPED.map(fileOf));
    checkTypes(`TypeScript ${version}`, tsc, OLD_RESOLVER, 'types.cts');
  }
  checkTypes('TypeScript', typescript, [...nodenext, '--lib', 'es2023', '--types', 'node'], 'types.ts');
  for (const version of NODES)
    checkNode(`Node ${version}`, join(folder, `node_modules/node-${version}/bin/node`));
} finally {
  rmSync(folder, { recursive: true });
}
