/** Events of Falco and sysdig: text with the event's arguments, alone or in Falco's JSON. */
import { describeOpcode, opcodeByName } from '../call.ts';
import { at, idOf, textOf, timeOf } from './json.ts';
import { count, exact, flagsValue, hex, integer } from './numbers.ts';
import {
  callOf,
  type Found,
  type JsonReader,
  type Known,
  MALFORMED,
  OpenCalls,
  type Reader,
  type Reading,
  syscallNamed,
  type UringSyscall,
  used,
} from './records.ts';

const NAMES = 'io_uring_(?:register|setup|enter)';
/** sysdig's own columns: number, time, cpu, name, thread, direction, event. */
const SYSDIG = new RegExp(
  String.raw`^ *(\d+) ([\d:.]+) (\d+) (.{0,64}?) \((\d+)(?:[.:]\d+)?\) ([<>]) (${NAMES})(?= |$)`,
);
/** An output that names the event: `evt=...`, `evt.type=...`, `evt_type=...`. */
const NAMED = new RegExp(String.raw`\b(?:evt(?:[._]type)?|event|syscall)=(${NAMES})\b`);

/** `key=value`, the first of each key. */
function pairs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(
    /(?:^|[\s(,])([\w.]{1,64})=([^\s,)]*(?:\([^)]*\))?)/g,
  )) {
    const name = key.replace(/^evt\.(?:arg\.)?/, '');
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}

/** The number before a remark: `3(<f>/dev/null)`, `-1(EPERM)`. */
function numberIn(text: string | undefined): number | undefined {
  return exact(integer(/^-?\w+/.exec(text ?? '')?.[0] ?? ''));
}

/** Falco numbers opcodes by a table of its own: only their names are the kernel's. */
function opcodeIn(text: string | undefined): Known | undefined {
  const [, name] = /\b(IORING_\w+)/.exec(text ?? '') ?? [];
  const value = name === undefined ? undefined : opcodeByName(name);
  if (value !== undefined) return describeOpcode(value);
  return name === undefined ? undefined : { opcodeName: name.replace(/^IORING_/, '') };
}

/** What the arguments of an event tell; undefined where there is nothing that can be told. */
function argumentsIn(syscall: UringSyscall, fields: ReadonlyMap<string, string>): Known | undefined {
  const ret = numberIn(fields.get('res') ?? fields.get('rawres'));
  const fd = numberIn(fields.get('fd'));
  if (syscall === 'io_uring_register') {
    const opcode = opcodeIn(fields.get('opcode'));
    if (opcode === undefined) return undefined;
    return { fd, ...opcode, arg: hex(fields.get('arg') ?? ''), nrArgs: numberIn(fields.get('nr_args')), ret };
  }
  if (syscall === 'io_uring_setup') {
    const sizes = {
      sqEntries: numberIn(fields.get('sq_entries')),
      cqEntries: numberIn(fields.get('cq_entries')),
    };
    return { entries: numberIn(fields.get('entries')), ...sizes, flags: flagsIn(fields.get('flags')), ret };
  }
  const counts = {
    toSubmit: numberIn(fields.get('to_submit')),
    minComplete: numberIn(fields.get('min_complete')),
  };
  return { fd, ...counts, flags: flagsIn(fields.get('flags')), ret };
}

/** `16(IORING_SETUP_CLAMP)`: by the names, with `|` between them. */
function flagsIn(text: string | undefined): number | undefined {
  const names = /\(([^)]*)/.exec(text ?? '')?.[1];
  return names === undefined ? numberIn(text) : flagsValue(names);
}

function call(syscall: UringSyscall, who: Known, fields: ReadonlyMap<string, string>): Reading {
  const known = argumentsIn(syscall, fields);
  if (known === undefined) return MALFORMED;
  return used(callOf(syscall, 'falco', { ...who, ...known, complete: known.ret !== undefined }));
}

/** Falco's JSON: fields, where the rule's output asks for them; its text otherwise. */
export const falcoJson: JsonReader = (event) => {
  const fields = at(event, 'output_fields');
  const output = textOf(at(event, 'output'));
  if (output === undefined || at(event, 'rule') === undefined) return undefined;
  const field = (name: string): unknown => at(fields, name);
  const named = textOf(field('evt.type') ?? field('syscall.type')) ?? NAMED.exec(output)?.[1];
  const syscall = syscallNamed(named);
  if (syscall === undefined) return undefined;
  const who = {
    timeNs:
      timeOf(field('evt.rawtime') ?? field('evt.time') ?? at(event, 'time')) ?? timeOf(at(event, 'time')),
    pid: idOf(field('proc.pid')),
    tid: idOf(field('thread.tid')),
    comm: textOf(field('proc.name')),
  };
  const told = [textOf(field('evt.args')), textOf(field('evt.info'))].filter((text) => text !== undefined);
  const single = Object.entries(typeof fields === 'object' && fields !== null ? fields : {})
    .filter(([key]) => /^evt\.(?:arg\.\w+|res|rawres)$/.test(key))
    .map(([key, value]) => `${key}=${value}`);
  return call(syscall, who, pairs([...told, ...single, output].join(' ')));
};

/** sysdig's two lines of a call, of which the first tells nothing but that it began; and the text of Falco. */
export class FalcoText implements Reader {
  readonly #open = new OpenCalls();

  read(line: string): Reading | undefined {
    const event = line.length < 8192 ? SYSDIG.exec(line) : null;
    if (event === null) return this.#output(line);
    const [front, , , cpu, comm, tid, direction, name] = event;
    const syscall = syscallNamed(name);
    if (syscall === undefined) return MALFORMED;
    const who = { tid: count(tid), comm, cpu: count(cpu) };
    if (direction === '>')
      return used(...this.#open.begin(who.tid, { syscall, source: 'falco', known: who }));
    const reading = call(syscall, who, pairs(line.slice(front.length)));
    if (reading.is === 'used') this.#open.finish(who.tid, syscall);
    return reading;
  }

  end(): readonly Found[] {
    return this.#open.end();
  }

  #output(line: string): Reading | undefined {
    const named = line.length < 8192 && line.includes('=io_uring_') ? NAMED.exec(line) : null;
    const syscall = syscallNamed(named?.[1]);
    if (syscall === undefined) return undefined;
    const fields = pairs(line);
    const who = {
      pid: count(fields.get('pid') ?? fields.get('proc.pid') ?? fields.get('proc_pid')),
      comm: fields.get('proc') ?? fields.get('proc.name') ?? fields.get('process') ?? fields.get('comm'),
    };
    return call(syscall, who, fields);
  }
}
