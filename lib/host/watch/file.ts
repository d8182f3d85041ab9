/** The rule file: which rules hold, which are added, and what is allowed. Read with the same care as a program's arguments. */
import { ops, setupFlags } from '../../../structs/ops.ts';
import { registerOps } from '../../../structs/register-ops.ts';
import { type Condition, RULES, type Rule, type Severity } from './rules.ts';

/** What is no finding: all that is given must match. `*` stands for any text, `?` for any character. */
export interface Allowance {
  /** The rule's id; absent: every rule. */
  readonly rule?: string | undefined;
  readonly executable?: string | undefined;
  readonly comm?: string | undefined;
  /** A container's id or the beginning of one with `*`. */
  readonly container?: string | undefined;
  readonly unit?: string | undefined;
  readonly uid?: number | undefined;
}

/** Which rules hold, and what they leave out. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly allow: readonly Allowance[];
}

/** Something is wrong with a rule file. */
export class RuleError extends Error {
  /** Where: `'rules[0].when.any[1]'`. */
  readonly where: string;

  constructor(where: string, why: string) {
    super(`${where}: ${why}`);
    this.where = where;
  }

  static {
    RuleError.prototype.name = 'RuleError';
  }
}

const strings = { type: 'array', items: { type: 'string' } } as const;
const text = { type: 'string' } as const;

function condition(event: string, required: readonly string[], properties: object): object {
  return {
    type: 'object',
    required: ['event', ...required],
    properties: { event: { const: event }, ...properties },
    additionalProperties: false,
  };
}

/** The form of a rule file, as JSON Schema. */
export const RULE_FILE_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Rules of uring watch',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: text,
    enable: { ...strings, description: 'ids of built-in rules that are off, to look for too' },
    disable: { ...strings, description: 'ids of built-in rules not to look for' },
    allow: {
      type: 'array',
      description: 'what is no finding; * and ? stand for others',
      items: {
        type: 'object',
        minProperties: 1,
        additionalProperties: false,
        properties: {
          rule: text,
          executable: text,
          comm: text,
          container: text,
          unit: text,
          uid: { type: 'integer', minimum: 0 },
        },
      },
    },
    rules: {
      type: 'array',
      description: 'more rules; one with the id of a built-in rule takes its place',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'title', 'severity', 'when'],
        properties: {
          id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]*$' },
          title: text,
          severity: { enum: ['low', 'medium', 'high'] },
          why: text,
          falsePositives: text,
          silence: text,
          when: {
            oneOf: [
              condition('operation', ['any'], { any: strings, and: strings }),
              condition('ring', [], {
                flags: strings,
                inContainer: { type: 'boolean' },
                executablesOtherThan: strings,
              }),
              condition('register', ['any'], { any: strings }),
              condition('register-failures', ['count', 'seconds'], {
                count: { type: 'integer', minimum: 1 },
                seconds: { type: 'number', exclusiveMinimum: 0 },
              }),
              condition('user-changed', [], {}),
              condition('shared', [], {}),
              condition('unrestricted', [], {}),
              condition('workers', ['above'], { above: { type: 'integer', minimum: 0 } }),
              condition('pinned', ['aboveBytes'], { aboveBytes: { type: 'integer', minimum: 0 } }),
            ],
          },
        },
      },
    },
  },
} as const;

/** Its keys. */
const FILE = RULE_FILE_SCHEMA.properties;

type Fields = { readonly [name: string]: unknown };

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown, where: string, names: readonly string[]): Fields {
  if (!isFields(value)) throw new RuleError(where, 'it must be an object');
  const wrong = Object.keys(value).find((name) => !names.includes(name));
  if (wrong !== undefined)
    throw new RuleError(`${where}.${wrong}`, `there is no such key; ${names.join(', ')} are`);
  return value;
}

function listOf<T>(value: unknown, where: string, each: (value: unknown, where: string) => T): T[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new RuleError(where, 'it must be a list');
  return value.map((item: unknown, i) => each(item, `${where}[${i}]`));
}

function stringOf(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '')
    throw new RuleError(where, 'it must be a text that is not empty');
  return value;
}

function numberOf(value: unknown, where: string, least: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
    throw new RuleError(where, `it must be a number from ${least}`);
  }
  return value;
}

/** A name of one of these tables, with or without IORING_. */
function nameOf(known: readonly string[], what: string) {
  return (value: unknown, where: string): string => {
    const name = stringOf(value, where)
      .toUpperCase()
      .replace(/^IORING_/, '');
    if (!known.includes(name)) throw new RuleError(where, `${name} is no ${what}`);
    return name;
  };
}

const operation = nameOf(
  ops.map(({ name }) => name),
  'operation',
);
const register = nameOf(
  registerOps.map(({ name }) => name),
  'register opcode',
);
const flag = nameOf(
  setupFlags.map(({ name }) => name),
  'setup flag',
);

function someOf<T>(value: unknown, where: string, each: (value: unknown, where: string) => T): T[] {
  const found = listOf(value, where, each);
  if (found.length === 0) throw new RuleError(where, 'it must be a list that is not empty');
  return found;
}

function ringCondition({ flags, inContainer, executablesOtherThan }: Fields, where: string): Condition {
  if (inContainer !== undefined && typeof inContainer !== 'boolean') {
    throw new RuleError(`${where}.inContainer`, 'it must be true or false');
  }
  return {
    event: 'ring',
    flags: listOf(flags, `${where}.flags`, flag),
    inContainer,
    executablesOtherThan:
      executablesOtherThan === undefined
        ? undefined
        : listOf(executablesOtherThan, `${where}.executablesOtherThan`, stringOf),
  };
}

function conditionOf(value: unknown, where: string): Condition {
  if (!isFields(value)) throw new RuleError(where, 'it must be an object');
  const only = (...names: string[]): Fields => fieldsOf(value, where, ['event', ...names]);
  const { event } = value;
  switch (event) {
    case 'operation': {
      const { any, and } = only('any', 'and');
      const others = listOf(and, `${where}.and`, operation);
      return {
        event,
        any: someOf(any, `${where}.any`, operation),
        and: others.length > 0 ? others : undefined,
      };
    }
    case 'ring':
      return ringCondition(only('flags', 'inContainer', 'executablesOtherThan'), where);
    case 'register': {
      const { any } = only('any');
      return { event, any: someOf(any, `${where}.any`, register) };
    }
    case 'register-failures': {
      const { count, seconds } = only('count', 'seconds');
      return {
        event,
        count: numberOf(count, `${where}.count`, 1),
        seconds: numberOf(seconds, `${where}.seconds`, 0.001),
      };
    }
    case 'user-changed':
    case 'shared':
    case 'unrestricted':
      only();
      return { event };
    case 'workers': {
      const { above } = only('above');
      return { event, above: numberOf(above, `${where}.above`, 0) };
    }
    case 'pinned': {
      const { aboveBytes } = only('aboveBytes');
      return { event, aboveBytes: numberOf(aboveBytes, `${where}.aboveBytes`, 0) };
    }
    default:
      throw new RuleError(`${where}.event`, 'it must be an event of the schema');
  }
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high'];

function ruleOf(value: unknown, where: string): Rule {
  const names = ['id', 'title', 'severity', 'when', 'why', 'falsePositives', 'silence'];
  const { id, title, severity, when, ...rest } = fieldsOf(value, where, names);
  const name = stringOf(id, `${where}.id`);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw new RuleError(`${where}.id`, 'it has small letters, digits and -');
  const found = SEVERITIES.find((each) => each === severity);
  if (found === undefined) throw new RuleError(`${where}.severity`, `it must be ${SEVERITIES.join(', ')}`);
  const words = (key: string): string =>
    rest[key] === undefined ? '' : stringOf(rest[key], `${where}.${key}`);
  return {
    id: name,
    title: stringOf(title, `${where}.title`),
    severity: found,
    when: conditionOf(when, `${where}.when`),
    why: words('why'),
    falsePositives: words('falsePositives'),
    silence: words('silence'),
    enabled: true,
  };
}

function allowanceOf(value: unknown, where: string): Allowance {
  const { uid, ...globs } = fieldsOf(value, where, Object.keys(FILE.allow.items.properties));
  for (const [name, glob] of Object.entries(globs)) stringOf(glob, `${where}.${name}`);
  if (uid === undefined && Object.keys(globs).length === 0)
    throw new RuleError(where, 'it would allow everything');
  return { ...globs, ...(uid === undefined ? {} : { uid: numberOf(uid, `${where}.uid`, 0) }) };
}

/**
 * Reads the value of a rule file, and puts it together with the rules that come with uring.
 * @throws RuleError
 */
export function ruleSet(value: unknown = {}): RuleSet {
  const { enable, disable, allow, rules } = fieldsOf(value, 'the file', Object.keys(FILE));
  const own = listOf(rules, 'rules', ruleOf);
  const twice = own.find(({ id }, i) => own.findIndex((each) => each.id === id) !== i);
  if (twice !== undefined) throw new RuleError('rules', `${twice.id} is there twice`);
  const builtIn = (each: unknown, where: string): string => {
    const id = stringOf(each, where);
    if (![...RULES, ...own].some((rule) => rule.id === id))
      throw new RuleError(where, `there is no rule ${id}`);
    return id;
  };
  const on = listOf(enable, 'enable', builtIn);
  const off = listOf(disable, 'disable', builtIn);
  const allowances = listOf(allow, 'allow', allowanceOf);
  for (const [i, { rule }] of allowances.entries()) {
    if (rule !== undefined) builtIn(rule, `allow[${i}].rule`);
  }
  const kept = RULES.filter(({ id }) => !own.some((each) => each.id === id));
  return {
    rules: [...kept, ...own].filter(({ id, enabled }) => (enabled || on.includes(id)) && !off.includes(id)),
    allow: allowances,
  };
}
