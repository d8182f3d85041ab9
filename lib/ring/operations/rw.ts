/** Operations reads, writes, and what files are asked besides, with checked arguments. */
import { constants } from '../../../structs/flags.ts';
import * as rw from '../../ops/rw.ts';
import type { RegisteredBuffer } from '../buffers.ts';
import { define, type File, type Memory, RW, type RwOptions, registered, transfer, useFile } from './kit.ts';

/** Options of `fsync`. */
export interface FsyncOptions {
  /** Only what is needed to read the data back (IORING_FSYNC_DATASYNC). */
  readonly dataOnly?: boolean;
}

export const read = define<[file: File, memory: Memory], RwOptions>(
  'OP_READ',
  RW,
  (core, options, file, memory) => transfer(core, file, memory, options, rw.read, rw.readFixed),
);

export const write = define<[file: File, memory: Memory], RwOptions>(
  'OP_WRITE',
  RW,
  (core, options, file, memory) => transfer(core, file, memory, options, rw.write, rw.writeFixed),
);

export const readFixed = define<[file: File, buffer: RegisteredBuffer], RwOptions>(
  'OP_READ_FIXED',
  RW,
  (core, options, file, buffer) => transfer(core, file, registered(buffer), options, rw.read, rw.readFixed),
);

export const writeFixed = define<[file: File, buffer: RegisteredBuffer], RwOptions>(
  'OP_WRITE_FIXED',
  RW,
  (core, options, file, buffer) => transfer(core, file, registered(buffer), options, rw.write, rw.writeFixed),
);

export const fsync = define<[file: File], FsyncOptions>('OP_FSYNC', ['dataOnly'], (core, options, file) => {
  const flags = options.dataOnly ? constants.IORING_FSYNC_DATASYNC : 0;
  const [fd, bit] = useFile(core, 'file', file);
  rw.fsync(core.entry(), fd, flags).flags = bit;
});
