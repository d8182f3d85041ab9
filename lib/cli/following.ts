/** Follows a stream of records until something ends it: a signal, a time, the end of a command, a reader who has enough. */
import { asFailure, stopped } from './kit.ts';
import { Launched } from './launch.ts';

/** A stream of records that can be ended in good order. */
export interface Stoppable<R> extends AsyncIterable<R> {
  stop(): void;
}

/** What ends a stream. */
export interface Ending {
  /** A command that waits for the stream's begin, and whose end is its end. */
  readonly command?: Launched | undefined;
  /** Seconds. */
  readonly duration?: number | undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal ends the stream in good order, and so does a reader who has seen enough; what comes back tells whether. */
export function stopOnSignal(stream: { stop(): void }): () => boolean {
  let wasStopped = false;
  const stop = (): void => {
    wasStopped = true;
    stream.stop();
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  stopped.addEventListener('abort', stop);
  if (stopped.aborted) stop();
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
    stopped.removeEventListener('abort', stop);
    return wasStopped;
  };
}

/**
 * Gives every record to `take`, and waits where it says so.
 * @returns whether a signal or the reader ended it
 */
export async function follow<R extends { readonly type: string }>(
  stream: Stoppable<R>,
  { command, duration }: Ending,
  take: (record: R) => Promise<void> | undefined,
): Promise<boolean> {
  const release = stopOnSignal(stream);
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const record of stream) {
      if (record.type === 'start') {
        if (duration !== undefined) timer = setTimeout(() => stream.stop(), duration * 1000);
        command?.go();
        void command?.exited.then(() => stream.stop());
      }
      const full = take(record);
      if (full !== undefined) await full;
    }
  } finally {
    clearTimeout(timer);
  }
  return release();
}

/**
 * Starts the command, if there is one, for `body`; kills it where that fails: it waits for a word that won't come.
 * @param name of our own command, for what the system refuses
 */
export async function withCommand(
  name: string,
  words: readonly string[],
  body: (command: Launched | undefined) => Promise<void>,
): Promise<void> {
  let command: Launched | undefined;
  try {
    if (words.length > 0) command = await Launched.start(words);
    await body(command);
    command?.leave();
  } catch (error) {
    command?.kill();
    throw asFailure(error, name) ?? error;
  }
}

/** The processes that are asked for, with the command's. */
export function pidsOf(
  command: Launched | undefined,
  pids: readonly number[] = [],
): readonly number[] | undefined {
  const all = command === undefined ? pids : [command.pid, ...pids];
  return all.length === 0 ? undefined : all;
}
