/** Buffer rings: opcodes 22, 23, 26. */
import { writeSync } from 'node:fs';
import { type BufferPart, type BufferRing, Ring } from 'uring';
import { completions, named, Pair, refusal, result, same } from './kit.ts';
import type { Proofs } from './proof.ts';

/** Sends `text` through a pair of sockets; the part of a buffer that it was received into. */
function receive(ring: Ring, pool: BufferRing, { a, b }: Pair, text: string): BufferPart {
  writeSync(b.fd, text);
  ring.prepare.recv(a.fd, pool);
  const [completion = { res: 0, flags: 0 }] = completions(ring, 1);
  same('bytes received', named(completion.res), text.length);
  const part = pool.take(completion);
  same('what was received', new TextDecoder().decode(part.bytes), text);
  return part;
}

export const pools = {
  REGISTER_PBUF_RING: () => {
    using ring = new Ring(8);
    using sockets = Pair.sockets();
    using pool = ring.registerBufferRing({ entries: 1, bufferSize: 64 });
    using part = receive(ring, pool, sockets, 'picked');
    ring.prepare.recv(sockets.a.fd, pool);
    same('a receive when it is empty', result(ring), '-ENOBUFS');
    return `RECV picked buffer ${part.id}; with none left ENOBUFS`;
  },

  UNREGISTER_PBUF_RING: () => {
    using ring = new Ring(8);
    const options = { entries: 1, bufferSize: 64, group: 7 };
    const pool = ring.registerBufferRing(options);
    same(
      'its group again',
      refusal(() => ring.registerBufferRing(options)),
      'EEXIST',
    );
    pool.unregister();
    using next = ring.registerBufferRing(options);
    return `group 7: EEXIST before, ${next.length} new buffer now`;
  },

  REGISTER_PBUF_STATUS: () => {
    using ring = new Ring(8);
    using sockets = Pair.sockets();
    using pool = ring.registerBufferRing({ entries: 4, bufferSize: 64 });
    same('head before', pool.status(), { head: 0 });
    receive(ring, pool, sockets, 'one');
    receive(ring, pool, sockets, 'two');
    same('head after', pool.status(), { head: 2 });
    return 'the head moved from 0 to 2 with two receives';
  },
} satisfies Proofs;
