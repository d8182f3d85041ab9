/** Many reads with one promise. */
import { options as checkNames, copyList, wrongType } from '../../structs/check.ts';
import { OpError } from '../errors.ts';
import type { File, Memory } from '../operations/types.ts';
import type { AsyncOptions } from './base.ts';
import type { FileReadOptions } from './ring-file.ts';
import type { Callback } from './told.ts';

/** One of the reads of `readMany`. */
export interface Read {
  readonly file: File;
  readonly memory: Memory;
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint | undefined;
}

/** What `readMany` needs of its ring. */
export interface ManyRing {
  read(file: File, memory: Memory, options: FileReadOptions, callback: Callback<number>): void;
}

const MOST = 2 ** 20;
const NAMES = ['file', 'memory', 'offset'];

/** The reads, each looked at once. */
function readsOf(given: readonly Read[]): readonly Read[] {
  return copyList('reads', given, 0, MOST).map((each, i) => {
    if (each === undefined) throw wrongType(`reads[${i}]`, 'an object with file and memory', each);
    checkNames(`reads[${i}]`, each, NAMES);
    const { file, memory, offset } = each;
    return { file, memory, offset };
  });
}

/** Starts all of them; resolves when all have ended, so that no memory is the kernel's any more. */
export async function readMany(
  ring: ManyRing,
  given: readonly Read[],
  options: AsyncOptions,
): Promise<Int32Array> {
  const reads = readsOf(given);
  const results = new Int32Array(reads.length);
  const common = { ...options };
  let left = reads.length;
  let failure: Error | undefined;
  if (left === 0) return results;
  await new Promise<void>((resolve) => {
    for (const [i, { file, memory, offset }] of reads.entries()) {
      ring.read(file, memory, { ...common, offset }, (error, count) => {
        if (error === null) results[i] = count;
        else if (error instanceof OpError) results[i] = error.errno;
        else failure ??= error;
        if (--left === 0) resolve();
      });
    }
  });
  if (failure !== undefined) throw failure;
  return results;
}
