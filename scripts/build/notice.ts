/** The licences of what the command has inside. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

function notice(folder: string): string {
  const { name, version, license }: Package = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined || license === undefined) throw new Error(`${name} comes without a licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

/** Writes a text with the licence of each package that one of the modules is from. */
export function writeNotice(path: string, modules: readonly string[]): void {
  const folders = modules.flatMap((id) => /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  const notices = [...new Set(folders)].sort().map(notice);
  const head =
    'The `uring` command (cli.cjs and its parts) has these packages inside. The library has none of them.\n';
  writeFileSync(path, [head, ...notices].join(`\n${'-'.repeat(80)}\n\n`));
}
