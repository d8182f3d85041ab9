/** `uring abi`: where the fields of the kernel's structs lie, and what its constants are. */
import { Command } from 'commander';
import { constants } from '../../structs/flags.ts';
import { type FieldLayout, layouts, type StructLayout } from '../../structs/index.ts';
import { enterFlags } from '../../structs/ops.ts';
import { EXIT, Failure, paint, print, table, toJson, visible } from './kit.ts';
import { SINCE } from './probe-rows.ts';

type Constant = number | bigint;

/** The entries whose name is, or begins with, one of `wanted`: in any case, with or without its prefix. All without any. */
function select<T>(all: { readonly [name: string]: T }, wanted: readonly string[]): [string, T][] {
  if (wanted.length === 0) return Object.entries(all);
  const prefixes = wanted.map((word) => word.toLowerCase());
  return Object.entries(all).filter(([name]) => {
    const full = name.toLowerCase();
    const bare = full.replace(/^(io_uring_|ioring_)/, '');
    return prefixes.some((prefix) => full.startsWith(prefix) || bare.startsWith(prefix));
  });
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('abi')
    .description(
      'Shows structs (offset, size and holes in bytes) and constants as a C compiler has them on this machine.',
    )
    .argument('[names...]', 'structs and constants, or what their names begin with; all without any')
    .option('--json', 'one object: { structs, constants }')
    .addHelpText(
      'after',
      `
Names go with or without IORING_ and io_uring_, in any case.

Exits with 0; 2 for wrong usage, also for a name that nothing has.

Examples:
  uring abi io_uring_sqe
  uring abi SETUP_ FEAT_
  uring abi rsrc_update --json`,
    )
    .action(run);
}

async function run(wanted: readonly string[], { json }: { readonly json?: boolean }): Promise<void> {
  const structs = select(layouts, wanted);
  const values = select<Constant>(constants, wanted);
  if (structs.some(([, { size }]) => size === 0)) {
    throw new Failure(
      EXIT.unsupported,
      'abi',
      'layouts need the package koffi',
      'install it with its optional dependencies',
    );
  }
  if (structs.length + values.length === 0) {
    throw new Failure(
      EXIT.usage,
      'abi',
      `nothing is called, or begins with, ${visible(wanted.join(' '))}`,
      '"uring abi" has all',
    );
  }
  if (json)
    return await print(
      toJson({ structs: Object.fromEntries(structs), constants: Object.fromEntries(values) }),
    );
  for (const each of structs) await print(`${structText(...each)}\n`);
  if (values.length > 0)
    await print(table(['CONSTANT', '     VALUE', 'HEX', 'SINCE'], values.map(constantRow)));
}

const since: ReadonlyMap<string, string> = new Map([
  ...SINCE,
  ...enterFlags.map(({ name, since }) => [name, since] as const),
]);

function constantRow([name, value]: [string, Constant]): string[] {
  const hex = value < 0 ? '' : `0x${value.toString(16)}`;
  // nobody reads a 64-bit mask in decimal, and it would widen the table beyond 80 columns
  const decimal = typeof value === 'bigint' ? '' : `${value}`.padStart(10);
  return [name, decimal, hex, since.get(name.replace(/^IORING_/, '')) ?? ''];
}

/** Do two fields share bytes, as members of a union do? A flexible array (size 0) is in a union by its beginning. */
function overlap(a: FieldLayout, b: FieldLayout): boolean {
  return a.offset < b.offset + Math.max(b.size, 1) && b.offset < a.offset + Math.max(a.size, 1);
}

/** The lines of a struct: its fields in their order, members of unions behind a bar, and what belongs to no field. */
function structText(name: string, { size, align, fields }: StructLayout): string {
  const places = Object.values(fields);
  const rows: (string | number)[][] = [];
  let end = 0;
  const gap = (to: number, what: string): void => {
    if (to > end) rows.push([end, to - end, `-- ${what} --`]);
  };
  for (const [field, place] of Object.entries(fields)) {
    gap(place.offset, 'hole');
    const isShared = places.some((other) => other !== place && overlap(other, place));
    rows.push([place.offset, place.size, `${isShared ? '| ' : '  '}${field}${place.size === 0 ? '[]' : ''}`]);
    end = Math.max(end, place.offset + place.size);
  }
  gap(size, 'padding');
  const head = `struct ${name}: ${size} bytes, aligned to ${align}`;
  return `${paint.bold(head)}\n${table(['OFFSET', 'SIZE', '  FIELD'], rows)}`;
}
