/** Runs other programs, and says what is missing. */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The command was called wrongly. */
export class Misuse extends Error {}

/** Not a test that failed, but what the tests need: no kernel, no qemu, a guest that does not come up. */
export class Infrastructure extends Error {}

/** Programs, each with the Debian package that has it. */
const TOOLS: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  tar: 'tar',
  lz4: 'lz4',
  zstd: 'zstd',
  xz: 'xz-utils',
};

function exists(program: string): boolean {
  const { PATH = '' } = process.env;
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @throws Infrastructure with the one command that installs what is missing for guests of these architectures */
export function checkTools(architectures: readonly string[]): void {
  const needed = { ...TOOLS };
  for (const architecture of architectures) {
    if (architecture === 'x64') needed['qemu-system-x86_64'] = 'qemu-system-x86';
    else needed['qemu-system-aarch64'] = 'qemu-system-arm';
  }
  const missing = Object.entries(needed).filter(([program]) => !exists(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  throw new Infrastructure(
    `missing: ${missing.map(([program]) => program).join(', ')}. On Debian, as root:\n` +
      `  apt-get update && apt-get install -y --no-install-recommends ${packages}`,
  );
}

/** Runs a program; its stdout. */
export function run(
  program: string,
  args: readonly string[],
  options: Pick<SpawnSyncOptions, 'cwd' | 'env' | 'input'> = {},
): Buffer {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    ...options,
    encoding: 'buffer',
    maxBuffer: 2 ** 30,
  });
  if (status === 0) return stdout;
  const said = `${stderr}${program === process.execPath ? stdout : ''}`.trim();
  const why = error?.message ?? (said || `ended with ${status ?? signal}`);
  throw new Infrastructure(`${program} ${args.join(' ')}: ${why}`);
}
