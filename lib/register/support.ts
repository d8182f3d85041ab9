/** What this kernel has: yes, no or unknown, and how that is known. */
import { options as checkOptions, wrongValue } from '../../structs/check.ts';
import { features, type NamedValue, ops, setupFlags } from '../../structs/ops.ts';
import { type RegisterOpName, registerOps } from '../../structs/register-ops.ts';
import { UnsupportedError } from '../errors.ts';
import { kernelRelease } from '../sys/host.ts';
import {
  askQuery,
  askRange,
  askRing,
  askSetup,
  type QueryAnswer,
  type RingAnswer,
  type SetupFlagName,
  setupTrial,
} from './ask.ts';

/** Errnos that pass: too many files, no memory. What was unknown because of them is asked again next time. */
const PASSING: readonly number[] = [11, 12, 23, 24];

/** `'OP_READ'` and the other SQE operations. */
export type OpName = (typeof ops)[number]['name'];
export const OP_NAMES: readonly OpName[] = ops.map(({ name }) => name);
/** `'FEAT_NODROP'` and the others. */
export type FeatureName = (typeof features)[number]['name'];
/** Anything that a kernel can have: the C name without `IORING_`. */
export type SupportName = RegisterOpName | OpName | SetupFlagName | FeatureName;
export type { SetupFlagName };

/** Does this kernel have it? */
export interface Answer {
  /** undefined: it can't be known here, because io_uring or the question is forbidden. */
  readonly supported: boolean | undefined;
  /** The first mainline kernel with it; distributions port back. */
  readonly since: string;
  /**
   * How it is known: `'query'` REGISTER_QUERY, `'probe'` REGISTER_PROBE, `'range'` the kernel knows the opcode's number,
   * `'setup'` the flag was tried, `'features'` a ring reported it, `'none'` it isn't.
   */
  readonly by: 'query' | 'probe' | 'range' | 'setup' | 'features' | 'none';
}

/** What the running kernel has. */
export interface Support {
  /** The running kernel's release, for people. */
  readonly kernel: string;
  readonly register: Readonly<Record<RegisterOpName, Answer>>;
  readonly ops: Readonly<Record<OpName, Answer>>;
  readonly setup: Readonly<Record<SetupFlagName, Answer>>;
  readonly features: Readonly<Record<FeatureName, Answer>>;
  /**
   * Does the kernel have it? undefined where that can't be known.
   * @throws RangeError `ERR_INVALID_ARG_VALUE` for a name that is in no table
   */
  supports(name: SupportName): boolean | undefined;
  /**
   * Throws unless the kernel has each of `names`; what is unknown passes.
   * @throws UnsupportedError `{ need, since, kernel }` for the first that is missing
   * @throws RangeError `ERR_INVALID_ARG_VALUE` for a name that is in no table
   */
  require(...names: readonly SupportName[]): void;
}

type Verdict = readonly [supported: boolean | undefined, by: Answer['by']];
const UNKNOWN: Verdict = [undefined, 'none'];

/** One answer for each row of a table. */
function answers<const T extends readonly NamedValue[]>(
  rows: T,
  verdict: (row: T[number]) => Verdict,
): Readonly<Record<T[number]['name'], Answer>>;
function answers(
  rows: readonly NamedValue[],
  verdict: (row: NamedValue) => Verdict,
): Readonly<Record<string, Answer>> {
  const entries = rows.map((row): [string, Answer] => {
    const [supported, by] = verdict(row);
    return [row.name, Object.freeze({ supported, since: row.since, by })];
  });
  return Object.freeze(Object.fromEntries(entries));
}

function hasBit(bits: bigint | number, { value }: NamedValue): boolean {
  return (BigInt(bits) & BigInt(value)) !== 0n;
}

function registerAnswers(query: QueryAnswer | undefined): Support['register'] {
  if (query !== undefined)
    return answers(registerOps, ({ value }) => [value < query.nrRegisterOpcodes, 'query']);
  return answers(registerOps, ({ value }) => {
    const known = askRange(value);
    return known === undefined ? UNKNOWN : [known, 'range'];
  });
}

/** By REGISTER_PROBE first: REGISTER_QUERY counts operations, also those that the kernel was built without. */
function opAnswers(query: QueryAnswer | undefined, ring: RingAnswer | undefined): Support['ops'] {
  const built = ring?.ops;
  if (built !== undefined) return answers(ops, ({ value }) => [built.has(value), 'probe']);
  if (query !== undefined) return answers(ops, ({ value }) => [value < query.nrRequestOpcodes, 'query']);
  return answers(ops, () => UNKNOWN);
}

function setupAnswers(query: QueryAnswer | undefined): Support['setup'] {
  if (query !== undefined) return answers(setupFlags, (row) => [hasBit(query.ringSetupFlags, row), 'query']);
  const trial = setupTrial();
  return answers(setupFlags, (row) => (trial === undefined ? UNKNOWN : [askSetup(row, trial), 'setup']));
}

function featureAnswers(query: QueryAnswer | undefined, ring: RingAnswer | undefined): Support['features'] {
  if (query !== undefined) return answers(features, (row) => [hasBit(query.featureFlags, row), 'query']);
  if (ring !== undefined) return answers(features, (row) => [hasBit(ring.features, row), 'features']);
  return answers(features, () => UNKNOWN);
}

/** What is known, and whether asking again can't tell more. */
export interface Gathered {
  readonly support: Support;
  readonly lasting: boolean;
}

/** Puts the answers together. With `query` undefined it asks as a kernel before 6.18 is asked. */
export function gather(query: QueryAnswer | undefined): Gathered {
  const asked = askRing();
  const ring = typeof asked === 'number' ? undefined : asked;
  const tables = {
    register: registerAnswers(query),
    ops: opAnswers(query, ring),
    setup: setupAnswers(query),
    features: featureAnswers(query, ring),
  };
  return {
    support: supportOf(tables),
    lasting: typeof asked !== 'number' || !PASSING.includes(asked),
  };
}

function supportOf(tables: Pick<Support, 'register' | 'ops' | 'setup' | 'features'>): Support {
  const all = new Map(Object.values(tables).flatMap((table) => Object.entries<Answer>(table)));
  const find = (name: SupportName): Answer => {
    const answer = all.get(name);
    if (answer === undefined) {
      throw wrongValue(
        'name',
        "the C name of an opcode, flag or feature without IORING_, as 'OP_READ'",
        name,
      );
    }
    return answer;
  };
  return Object.freeze({
    kernel: kernelRelease,
    ...tables,
    supports: (name: SupportName) => find(name).supported,
    require: (...names: readonly SupportName[]) => {
      const wanted = names.map((name): [SupportName, Answer] => [name, find(name)]);
      for (const [need, { supported, since }] of wanted) {
        if (supported === false) throw new UnsupportedError(need, { since, kernel: kernelRelease });
      }
    },
  });
}

let cached: Support | undefined;

/**
 * Asks the kernel what it has: every register opcode, SQE operation, setup flag and feature. Each answer is the kernel's
 * own, none is deduced from its version. On a host that forbids io_uring nothing is thrown: what can't be known is
 * undefined. The answer is kept for the thread's life.
 *
 * Asked by REGISTER_QUERY (6.18), else by harmless calls that the kernel must refuse, and a ring of two entries that is
 * closed at once.
 * @param options `fresh`: ask again
 * @throws UnsupportedError where nothing can be asked: another system than 64-bit Linux, or without koffi
 * @see io_uring_register(2)
 */
export function probe(options: { readonly fresh?: boolean } = {}): Support {
  checkOptions('options', options, ['fresh']);
  if (cached !== undefined && options.fresh !== true) return cached;
  const { support, lasting } = gather(askQuery());
  cached = lasting ? support : undefined;
  return support;
}
