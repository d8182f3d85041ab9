/** Compiles the project module by module, for what runs many of its programs: the tests, and guests of the kernel ladder. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** Folders with sources, which are compiled; everything else is linked. */
const SOURCES = ['lib', 'structs', 'examples', 'test', 'bench', 'scripts'];
/** What a compiled checkout does without, or has its own of. */
const OWN = ['package.json', '.git', 'scratch', ...SOURCES];

/** The package's own description, in which the condition `uring-source` leads to what was compiled. */
function writeManifest(folder: string): void {
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8');
  writeFileSync(join(folder, 'package.json'), text.replaceAll(/("uring-source": ".*)\.ts"/g, '$1.js"'));
}

/**
 * Writes a `.js` for every source of the project into `folder`, and a package.json with which they find each other.
 * @param flags more options of the compiler
 * @throws Error with what the compiler said
 */
export function compile(folder: string, flags: readonly string[] = []): void {
  // types are checked elsewhere
  const options = ['--noEmit', 'false', '--noCheck', '--rootDir', ROOT, '--outDir', folder, ...flags];
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', ROOT, ...options], {
    encoding: 'utf8',
  });
  if (status !== 0 || !existsSync(join(folder, 'lib/index.js')))
    throw new Error(`the project was not compiled:\n${stdout}${stderr}`);
  writeManifest(folder);
}

/**
 * Makes a compiled checkout of the empty folder: the sources, which tests read, with a `.js` beside each.
 * @throws Error with what the compiler said
 */
export function compileCheckout(folder: string): void {
  // some tests run what is in it as another user
  chmodSync(folder, 0o755);
  for (const name of SOURCES) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  for (const name of readdirSync(ROOT))
    if (!OWN.includes(name)) symlinkSync(join(ROOT, name), join(folder, name));
  // stacks show lines of the sources
  compile(folder, ['--sourceMap']);
}
