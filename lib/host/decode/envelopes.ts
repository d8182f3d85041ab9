/** What stores and ships logs puts around a line: prefixes of text, objects of JSON with the line inside. */
import { at, textOf } from './json.ts';

/** Each matches the front that it puts before a line. */
const FRONTS: readonly RegExp[] = [
  /^\uFEFF/,
  /^\s+/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  /^(?:\x1b\[[\d;]{0,32}m)+/,
  // kubectl logs --prefix, stern, docker compose
  /^\[(?:pod|container)\/[^\]\s]{1,253}\] /,
  /^[\w./-]{1,128} +\| /,
  // CRI: time, stream, whole or part
  /^\d{4}-\d\d-\d\dT\S{1,32} (?:stdout|stderr) [FP](?::\S{0,32})? /,
  // syslog: priority, RFC 3164 or RFC 5424 or ISO time, host, program
  /^(?:<\d{1,3}>)?(?:\d )?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{1,32}) [\w.:-]{1,255} [\w./@-]{1,64}(?:\[\d{1,10}\])?: ?/,
  /^<\d{1,3}>1 \S{1,40} \S{1,255} \S{1,64} \S{1,128} \S{1,32} (?:-|(?:\[[^\]]{0,1024}\])+) (?:\uFEFF)?/,
  // CI and other programs' times: RFC 3339, or with a space, perhaps in brackets
  /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?\]?:? /,
  /^\[\d\d:\d\d:\d\d(?:\.\d{1,9})?\] /,
  // GitLab: time, stream
  /^\d{4}-\d\d-\d\dT\S{1,32} \d\d[OE][+ ]?/,
];

/** JSON that stands behind text which nobody knows. */
function jsonBehind(text: string): string[] {
  const at = text.indexOf('{"');
  return at > 0 && /\}\s*$/.test(text) ? [text.slice(at).trimEnd()] : [];
}

/** So many ways to take fronts off are tried. */
const MOST_READINGS = 16;

/** The line, then the line without its front: a front may be taken for another one, so that there are several. */
export function* peeled(line: string): Generator<string> {
  const queue = [line];
  for (let i = 0; i < queue.length && i < MOST_READINGS; i++) {
    const text = queue[i] ?? '';
    yield text;
    for (const front of FRONTS) {
      const length = front.exec(text)?.[0].length ?? 0;
      if (length > 0) queue.push(text.slice(length));
    }
    queue.push(...jsonBehind(text));
  }
}

/** Where JSON envelopes have the line, the most usual first; some have it twice, in different forms. */
const INSIDE = [
  ...['log', 'MESSAGE', 'message', '_raw', 'textPayload', 'jsonPayload', 'line', 'msg', 'data', 'result'],
  ...['_source', 'event', 'original', 'body', 'payload', 'output', 'fields', 'record', 'text'],
];

/** What journald has for text that is not UTF-8, or has control characters. */
function bytesOf(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isByte = (each: unknown): each is number =>
    typeof each === 'number' && Number.isInteger(each) && each >= 0 && each <= 255;
  return value.every(isByte) ? new TextDecoder().decode(Uint8Array.from(value)) : undefined;
}

/** What may be a line, or an event, inside of an object. */
export function inside(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value;
  return INSIDE.flatMap((key): readonly unknown[] => {
    const found = at(value, key);
    const text = textOf(found) ?? bytesOf(found);
    if (text !== undefined) return [text];
    return typeof found === 'object' && found !== null ? [found] : [];
  });
}

/** The part of a line that was too long for one entry of CRI's or Docker's log, and where the rest will come. */
export interface Partial {
  /** The stream's name. */
  readonly stream: string;
  readonly text: string;
  readonly isLast: boolean;
}

const CRI = /^\d{4}-\d\d-\d\dT\S{1,32} (stdout|stderr) ([FP])(?::\S{0,32})? /;

/** Parts of lines, put together again: by CRI's mark, or where Docker's text has no line feed. */
export function partOf(line: string, parsed: () => unknown): Partial | undefined {
  const [front, stream = '', mark] = CRI.exec(line) ?? [];
  if (front !== undefined) return { stream, text: line.slice(front.length), isLast: mark === 'F' };
  if (!line.startsWith('{"log":')) return undefined;
  const value = parsed();
  const [text, name] = [textOf(at(value, 'log')), textOf(at(value, 'stream'))];
  if (text === undefined || name === undefined) return undefined;
  return { stream: name, text: text.replace(/\r?\n$/, ''), isLast: text.endsWith('\n') };
}
