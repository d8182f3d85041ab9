/** The kernel proper out of a bzImage: qemu starts that at once, while unpacking takes an emulated machine seconds. */
import { gunzipSync } from 'node:zlib';
import { Infrastructure, run } from './commands.ts';

// offsets in the setup header of the x86 boot protocol, 2.08 and newer
const SETUP_SECTORS = 0x1f1;
const MAGIC = 0x202;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;

/** The uncompressed kernel, an ELF file. */
export function extractVmlinux(image: Buffer): Buffer {
  if (image.toString('latin1', MAGIC, MAGIC + 4) !== 'HdrS') throw new Infrastructure('it is no bzImage');
  const start = ((image[SETUP_SECTORS] || 4) + 1) * SECTOR + image.readUInt32LE(PAYLOAD_OFFSET);
  const payload = image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH));
  const kernel = decompress(payload);
  if (kernel.toString('latin1', 1, 4) !== 'ELF')
    throw new Infrastructure('there is no ELF file in the bzImage');
  return kernel;
}

function decompress(payload: Buffer): Buffer {
  // the kernel's build appends the size
  const exact = payload.subarray(0, -4);
  switch (payload.readUInt32LE(0)) {
    case 0xfd2fb528:
      return run('zstd', ['-dcq'], { input: exact });
    case 0x184c2102:
      return run('lz4', ['-dcq'], { input: exact });
    case 0x587a37fd:
      return run('xz', ['-dc', '--single-stream'], { input: exact });
    default:
      if (payload.readUInt16LE(0) === 0x8b1f) return gunzipSync(payload);
      throw new Infrastructure(`an unknown compression: ${payload.toString('hex', 0, 4)}`);
  }
}
