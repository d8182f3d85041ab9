/** Events of Tracee, one JSON object on each line, in the four forms that its versions write. */
import { exact, integer, rfc3339Ns, word } from './numbers.ts';
import {
  argumentsOf,
  type Known,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  registerCall,
  used,
} from './records.ts';

/** Follows a path of keys into parsed JSON. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}

/** Parses JSON; undefined where it is none. Integers that a number can't have become strings. */
function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    // only now: in valid JSON every string ends, so that this takes one pass
    const exactly = line.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    );
    return exactly === line ? value : JSON.parse(exactly);
  } catch {
    return undefined;
  }
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'string') return integer(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function numberOf(value: unknown): number | undefined {
  return exact(integerOf(value));
}

function idOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && number >= 0 ? number : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `{ name, type, value }`, `{ name, value }`, or the value under its type: `{ name, u_int32 }`. */
function itemValue(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return undefined;
  return Object.entries(item).find(([key]) => key !== 'name' && key !== 'type')?.[1];
}

/** Nanoseconds since 1970 of an integer, RFC 3339, or seconds and nanoseconds. */
function timeOf(value: unknown): bigint | undefined {
  const seconds = integerOf(at(value, 'seconds'));
  if (seconds !== undefined) return seconds * 1_000_000_000n + (integerOf(at(value, 'nanos')) ?? 0n);
  return integerOf(value) ?? (typeof value === 'string' ? rfc3339Ns(value) : undefined);
}

/** Who made the call; of the two views of a process that a container has, the host's. */
function whoOf(event: unknown): Known {
  const process = at(event, 'workload', 'process');
  const thread = at(process, 'thread');
  return {
    pid: idOf(
      at(event, 'hostProcessId') ?? at(event, 'processId') ?? at(process, 'host_pid') ?? at(process, 'pid'),
    ),
    tid: idOf(
      at(event, 'hostThreadId') ?? at(event, 'threadId') ?? at(thread, 'host_tid') ?? at(thread, 'tid'),
    ),
    comm: textOf(at(event, 'processName') ?? at(thread, 'name')),
    cpu: idOf(at(event, 'processorId')),
  };
}

function read(line: string): Reading | undefined {
  const event = parse(line);
  if (event === undefined) return undefined;
  if ((at(event, 'eventName') ?? at(event, 'name')) !== 'io_uring_register') return OTHER;
  const items = at(event, 'args') ?? at(event, 'data');
  const named = new Map<unknown, unknown>();
  if (Array.isArray(items)) for (const item of items) named.set(at(item, 'name'), itemValue(item));

  const fd = word(integerOf(named.get('fd')));
  const opcode = word(integerOf(named.get('opcode')));
  const arg = integerOf(named.get('arg'));
  const nrArgs = word(integerOf(named.get('nr_args')));
  if (fd === undefined || opcode === undefined || arg === undefined || nrArgs === undefined) return MALFORMED;
  const ret = numberOf(at(event, 'returnValue') ?? named.get('returnValue'));
  return used(
    registerCall('tracee', {
      timeNs: timeOf(at(event, 'timestamp')),
      ...whoOf(event),
      ...argumentsOf(fd, opcode, arg, nrArgs),
      ret,
      complete: ret !== undefined,
    }),
  );
}

export const tracee = (): Reader => ({ read, end: () => [] });
