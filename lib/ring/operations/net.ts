/** Operations on sockets, with checked arguments. */
import { integer, U32_MAX } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import * as net from '../../ops/net.ts';
import { BufferRing } from '../buffer-ring.ts';
import { define, type File, heldBy, type Memory, useFile, useMemory } from './kit.ts';

/** Options of sends and receives. */
export interface SocketOptions {
  /** MSG_* */
  readonly flags?: number;
}

export const send = define<[socket: File, memory: Memory], SocketOptions>(
  'OP_SEND',
  ['flags'],
  (core, options, socket, memory) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [address, length] = useMemory(core, 'memory', memory);
    const [fd, bit] = useFile(core, 'socket', socket);
    net.send(core.entry(), fd, address, length, flags).flags = bit;
    return heldBy(memory);
  },
);

export const recv = define<[socket: File, memory: Memory | BufferRing], SocketOptions>(
  'OP_RECV',
  ['flags'],
  (core, options, socket, memory) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [fd, bit] = useFile(core, 'socket', socket);
    if (memory instanceof BufferRing) {
      const group = memory.use(core);
      const sqe = net.recv(core.entry(), fd, 0, 0, flags);
      sqe.bufIndex = group;
      sqe.flags = bit | constants.IOSQE_BUFFER_SELECT;
      return memory.held;
    }
    const [address, length] = useMemory(core, 'memory', memory);
    net.recv(core.entry(), fd, address, length, flags).flags = bit;
    return heldBy(memory);
  },
);
