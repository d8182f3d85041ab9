/** The measured reference data, typed. */
import { readFileSync } from 'node:fs';
import * as exported from '../../structs/index.ts';
import type { Struct } from '../../structs/layout.ts';

export interface FixtureField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly kind: 'u8' | 'u16' | 'u32' | 's32' | 'u64' | 's64' | 'pointer' | 'array' | 'flex' | 'struct';
  /** Of an array or flexible array: the kind of its elements. */
  readonly elem?: FixtureField['kind'];
  readonly elemSize?: number;
  readonly struct?: string;
  readonly union?: string;
  readonly variant?: number;
}

export interface FixtureStruct {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly fields: readonly FixtureField[];
}

interface Abi {
  readonly structs: readonly FixtureStruct[];
  readonly alternateLayouts: readonly FixtureStruct[];
  readonly constants: { readonly [family: string]: { readonly [name: string]: number | string } };
  readonly kernelLimits: { readonly [name: string]: number | string };
}

export interface RegisterFact {
  readonly value: number;
  readonly name: string;
  readonly since: string;
  readonly arg: string | null;
  readonly nrArgs: string;
  readonly direction: 'in' | 'out' | 'inout';
  readonly undo: string | null;
}

export interface Kernel {
  readonly features: string;
  readonly ops: readonly number[];
  readonly register: { readonly [opcode: string]: 'supported' | 'EINVAL' };
  readonly setupFlagBits: readonly number[];
  readonly query: { readonly enterFlags: string; readonly nrRegister: number } | null;
}

function read(name: string): string {
  return readFileSync(new URL(`../fixtures/abi/${name}.json`, import.meta.url), 'utf8');
}

const abi: Abi = JSON.parse(read('io_uring'));
/** Structs that are not io_uring's, but that its operations take. */
const posix: Pick<Abi, 'structs'> = JSON.parse(read('posix'));
const register: { readonly opcodes: readonly RegisterFact[] } = JSON.parse(read('register'));
const measured: { readonly [release: string]: Kernel } = JSON.parse(read('kernels'));

/**
 * The structs, io_uring_napi as kernels since 6.13 have it. Its alignment there is 4: the reference copied the 8 of the
 * older layout, whose last field is a u64.
 */
export const fixtureStructs = [...abi.structs, ...posix.structs].map((each) => {
  const newer = abi.alternateLayouts.find(({ name }) => name === each.name);
  return newer === undefined ? each : { ...newer, align: 4 };
});

export const { constants: fixtureConstants, kernelLimits } = abi;

/** The rows of opcodes, without that of IORING_REGISTER_USE_REGISTERED_RING, a flag. */
export const registerFacts = register.opcodes.filter(({ value }) => value < 0x8000_0000);

/** The measured kernels: release, and what it accepts. */
export const kernels = Object.entries(measured).filter(([release]) => !release.startsWith('_'));

/** A struct whose value types are not looked at. */
export interface AnyStruct extends Pick<Struct, 'name' | 'size' | 'align' | 'fields' | 'at'> {
  encode(value: Record<string, unknown>): Uint8Array;
  encodeInto(bytes: Uint8Array, value: Record<string, unknown>, offset?: number): number;
  decode(bytes: Uint8Array, offset?: number): Record<string, unknown>;
}

/** Every struct that `uring/structs` exports: its export name, and itself. */
export const exportedStructs: readonly (readonly [string, AnyStruct])[] = Object.entries(exported).flatMap(
  ([name, value]) =>
    typeof value === 'object' && 'encodeInto' in value
      ? [[name, value as unknown as AnyStruct] as const]
      : [],
);

/** `'6.12.43'` as a number that compares: 6012. */
export function series(version: string): number {
  const [major = '0', minor = '0'] = version.split(/[.-]/);
  return Number(major) * 1000 + Number(minor);
}
