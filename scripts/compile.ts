/** Compiles the project module by module, for what runs many of its programs: the tests, and guests of the kernel ladder. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

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
