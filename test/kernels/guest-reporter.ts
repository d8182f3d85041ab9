/** A reporter of node:test that tells each result outside at once. */
import { END_OF_FILE, tell } from './telling.ts';

interface Data {
  readonly name: string;
  readonly skip?: string | boolean;
  readonly details: { readonly type?: string; readonly duration_ms: number; readonly error?: unknown };
}

interface Event {
  readonly type: string;
  readonly data: Data;
}

function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stack, cause } = error;
  // node:test wraps what a test threw
  return cause instanceof Error ? message(cause) : (stack ?? String(error));
}

export default async function* report(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite') continue;
    const { name, skip, details } = data;
    if (name.startsWith(END_OF_FILE)) {
      tell({ kind: 'file-end', name: name.slice(END_OF_FILE.length) });
    } else if (type === 'test:fail') {
      tell({ kind: 'test', name, ms: details.duration_ms, error: message(details.error) });
    } else {
      tell({
        kind: 'test',
        name,
        ms: details.duration_ms,
        ...(skip !== undefined && { skip: String(skip) }),
      });
    }
    yield '';
  }
}
