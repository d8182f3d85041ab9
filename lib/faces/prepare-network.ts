/** ring.prepare's operations on sockets. */
import type { SocketAddressLike } from '../../structs/address.ts';
import type {
  AcceptMultishotOptions,
  AcceptOptions,
  Domain,
  File,
  Memory,
  OperationOptions,
  SendOptions,
  ShutdownHow,
  SocketCreateOptions,
  SocketOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import type { MessageBuffer, OutgoingMessage } from '../operations/msghdr.ts';
import type { BufferRing } from '../ring/owners/buffer-ring.ts';
import { PrepareFiles } from './prepare-files.ts';
import { put1, put2, put4 } from './put.ts';

/** Socket operations of `Prepare`. */
export abstract class PrepareNetwork extends PrepareFiles {
  /** Makes a socket: the completion's res is an fd, or with `into` 0 or the slot (OP_SOCKET, since 5.19). */
  socket(domain: Domain, options?: SocketCreateOptions & OperationOptions): void {
    put1(this.core, operations.socket, options, domain);
  }

  /** Gives a socket its address (OP_BIND, since 6.11). */
  bind(socket: File, address: SocketAddressLike, options?: OperationOptions): void {
    put2(this.core, operations.bind, options, socket, address);
  }

  /** Lets a socket take connections (OP_LISTEN, since 6.11). */
  listen(socket: File, backlog: number, options?: OperationOptions): void {
    put2(this.core, operations.listen, options, socket, backlog);
  }

  /** Connects a socket (OP_CONNECT, since 5.5). */
  connect(socket: File, address: SocketAddressLike, options?: OperationOptions): void {
    put2(this.core, operations.connect, options, socket, address);
  }

  /** Accepts a connection: the completion's res is an fd, or with `into` 0 or the slot (OP_ACCEPT, since 5.5). */
  accept(server: File, options?: AcceptOptions & OperationOptions): void {
    put1(this.core, operations.accept, options, server);
  }

  /** Accepts one connection after the other, each with a completion of its own (OP_ACCEPT, multishot, since 5.19). */
  acceptMultishot(server: File, options?: AcceptMultishotOptions & OperationOptions): void {
    put1(this.core, operations.acceptMultishot, options, server);
  }

  /** Ends one half of a connection, or both (OP_SHUTDOWN, since 5.11). */
  shutdown(socket: File, how: ShutdownHow, options?: OperationOptions): void {
    put2(this.core, operations.shutdown, options, socket, how);
  }

  /** Sends from memory (OP_SEND, since 5.6). */
  send(socket: File, memory: Memory, options?: SendOptions & OperationOptions): void {
    put2(this.core, operations.send, options, socket, memory);
  }

  /** Sends without copying: a second completion, IORING_CQE_F_NOTIF, says that the memory is free (OP_SEND_ZC, since 6.0). */
  sendZc(socket: File, memory: Memory, options?: SendOptions & OperationOptions): void {
    put2(this.core, operations.sendZc, options, socket, memory);
  }

  /** Sends a message (OP_SENDMSG, since 5.3). */
  sendmsg(socket: File, message: OutgoingMessage, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.sendmsg, options, socket, message);
  }

  /** Sends a message without copying; completes as `sendZc` does (OP_SENDMSG_ZC, since 6.1). */
  sendmsgZc(socket: File, message: OutgoingMessage, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.sendmsgZc, options, socket, message);
  }

  /** Receives into memory, or into a buffer that the kernel picks from a buffer ring (OP_RECV, since 5.6). */
  recv(socket: File, memory: Memory | BufferRing, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.recv, options, socket, memory);
  }

  /** Receives again and again, each completion with a buffer of its own for `pool.take` (OP_RECV, multishot, since 6.0). */
  recvMultishot(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.recvMultishot, options, socket, pool);
  }

  /** Receives into several buffers at once, for `pool.takeBundle` (OP_RECV, IORING_RECVSEND_BUNDLE, since 6.10). */
  recvBundle(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.recvBundle, options, socket, pool);
  }

  /** Receives a message; `room.result(res)` has it when it is done (OP_RECVMSG, since 5.3). */
  recvmsg(socket: File, room: MessageBuffer, options?: SocketOptions & OperationOptions): void {
    put2(this.core, operations.recvmsg, options, socket, room);
  }

  /**
   * Receives into the memory of a zero-copy queue, again and again (OP_RECV_ZC, since 6.15).
   * @param queue the id of the queue
   */
  recvZc(socket: File, queue: number, options?: OperationOptions): void {
    put2(this.core, operations.recvZc, options, socket, queue);
  }

  /** Changes an option of a socket (OP_URING_CMD, SOCKET_URING_OP_SETSOCKOPT, since 6.7). */
  setsockopt(
    socket: File,
    level: number,
    option: number,
    value: number | Uint8Array,
    options?: OperationOptions,
  ): void {
    put4(this.core, operations.setsockopt, options, socket, level, option, value);
  }

  /** How many bytes wait to be received: the completion's res (OP_URING_CMD, SOCKET_URING_OP_SIOCINQ, since 6.7). */
  siocinq(socket: File, options?: OperationOptions): void {
    put1(this.core, operations.siocinq, options, socket);
  }

  /** How many bytes were not acknowledged: the completion's res (OP_URING_CMD, SOCKET_URING_OP_SIOCOUTQ, since 6.7). */
  siocoutq(socket: File, options?: OperationOptions): void {
    put1(this.core, operations.siocoutq, options, socket);
  }
}
