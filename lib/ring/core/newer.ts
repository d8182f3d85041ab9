/** Flags and fields that came later than the opcode that takes them. */
import { RegisterError, UnsupportedError } from '../../errors.ts';
import { kernelRelease } from '../../sys/host.ts';

/** Something that a kernel may lack although it has the opcode. */
export interface Newer {
  /** Its C name without `IORING_`. */
  readonly need: string;
  /** The first mainline kernel with it, where that is known. */
  readonly since?: string | undefined;
}

/**
 * Makes a call whose arguments were all checked before. If the kernel refuses it with EINVAL all the same, the kernel lacks
 * `newest`, the newest thing in the arguments.
 * @throws UnsupportedError for `newest`; otherwise what `call` throws
 */
export function withNewer<T>(newest: Newer | undefined, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (newest === undefined || !(cause instanceof RegisterError) || cause.code !== 'EINVAL') throw cause;
    const { need, since } = newest;
    const details = { since, kernel: kernelRelease, cause };
    if (since !== undefined) throw new UnsupportedError(need, details);
    throw new UnsupportedError(need, { ...details, why: `Linux ${kernelRelease} does not have it` });
  }
}
