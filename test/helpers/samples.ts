/** Arguments that are right for each operation, made from its declaration: by the types of its arguments. */

import type { Ring } from '../../lib/faces/ring.ts';
import { AddressBuffer } from '../../lib/operations/address.ts';
import type { Declaration, Kind, OptionSet, Room } from '../../lib/operations/declare.ts';
import * as operations from '../../lib/operations/index.ts';
import { MessageBuffer } from '../../lib/operations/msghdr.ts';
import type { RingBase } from '../../lib/ring/base.ts';
import type { BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../../lib/ring/owners/buffers.ts';
import type { FixedFile, RegisteredFiles } from '../../lib/ring/owners/files.ts';
import { alloc, pageSize } from '../../lib/sys/memory.ts';
import { ops } from '../../structs/ops.ts';
import type { Scope } from './rings.ts';

/** What arguments are made from. */
export interface Props {
  readonly file: number;
  readonly slot: FixedFile;
  readonly table: RegisteredFiles;
  /** A page. */
  readonly memory: Uint8Array;
  readonly buffer: RegisteredBuffer;
  readonly pool: BufferRing;
  readonly other: Ring;
  readonly otherTable: RegisteredFiles;
}

/** What arguments for `ring` are made from. */
export function makeProps(scope: Scope, ring: RingBase): Props {
  const { reader } = scope.pipe();
  const table = ring.registerFiles([reader]);
  const other = scope.ring();
  return {
    file: reader,
    slot: table.at(0),
    table,
    memory: alloc(pageSize()),
    buffer: ring.registerBuffers([alloc(64)]).at(0),
    pool: ring.registerBufferRing({ entries: 2, bufferSize: 64 }),
    other,
    otherTable: other.registerFiles({ slots: 2 }),
  };
}

export interface Sample {
  readonly declaration: Declaration;
  /** Its IORING_OP_*. */
  readonly opcode: number | undefined;
  /** Arguments of `ring.prepare` that are right, before the options. */
  readonly args: (props: Props) => unknown[];
  /** Those of AsyncRing: without what it makes itself. */
  readonly asyncArgs: (props: Props) => unknown[];
  /** Does the kernel get memory by it? */
  readonly holds: boolean;
  /** Does it get memory that only a completion frees? */
  readonly holdsData: boolean;
  /** Options that are right, for methods that get memory by them. */
  readonly options?: ((props: Props) => object) | undefined;
  /** Options that have to be there. */
  readonly required?: object | undefined;
  /** Which arguments may be left out. */
  readonly optional: readonly number[];
  /** Does it name an operation that was started? By its userData in one face, by its promise in the other. */
  readonly namesAnother: boolean;
  /** Another name of an operation. */
  readonly isAlias: boolean;
}

const ADDRESS = { address: '127.0.0.1', port: 9 };
/** An fd that nobody has. */
const NO_FD = 0x7fff_fff0;

/** A value for each type of argument. */
const VALUES: { readonly [type: string]: (props: Props, arg: string) => unknown } = {
  File: ({ file }) => file,
  Fd: ({ file }) => file,
  FixedFile: ({ slot }) => slot,
  RegisteredFiles: ({ table }) => table,
  Memory: ({ memory }) => memory,
  MemoryOrPool: ({ memory }) => memory,
  ArrayBufferView: ({ memory }) => memory,
  RegisteredBuffer: ({ buffer }) => buffer,
  BufferRing: ({ pool }) => pool,
  'readonly Memory[]': ({ memory, buffer }) => [memory, buffer, memory.subarray(8)],
  'readonly RegisteredBuffer[]': ({ buffer }) => [buffer, buffer.subarray(8)],
  'readonly Fd[]': ({ file }) => [file],
  Int32Array: () => new Int32Array(2),
  Path: (_, arg) => (arg === 'name' ? 'user.name' : '/no/such/file'),
  'Path | Fd': () => '/dev/null',
  SocketAddressLike: () => ADDRESS,
  AddressBuffer: () => new AddressBuffer(),
  OutgoingMessage: ({ memory, buffer }) => ({
    data: [memory, buffer],
    to: ADDRESS,
    control: [{ level: 1, type: 2, data: new Uint8Array(9) }],
  }),
  'MessageBuffer | IncomingMessage': ({ memory }) =>
    new MessageBuffer({ data: [memory, memory.subarray(4)], control: 64, address: true }),
  number: (_, arg) => (arg === 'value' ? 0 : 1),
  "number | 'alloc'": () => 0,
  'number | boolean | Uint8Array': () => 1,
  'number | bigint': () => 1,
  Domain: () => 'unix',
  FileAdvice: () => 'POSIX_FADV_NORMAL',
  MemoryAdvice: () => 'MADV_NORMAL',
  ShutdownHow: () => 'both',
  EpollAction: () => 'add',
  OperationKey: () => 1,
  SocketOption: () => 'SO_REUSEADDR',
  CancelWhat: () => ({ userData: 1 }),
  'AnyRing | number': ({ other }) => other,
  OtherTable: ({ otherTable }) => otherTable,
  FutexArray: () => new Int32Array(4),
  'readonly Futex[]': () => [
    { array: new Int32Array(4), index: 1, value: 0 },
    { array: new Uint32Array(2), index: 0, value: 0 },
  ],
  Child: () => 'any',
};

/** Options that have to be there, by the name of their interface. */
const REQUIRED: { readonly [options: string]: object } = {
  TimeoutOptions: { afterMs: 0 },
  DelayOptions: { afterMs: 0 },
  IntervalOptions: { everyMs: 1 },
};

function makeValue(props: Props, arg: string, { type }: Kind): unknown {
  const make = VALUES[type];
  if (make === undefined) throw new Error(`test/helpers/samples.ts has no value of type ${type}`);
  return make(props, arg);
}

/** What the caller gives: neither what is `made` for it nor what is read from the options alone. */
function argumentsOf({ args }: Declaration, made: readonly Room[]): [string, Kind][] {
  const names = made.map(({ arg }) => arg);
  return Object.entries(args).filter(
    ([arg, { reads }]) => !names.includes(arg) && reads?.includes(arg) !== false,
  );
}

function kindsOf(set: OptionSet | undefined): [string, Kind][] {
  if (set === undefined) return [];
  const own = Object.entries(set.fields).filter((field): field is [string, Kind] => 'read' in field[1]);
  return [...kindsOf(set.base), ...own];
}

function sampleOf(name: string, declaration: Declaration, isAlias: boolean): Sample {
  const { rooms = [] } = declaration;
  const hidden = rooms.filter(({ isHidden }) => isHidden);
  const given = argumentsOf(declaration, hidden);
  const makeAll = (props: Props, args: readonly [string, Kind][]) =>
    name === 'closeFd' ? [NO_FD] : args.map(([arg, kind]) => makeValue(props, arg, kind));
  const kinds = [
    ...Object.values<Kind>(declaration.args),
    ...kindsOf(declaration.options).map(([, kind]) => kind),
  ];
  const withMemory = kindsOf(declaration.options).filter(
    ([, { holds, type }]) => holds !== undefined && type !== 'unknown',
  );
  return {
    declaration,
    opcode: ops.find((row) => row.name === declaration.op)?.value,
    args: (props) => makeAll(props, given),
    asyncArgs: (props) => makeAll(props, argumentsOf(declaration, rooms)),
    holds: kinds.some(({ holds }) => holds !== undefined),
    holdsData: kinds.some(({ holds }) => holds === 'until completed'),
    options:
      withMemory.length === 0
        ? undefined
        : (props) =>
            Object.fromEntries(withMemory.map(([field, kind]) => [field, makeValue(props, field, kind)])),
    required: REQUIRED[declaration.options?.name ?? ''],
    optional: given.flatMap(([, { isOptional }], i) => (isOptional ? [i] : [])),
    namesAnother: given.some(([, { type }]) => type === 'OperationKey' || type === 'CancelWhat'),
    isAlias,
  };
}

const isDeclaration = (value: unknown): value is Declaration =>
  typeof value === 'object' && value !== null && 'write' in value;

/** All declarations, by name. */
export const declarations: ReadonlyMap<string, Declaration> = new Map(
  Object.entries<unknown>(operations).filter((entry): entry is [string, Declaration] =>
    isDeclaration(entry[1]),
  ),
);

/** A sample for each method of `ring.prepare`, by its name and its other names. */
export const samples: ReadonlyMap<string, Sample> = new Map(
  [...declarations]
    .filter(([, { notIn }]) => notIn?.prepare === undefined)
    .flatMap(([name, declaration]) => [
      [name, sampleOf(name, declaration, false)] as const,
      ...(declaration.aliases ?? []).map((alias) => [alias, sampleOf(name, declaration, true)] as const),
    ]),
);
