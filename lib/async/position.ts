/** Writing at the current position of a file. */
import { sys } from '../sys/syscall.ts';

const SEEK_SET = 0;
const SEEK_CUR = 1;

/**
 * Does a write at the current position. One that ends early, because the disk is full, say, leaves the position of a regular file
 * where it was (Linux 6.0 and later): what is written next would go over it. So the position is moved here, if it was not.
 * @param fd is asked again after the write: a file that was closed meanwhile is -1, and its number may be another's
 * @param length how much it is to write
 */
export async function writeHere(
  fd: () => number,
  length: number,
  write: () => Promise<number>,
): Promise<number> {
  const before = sys.lseek(fd(), 0, SEEK_CUR);
  const count = await write();
  const isEarly = count > 0 && count < length;
  if (isEarly && before >= 0 && sys.lseek(fd(), 0, SEEK_CUR) === before)
    sys.lseek(fd(), before + count, SEEK_SET);
  return count;
}
