/**
 * Operations with checked arguments. Each encoder reads all that is a user's (a getter may prepare operations of its
 * own), then takes the next free entry by `core.entry()`, fills it, and says what the kernel may touch.
 */
export * from './command.ts';
export * from './control.ts';
export * from './fs.ts';
export type {
  Fd,
  File,
  Into,
  Memory,
  NoOptions,
  Operation,
  OperationOptions,
  Path,
  RwOptions,
} from './kit.ts';
export * from './net.ts';
export * from './paths.ts';
export * from './rw.ts';
export * from './wait.ts';
