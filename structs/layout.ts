/**
 * struct(): C fields, declared once as data, become size, offsets, an encoder, a decoder and typed values.
 *
 * Sizes and offsets come from the declaration, by the rules of the ABI, when they are first asked for. None is typed by hand;
 * tests compare all of them with what a C compiler says of the kernel's header. koffi could lay them out as well, but a thread
 * that ends does not give its types back, and one that is terminated while it makes one ends the process.
 */

import { list, wrongType, wrongValue } from './check.ts';
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

/** Bytes and alignment. */
interface Extent {
  readonly size: number;
  readonly align: number;
}

/** What the members of a struct take, and where each lies; those of flexible arrays are at the end. */
interface Laid extends Extent {
  readonly offsets: ReadonlyMap<string, number>;
}

function padded(size: number, align: number): number {
  return Math.ceil(size / align) * align;
}

function largest(extents: readonly Extent[]): Extent {
  const align = Math.max(1, ...extents.map((each) => each.align));
  return { size: padded(Math.max(0, ...extents.map(({ size }) => size)), align), align };
}

function extentOf(member: Member | UnionOf): Extent {
  if (typeof member === 'string') return { size: SCALAR_SIZE[member], align: SCALAR_SIZE[member] };
  if (isStruct(member)) return member;
  if (member.kind === 'union') return largest(member.variants.map(lay));
  if (member.kind === 'flex') return { size: 0, align: 1 };
  const align = SCALAR_SIZE[member.element];
  return { size: align * member.count, align };
}

/** Lays a struct out as C compilers do on every system that is supported: a scalar lies at a multiple of its size. */
function lay(declaration: Declaration): Laid {
  const offsets = new Map<string, number>();
  let size = 0;
  let align = 1;
  for (const [name, member] of Object.entries(declaration)) {
    const extent = extentOf(member);
    const offset = padded(size, extent.align);
    offsets.set(name, offset);
    size = offset + extent.size;
    align = Math.max(align, extent.align);
  }
  return { offsets, size: padded(size, align), align };
}

/** The fields of a declaration, flat, with their offsets. */
function slotsOf(laid: Laid, declaration: Declaration, base: number): Slot[] {
  let unions = 0;
  return Object.entries(declaration).flatMap(([name, member]): Slot[] => {
    const offset = base + (isFlex(member) ? laid.size : (laid.offsets.get(name) ?? 0));
    if (typeof member === 'string' || !('variants' in member)) return [slotOf(name, member, offset)];
    const id = unions++;
    return member.variants.flatMap((variant, v) =>
      variantSlots(variant, offset).map((slot) => ({ ...slot, union: [id, v] as const })),
    );
  });
}

function slotOf(name: string, member: Member, offset: number): Slot {
  return {
    name,
    key: isReserved(name) ? undefined : camel(name),
    member,
    offset,
    size: extentOf(member).size,
  };
}

function variantSlots(variant: Plain, start: number): Slot[] {
  const members = Object.entries(variant);
  if (members.length === 1 || members.every(([, member]) => isFlex(member))) {
    return members.map(([name, member]) => slotOf(name, member, start));
  }
  return slotsOf(lay(variant), variant, start);
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

/** Throws unless `bytes` has room for `size` bytes at `offset`. */
function checkRoom(bytes: Uint8Array, offset: number, size: number, name: string): void {
  if (!isUint8Array(bytes)) throw wrongType('bytes', 'a Uint8Array', bytes);
  if (!Number.isSafeInteger(offset) || offset < 0) throw wrongValue('offset', 'an integer from 0', offset);
  const length = lengthOf(bytes);
  if (offset + size > length) {
    throw wrongValue('bytes', `at least ${offset + size} bytes long (${name})`, length);
  }
}

/** Declares a kernel struct; `name` is its C name. The value types follow from `declaration`. */
export function struct<const D extends Declaration>(name: string, declaration: D): Struct<D> {
  return new Layout(name, declaration) as unknown as Struct<D>;
}

/** Where the fields of a declaration lie, and how they are stored and loaded. */
class Plan implements Extent {
  readonly size: number;
  readonly align: number;
  readonly fields: { readonly [field: string]: FieldLayout };
  readonly at: { readonly [key: string]: number };
  readonly parts: readonly Part[];
  readonly byKey: ReadonlyMap<string, Part>;
  readonly flexible: boolean;

  constructor(name: string, declaration: Declaration) {
    const laid = lay(declaration);
    this.size = laid.size;
    this.align = laid.align;
    const slots = slotsOf(laid, declaration, 0);
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
    this.#made ??= new Plan(this.name, this.#declaration);
    return this.#made;
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
