/** What a row of the matrix is, and the programs that all rows run. */

/** One toolchain, and how it takes the package. Its folder is below one that has the tools and the package. */
export interface Row {
  readonly name: string;
  /** Packages of npm that the row needs: `'jest@30'`. */
  readonly tools?: readonly string[];
  /** A program of the system without which the row is not run. */
  readonly program?: string;
  readonly files: { readonly [path: string]: string };
  /**
   * Lines of bash, each in the row's folder, with the tools in PATH. `$TARBALL` is the package, `$MODULES` where it and the
   * tools are installed, `$AWAY` an empty folder that is not below that one.
   */
  readonly steps: readonly string[];
  /** What the last step must say; what uring says in one clear error where it can't work. Else `WORKS`. */
  readonly says?: string;
  /** For who reads the table. */
  readonly remark?: string;
  /** Also in the short run. */
  readonly isSample?: boolean;
}

/** A NOP, a bare ring, a read by promises, a struct, and the host. */
const BODY = `
async function main() {
  const ring = new Ring(8);
  ring.prepare.nop({ userData: 42 });
  ring.submit({ wait: 1 });
  const [{ userData }] = [...ring.completions()];
  ring.close();
  const { fd } = setup(8);
  libc.close(fd);
  const asyncRing = new AsyncRing(8);
  const file = await asyncRing.open('/proc/version');
  const bytes = new Uint8Array(100);
  const length = await asyncRing.read(file, bytes, { offset: 0 });
  await file.close();
  asyncRing.close();
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  console.log('uring works:', userData, Sqe.size, text.slice(0, 13), typeof diagnose);
}
`;
/** What the programs print, after they have used all of it. */
export const WORKS = 'uring works: 42 64 Linux version function';

const START = `
main().catch((error) => {
  console.log(error.code, error.message);
  process.exitCode = 1;
});
`;
const IMPORTS = `
import { AsyncRing, Ring } from 'uring';
import { diagnose } from 'uring/host';
import { libc, setup } from 'uring/raw';
import { Sqe } from 'uring/structs';
`;
const REQUIRES = `
const { AsyncRing, Ring } = require('uring');
const { diagnose } = require('uring/host');
const { libc, setup } = require('uring/raw');
const { Sqe } = require('uring/structs');
`;

/** The program as an ES module (TypeScript takes it too), and as CommonJS. */
export const esm: string = IMPORTS + BODY + START;
export const cjs: string = REQUIRES + BODY + START;
/** As a test, of Jest by require, of whatever has a \`test\` by import. */
export const testCjs: string = `${REQUIRES}${BODY}test('uring', main);\n`;
export const testEsm: string = `${IMPORTS}${BODY}test('uring', main);\n`;
