/// <reference lib="esnext.disposable" preserve="true" />
/**
 * io_uring for Node.js: rings that own what they register, and keep alive what the kernel still uses.
 *
 * `uring/raw` is the kernel's interface 1:1, `uring/structs` its words.
 */

export type {
  IpAddress,
  OtherAddress,
  SocketAddress,
  SocketAddressLike,
  UnixAddress,
} from '../structs/address.ts';
export type { EpollEvent } from '../structs/socket.ts';
export type { AsyncOptions, ChainOptions, IteratorOptions, PoolIteratorOptions } from './async/base.ts';
export type { DeviceNumber, FileStatus } from './async/file-status.ts';
export type { Read } from './async/many.ts';
export { MessagePart } from './async/message-part.ts';
export { Results } from './async/multishot.ts';
export { type ChildStatus, childStatus, type FutexResult } from './async/outcomes.ts';
export {
  type FileChunksOptions,
  type FileReadOptions,
  RingFile,
} from './async/ring-file.ts';
export type { ZeroCopyPromise } from './async/sent.ts';
export type {
  FileReadAllOptions,
  FileReadStreamOptions,
  FileWebStreamOptions,
  FileWriteStreamOptions,
} from './async/streams.ts';
export type { Callback } from './async/told.ts';
export {
  ClosedError,
  OpError,
  QueueFullError,
  RegisterError,
  StateError,
  SyscallError,
  UnsupportedError,
} from './errors.ts';
export { AsyncRing, type PipeEnds } from './faces/async-ring.ts';
export type * from './faces/options.ts';
export type { Prepare } from './faces/prepare.ts';
export { Ring, type SubmitOptions } from './faces/ring.ts';
export type { ConnectionOptions } from './net/connect.ts';
export { type Datagram, type DatagramOptions, RingDatagram } from './net/datagram.ts';
export type { Place } from './net/endpoint.ts';
export { RingServer, type ServerOptions } from './net/server.ts';
export { type DuplexOptions, RingSocket } from './net/socket.ts';
export { AddressBuffer } from './operations/address.ts';
export type { OperationKey } from './operations/key.ts';
export {
  type ControlMessage,
  type IncomingMessage,
  MessageBuffer,
  type OutgoingMessage,
  passFds,
  type ReceivedMessage,
  receivedFds,
} from './operations/msghdr.ts';
export type { CancelWhat } from './operations/rings.ts';
export type { SocketOption } from './operations/sockets.ts';
export type {
  Child,
  ChildState,
  Fd,
  File,
  Futex,
  FutexArray,
  Into,
  Memory,
  MemoryOrPool,
  OperationOptions,
  OtherTable,
  Path,
} from './operations/types.ts';
export { type Answer, probe, type Support } from './register/support.ts';
export { RingBase, type RingBaseOptions } from './ring/base.ts';
export type { BpfFilterOptions, BpfInstruction } from './ring/bpf.ts';
export type { CancelTarget } from './ring/cancel.ts';
export type { Completion } from './ring/core/core.ts';
export type { RingOptions, SqPollOptions } from './ring/core/plan.ts';
export type { ResizeOptions } from './ring/core/resize.ts';
export type { AnyRing } from './ring/core/rings.ts';
export type { Message } from './ring/message.ts';
export {
  type AllocatedBuffers,
  type BufferCompletion,
  type BufferHolder,
  type BufferPart,
  BufferRing,
  type BufferRingOptions,
  type GivenBuffers,
} from './ring/owners/buffer-ring.ts';
export {
  type BufferList,
  type CloneRange,
  type RegisterBuffersOptions,
  RegisteredBuffer,
  RegisteredBuffers,
} from './ring/owners/buffers.ts';
export { type RegisterEventfdOptions, RegisteredEventfd } from './ring/owners/eventfd.ts';
export { type FileList, FixedFile, RegisteredFiles, type RegisterFilesOptions } from './ring/owners/files.ts';
export { Napi, type NapiOptions } from './ring/owners/napi.ts';
export { Personality } from './ring/owners/personality.ts';
export { Region, type RegionOptions, type WaitArgument, type WaitLimits } from './ring/owners/region.ts';
export { RegisteredRingFd } from './ring/owners/ring-fd.ts';
export { type WorkerCounts, type WorkerLimitOptions, WorkerLimits } from './ring/owners/workers.ts';
export { ZcrxIfq, type ZcrxIfqOptions } from './ring/owners/zcrx.ts';
export type { Sandbox, SqeFlagName } from './ring/sandbox.ts';
export { alloc } from './sys/memory.ts';
export type { CloseMessage, OperationMessage, RegisterMessage, SetupMessage } from './sys/trace.ts';
