/**
 * `npm run faces`: writes what follows from declarations; `-- --check` compares.
 * - lib/ops/preparers.ts from lib/ops/entries.ts;
 * - lib/faces from lib/operations: the options, the function that reads, pins and writes each operation, and the methods
 *   of `ring.prepare` and of AsyncRing with their comments.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as outcomes from '../lib/async/outcomes.ts';
import * as address from '../lib/operations/address.ts';
import * as attributes from '../lib/operations/attributes.ts';
import * as data from '../lib/operations/data.ts';
import type { Declaration, Kind, NamedType, OptionSet, Room, Shown } from '../lib/operations/declare.ts';
import * as futexes from '../lib/operations/futexes.ts';
import * as operations from '../lib/operations/index.ts';
import * as key from '../lib/operations/key.ts';
import * as msghdr from '../lib/operations/msghdr.ts';
import * as paths from '../lib/operations/paths.ts';
import * as pin from '../lib/operations/pin.ts';
import * as read from '../lib/operations/read.ts';
import * as rings from '../lib/operations/rings.ts';
import * as rooms from '../lib/operations/rooms.ts';
import * as sockets from '../lib/operations/sockets.ts';
import * as transfers from '../lib/operations/transfers.ts';
import * as waiting from '../lib/operations/waiting.ts';
import { opFlags, ops } from '../structs/ops.ts';
import { comment, manPageOf } from './faces/comment.ts';
import { writePreparers } from './faces/preparers.ts';

const root = join(import.meta.dirname, '..');
const header = (from: string) => `// Written by \`npm run faces\` from ${from}. Do not edit.\n`;
const HEADER = header('lib/operations');

// ---- where names come from --------------------------------------------------------------------------------

/** The modules whose functions read and pin arguments. */
const MODULES: { readonly [module: string]: readonly [file: string, exports: object] } = {
  reads: ['read', read],
  pins: ['pin', pin],
  ofAddress: ['address', address],
  ofAttributes: ['attributes', attributes],
  ofData: ['data', data],
  ofFutexes: ['futexes', futexes],
  ofKey: ['key', key],
  ofMessages: ['msghdr', msghdr],
  ofPaths: ['paths', paths],
  ofRings: ['rings', rings],
  ofSockets: ['sockets', sockets],
  ofTransfers: ['transfers', transfers],
  ofWaiting: ['waiting', waiting],
};

/** `reads.file` for a function of theirs. */
function nameOf(fn: unknown): string {
  for (const [module, [, exports]] of Object.entries(MODULES)) {
    const found = Object.entries(exports).find(([, value]) => value === fn);
    if (found !== undefined) return `${module}.${found[0]}`;
  }
  throw new Error(`no module of lib/operations exports ${String(fn).slice(0, 60)}`);
}

/** Where the types of signatures are declared, from lib/faces. */
const TYPES: { readonly [file: string]: readonly string[] } = {
  '../../structs/address.ts': ['SocketAddress', 'SocketAddressLike'],
  '../../structs/socket.ts': ['EpollEvent'],
  '../async/base.ts': ['AsyncOptions', 'IteratorOptions', 'PoolIteratorOptions'],
  '../async/file-status.ts': ['FileStatus'],
  '../async/message-part.ts': ['MessagePart'],
  '../async/multishot.ts': ['Results'],
  '../async/outcomes.ts': ['ChildStatus', 'FutexResult'],
  '../async/ring-file.ts': ['RingFile'],
  '../async/told.ts': ['Callback'],
  '../async/sent.ts': ['ZeroCopyPromise'],
  '../operations/address.ts': ['AddressBuffer'],
  '../operations/key.ts': ['OperationKey'],
  '../operations/msghdr.ts': ['IncomingMessage', 'MessageBuffer', 'OutgoingMessage'],
  '../operations/operation.ts': ['Operation'],
  '../operations/rings.ts': ['CancelWhat'],
  '../operations/sockets.ts': ['SocketOption'],
  '../operations/transfers.ts': ['MessageRoom'],
  '../operations/types.ts': [
    ...['Child', 'ChildState', 'Fd', 'File', 'Futex', 'FutexArray', 'Into', 'Memory', 'MemoryOrPool'],
    ...['OperationOptions', 'OtherTable', 'Path'],
  ],
  '../operations/waiting.ts': ['Countdown'],
  '../ring/core/rings.ts': ['AnyRing'],
  '../ring/core/core.ts': ['Completion', 'RingCore'],
  '../ring/owners/buffer-ring.ts': ['BufferPart', 'BufferRing'],
  '../ring/owners/buffers.ts': ['RegisteredBuffer'],
  '../ring/owners/files.ts': ['FixedFile', 'RegisteredFiles'],
};

/** Imports of the types that `code` names. `options` are those of ./options.ts. */
function importTypes(code: string, options: readonly string[]): string {
  // neither in comments and strings, nor where a table has the name of its type
  const types = code.replace(/\/\*\*[\s\S]*?\*\/|'[^'\n]*'|\boperations\.\w+/g, '');
  const used = (name: string) => new RegExp(`\\b${name}\\b`).test(types);
  return [...Object.entries(TYPES), ['./options.ts', options] as const]
    .map(([file, names]) => [file, names.filter(used)] as const)
    .filter(([, names]) => names.length > 0)
    .map(([file, names]) => `import type { ${names.join(', ')} } from '${file}';\n`)
    .join('');
}

// ---- declarations -----------------------------------------------------------------------------------------

const entries = Object.entries<unknown>(operations);
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const declarations = entries.filter(
  (entry): entry is [string, Declaration] => isObject(entry[1]) && 'write' in entry[1],
);
const sets = entries
  .map(([, value]) => value)
  .filter((value): value is OptionSet => isObject(value) && 'fields' in value);
const named = entries
  .map(([, value]) => value)
  .filter((value): value is NamedType => isObject(value) && 'names' in value);
const optionTypes = [...sets, ...named].map(({ name }) => name);

const isKind = (field: Kind | Shown): field is Kind => 'read' in field;

/** The fields of options, those that they have in common with others first. */
function fieldsOf(set: OptionSet | undefined): [string, Kind | Shown][] {
  return set === undefined ? [] : [...fieldsOf(set.base), ...Object.entries(set.fields)];
}

const isRequired = (set: OptionSet | undefined) =>
  fieldsOf(set).some(([, field]) => 'isRequired' in field && field.isRequired);

/** Read with another argument, or not at all. */
const isPassed = (kind: Kind) => kind.read === read.anything;
/** Is it an argument of the encoder? */
const isArgument = ([name, kind]: [string, Kind]) => kind.reads?.includes(name) !== false;

/** An operation with all that is derived from its declaration. */
function derive(name: string, declaration: Declaration) {
  const args = Object.entries<Kind>(declaration.args);
  const fields = fieldsOf(declaration.options);
  const given = args.filter(isArgument);
  const hasInto = fields.some(([field]) => field === 'into');
  const made = new Set((declaration.rooms ?? []).map(({ arg }) => arg));
  const hidden = new Set((declaration.rooms ?? []).filter(({ isHidden }) => isHidden).map(({ arg }) => arg));
  return { name, declaration, args, fields, given, hasInto, made, hidden };
}
type Derived = ReturnType<typeof derive>;
const all = declarations.map(([name, declaration]) => derive(name, declaration));

function sinceOf({ op, flag }: Declaration): string {
  const row =
    flag === undefined ? ops.find((each) => each.name === op) : opFlags.find((each) => each.name === flag);
  if (row === undefined) throw new Error(`no row for ${flag ?? op}`);
  return row.since;
}

// ---- comments ---------------------------------------------------------------------------------------------

function about({ name, declaration, given, made, hidden }: Derived, face: 'prepare' | 'async'): string {
  const { doc, op, flag, params = {}, returns, errors = {}, see = manPageOf(name) } = declaration;
  const isShown = (name: string) => (face === 'prepare' ? !hidden.has(name) : !made.has(name));
  const codes = Object.entries(errors).map(([code, text]) => `${code}: ${text}`);
  const isCount = declaration.result === 'count' || declaration.result === 'data';
  return comment(
    [
      doc.replace(/\.(?= |$)/, ` (${flag === undefined ? op : `${op}, ${flag}`}).`),
      ...given.flatMap(([name, kind]) => {
        const text = params[name] ?? kind.doc;
        return text !== undefined && isShown(name) ? [`@param ${name} ${text}`] : [];
      }),
      ...(face === 'async' && returns !== undefined ? [`@returns ${returns}`] : []),
      ...(face === 'prepare' && returns !== undefined && isCount
        ? [`@remarks The completion's res: ${returns}.`]
        : []),
      ...(face === 'async' && codes.length > 0 ? [`@throws OpError ${codes.join('; ')}`] : []),
      `@since ${sinceOf(declaration)}`,
      `@see ${see}`,
    ],
    '  ',
  );
}

// ---- options ----------------------------------------------------------------------------------------------

function writeOptions(): string {
  const types = named.map(({ name, doc, names, orNumber }) => {
    const members = Object.keys(names).map((each) => `'${each}'`);
    return `${comment([doc], '')}export type ${name} = ${[...members, ...(orNumber ? ['number'] : [])].join(' | ')};\n`;
  });
  const interfaces = sets.map((set) => {
    const base = set.base === undefined ? '' : ` extends ${set.base.name}`;
    const fields = Object.entries(set.fields).map(([name, field]) => {
      const required = 'isRequired' in field && field.isRequired;
      return `${comment([field.doc ?? name], '  ')}  readonly ${name}${required ? '' : '?'}: ${field.type}${required ? '' : ' | undefined'};\n`;
    });
    return `${comment([set.doc], '')}export interface ${set.name}${base} {\n${fields.join('')}}\n`;
  });
  const code = [...types, ...interfaces].join('\n');
  return `${HEADER}/** The options of operations, beside those that all have. */\n${importTypes(code, [])}\n${code}`;
}

// ---- encoders ---------------------------------------------------------------------------------------------

/** Tables of names that readers get: each is a constant of the module. */
const tables = new Map<unknown, string>();

function literal(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const table = named.find(({ names }) => names === value);
  if (table === undefined) throw new Error(`no literal for ${JSON.stringify(value)}`);
  tables.set(value, `operations.${table.name}.names`);
  return `operations.${table.name}.names`;
}

/** Functions that read an argument which is most often absent: out of line, for V8 inlines only so much. By what they do. */
const readers = new Map<string, string>();

function readerOf(name: string, reading: string): string {
  const body = reading.replace(`, ${name}`, ', value');
  const known = readers.get(body);
  if (known !== undefined) return known;
  const [stem = ''] = /^[a-z]\w*?(?=Option|$)/.exec(name) ?? [];
  const base = `read${stem.charAt(0).toUpperCase()}${stem.slice(1)}`;
  const taken = [...readers.values()].filter((each) => each.replace(/\d+$/, '') === base).length;
  const reader = taken === 0 ? base : `${base}${taken + 1}`;
  readers.set(body, reader);
  return reader;
}

function writeReaders(): string {
  return [...readers]
    .map(([body, reader]) => `\nfunction ${reader}(value: unknown): number {\n  return ${body};\n}\n`)
    .join('');
}

interface Step {
  readonly read: string[];
  readonly pin: string[];
  readonly numbers: string[];
  readonly fields: string[];
  readonly held: string[];
}

/** A property of what was read, or what a function makes of it. */
function partOf(what: string, part: unknown, before: string): string {
  return typeof part === 'string' ? `${what}.${part}` : `${nameOf(part)}(${before}${what})`;
}

/** The steps of one argument or option: `value` is what the caller gave. */
function steps(name: string, kind: Kind, value: string, called: string, step: Step): void {
  if (isPassed(kind) && kind.holds === undefined) return;
  const what = `${name}Read`;
  const { absent } = kind;
  // a getter must not give two values
  if (absent !== undefined && value !== name) step.read.push(`const ${name} = ${value};`);
  const values = absent !== undefined ? [name] : (kind.reads ?? [value]);
  const more = [...values, ...(kind.with ?? []).map(literal)];
  const reading = `${nameOf(kind.read)}('${kind.called ?? called}', ${more.join(', ')})`;
  step.read.push(
    absent === undefined
      ? `const ${what} = ${reading};`
      : `const ${what} = ${name} === undefined ? ${literal(absent)} : ${readerOf(name, reading)}(${name});`,
  );
  if (kind.holds !== undefined) step.held.push(kind.keep === undefined ? what : partOf(what, kind.keep, ''));
  const add = (number: string) => {
    if (kind.field === undefined) step.numbers.push(number);
    else step.fields.push(`sqe.${kind.field} = ${number};`);
  };
  if (kind.pin === undefined && !isPassed(kind)) add(what);
  kind.pin?.forEach((part, i) => {
    const number = `${name}${i}`;
    step.pin.push(`const ${number} = ${partOf(what, part, `core, '${kind.called ?? called}', `)};`);
    add(number);
  });
}

function writeEncoder({ name, declaration, args, fields, given, hasInto }: Derived): string {
  const step: Step = { read: [], pin: [], numbers: [], fields: [], held: [] };
  const kinds: Kind[] = [];
  for (const [arg, kind] of args) {
    steps(arg, kind, arg, arg, step);
    kinds.push(kind);
  }
  for (const [field, kind] of fields) {
    if (!isKind(kind)) continue;
    steps(`${field}Option`, kind, field === 'into' ? 'into' : `options.${field}`, `options.${field}`, step);
    kinds.push(kind);
  }
  const options = declaration.options === undefined ? 'object' : `Partial<${declaration.options.name}>`;
  const usesOptions = step.read.some((line) => /\boptions\b(?!\.\w*')/.test(line.replace(/'[^']*'/g, '')));
  const holds = ['until completed', 'until submitted'].find((until) =>
    kinds.some((kind) => kind.holds === until),
  );
  const sqe = step.fields.length > 0 ? 'sqe' : 'core.entry()';
  const written = [
    ...(step.fields.length > 0 ? ['const sqe = core.entry();'] : []),
    `operations.${name}.write(${[sqe, ...step.numbers].join(', ')});`,
    ...step.fields,
  ];
  const held = step.held.reduceRight((rest, each) => (rest === '' ? each : `both(${each}, ${rest})`), '');
  const params = [
    ...given.map(([arg, { type, isOptional }]) => [arg, isOptional ? `${type} | undefined` : type]),
    ...(hasInto ? [['into', 'Into | undefined']] : []),
  ];
  const names = fields.map(([field]) => `'${field}'`);
  return `
export const ${name}: Operation<[${params.map(([arg, type]) => `${arg}: ${type}`).join(', ')}], ${options}> = {
  info: operations.${name},
  known: [${names.join(', ')}],
  defaults: {},
  holds: ${holds === undefined ? 'undefined' : `'${holds}'`},
  encode(${['core', usesOptions ? 'options' : '_options', ...params.map(([arg]) => arg)].join(', ')}) {
    ${[...step.read, ...step.pin, ...written].join('\n    ')}
    ${held === '' ? 'return undefined;' : `return ${held};`}
  },
};
`;
}

function writeEncoders(): string {
  const encoders = all.map(writeEncoder).join('');
  const code = `${encoders}${writeReaders()}`;
  const modules = Object.entries(MODULES)
    .filter(([module]) => new RegExp(`\\b${module}\\.`).test(code))
    .map(([module, [file]]) => `import * as ${module} from '../operations/${file}.ts';\n`)
    .join('');
  return `${HEADER}/** What each operation does with its arguments: reads them, pins them, writes the entry. */
import * as operations from '../operations/index.ts';
${modules}import { both, type Operation } from '../operations/operation.ts';
${importTypes(code.replace(/\bOperation</g, ''), optionTypes)}${code}`;
}

function makeRoom({ bytes, make, args = [] }: Room): string {
  return make === undefined ? `new Uint8Array(${bytes})` : `rooms.${make}(${args.join(', ')})`;
}

// ---- ring.prepare -----------------------------------------------------------------------------------------

function parameters(
  { given, declaration }: Derived,
  isShown: (arg: string) => boolean,
  common: string,
): string {
  const set = declaration.options;
  const options = set === undefined ? common : `${set.name} & ${common}`;
  const list = given
    .filter(([arg]) => isShown(arg))
    .map(
      ([arg, { type, isOptional }]) =>
        `${arg}${isOptional ? '?' : ''}: ${isOptional ? `${type} | undefined` : type}`,
    );
  return [...list, `options${isRequired(set) ? '' : '?'}: ${options}`].join(', ');
}

function aliasesOf({ name, declaration }: Derived, but: readonly string[] = []): string {
  return (declaration.aliases ?? [])
    .filter((alias) => !but.includes(alias))
    .map(
      (alias) =>
        `\n  /** As \`${name}\`, by liburing's name. */\n  get ${alias}(): this['${name}'] {\n    return this.${name};\n  }\n`,
    )
    .join('');
}

function writePrepare(): string {
  const methods = all
    .filter(({ declaration }) => declaration.notIn?.prepare === undefined)
    .map((each) => {
      const { name, declaration, given, hasInto, hidden } = each;
      const values = given.map(([arg]) => {
        const room = declaration.rooms?.find((made) => made.arg === arg);
        return room?.isHidden ? makeRoom(room) : arg;
      });
      const args = [...values, ...(hasInto ? ['options?.into'] : [])];
      return `${about(each, 'prepare')}  ${name}(${parameters(each, (arg) => !hidden.has(arg), 'OperationOptions')}): void {
    const { core } = this;
    core.begin();
    const operation = encoders.${name};
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(${['core', 'given', ...args].join(', ')}));
  }
${aliasesOf(each)}`;
    });
  const code = methods.join('\n');
  return `${HEADER}/** ring.prepare: one method for each operation. */
import * as rooms from '../operations/rooms.ts';
import type { RingCore } from '../ring/core/core.ts';
import * as encoders from './encoders.ts';
${importTypes(code, optionTypes)}import { bitsOf, commit, userDataOf } from './put.ts';

/**
 * Prepares operations: each method takes the next free entry of the submission queue, and the ring holds what the kernel
 * may touch until the last completion. Nothing starts before \`submit()\`.
 *
 * Every method throws QueueFullError when no entry is free, ClosedError after close, and TypeError or RangeError for a
 * wrong argument; then no entry is taken.
 */
export class Prepare {
  /** @internal */
  protected readonly core: RingCore;

  /** @internal */
  constructor(core: RingCore) {
    this.core = core;
  }

${code}}
`;
}

// ---- AsyncRing --------------------------------------------------------------------------------------------

/** The type of what AsyncRing's method takes as options. */
function optionsOf({ declaration }: Derived): string {
  return declaration.options === undefined ? 'AsyncOptions' : `${declaration.options.name} & AsyncOptions`;
}

/** Arguments that are there: `first, second, ` or nothing. */
const before = (args: string) => (args === '' ? '' : `${args}, `);

function overload(each: Derived, args: string, result: string): string {
  return `${about(each, 'async')}  ${each.name}(${args}): ${result};\n`.replaceAll(
    'OPTIONS',
    optionsOf(each),
  );
}

/** The forms with a callback. `options`: which ones make the result so; absent: there may be none. */
function toldOverloads(each: Derived, args: string, type: string, options?: string): string {
  const { name, declaration } = each;
  const head = `  /** As the one with a promise; \`callback\` is told what that would give. */\n  ${name}(${before(args)}`;
  const short =
    options === undefined && !isRequired(declaration.options)
      ? `${head}callback: Callback<${type}>): void;\n`
      : '';
  const given = options ?? (isRequired(declaration.options) ? 'OPTIONS' : '(OPTIONS) | undefined');
  return `${short}${head}options: ${given}, callback: Callback<${type}>): void;\n`.replaceAll(
    'OPTIONS',
    optionsOf(each),
  );
}

/** The signature of the method itself, behind its overloads. */
function implementation(each: Derived, args: string, type: string): string {
  const { name } = each;
  const given = `options?: (${optionsOf(each)}) | Callback<never>, callback?: Callback<never>`;
  return `  ${name}(${before(args)}${given}): Promise<${type}> | undefined`;
}

/** Is there a callback? Then options are none, or a type without functions. */
const IS_TOLD = "typeof options === 'function' || callback !== undefined";

function list(each: Derived): string {
  return each.given
    .filter(([arg]) => !each.made.has(arg))
    .map(([arg, { type }]) => `${arg}: ${type}`)
    .join(', ');
}

/** How a method starts its operation, for an outcome. */
interface Calls {
  readonly run: (outcome: string) => string;
  readonly tell: (outcome: string) => string;
}

function fileMethod(each: Derived, { run, tell }: Calls): string {
  const args = list(each);
  if (!each.hasInto) {
    return `${overload(
      each,
      parameters(each, (arg) => !each.made.has(arg), 'AsyncOptions'),
      'Promise<RingFile>',
    )}${toldOverloads(each, args, 'RingFile')}${implementation(each, args, 'RingFile')} {
    if (${IS_TOLD}) return ${tell('this.openedFile')};
    return ${run('this.openedFile')};
  }
`;
  }
  const ofSlot = 'OPTIONS & { readonly into: Into }';
  const ofFile = 'OPTIONS & { readonly into?: undefined }';
  return `${overload(each, `${before(args)}options: ${ofSlot}`, 'Promise<FixedFile>')}${overload(each, `${before(args)}options?: ${ofFile}`, 'Promise<RingFile>')}${overload(each, `${before(args)}options?: OPTIONS`, 'Promise<RingFile | FixedFile>')}${toldOverloads(each, args, 'FixedFile', ofSlot)}${toldOverloads(each, args, 'RingFile')}${implementation(each, args, 'RingFile | FixedFile')} {
    const into = typeof options === 'function' ? undefined : options?.into;
    if (${IS_TOLD}) {
      if (into === undefined) return ${tell('this.openedFile')};
      return ${tell('this.openedSlot(into)')};
    }
    if (into === undefined) return ${run('this.openedFile')};
    return ${run('this.openedSlot(into)')};
  }
`;
}

function dataMethod(each: Derived, { run, tell }: Calls): string {
  const args = list(each);
  const [first = ''] = each.given.map(([arg, { type }]) => `${arg}: ${type}`);
  return `${overload(each, `${first}, pool: BufferRing, options?: OPTIONS`, 'Promise<BufferPart | undefined>')}${overload(each, `${first}, memory: Memory, options?: OPTIONS`, 'Promise<number>')}${overload(each, `${args}, options?: OPTIONS`, 'Promise<number | BufferPart | undefined>')}${toldOverloads(each, `${first}, memory: Memory`, 'number')}${toldOverloads(each, `${first}, pool: BufferRing`, 'BufferPart | undefined')}${implementation(each, args, 'number | BufferPart | undefined')} {
    const isMemory = ArrayBuffer.isView(memory) || !BufferRing.is(memory);
    if (${IS_TOLD})
      return isMemory ? ${tell('outcomes.COUNT')} : ${tell('outcomes.pooled(memory)')};
    return isMemory ? ${run('outcomes.COUNT')} : ${run('outcomes.pooled(memory)')};
  }
`;
}

function asyncMethod(each: Derived): string {
  const { name, declaration, given, hasInto, made } = each;
  const { result, stream } = declaration;
  const values = [...given.map(([arg]) => arg), ...(hasInto ? ['into'] : [])];
  const run = (outcome: string) =>
    `this.run(${[`encoders.${name}`, outcome, 'options', ...values].join(', ')})`;
  const tell = (outcome: string) =>
    `this.tell(${[`encoders.${name}`, outcome, 'options', 'callback', ...values].join(', ')})`;
  if (result === 'file') return fileMethod(each, { run, tell });
  if (result === 'data') return dataMethod(each, { run, tell });
  const made_ = (declaration.rooms ?? [])
    .map((room) => `const ${room.arg} = ${makeRoom(room)};\n    `)
    .join('');
  const isIterator = stream !== undefined;
  const hasPool = given.some(([arg]) => arg === 'pool');
  const common = isIterator ? (hasPool ? 'PoolIteratorOptions' : 'IteratorOptions') : 'AsyncOptions';
  const head = `${about(each, 'async')}  ${name}(${parameters(each, (arg) => !made.has(arg), common)})`;
  if (isIterator) {
    const args = stream.args.map((arg) => (arg === 'core' ? 'this.core' : arg));
    const of = `outcomes.${stream.of}(${[...args, ...(hasPool ? [`'${declaration.op}'`] : [])].join(', ')})`;
    return `${head}: Results<${stream.type}> {\n    ${made_}return this.iterate(${[`encoders.${name}`, of, 'options', ...values].join(', ')});\n  }\n`;
  }
  if (result === undefined) throw new Error(`${name}: what does its promise give?`);
  if (result === 'sent') {
    return `${head}: ZeroCopyPromise {\n    return withSent((outcome) => ${run('outcome')});\n  }\n`;
  }
  const outcome =
    result === 'count'
      ? 'outcomes.COUNT'
      : result === 'nothing'
        ? 'outcomes.NOTHING'
        : `outcomes.${result.of}(${result.args.join(', ')})`;
  const type = result === 'count' ? 'number' : result === 'nothing' ? 'void' : result.type;
  const args = list(each);
  return `${head}: Promise<${type}>;\n${toldOverloads(each, args, type)}${implementation(each, args, type)} {
    ${made_}if (${IS_TOLD}) return ${tell(outcome)};
    return ${run(outcome)};
  }
`;
}

function writeAsync(): string {
  const methods = all
    .filter(({ declaration }) => declaration.notIn?.async === undefined)
    .map(
      (each) =>
        `${each.declaration.byHand ? '' : asyncMethod(each)}${each.declaration.byHand ? '' : aliasesOf(each, ['close'])}`,
    );
  const code = methods.filter((method) => method !== '').join('\n');
  return `${HEADER}/** The operations of AsyncRing: one method for each. */
import * as outcomes from '../async/outcomes.ts';
import { AsyncRingOpen } from '../async/open.ts';
import { withSent } from '../async/sent.ts';
import * as rooms from '../operations/rooms.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import * as encoders from './encoders.ts';
${importTypes(code, optionTypes).replace(/import type \{ ([^}]*)\bBufferRing(?:, )?([^}]*)\} from '..\/ring\/owners\/buffer-ring.ts';/, (_, before, after) => `import type { ${before}${after}} from '../ring/owners/buffer-ring.ts';`)}
export abstract class AsyncOperations extends AsyncRingOpen {
${code}}
`;
}

// ---- files ------------------------------------------------------------------------------------------------

for (const each of all) {
  for (const room of each.declaration.rooms ?? [])
    if (room.make !== undefined && !(room.make in rooms)) throw new Error(`rooms.ts has no ${room.make}`);
  const { result, stream } = each.declaration;
  for (const made of [result, stream]) {
    if (typeof made === 'object' && !each.declaration.byHand && !(made.of in outcomes))
      throw new Error(`outcomes.ts has no ${made.of}`);
  }
}

/** As Biome formats it, by the settings of the project. */
function formatted(files: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const folder = mkdtempSync(join(tmpdir(), 'uring-faces-'));
  try {
    const settings = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
    writeFileSync(
      join(folder, 'biome.json'),
      JSON.stringify({ ...settings, $schema: undefined, vcs: undefined, files: undefined }),
    );
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, basename(name)), text);
    const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
    const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'check', '--write', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`biome: ${stdout}${stderr}`);
    return Object.fromEntries(
      Object.keys(files).map((name) => [name, readFileSync(join(folder, basename(name)), 'utf8')]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const written = formatted({
  'ops/preparers.ts': `${header('lib/ops/entries.ts')}${writePreparers()}`,
  'faces/options.ts': writeOptions(),
  'faces/encoders.ts': writeEncoders(),
  'faces/prepare.ts': writePrepare(),
  'faces/async.ts': writeAsync(),
});
const isCheck = process.argv.includes('--check');
for (const [name, text] of Object.entries(written)) {
  const path = join(root, 'lib', name);
  if (!isCheck) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`lib/${name} is not what the declarations say: npm run faces`);
    process.exitCode = 1;
  }
}
