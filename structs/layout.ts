/**
 * struct(): C fields, declared once as data, become size, offsets, an encoder, a decoder and typed values.
 *
 * Sizes and offsets come from koffi's layout of the declaration, once when the module is loaded; none is typed
 * by hand. Types stay anonymous, because koffi's registry of names is shared with every other package.
 */
import { createRequire } from 'node:module';
import type { TypeObject } from 'koffi';
import { integer, list, signed64, U16_MAX, U32_MAX, unsigned64, wrongType, wrongValue } from './check.ts';

type Koffi = typeof import('koffi').default;

/**
 * koffi, or undefined where it can't be loaded: importing this package works everywhere, and the first call
 * says what is missing (see lib/sys/ffi.ts).
 */
export const koffi: Koffi | undefined = load();

function load(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
}

// ---- declarations -----------------------------------------------------------------------------------------

/** The kernel's integer types, and a pointer (held as an address). */
type Scalar = 'u8' | 'u16' | 'u32' | 's32' | 'u64' | 's64' | 'void *';

interface ArrayOf {
  readonly kind: 'array';
  readonly element: Scalar;
  readonly count: number;
}

interface FlexOf<E extends Scalar | Struct = Scalar | Struct> {
  readonly kind: 'flex';
  readonly element: E;
}

interface UnionOf<M = unknown> {
  readonly kind: 'union';
  readonly variants: readonly Plain[];
  readonly members?: M;
}

type Member = Scalar | ArrayOf | FlexOf | Struct;
type Plain = { readonly [field: string]: Member };
type Declaration = { readonly [field: string]: Member | UnionOf };

/** A fixed array: `array('u32', 3)` is `__u32 name[3]`. */
export function array(element: Scalar, count: number): ArrayOf {
  return { kind: 'array', element, count };
}

/** A flexible array at the end of a struct, or of one variant of a union: `element name[]`. */
export function flex<E extends Scalar | Struct>(element: E): FlexOf<E> {
  return { kind: 'flex', element };
}

/** An anonymous union: each argument is one variant, a record of the fields that lie there one after another. */
export function union<const V extends readonly Plain[]>(...variants: V): UnionOf<Both<V[number]>> {
  return { kind: 'union', variants };
}

// ---- the types of values, inferred from the declaration ------------------------------------------------------

type Both<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
type Flat<T> = { [K in keyof T]: T[K] } & {};
/** snake_case to camelCase, the rule for every name of a value. */
type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type Reserved = `resv${string}` | `rsvd${string}` | `pad${string}` | `__${string}`;

type Fields<D> = { [K in keyof D as D[K] extends UnionOf ? never : K]: D[K] } & Both<
  { [K in keyof D]: D[K] extends UnionOf<infer M> ? M : never }[keyof D]
>;
type Visible<D> = { [K in keyof D as K extends Reserved ? never : Camel<K & string>]: D[K] };

type InputOf<F> = F extends 'u64' | 's64' | 'void *'
  ? number | bigint
  : F extends Scalar
    ? number
    : F extends Struct<infer D>
      ? Input<D>
      : F extends FlexOf<infer E>
        ? readonly InputOf<E>[]
        : never;
type OutputOf<F> = F extends 'u64' | 's64' | 'void *'
  ? bigint
  : F extends Scalar
    ? number
    : F extends Struct<infer D>
      ? Output<D>
      : F extends FlexOf<infer E>
        ? OutputOf<E>[]
        : never;
type VisibleFields<D> = Visible<unknown extends Fields<D> ? D : Fields<D>>;

/** What `encode` takes: every field optional (0 when absent), 64-bit fields as a safe integer or a bigint. */
export type Input<D> = Flat<{ [K in keyof VisibleFields<D>]?: InputOf<VisibleFields<D>[K]> | undefined }>;
/** What `decode` returns: numbers, and bigint for every 64-bit field. */
export type Output<D> = Flat<{ [K in keyof VisibleFields<D>]: OutputOf<VisibleFields<D>[K]> }>;
/** The value type of a struct: `ValueOf<typeof RsrcUpdate2>`. */
export type ValueOf<S> = S extends Struct<infer D> ? Input<D> : never;

/** Where a field lies, in bytes. A flexible array has size 0. */
export interface FieldLayout {
  readonly offset: number;
  readonly size: number;
}

/** One kernel struct. Names of values are the C names in camelCase; reserved fields are never part of a value. */
export interface Struct<D = Declaration> {
  /** The C name: `io_uring_rsrc_update2`. */
  readonly name: string;
  /** `sizeof`, without a flexible array. */
  readonly size: number;
  readonly align: number;
  /** Every C field with its place, reserved fields and all members of unions included. */
  readonly fields: { readonly [field: string]: FieldLayout };
  /** The offset of each field of a value, for typed-array stores on hot paths. */
  readonly at: { readonly [K in keyof VisibleFields<D>]: number };
  /**
   * The bytes of `value`. Fields that are absent, and reserved ones, are zero.
   * @throws RangeError or TypeError for a value that the field can't hold, an unknown field, two members of a union
   */
  encode(value: Input<D>): Uint8Array;
  /** As `encode`, into `bytes` at `offset`; returns the number of bytes written. */
  encodeInto(bytes: Uint8Array, value: Input<D>, offset?: number): number;
  /** The value in `bytes` at `offset`. Every member of a union is read; a flexible array takes what is left. */
  decode(bytes: Uint8Array, offset?: number): Output<D>;
  /** @internal */
  readonly type: TypeObject | undefined;
}

// ---- from a declaration to a layout ---------------------------------------------------------------------------

interface Slot extends FieldLayout {
  readonly name: string;
  /** The name in values, or undefined for a reserved field. */
  readonly key: string | undefined;
  readonly member: Member;
  /** Which union, and which variant of it; undefined outside unions. */
  readonly union?: readonly [number, number];
}

const KOFFI_NAME: { readonly [S in Scalar]: string } = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  s32: 'int32_t',
  u64: 'uint64_t',
  s64: 'int64_t',
  'void *': 'void *',
};

function isStruct(member: Member | UnionOf): member is Struct {
  return typeof member === 'object' && 'encodeInto' in member;
}

function isFlex(member: Member | UnionOf): member is FlexOf {
  return typeof member === 'object' && 'kind' in member && member.kind === 'flex';
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function isReserved(name: string): boolean {
  return /^(resv|rsvd|pad|__)/.test(name);
}

function koffiType(k: Koffi, member: Member | UnionOf): TypeObject {
  if (typeof member === 'string') return k.type(KOFFI_NAME[member]);
  if (isStruct(member)) return member.type ?? k.type('void *');
  if (member.kind === 'array') return k.array(KOFFI_NAME[member.element], member.count);
  if (member.kind === 'union') {
    const bodies = member.variants.filter((variant) => !Object.values(variant).every(isFlex));
    return k.union(Object.fromEntries(bodies.map((variant, i) => [`v${i}`, koffiStruct(k, variant)])));
  }
  throw new Error('a flexible array has no koffi type');
}

function koffiStruct(k: Koffi, declaration: Declaration): TypeObject {
  const sized = Object.entries(declaration).filter(([, member]) => !isFlex(member));
  return k.struct(Object.fromEntries(sized.map(([name, member]) => [name, koffiType(k, member)])));
}

/** The fields of a declaration, flat, with their offsets. */
function slotsOf(k: Koffi, type: TypeObject, declaration: Declaration, base: number): Slot[] {
  let unions = 0;
  return Object.entries(declaration).flatMap(([name, member]): Slot[] => {
    if (typeof member === 'object' && 'variants' in member) {
      const start = base + k.offsetof(type, name);
      const id = unions++;
      return member.variants.flatMap((variant, v) =>
        variantSlots(k, variant, start).map((slot) => ({ ...slot, union: [id, v] as const })),
      );
    }
    const offset = base + (isFlex(member) ? type.size : k.offsetof(type, name));
    const size = isFlex(member) ? 0 : k.sizeof(koffiType(k, member));
    return [{ name, key: isReserved(name) ? undefined : camel(name), member, offset, size }];
  });
}

function variantSlots(k: Koffi, variant: Plain, start: number): Slot[] {
  if (Object.values(variant).every(isFlex)) {
    return Object.entries(variant).map(([name, member]) => ({
      name,
      key: camel(name),
      member,
      offset: start,
      size: 0,
    }));
  }
  return slotsOf(k, koffiStruct(k, variant), variant, start);
}

// ---- encoding and decoding --------------------------------------------------------------------------------------

type Write = (view: DataView, at: number, value: unknown, name: string) => void;

function setU64(view: DataView, at: number, value: unknown, name: string): void {
  const wide = unsigned64(name, value);
  if (typeof wide === 'bigint') view.setBigUint64(at, wide, true);
  else {
    view.setUint32(at, wide >>> 0, true);
    view.setUint32(at + 4, Math.floor(wide / 0x1_0000_0000), true);
  }
}

const WRITE: { readonly [S in Scalar]: Write } = {
  u8: (view, at, value, name) => view.setUint8(at, integer(name, value, 0, 0xff)),
  u16: (view, at, value, name) => view.setUint16(at, integer(name, value, 0, U16_MAX), true),
  u32: (view, at, value, name) => view.setUint32(at, integer(name, value, 0, U32_MAX), true),
  s32: (view, at, value, name) => view.setInt32(at, integer(name, value, -0x8000_0000, 0x7fff_ffff), true),
  u64: setU64,
  s64: (view, at, value, name) => view.setBigInt64(at, signed64(name, value), true),
  'void *': setU64,
};

const READ: { readonly [S in Scalar]: (view: DataView, at: number) => number | bigint } = {
  u8: (view, at) => view.getUint8(at),
  u16: (view, at) => view.getUint16(at, true),
  u32: (view, at) => view.getUint32(at, true),
  s32: (view, at) => view.getInt32(at, true),
  u64: (view, at) => view.getBigUint64(at, true),
  s64: (view, at) => view.getBigInt64(at, true),
  'void *': (view, at) => view.getBigUint64(at, true),
};

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function elementSize(element: Scalar | Struct): number {
  if (isStruct(element)) return element.size;
  return element === 'u8' ? 1 : element === 'u16' ? 2 : element === 'u32' || element === 's32' ? 4 : 8;
}

/** Declares a kernel struct; `name` is its C name. The value types follow from `declaration`. */
export function struct<const D extends Declaration>(name: string, declaration: D): Struct<D> {
  const type = koffi === undefined ? undefined : koffiStruct(koffi, declaration);
  const slots =
    koffi === undefined || type === undefined ? [] : slotsOf(koffi, type, declaration, 0);
  return new Layout(name, type, slots) as unknown as Struct<D>;
}

class Layout {
  readonly name: string;
  readonly type: TypeObject | undefined;
  readonly size: number;
  readonly align: number;
  readonly fields: { readonly [field: string]: FieldLayout };
  readonly at: { readonly [key: string]: number };
  readonly #slots: readonly Slot[];
  readonly #byKey: ReadonlyMap<string, Slot>;

  constructor(name: string, type: TypeObject | undefined, slots: readonly Slot[]) {
    this.name = name;
    this.type = type;
    this.size = type?.size ?? 0;
    this.align = type?.alignment ?? 0;
    this.fields = Object.fromEntries(slots.map(({ name, offset, size }) => [name, { offset, size }]));
    this.#slots = slots.filter((slot) => slot.key !== undefined);
    this.#byKey = new Map(this.#slots.map((slot) => [slot.key ?? '', slot]));
    this.at = Object.fromEntries(this.#slots.map((slot) => [slot.key ?? '', slot.offset]));
  }

  encode(value: Record<string, unknown>): Uint8Array {
    const bytes = new Uint8Array(this.#sizeFor(value));
    this.encodeInto(bytes, value, 0);
    return bytes;
  }

  encodeInto(bytes: Uint8Array, value: Record<string, unknown>, offset = 0): number {
    const size = this.#sizeFor(value);
    if (offset + size > bytes.byteLength) {
      throw wrongValue('bytes', `at least ${offset + size} bytes long`, bytes.byteLength);
    }
    bytes.fill(0, offset, offset + size);
    this.#write(viewOf(bytes), offset, value);
    return size;
  }

  decode(bytes: Uint8Array, offset = 0): Record<string, unknown> {
    if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes);
    if (offset + this.size > bytes.byteLength) {
      throw wrongValue('bytes', `at least ${offset + this.size} bytes long (${this.name})`, bytes.byteLength);
    }
    const view = viewOf(bytes);
    return Object.fromEntries(
      this.#slots.map((slot) => [slot.key, read(slot, bytes, view, offset + slot.offset)]),
    );
  }

  #sizeFor(value: Record<string, unknown>): number {
    if (typeof value !== 'object' || value === null) throw wrongType(this.name, 'an object', value);
    let size = this.size;
    for (const key in value) {
      const slot = this.#byKey.get(key);
      if (slot === undefined) {
        throw wrongValue(`${this.name}.${key}`, `a field of it: ${[...this.#byKey.keys()].join(', ')}`, key);
      }
      if (isFlex(slot.member) && Array.isArray(value[key])) {
        size = Math.max(size, slot.offset + value[key].length * elementSize(slot.member.element));
      }
    }
    return size;
  }

  #write(view: DataView, base: number, value: Record<string, unknown>): void {
    const chosen: Slot[] = [];
    for (const key in value) {
      const slot = this.#byKey.get(key);
      if (slot === undefined || value[key] === undefined) continue;
      if (slot.union !== undefined) {
        const [id, variant] = slot.union;
        const other = chosen.find(({ union }) => union?.[0] === id && union[1] !== variant);
        if (other !== undefined) {
          throw wrongValue(`${this.name}.${key}`, `absent beside ${other.key}: one union holds both`, value[key]);
        }
        chosen.push(slot);
      }
      write(slot, view, base + slot.offset, value[key], `${this.name}.${key}`);
    }
  }
}

function write(slot: Slot, view: DataView, at: number, value: unknown, name: string): void {
  const { member } = slot;
  if (typeof member === 'string') return WRITE[member](view, at, value, name);
  if (isStruct(member)) {
    member.encodeInto(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), Object(value), at);
    return;
  }
  if (member.kind === 'array') throw wrongType(name, 'absent', value);
  const step = elementSize(member.element);
  for (const [i, each] of list(name, value as unknown[]).entries()) {
    const element = { name: slot.name, key: slot.key, member: member.element, offset: 0, size: step };
    write(element, view, at + i * step, each, `${name}[${i}]`);
  }
}

function read(slot: Slot, bytes: Uint8Array, view: DataView, at: number): unknown {
  const { member } = slot;
  if (typeof member === 'string') return READ[member](view, at);
  if (isStruct(member)) return member.decode(bytes, at);
  const count =
    member.kind === 'array'
      ? member.count
      : Math.floor((bytes.byteLength - at) / elementSize(member.element));
  const step = elementSize(member.element);
  return Array.from({ length: Math.max(0, count) }, (_, i) => {
    const element = { name: slot.name, key: slot.key, member: member.element, offset: 0, size: step };
    return read(element, bytes, view, at + i * step);
  });
}
