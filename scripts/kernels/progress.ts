/** Shows how far it is: a bar on a terminal, a line for each rung elsewhere. On stderr: stdout is for results. */
import cliProgress from 'cli-progress';

/** The progress of a rung. */
export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    if (!process.stderr.isTTY) return;
    this.#bar = new cliProgress.SingleBar({
      format: `${name.padEnd(14)} {bar} {value}/{total} {what}`,
      barsize: 20,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    });
    this.#bar.start(1, 0, { what: 'fetching' });
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
    this.#bar?.stop();
    console.error(`${this.#name.padEnd(14)} ${text}`);
  }
}
