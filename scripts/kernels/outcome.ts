/** What a guest tells, put together: one outcome for each rung. */
import type { Rung } from './ladder.ts';

/** A test that ran in a guest. */
export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly ms: number;
  /** Why it was skipped. */
  readonly skip?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A row of the tour. */
export interface TourRow {
  readonly value: number;
  readonly name: string;
  readonly verdict: string;
  readonly evidence: string;
}

/** By name: does the kernel have it? */
export type Answers = Readonly<Record<string, { readonly supported?: boolean; readonly since: string }>>;

/** What the library says that the kernel has. */
export interface Probe {
  readonly register: Answers;
  readonly ops: Answers;
  readonly setup: Answers;
  readonly features: Answers;
}

/** What came of a rung. */
export interface Outcome {
  readonly rung: Rung;
  /** The kernel's series: not always the one that was asked for. */
  readonly series: string;
  /** As uname has it. */
  release: string;
  seconds: number;
  readonly tests: TestResult[];
  tour: readonly TourRow[];
  probe: Probe | undefined;
  /** Failures that are no test's: a verdict that contradicts, a hanging guest. */
  readonly problems: string[];
  /** Files in which a guest ended or hung that did neither in another guest. */
  readonly again: string[];
}

/** Which tests passed, failed and were skipped. */
export function counts({ tests }: Outcome): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const failed = tests.filter(({ error }) => error !== undefined).length;
  const skipped = tests.filter(({ skip }) => skip !== undefined).length;
  return { passed: tests.length - failed - skipped, failed, skipped };
}

/** How many opcodes the tour proved. */
export function proved({ tour }: Outcome): number {
  return tour.filter(({ name, verdict }) => verdict === 'proved' && name !== 'USE_REGISTERED_RING').length;
}

/** `'959 passed, 0 failed, 9 skipped, 233 s'` */
export function summary(outcome: Outcome): string {
  const { passed, failed, skipped } = counts(outcome);
  const all = failed + outcome.problems.length;
  const again = outcome.again.map((file) => `, ${file} in a second guest`);
  return `${passed} passed, ${all} failed, ${skipped} skipped, ${outcome.seconds.toFixed(0)} s${again.join('')}`;
}

/** A message of test/kernels/guest.ts. */
export type Message =
  | { readonly kind: 'start'; readonly release: string; readonly files: number; readonly probe: Probe }
  | {
      readonly kind: 'tour';
      readonly result: {
        readonly opcodes?: readonly TourRow[];
        readonly flag?: TourRow;
        readonly leaked?: readonly string[];
        readonly error?: string;
      };
    }
  | { readonly kind: 'file' | 'file-end'; readonly name: string }
  | ({ readonly kind: 'test' } & Omit<TestResult, 'file'>)
  | { readonly kind: 'done' }
  | { readonly kind: 'end'; readonly status: number };

/** The message in a line of the serial port; undefined where it is something that a test printed. */
export function message(line: string): Message | undefined {
  const start = line.indexOf('@@{');
  if (start < 0) return undefined;
  try {
    return JSON.parse(line.slice(start + 2));
  } catch {
    return undefined;
  }
}
