/** The declarations, all of them, under every version of TypeScript that has `using`. */
import { entrances } from '../build/entrances.ts';
import type { Row } from './row.ts';

const VERSIONS = ['5.2', '5.3', '5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6.0', '7.0'];
const WAYS = ['--module node16 all.mts all.cts', '--module esnext --moduleResolution bundler all.ts'];
const all = entrances.map(({ specifier }, i) => `export * as n${i} from '${specifier}';`).join('\n');

function compile(version: string, way: string): string {
  return `node "$MODULES/typescript-${version}/bin/tsc" --noEmit --strict --skipLibCheck false --target es2022 ${way}`;
}

/** The old resolver: 6 asks to be told that one knows, 7 has none. */
function oldWay(version: string): string[] {
  if (version.startsWith('7')) return [];
  const known = version.startsWith('6') ? ' --ignoreDeprecations 6.0' : '';
  return [`--module commonjs --moduleResolution node10${known} all.ts`];
}

export const compilers: readonly Row[] = VERSIONS.map((version) => ({
  name: `TypeScript ${version}`,
  tools: [`typescript-${version}@npm:typescript@${version}`],
  files: { 'all.mts': all, 'all.cts': all, 'all.ts': all },
  steps: [...[...WAYS, ...oldWay(version)].map((way) => compile(version, way)), 'echo the types are right'],
  says: 'the types are right',
  remark: `node16 (both kinds), bundler${version.startsWith('7') ? '' : ', node10'}`,
}));
