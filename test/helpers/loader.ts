/** How other processes and threads load the project: compiled, as this one did, or as it is. */
import { extname, join } from 'node:path';

/** The folder of the project, or of its compiled copy. */
export const ROOT = join(import.meta.dirname, '../..');

/** `.js` where the project is compiled, `.ts` where it is not. */
export const EXTENSION = extname(import.meta.filename);

/** What resolves `uring` to the sources, or to what was compiled of them. */
export const CONDITIONS: readonly string[] = ['--conditions=uring-source'];

const { URING_GUEST } = process.env;

/**
 * The arguments of Node.js with which it loads the project, in whichever folder it runs. In a guest it interprets, as the
 * guest's own does.
 */
export const LOADER: readonly string[] = [
  ...(URING_GUEST === undefined ? [] : ['--jitless']),
  ...CONDITIONS,
  ...(EXTENSION === '.ts' ? ['--import', import.meta.resolve('tsx')] : []),
];

/** The same, where a program of TypeScript that is not the project's own is loaded too. No guest of the kernel ladder has tsx. */
export function typescriptLoader(): readonly string[] {
  return [...CONDITIONS, '--import', import.meta.resolve('tsx')];
}

/** The path of a module of the project, as it is loaded here. @param path from the project's folder: `'lib/index.ts'` */
export function moduleAt(path: string): string {
  return join(ROOT, path.replace(/\.ts$/, EXTENSION));
}
