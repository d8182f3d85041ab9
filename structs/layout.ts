/**
 * struct(): C fields, declared once as data, become size, offsets, an encoder, a decoder and typed values.
 *
 * Sizes and offsets come from koffi's layout of the declaration, when they are first asked for: all of them at once
 * would take longer than the rest of the import. None is typed by hand. Types stay anonymous, because koffi's registry
 * of names is shared with every other package.
 */

import type { TypeObject } from 'koffi';
import { list, wrongType, wrongValue } from './check.ts';
import { type Koffi, koffi, koffiCause, NO_KOFFI } from './koffi.ts';
import { LOAD, SCALAR_SIZE, type Scalar, STORE } from './scalar.ts';
import { isUint8Array, lengthOf } from './views.ts';

// ---- declarations -----------------------------------------------------------------------------------------

/** What `array` declares. */
export interface ArrayOf {
  readonly kind: 'array';
  readonly element: Scalar;
  readonly count: number;
}

/** What `flex` declares. */
export interface FlexOf<E extends Scalar | Struct = Scalar | Struct> {
  readonly kind: 'flex';
  readonly element: E;
}

/** What `union` declares; `members` is all of its members, for the compiler alone. */
export interface UnionOf<M = unknown> {
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

const scalarTypes = new Map<Scalar, TypeObject>();

function scalarType(k: Koffi, scalar: Scalar): TypeObject {
  const known = scalarTypes.get(scalar) ?? k.type(KOFFI_NAME[scalar]);
  scalarTypes.set(scalar, known);
  return known;
}

function koffiType(k: Koffi, member: Member | UnionOf): TypeObject {
  if (typeof member === 'string') return scalarType(k, member);
  if (isStruct(member)) return member.type ?? k.type('void *');
  if (member.kind === 'array') return k.array(KOFFI_NAME[member.element], member.count);
  if (member.kind === 'union') {
    const bodies = member.variants.filter((variant) => !Object.values(variant).every(isFlex));
    return k.union(Object.fromEntries(bodies.map((variant, i) => [`v${i}`, variantType(k, variant)])));
  }
  throw new Error('a flexible array has no koffi type');
}

function koffiStruct(k: Koffi, declaration: Declaration): TypeObject {
  const sized = Object.entries(declaration).filter(([, member]) => !isFlex(member));
  return k.struct(Object.fromEntries(sized.map(([name, member]) => [name, koffiType(k, member)])));
}

/** One field alone lies as it would in a struct of its own. */
function variantType(k: Koffi, variant: Plain): TypeObject {
  const [member, ...others] = Object.values(variant);
  return member !== undefined && others.length === 0 ? koffiType(k, member) : koffiStruct(k, variant);
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
    return [slotOf(k, name, member, base + (isFlex(member) ? type.size : k.offsetof(type, name)))];
  });
}

function slotOf(k: Koffi, name: string, member: Member, offset: number): Slot {
  const size = isFlex(member) ? 0 : koffiType(k, member).size;
  return { name, key: isReserved(name) ? undefined : camel(name), member, offset, size };
}

function variantSlots(k: Koffi, variant: Plain, start: number): Slot[] {
  const members = Object.entries(variant);
  if (members.length === 1 || members.every(([, member]) => isFlex(member))) {
    return members.map(([name, member]) => slotOf(k, name, member, start));
  }
  return slotsOf(k, koffiStruct(k, variant), variant, start);
}

// ---- encoding and decoding --------------------------------------------------------------------------------------

/** How a member is checked and stored, and loaded; made once for each declared field. */
interface Codec {
  readonly size: number;
  store(bytes: Uint8Array, at: number, value: unknown, name: string): void;
  load(bytes: Uint8Array, view: DataView, at: number): unknown;
}

/** A field of a value. */
interface Part {
  readonly key: string;
  /** `io_uring_rsrc_register.nr`, for errors. */
  readonly name: string;
  readonly offset: number;
  readonly codec: Codec;
  /** Bytes of one element of a flexible array; 0 for any other field. */
  readonly step: number;
  readonly union: readonly [number, number] | undefined;
}

function codecOf(member: Scalar | Struct): Codec {
  if (typeof member === 'string') {
    const store = STORE[member];
    const load = LOAD[member];
    return { size: SCALAR_SIZE[member], store, load: (_, view, at) => load(view, at) };
  }
  return {
    size: member.size,
    store: (bytes, at, value) => void member.encodeInto(bytes, value as Input<Declaration>, at),
    load: (bytes, _, at) => member.decode(bytes, at),
  };
}

function flexCodec(element: Codec): Codec {
  const step = element.size;
  return {
    size: 0,
    store: (bytes, at, value, name) => {
      const values = list(name, value as unknown[]);
      for (let i = 0; i < values.length; i++) element.store(bytes, at + i * step, values[i], `${name}[${i}]`);
    },
    load: (bytes, view, at) => {
      const count = Math.max(0, Math.floor((bytes.byteLength - at) / step));
      return Array.from({ length: count }, (_, i) => element.load(bytes, view, at + i * step));
    },
  };
}

function partOf(struct: string, slot: Slot): Part[] {
  const { key, member, offset, union } = slot;
  if (key === undefined) return [];
  const common = { key, name: `${struct}.${key}`, offset, union };
  if (typeof member === 'string' || isStruct(member)) return [{ ...common, codec: codecOf(member), step: 0 }];
  if (member.kind === 'array') throw new Error(`${struct}.${key}: only reserved fields may be fixed arrays`);
  const element = codecOf(member.element);
  return [{ ...common, codec: flexCodec(element), step: element.size }];
}

function noLayouts(): Error {
  // as lib/sys/ffi.ts says it: a layout may be the first thing that is missed
  const error = new Error(`uring: ${NO_KOFFI}`, { cause: koffiCause });
  return Object.assign(error, { name: 'UnsupportedError', code: 'ERR_URING_UNSUPPORTED', need: 'uring' });
}

/** Throws unless `bytes` has room for `size` bytes at `offset`. */
function checkRoom(bytes: Uint8Array, offset: number, size: number, name: string): void {
  if (!isUint8Array(bytes)) throw wrongType('bytes', 'a Uint8Array', bytes);
  if (!Number.isSafeInteger(offset) || offset < 0) throw wrongValue('offset', 'an integer from 0', offset);
  const length = lengthOf(bytes);
  if (offset + size > length) {
    throw wrongValue('bytes', `at least ${offset + size} bytes long (${name})`, length);
  }
}

const layouts: Layout[] = [];

/** Declares a kernel struct; `name` is its C name. The value types follow from `declaration`. */
export function struct<const D extends Declaration>(name: string, declaration: D): Struct<D> {
  const layout = new Layout(name, declaration);
  layouts.push(layout);
  return layout as unknown as Struct<D>;
}

/** Asks koffi for all layouts that are there, which is done when one is needed otherwise. */
export function prepareLayouts(): void {
  for (const each of layouts) each.prepare();
}

/** What koffi says of a declaration, and how its fields are stored and loaded. */
class Plan {
  readonly type: TypeObject | undefined;
  readonly size: number;
  readonly align: number;
  readonly fields: { readonly [field: string]: FieldLayout };
  readonly at: { readonly [key: string]: number };
  readonly parts: readonly Part[];
  readonly byKey: ReadonlyMap<string, Part>;
  readonly flexible: boolean;

  constructor(name: string, declaration: Declaration) {
    this.type = koffi === undefined ? undefined : koffiStruct(koffi, declaration);
    this.size = this.type?.size ?? 0;
    this.align = this.type?.alignment ?? 0;
    const slots =
      koffi === undefined || this.type === undefined ? [] : slotsOf(koffi, this.type, declaration, 0);
    this.fields = Object.fromEntries(slots.map(({ name, offset, size }) => [name, { offset, size }]));
    this.parts = slots.flatMap((slot) => partOf(name, slot));
    this.byKey = new Map(this.parts.map((part) => [part.key, part]));
    this.flexible = this.parts.some(({ step }) => step > 0);
    this.at = Object.fromEntries(this.parts.map(({ key, offset }) => [key, offset]));
  }
}

class Layout {
  readonly name: string;
  readonly #declaration: Declaration;
  #made: Plan | undefined;

  constructor(name: string, declaration: Declaration) {
    this.name = name;
    this.#declaration = declaration;
  }

  get #plan(): Plan {
    return this.prepare();
  }

  prepare(): Plan {
    this.#made ??= new Plan(this.name, this.#declaration);
    return this.#made;
  }

  get type(): TypeObject | undefined {
    return this.#plan.type;
  }

  get size(): number {
    return this.#plan.size;
  }

  get align(): number {
    return this.#plan.align;
  }

  get fields(): { readonly [field: string]: FieldLayout } {
    return this.#plan.fields;
  }

  get at(): { readonly [key: string]: number } {
    return this.#plan.at;
  }

  encode(value: Record<string, unknown>): Uint8Array {
    const bytes = new Uint8Array(this.#sizeFor(value));
    this.encodeInto(bytes, value, 0);
    return bytes;
  }

  encodeInto(bytes: Uint8Array, value: Record<string, unknown>, offset = 0): number {
    const size = this.#sizeFor(value);
    checkRoom(bytes, offset, size, this.name);
    const { byKey } = this.#plan;
    bytes.fill(0, offset, offset + size);
    let chosen: Part[] | undefined;
    for (const key in value) {
      const part = byKey.get(key) ?? this.#unknown(key);
      const field = value[key];
      if (field === undefined) continue;
      if (part.union !== undefined) chosen = this.#choose(part, chosen, field);
      part.codec.store(bytes, offset + part.offset, field, part.name);
    }
    return size;
  }

  decode(bytes: Uint8Array, offset = 0): Record<string, unknown> {
    if (this.type === undefined) throw noLayouts();
    checkRoom(bytes, offset, this.size, this.name);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const value: Record<string, unknown> = {};
    for (const { key, offset: place, codec } of this.#plan.parts) {
      value[key] = codec.load(bytes, view, offset + place);
    }
    return value;
  }

  /** The bytes that `value` takes: `size`, or more where a flexible array goes beyond it. */
  #sizeFor(value: Record<string, unknown>): number {
    if (typeof value !== 'object' || value === null) throw wrongType(this.name, 'an object', value);
    if (this.type === undefined) throw noLayouts();
    let size = this.size;
    if (!this.#plan.flexible) return size;
    for (const { key, offset, step } of this.#plan.parts) {
      const field = step > 0 ? value[key] : undefined;
      if (Array.isArray(field)) size = Math.max(size, offset + field.length * step);
    }
    return size;
  }

  #unknown(key: string): never {
    throw wrongValue(`${this.name}.${key}`, `a field of it: ${[...this.#plan.byKey.keys()].join(', ')}`, key);
  }

  /** Notes that `part` is given; throws where another variant of its union is given too. */
  #choose(part: Part, chosen: Part[] = [], value: unknown): Part[] {
    const other = chosen.find(
      ({ union }) => union?.[0] === part.union?.[0] && union?.[1] !== part.union?.[1],
    );
    if (other !== undefined) {
      throw wrongValue(part.name, `absent beside ${other.key}: one union holds both`, value);
    }
    chosen.push(part);
    return chosen;
  }
}
