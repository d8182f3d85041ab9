/** What tests let rings do, to see it told. */
import { Ring, type RingOptions } from '../../lib/index.ts';
import { probe } from '../../lib/register/support.ts';

/** Can a ring make sockets here? */
export const hasSocket = probe().ops.OP_SOCKET.supported === true;

/** What a program does by a ring alone: opens a file, reads, connects, sends. */
export interface Deeds {
  /** Results by operation, in order. */
  readonly results: ReadonlyMap<string, readonly number[]>;
}

/** Waits for one completion: its result. */
export function resultOf(ring: Ring): number {
  ring.submit({ wait: 1 });
  const [completion] = [...ring.completions()];
  return completion?.res ?? Number.NaN;
}

/** The operations of `openAndSend()` that this kernel has. */
export const DEEDS = ['OP_OPENAT', 'OP_READ', 'OP_CLOSE', 'OP_SOCKET', 'OP_CONNECT', 'OP_SEND'] as const;

/**
 * Opens and reads a file, and connects to a port where nobody listens, and tries to send, `count` times; each operation
 * by the ring, one after the other.
 */
export function openAndSend(count: number, options: RingOptions = {}): Deeds {
  const results = new Map<string, number[]>(DEEDS.map((name) => [name, []]));
  const ring = new Ring(8, options);
  const memory = new Uint8Array(64);
  const next = (name: (typeof DEEDS)[number]): number => {
    const result = resultOf(ring);
    results.get(name)?.push(result);
    return result;
  };
  for (let i = 0; i < count; i++) {
    ring.prepare.openat('/proc/self/comm');
    const fd = next('OP_OPENAT');
    ring.prepare.read(fd, memory);
    next('OP_READ');
    ring.prepare.close(fd);
    next('OP_CLOSE');
    if (!hasSocket) continue;
    ring.prepare.socket('IPv4');
    const socket = next('OP_SOCKET');
    ring.prepare.connect(socket, { address: '127.0.0.1', port: 9 });
    next('OP_CONNECT');
    ring.prepare.send(socket, memory);
    next('OP_SEND');
    ring.prepare.close(socket);
    next('OP_CLOSE');
  }
  ring.close();
  return { results };
}
