/** The kernel's scalar types: how wide each is, and how one is checked, stored and loaded, little-endian. */
import { integer, signed64, U16_MAX, U32_MAX, unsigned64 } from './check.ts';

/** The kernel's integer types, and a pointer (held as an address). */
export type Scalar = 'u8' | 'u16' | 'u32' | 's32' | 'u64' | 's64' | 'void *';

/** `sizeof` of each. */
export const SCALAR_SIZE: { readonly [S in Scalar]: number } = {
  u8: 1,
  u16: 2,
  u32: 4,
  s32: 4,
  u64: 8,
  s64: 8,
  'void *': 8,
};

/** Checks `value` and stores it at byte `at`; `name` is for the error. */
type Store = (bytes: Uint8Array, at: number, value: unknown, name: string) => void;
type Load = (view: DataView, at: number) => number | bigint;

// Stores go byte by byte: making a DataView for each encoded struct costs more than all of its stores.

function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

const wide = new BigUint64Array(1);
const wideBytes = new Uint8Array(wide.buffer);

function putBigint(bytes: Uint8Array, at: number, value: bigint): void {
  wide[0] = value;
  for (let i = 0; i < 8; i++) bytes[at + i] = wideBytes[i] ?? 0;
}

// Each store lets the right values through with one comparison; integer() and unsigned64() then name what is wrong
// with the others.

function storeU64(bytes: Uint8Array, at: number, value: unknown, name: string): void {
  if (typeof value === 'number' && value <= Number.MAX_SAFE_INTEGER) {
    const low = value >>> 0;
    const high = (value - low) / 0x1_0000_0000;
    if (high >>> 0 === high) {
      put32(bytes, at, low);
      put32(bytes, at + 4, high);
      return;
    }
  }
  putBigint(bytes, at, BigInt(unsigned64(name, value)));
}

export const STORE: { readonly [S in Scalar]: Store } = {
  u8: (bytes, at, value, name) => {
    bytes[at] = typeof value === 'number' && (value & 0xff) === value ? value : integer(name, value, 0, 0xff);
  },
  u16: (bytes, at, value, name) => {
    const fits = typeof value === 'number' && (value & U16_MAX) === value;
    const checked = fits ? value : integer(name, value, 0, U16_MAX);
    bytes[at] = checked;
    bytes[at + 1] = checked >>> 8;
  },
  u32: (bytes, at, value, name) => {
    const fits = typeof value === 'number' && value >>> 0 === value;
    put32(bytes, at, fits ? value : integer(name, value, 0, U32_MAX));
  },
  s32: (bytes, at, value, name) => {
    const fits = typeof value === 'number' && (value | 0) === value;
    put32(bytes, at, fits ? value : integer(name, value, -0x8000_0000, 0x7fff_ffff));
  },
  u64: storeU64,
  s64: (bytes, at, value, name) => putBigint(bytes, at, BigInt.asUintN(64, signed64(name, value))),
  'void *': storeU64,
};

export const LOAD: { readonly [S in Scalar]: Load } = {
  u8: (view, at) => view.getUint8(at),
  u16: (view, at) => view.getUint16(at, true),
  u32: (view, at) => view.getUint32(at, true),
  s32: (view, at) => view.getInt32(at, true),
  u64: (view, at) => view.getBigUint64(at, true),
  s64: (view, at) => view.getBigInt64(at, true),
  'void *': (view, at) => view.getBigUint64(at, true),
};
