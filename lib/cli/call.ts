/** How a call of io_uring_register(2) that somebody made is shown: by `uring trace` and `uring decode`. */
import type { RegisterCall } from '../host/call.ts';
import type { LoggedEnter, LoggedSetup } from '../host/decode/records.ts';
import type { SetupCall } from '../host/trace.ts';
import { toJson, visible } from './kit.ts';
import { whoToJson } from './who.ts';

/** RFC 3339 has years of four digits. */
const YEAR_10000_NS = 253_402_300_800_000_000_000n;

/** Nanoseconds since 1970 as RFC 3339 has them, all nine digits: `'2026-01-01T00:00:00.123456000Z'`. */
export function rfc3339(timeNs: bigint | undefined): string | undefined {
  if (timeNs === undefined || timeNs < 0n || timeNs >= YEAR_10000_NS) return undefined;
  const second = new Date(Number(timeNs / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${second}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

/** The C name of a known opcode; of another one what `RegisterCall` calls it, for C has no name. */
export function fullOpcodeName(name: string | undefined): string | undefined {
  return name === undefined || /^OP_\d+$/.test(name) ? name : `IORING_${name}`;
}

/** A record of a call, of whichever. */
type AnyCall = RegisterCall | SetupCall | LoggedSetup | LoggedEnter;

/** The keys that every call begins with; one out of a log has `src`, too. */
export function callHead(call: AnyCall): object {
  const { type, timeNs, monoNs, pid, tid, comm, cpu, fd } = call;
  const src = 'source' in call && call.source !== 'kernel' ? { src: call.source } : {};
  return { v: 1, type, ...src, ts: rfc3339(timeNs), mono_ns: monoNs, pid, tid, comm, cpu, fd };
}

/** A call for JSON: keys in this order, undefined for what is not known. */
export function callToObject(call: RegisterCall): object {
  const isDecoded = call.source !== 'kernel';
  return {
    ...callHead(call),
    opcode: call.opcode,
    opcode_name: fullOpcodeName(call.opcodeName),
    use_registered_ring: call.useRegisteredRing,
    arg: call.arg === undefined ? undefined : `0x${call.arg.toString(16)}`,
    ...(isDecoded && { arg_text: call.argText }),
    nr_args: call.nrArgs,
    nr_args_is: call.nrArgsIs,
    ret: call.ret,
    errno: call.errno,
    duration_ns: call.durationNs,
    ring: call.ring,
    nr_user_files: call.nrUserFiles,
    nr_user_bufs: call.nrUserBufs,
    complete: call.complete,
    ...(!isDecoded && whoToJson(call.process)),
  };
}

/** The line of JSON for a call: null for what is not known. */
export function callToJson(call: RegisterCall): string {
  return toJson(callToObject(call));
}

/** `'3'`, `'-EINVAL'`, `'?'`. */
export function resultText({ ret, errno }: Pick<RegisterCall, 'ret' | 'errno'>): string {
  return errno === undefined ? `${ret ?? '?'}` : `-${errno}`;
}

function opcodeText({ opcodeName, useRegisteredRing }: RegisterCall): string {
  const name = fullOpcodeName(opcodeName) ?? '?';
  return useRegisteredRing ? `${name}|IORING_REGISTER_USE_REGISTERED_RING` : name;
}

function argText({ arg, argText }: RegisterCall): string {
  if (argText !== undefined) return argText;
  if (arg === undefined) return '?';
  return arg === 0n ? 'NULL' : `0x${arg.toString(16)}`;
}

/** Who made a call: `'pid 1421 allreg'`, `'pid 1421 tid 1422 allreg'`. */
export function whoText({
  pid,
  tid,
  comm,
}: {
  readonly pid: number | undefined;
  readonly tid?: number | undefined;
  readonly comm: string | undefined;
}): string {
  const parts = [
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(tid === undefined || tid === pid ? [] : [`tid ${tid}`]),
    ...(comm === undefined ? [] : [comm]),
  ];
  return parts.join(' ');
}

/**
 * A call as C would write it, in one line that is harmless on a terminal:
 * `io_uring_register(3, IORING_REGISTER_FILES, 0x7ffe7d5bc8a0, 3) = 0  # count; pid 1421 allreg`.
 */
export function callToText(call: RegisterCall): string {
  const args = [call.fd ?? '?', opcodeText(call), argText(call), call.nrArgs ?? '?'].join(', ');
  const remarks = [call.nrArgsIs, whoText(call), call.complete ? undefined : 'incomplete']
    .filter((remark) => remark !== undefined && remark !== '')
    .join('; ');
  return visible(`io_uring_register(${args}) = ${resultText(call)}${remarks === '' ? '' : `  # ${remarks}`}`);
}
