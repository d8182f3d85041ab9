/** Finds koffi: as a package, inside of a bundle, or beside it. */
import { createRequire } from 'node:module';

export type Koffi = typeof import('koffi').default;

/** What came of loading koffi. */
interface Loaded {
  readonly koffi?: Koffi;
  /** What was thrown instead. */
  readonly cause?: unknown;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The file that has this code: the library's own, or that of a bundle, which may have no other way to know it. */
function thisFile(): string | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, [site]) => site?.getFileName();
    const { stack }: { stack?: unknown } = new Error();
    return typeof stack === 'string' ? stack : undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Are there only the modules that a bundle has inside: an ES module's, esbuild's, a single executable's `require`? */
function hasNoRequire(error: unknown): boolean {
  if (codeOf(error) === 'ERR_UNKNOWN_BUILTIN_MODULE' || error instanceof ReferenceError) return true;
  return error instanceof Error && error.message.startsWith('Dynamic require of');
}

function load(): Loaded {
  try {
    // these words are what bundlers look for
    return { koffi: require('koffi') };
  } catch (cause) {
    try {
      // a single executable's code is in no file
      const isSingle = codeOf(cause) === 'ERR_UNKNOWN_BUILTIN_MODULE';
      return { koffi: createRequire(isSingle ? process.execPath : (thisFile() ?? ''))('koffi') };
    } catch (error) {
      const isAbsent = codeOf(error) === 'MODULE_NOT_FOUND' || codeOf(error) === 'ERR_INVALID_ARG_VALUE';
      return { cause: isAbsent && !hasNoRequire(cause) ? cause : error };
    }
  }
}

const loaded = load();

/**
 * koffi, or undefined where it can't be loaded: importing this package works everywhere, and the first call
 * says what is missing (see lib/sys/ffi.ts).
 */
export const koffi: Koffi | undefined = loaded.koffi;
/** What was thrown when koffi was loaded. */
export const koffiCause: unknown = loaded.cause;

function reason(): string {
  const code = codeOf(koffiCause);
  if (code === 'ERR_DLOPEN_DISABLED') {
    return 'Node.js may load no addon (--permission without --allow-addons, or --no-addons)';
  }
  if (code === 'MODULE_NOT_FOUND') {
    return 'it is not installed here; a bundle needs it beside itself, as a package that is not bundled (external)';
  }
  const message = koffiCause instanceof Error ? koffiCause.message : String(koffiCause);
  if (message.includes('native Koffi module')) {
    return (
      `its binary for ${process.platform}-${process.arch} is missing: install it with its optional dependencies ` +
      '(no --omit=optional), and leave it out of bundles (external)'
    );
  }
  return message;
}

/** Why nothing works without it. */
export const NO_KOFFI: string =
  koffi === undefined ? `the package koffi could not be loaded: ${reason()}` : '';
