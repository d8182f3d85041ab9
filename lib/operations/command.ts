/** Commands of a file's driver, with checked arguments. */

import { integer, U32_MAX, wrongType } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { copyOfBytes, isUint8Array } from '../../structs/views.ts';
import * as control from '../ops/control.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { define, type File, heldBy, type Memory, useFile, useMemory } from './kit.ts';

/** Options of `uringCmd`. */
export interface CommandOptions {
  /** The driver's own bytes: up to 16, or 80 on a ring with `sqe128`. They are copied. */
  readonly data?: Uint8Array;
  /** The memory that addr and len name, for drivers that read them; a registered buffer sets IORING_URING_CMD_FIXED. */
  readonly memory?: Memory;
  /** Other memory that `data` points to: it is kept until the command is done. */
  readonly hold?: unknown;
}

export const uringCmd = define<[file: File, command: number], CommandOptions>(
  'OP_URING_CMD',
  ['data', 'memory', 'hold'],
  (core, options, file, command) => {
    const { data, memory, hold } = options;
    if (data !== undefined && !isUint8Array(data)) {
      throw wrongType('options.data', 'a Uint8Array', data);
    }
    integer('command', command, 0, U32_MAX);
    // its bytes are copied before an address is taken
    const bytes = data === undefined ? undefined : copyOfBytes(data);
    const [fd, bit] = useFile(core, 'file', file);
    const [address, length] = memory === undefined ? [0, 0] : useMemory(core, 'options.memory', memory);
    const buffer = RegisteredBuffer.is(memory) ? memory : undefined;
    const flags = buffer === undefined ? 0 : constants.IORING_URING_CMD_FIXED;
    const sqe = control.uringCmd(core.entry(), fd, command, address, length, flags);
    if (buffer !== undefined) sqe.bufIndex = buffer.index;
    if (bytes !== undefined) sqe.cmd = bytes;
    sqe.flags = bit;
    return memory === undefined ? hold : [heldBy(memory), hold];
  },
);
