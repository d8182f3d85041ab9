/** What `uring probe` shows: everything that a kernel can have, in four sections, and lines of names for a terminal. */
import { features, ops, setupFlags } from '../../structs/ops.ts';
import { registerOps } from '../../structs/register-ops.ts';
import type { Answer, Support } from '../register/support.ts';
import { wrapped } from './table.ts';

/** The four tables of a Support, with their headings. */
export const SECTIONS = [
  { key: 'register', title: 'Register opcodes', table: registerOps },
  { key: 'ops', title: 'Operations', table: ops },
  { key: 'setup', title: 'Setup flags', table: setupFlags },
  { key: 'features', title: 'Features', table: features },
] as const;

/** Something that a kernel can have. */
export interface Need {
  /** The C name without IORING_. */
  readonly name: string;
  readonly since: string;
}

/** And what this kernel says of it. */
export interface Row extends Need, Answer {}

/** When each came, by its name. */
export const SINCE: ReadonlyMap<string, string> = new Map(
  SECTIONS.flatMap(({ table }) => table.map(({ name, since }) => [name, since] as const)),
);

/** One section of what this kernel has, in the order of its numbers. */
export function rowsOf(support: Support, key: (typeof SECTIONS)[number]['key']): Row[] {
  return Object.entries<Answer>(support[key]).map(([name, answer]) => ({ name, ...answer }));
}

/** All of them. */
export function allRows(support: Support): Row[] {
  return SECTIONS.flatMap(({ key }) => rowsOf(support, key));
}

/** A version as a number that grows with it. */
export function comparable(since: string): number {
  const [major, minor] = since.split('.');
  return Number(major) * 1000 + Number(minor);
}

/** Lines of names, the oldest first: `no   6.19  REGISTER_ZCRX_CTRL`. Each has the mark, so that grep finds all. */
export function sinceLines(mark: string, rows: readonly Need[]): string[] {
  const width = Math.min(process.stdout.columns || 80, 100) - mark.length - 6;
  const all = [...new Set(rows.map(({ since }) => since))].sort((a, b) => comparable(a) - comparable(b));
  return all.flatMap((since) => {
    const names = rows.filter((row) => row.since === since).map(({ name }) => name);
    return wrapped(names.join(' '), width).map((line) => `${mark}${since.padEnd(6)}${line}`);
  });
}
