/** Errors of a ring's operations become Node's own, here and nowhere else. */
import { getSystemErrorMap } from 'node:util';
import { OpError } from '../errors.ts';

/** What Node says of an operation that failed: `'open'`, and the paths that it had. */
export interface Subject {
  readonly syscall: string;
  readonly path?: string | undefined;
}

let messages: ReturnType<typeof getSystemErrorMap> | undefined;

/**
 * The error that Node's threads would have given: `ENOENT: no such file or directory, open '/x'`, with errno, code,
 * syscall and path in this order. To be called by the async function that waited, whose callers are in its stack then.
 * Other errors stay as they are.
 */
export function asNode(error: unknown, { syscall, path }: Subject): unknown {
  if (!(error instanceof OpError)) return error;
  const errno = -Math.abs(error.errno);
  messages ??= getSystemErrorMap();
  const [code, text] = messages.get(errno) ?? [error.code, 'unknown error'];
  const object = path === undefined ? '' : ` '${path}'`;
  const made = new Error(`${code}: ${text}, ${syscall}${object}`);
  Error.captureStackTrace(made, asNode);
  return Object.assign(made, { errno, code, syscall }, path === undefined ? {} : { path });
}
