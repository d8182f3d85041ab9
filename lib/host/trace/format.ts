/**
 * What the kernel says about its own trace data: the fields of an event (`format`), the shape of a page
 * (`header_page`), what was lost (`stats`). Ids and offsets differ between kernels, so none is known in advance.
 * Everything here is pure, and answers undefined for a text that it does not understand.
 */

/** Where a field lies in an event, in bytes. */
interface Field {
  readonly offset: number;
  readonly size: number;
}

const FIELD = /^\s*field:\s*(.+?)\s*;\s*offset:(\d+);\s*size:(\d+);/;
/** More than any page holds. */
const MAX_OFFSET = 1 << 20;

function fieldsOf(text: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const line of text.split('\n')) {
    const [, declared = '', offset, size] = FIELD.exec(line) ?? [];
    // `char comm[16]` is called comm
    const name = /(\w+)(?:\[.*\])?$/.exec(declared)?.[1];
    if (name === undefined || Number(offset) > MAX_OFFSET || Number(size) > MAX_OFFSET) continue;
    fields.set(name, { offset: Number(offset), size: Number(size) });
  }
  return fields;
}

/** How many bytes are read of each field. */
type Sizes<Name extends string> = { readonly [name in Name]: 1 | 2 | 4 | 8 };

/** An event as it lies in a page: where each field that we read is. */
export interface EventFormat<Name extends string, Optional extends string = never> {
  readonly id: number;
  /** Offsets in bytes; undefined for an optional field that this kernel does not have. */
  readonly at: { readonly [name in Name]: number } & { readonly [name in Optional]: number | undefined };
  /** So many bytes it has at least. */
  readonly length: number;
}

function hasAll<Name extends string, Optional extends string>(
  at: { readonly [name in Name | Optional]?: number | undefined },
  names: Sizes<Name>,
): at is EventFormat<Name, Optional>['at'] {
  for (const name in names) if (at[name] === undefined) return false;
  return true;
}

/**
 * Reads an event's `format` file.
 * @param names the fields that are read, and how many bytes of each: 4 of the 8 that system call arguments have
 * @param optional fields that some kernels do not have
 */
export function parseFormat<Name extends string, Optional extends string = never>(
  text: string,
  names: Sizes<Name>,
  optional: Partial<Sizes<Optional>> = {},
): EventFormat<Name, Optional> | undefined {
  const id = Number(/^ID: (\d+)$/m.exec(text)?.[1]);
  if (!Number.isInteger(id) || id > 0xffff) return undefined;
  const fields = fieldsOf(text);
  const at: { [name in Name | Optional]?: number | undefined } = {};
  let length = 0;
  const place = (name: Name | Optional, size: number): void => {
    const field = fields.get(name);
    if (field === undefined || field.size < size) return;
    at[name] = field.offset;
    length = Math.max(length, field.offset + size);
  };
  for (const name in names) place(name, names[name]);
  for (const name in optional) place(name, optional[name] ?? 0);
  return hasAll<Name, Optional>(at, names) ? { id, at, length } : undefined;
}

/** How many bytes a page of the ring buffer has, by `events/header_page`: 4096 unless somebody changed it. */
export function parsePageSize(text: string): number | undefined {
  const data = fieldsOf(text).get('data');
  return data === undefined ? undefined : data.offset + data.size;
}

/** What `per_cpu/cpuN/stats` counts since the instance was made. */
export interface CpuStats {
  /** Events that nobody will ever read. */
  readonly lost: number;
  /** Events that still wait. */
  readonly entries: number;
}

/** Reads a cpu's `stats` file. */
export function parseStats(text: string): CpuStats | undefined {
  const count = (name: string): number => {
    const digits = new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1];
    return digits === undefined ? Number.NaN : Number(digits);
  };
  const lost = count('overrun') + count('dropped events');
  const entries = count('entries');
  if (!Number.isSafeInteger(lost) || !Number.isSafeInteger(entries)) return undefined;
  // `commit overrun` is a kind of loss that the older names don't count
  return { lost: lost + (count('commit overrun') || 0), entries };
}

/** Reads a list of cpus: `'0-3,8'`. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
      const length = Number(last) - Number(first) + 1;
      return length > 0 ? Array.from({ length }, (_, i) => Number(first) + i) : [];
    });
}
