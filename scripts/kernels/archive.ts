/** Archives as the kernel unpacks them into its first file system: cpio, "newc". */
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MAGIC = '070701';

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function entry(inode: number, name: string, mode: number, data: Buffer): Buffer[] {
  // inode, mode, uid, gid, links, mtime, size, device (4 words), length of the name, checksum
  const words = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = MAGIC + words.map((word) => word.toString(16).padStart(8, '0')).join('');
  const named = Buffer.alloc(padded(head.length + name.length + 1));
  named.write(head + name, 'latin1');
  return [named, data, Buffer.alloc(padded(data.length) - data.length)];
}

/** The paths below a folder, folders first. Links are not followed. */
function paths(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((each) => {
    const path = join(below, each.name);
    return each.isDirectory() ? [path, ...paths(folder, path)] : [path];
  });
}

/** Writes what is in `folder` as an archive, everything owned by root. */
export function writeArchive(folder: string, file: string): void {
  const out = openSync(file, 'w');
  let inode = 0;
  const add = (name: string, mode: number, data: Buffer): void => {
    for (const piece of entry(++inode, name, mode, data)) writeSync(out, piece);
  };
  try {
    for (const path of paths(folder)) {
      const here = join(folder, path);
      const stat = lstatSync(here);
      if (stat.isDirectory()) add(path, stat.mode, Buffer.alloc(0));
      else if (stat.isSymbolicLink()) add(path, stat.mode, Buffer.from(readlinkSync(here)));
      else add(path, stat.mode, readFileSync(here));
    }
    add('TRAILER!!!', 0, Buffer.alloc(0));
  } finally {
    closeSync(out);
  }
}
