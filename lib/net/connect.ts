/** Connections to others. */
import { boolean, options as checkNames, optionalSignal, wrongValue } from '../../structs/check.ts';
import { copyOf } from '../async/departure.ts';
import { whenAborted } from '../async/signals.ts';
import { AbortError, ClosedError, OpError } from '../errors.ts';
import { MAX_TIMER_MS, milliseconds } from '../ring/core/time.ts';
import { sys } from '../sys/syscall.ts';
import { type CheckedPlace, type Endpoint, openSocket, placeOf, resolve, STREAM } from './endpoint.ts';
import { RingSocket, type SocketRing, setNoDelay } from './socket.ts';

/** Options of `createConnection`. */
export interface ConnectionOptions {
  /** An address, or a name, which `node:dns` resolves; `'localhost'` when absent. */
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  /** Connects with a Unix socket. */
  readonly path?: string | undefined;
  /** 4 or 6: only such addresses of the name; both when absent. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** TCP_NODELAY; true when absent. */
  readonly noDelay?: boolean | undefined;
  /** How long connecting, the name included, then each read or write, may take; see `socket.timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Ends connecting. */
  readonly signal?: AbortSignal | undefined;
}

const NAMES = ['host', 'port', 'path', 'family', 'noDelay', 'timeoutMs', 'signal'];
/** So long an address is tried where the name has another one, as Node.js has it. */
const ATTEMPT_MS = 250;
const ETIME = 62;

/** One address. */
async function connectTo(
  ring: SocketRing,
  endpoint: Endpoint,
  noDelay: boolean,
  limits: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const fd = openSocket(endpoint, STREAM);
  try {
    if (endpoint.family !== 'unix' && noDelay) setNoDelay(fd, true);
    await ring.connect(fd, endpoint, limits);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** The addresses of a place, unless the signal aborts or the time is over before: what resolves names can't be stopped. */
async function resolveInTime(
  place: CheckedPlace,
  { host, family = 0, timeoutMs, signal }: ConnectionOptions,
): Promise<readonly Endpoint[]> {
  if (signal?.aborted) throw new AbortError(signal.reason);
  const hint = `timeoutMs is over, and '${host}' is not resolved yet`;
  let timer: NodeJS.Timeout | undefined;
  let forget = () => {};
  const ended = new Promise<never>((_, reject) => {
    forget = whenAborted(signal, () => reject(new AbortError(signal?.reason)));
    if (timeoutMs !== undefined && timeoutMs <= MAX_TIMER_MS)
      timer = setTimeout(() => reject(new OpError('OP_CONNECT', ETIME, { hint })), timeoutMs);
  });
  try {
    return await Promise.race([resolve(place, family), ended]);
  } finally {
    clearTimeout(timer);
    forget();
  }
}

/** All errors, with the code of the first one, as Node.js has it. */
function allFailed(errors: readonly Error[]): Error {
  const [first] = errors;
  if (errors.length === 1 && first !== undefined) return first;
  const text = errors.map(({ message }) => message).join('; ');
  return Object.assign(new AggregateError(errors, text), {
    code: first !== undefined && 'code' in first ? first.code : undefined,
  });
}

/** Connects with the first address that answers. */
export async function connectSocket(ring: SocketRing, given: ConnectionOptions = {}): Promise<RingSocket> {
  checkNames('options', given, NAMES);
  // each option is read once: a getter may give another value the next time
  const options: ConnectionOptions = copyOf(given);
  const { family = 0, noDelay = true, timeoutMs, signal } = options;
  if (![0, 4, 6].includes(family)) throw wrongValue('options.family', '0, 4 or 6', family);
  boolean('options.noDelay', noDelay);
  if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
  optionalSignal('options.signal', signal);
  const place = placeOf('options', options);
  const begin = performance.now();
  const endpoints = await resolveInTime(place, options);
  const errors: Error[] = [];
  for (const [i, endpoint] of endpoints.entries()) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (ring.isClosed) throw new ClosedError('the ring');
    const isLast = i === endpoints.length - 1;
    // what the name and the addresses before it have left; at least a moment, so that each has its error
    const left = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - begin));
    const limit = isLast ? left : Math.min(ATTEMPT_MS, left ?? ATTEMPT_MS);
    try {
      const fd = await connectTo(ring, endpoint, noDelay, { signal, timeoutMs: limit });
      return new RingSocket(fd, ring, timeoutMs);
    } catch (error) {
      if (!(error instanceof OpError)) throw error;
      errors.push(error);
    }
  }
  throw allFailed(errors);
}
