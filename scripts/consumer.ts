/**
 * `npm run consumer`: packs the package as it would be published, looks at what is in it, installs it in an empty folder,
 * and uses it from there: by import and require on several versions of Node.js, by TypeScript alone, and as a command.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'uring-consumer-'));

/** The oldest that `engines` allows of each line, and the newest of later ones. */
const NODES = ['20.19.0', '22.12.0', '24', '26'];
const ENTRANCES = ['uring', 'uring/raw', 'uring/structs', 'uring/host', 'uring/fs', 'uring/register'];
/** What only the command needs. */
const SHOWN_WITH = ['cli-table3', 'commander', 'log-update', 'picocolors'];
const PROGRAMS = ['program.mjs', 'program.cjs'];
const PACKED =
  /^(dist\/[\w-]+\.js(\.map)?|dist\/types\/(lib|structs)\/.*\.d\.ts|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/;
const REQUIRED = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'package.json',
  'dist/index.js',
  'dist/types/lib/index.d.ts',
];

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

/** Packs, and tells the tarball's path. */
function pack(): string {
  const text = run(root, 'npm', 'pack', '--json', '--pack-destination', folder);
  const [packed]: { filename: string; size: number; files: { path: string }[] }[] = JSON.parse(
    text.slice(text.indexOf('[')),
  );
  if (packed === undefined) throw new Error(`npm pack says ${text}`);
  const paths = packed.files.map(({ path }) => path);
  for (const path of paths) must(PACKED.test(path), `${path} is packed, and should not be`);
  for (const path of REQUIRED) must(paths.includes(path), `${path} is not packed`);
  console.log(`${packed.filename}: ${paths.length} files, ${Math.round(packed.size / 1024)} KiB`);
  return join(folder, packed.filename);
}

/** Sources are not packed: the maps must have them inside. */
function checkMaps(): void {
  const installed = join(folder, 'node_modules/uring');
  for (const file of run(installed, 'find', 'dist', '-name', '*.js').trim().split('\n')) {
    const map: { sourcesContent?: (string | null)[] } = JSON.parse(
      readFileSync(join(installed, `${file}.map`), 'utf8'),
    );
    must(
      map.sourcesContent?.every((source) => Boolean(source)) === true,
      `${file}.map is without its source`,
    );
  }
}

function checkNode(name: string, node: string): void {
  for (const entrance of ENTRANCES) {
    run(folder, node, '-e', `require('${entrance}')`);
    run(folder, node, '--input-type=module', '-e', `import '${entrance}'`);
  }
  for (const program of PROGRAMS) run(folder, node, program);
  checkCommand(node, 'node_modules/uring/dist/cli.js');
  console.log(`${name}: import, require, the programs and the command work`);
}

function checkCommand(command: string, ...args: string[]): void {
  must(/^Usage: uring /.test(run(folder, command, ...args, '--help')), 'uring --help shows no usage');
  const abi: { structs: { io_uring_sqe?: { size: number } }; constants: object } = JSON.parse(
    run(folder, command, ...args, 'abi', '--json'),
  );
  must(abi.structs.io_uring_sqe?.size === 64 && 'IORING_OP_NOP' in abi.constants, 'uring abi has no SQE');
}

/** Whoever imports the library pays nothing for what the command shows things with. */
function checkWithoutCommand(): void {
  const place = (name: string, away: string) => join(folder, 'node_modules', `${away}${name}`);
  for (const name of SHOWN_WITH) renameSync(place(name, ''), place(name, 'away-'));
  for (const entrance of ENTRANCES) {
    run(folder, process.execPath, '-e', `require('${entrance}')`);
    run(folder, process.execPath, '--input-type=module', '-e', `import '${entrance}'`);
  }
  for (const name of SHOWN_WITH) renameSync(place(name, 'away-'), place(name, ''));
  console.log(`without ${SHOWN_WITH.join(', ')}: import and require work`);
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
  checkMaps();
  cpSync(join(root, 'scripts/consumer'), folder, { recursive: true });

  const typescript = join(root, 'node_modules/typescript/bin/tsc');
  const nodenext = ['--module', 'nodenext', '--strict'];
  for (const entrance of ENTRANCES) {
    const file = `${entrance.replace('/', '-')}.ts`;
    writeFileSync(join(folder, file), `export * from '${entrance}';\n`);
    checkTypes('TypeScript', typescript, [], file);
  }
  cpSync(join(folder, 'types.ts'), join(folder, 'types.cts'));
  checkTypes('TypeScript', typescript, [], 'types.ts');
  checkTypes('TypeScript', typescript, nodenext, 'types.ts', 'types.cts');
  checkTypes('TypeScript', typescript, ['--module', 'esnext', '--moduleResolution', 'bundler'], 'types.ts');

  checkNode(process.version, process.execPath);
  checkCommand('npx', '--no-install', 'uring');
  checkWithoutCommand();
  const nodes = NODES.map((version) => `node-${version}@npm:node-linux-${process.arch}@${version}`);
  run(folder, 'npm', ...install, tarball, 'typescript-5@npm:typescript@5.9', '@types/node@20', ...nodes);
  const typescript5 = join(folder, 'node_modules/typescript-5/bin/tsc');
  checkTypes('TypeScript 5.9', typescript5, nodenext, 'types.ts', 'types.cts');
  checkTypes('TypeScript', typescript, [...nodenext, '--lib', 'es2023', '--types', 'node'], 'types.ts');
  for (const version of NODES)
    checkNode(`Node ${version}`, join(folder, `node_modules/node-${version}/bin/node`));
} finally {
  rmSync(folder, { recursive: true });
}
