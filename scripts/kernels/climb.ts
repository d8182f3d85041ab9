/** One rung: boots the kernel, follows the tests, and goes on where a guest ended or hung. */
import { boot } from './boot.ts';
import { Infrastructure } from './commands.ts';
import type { Rung } from './ladder.ts';
import { type Message, message, type Outcome, type TestResult } from './outcome.ts';

/** Without a word for so long a guest hangs: on a busy machine the longest test, of commands, takes half of it. */
const SILENCE_MS = 240_000;
/** How many guests that end or hang are enough. */
const MOST_BOOTS = 8;

/** What a rung is run with. */
export interface Equipment {
  readonly rung: Rung;
  readonly series: string;
  readonly image: string;
  readonly archives: readonly string[];
  readonly folder: string;
  /** Only test files whose path contains one of these. */
  readonly only: readonly string[];
  /** Is called as it goes on: how many files are done, of how many, and which one is next. */
  readonly onProgress: (done: number, total: number, file: string) => void;
}

/** Follows the messages of one boot. */
class Follower {
  file = '';
  isDone = false;
  status: number | undefined;
  #done: number;
  #total = 0;
  readonly #pending: Omit<TestResult, 'file'>[] = [];
  readonly #outcome: Outcome;
  readonly #onProgress: Equipment['onProgress'];
  /** What is printed besides, the last lines of it. */
  readonly printed: string[] = [];

  constructor(outcome: Outcome, from: number, onProgress: Equipment['onProgress']) {
    this.#outcome = outcome;
    this.#done = from - 1;
    this.#onProgress = onProgress;
  }

  /** Forgets the tests of a file that is run once more. */
  forget(): void {
    this.#pending.length = 0;
  }

  /** The tests that were told of since a file ended belong to the next: they are told a little later than it begins. */
  settle(file: string): void {
    this.#outcome.tests.push(...this.#pending.splice(0).map((test) => ({ file, ...test })));
  }

  /** How many files were begun. */
  get begun(): number {
    return this.#done + 1;
  }

  line(text: string): void {
    const told = message(text);
    if (told) this.#message(told);
    else if (text.trim() !== '' && this.printed.push(text) > 40) this.printed.shift();
  }

  #message(told: Message): void {
    const outcome = this.#outcome;
    if (told.kind === 'start') {
      outcome.release = told.release;
      outcome.probe = told.probe;
      this.#total = told.files;
      this.#onProgress(this.begun, this.#total, 'the tour');
    } else if (told.kind === 'tour') {
      const { opcodes = [], flag, leaked = [], error } = told.result;
      outcome.tour = flag ? [...opcodes, flag] : opcodes;
      if (error !== undefined) outcome.problems.push(error);
      if (leaked.length > 0) outcome.problems.push(`the tour left open: ${leaked.join(', ')}`);
    } else if (told.kind === 'file') {
      this.file = told.name;
      this.#onProgress(++this.#done, this.#total, told.name);
    } else if (told.kind === 'test') {
      const { kind: _, ...test } = told;
      this.#pending.push(test);
    } else if (told.kind === 'file-end') {
      this.settle(told.name);
    } else if (told.kind === 'done') this.isDone = true;
    else if (told.kind === 'end') this.status = told.status;
  }
}

/**
 * Runs a rung.
 * @throws Infrastructure with the console's end when the guest did not come so far as to run tests
 */
export async function climb(equipment: Equipment): Promise<Outcome> {
  const { rung, series, image, archives, folder, only, onProgress } = equipment;
  const start = performance.now();
  const outcome: Outcome = {
    rung,
    series,
    release: '',
    seconds: 0,
    tests: [],
    tour: [],
    probe: undefined,
    problems: [],
    again: [],
  };
  for (let boots = 0, from = 0; boots < MOST_BOOTS; boots++) {
    const follower = new Follower(outcome, from, onProgress);
    const environment = { URING_FROM: `${from}`, URING_TESTS: only.join(',') };
    const ending = await boot({ rung, image, archives, folder, environment, silenceMs: SILENCE_MS }, (line) =>
      follower.line(line),
    );
    outcome.seconds = (performance.now() - start) / 1000;
    if (follower.isDone && follower.status !== undefined) {
      const isExplained = follower.status === 0 || outcome.tests.some(({ error }) => error !== undefined);
      if (!isExplained) outcome.problems.push(`no test failed, and yet they ended with ${follower.status}`);
      return outcome;
    }
    const { file } = follower;
    const said = [...follower.printed, ending.console].join('\n');
    if (file === '') throw new Infrastructure(`${rung.name}: the guest did not come to the tests\n${said}`);
    const how = ending.isHung ? 'hangs' : `ended the guest (status ${follower.status ?? 'unknown'})`;
    from = follower.begun;
    if (outcome.again.at(-1) !== file) {
      // the emulator may be to blame: what the tests do to a kernel they do a second time
      follower.forget();
      outcome.again.push(file);
      console.error(`${rung.name}: ${file} ${how}; once more\n${said}`);
      from--;
      continue;
    }
    outcome.again.pop();
    follower.settle(file);
    const last = outcome.tests.findLast((test) => test.file === file)?.name ?? 'its beginning';
    outcome.tests.push({ file, name: `after "${last}"`, ms: 0, error: `it ${how}, twice\n${said}` });
  }
  outcome.problems.push(`${MOST_BOOTS} guests did not come to the end`);
  return outcome;
}
