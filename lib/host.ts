/**
 * Seeing io_uring on a host: rings of all processes, register calls as they happen or from a log, and why io_uring
 * does not work here. Typed results, nothing printed.
 */
/// <reference lib="esnext.disposable" preserve="true" />

export type { CallSource, NrArgsIs, RegisterCall } from './host/call.ts';
