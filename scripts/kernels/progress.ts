/** Shows how far it is: a bar for each rung on a terminal, a line for each elsewhere. On stderr: stdout is for results. */
import cliProgress from 'cli-progress';

/** Several machines may run at the same time. */
const bars = process.stderr.isTTY
  ? new cliProgress.MultiBar({
      format: '{name} {bar} {value}/{total} {what}',
      barsize: 20,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    })
  : undefined;
let shown = 0;

/** The progress of a rung. */
export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name.padEnd(14);
    this.#bar = bars?.create(1, 0, { name: this.#name, what: 'fetching' });
    shown++;
  }

  /** What it does now. */
  step(what: string): void {
    this.#bar?.update({ what });
  }

  files(done: number, total: number, what: string): void {
    this.#bar?.setTotal(total);
    this.#bar?.update(done, { what: what.padEnd(32) });
  }

  /** Leaves a line behind. */
  end(text: string): void {
    const line = `${this.#name} ${text}`;
    shown--;
    if (this.#bar === undefined) {
      console.error(line);
      return;
    }
    bars?.log(`${line}\n`);
    bars?.remove(this.#bar);
    // without a bar its timer would hold the process
    if (shown === 0) bars?.stop();
  }
}
