/** Eventfds, cancelling and messages: opcodes 4, 5, 7, 24, 31. */
import { Ring } from 'uring';
import { libc } from 'uring/raw';
import { completions, named, OpenFile, Pair, result, same, until } from './kit.ts';
import type { Proofs } from './proof.ts';

const POLLIN = 1;

function nop(ring: Ring, options?: { readonly async: boolean }): void {
  ring.prepare.nop(options);
  same('NOP', result(ring), 0);
}

export const notify = {
  REGISTER_EVENTFD: () => {
    using ring = new Ring(8);
    using signal = ring.registerEventfd();
    same('signals before', signal.read(), 0);
    nop(ring);
    same('signals of a NOP', signal.read(), 1);
    signal.isEnabled = false;
    nop(ring);
    same('signals while it is disabled', signal.read(), 0);
    return 'a NOP made it count 1, and none while disabled';
  },

  UNREGISTER_EVENTFD: () => {
    using ring = new Ring(8);
    using mine = new OpenFile(libc.eventfd());
    const signal = ring.registerEventfd(mine.fd);
    nop(ring);
    same('signals of a NOP', signal.read(), 1);
    signal.unregister();
    nop(ring);
    same('reading the eventfd', mine.read(), 'EAGAIN');
    return 'a NOP signals it no more';
  },

  REGISTER_EVENTFD_ASYNC: () => {
    using ring = new Ring(8);
    using signal = ring.registerEventfd(undefined, { async: true });
    nop(ring);
    same('signals of a NOP done at once', signal.read(), 0);
    nop(ring, { async: true });
    until("the signal of a worker's NOP", () => signal.read() === 1);
    return "silent for a NOP, signalled for a worker's NOP";
  },

  REGISTER_SYNC_CANCEL: () => {
    using ring = new Ring(8);
    using pipe = Pair.pipe();
    for (const userData of [1, 2, 3]) ring.prepare.pollAdd(pipe.a.fd, POLLIN, { userData });
    ring.submit();
    same('cancelled', ring.cancelSync({ fd: pipe.a.fd, all: true, timeoutMs: 1000 }), 3);
    const ends = completions(ring, 3).map(({ res }) => named(res));
    same('what became of them', ends, ['-ECANCELED', '-ECANCELED', '-ECANCELED']);
    return '3 polls of a pipe ended with ECANCELED';
  },

  REGISTER_SEND_MSG_RING: () => {
    using target = new Ring(8);
    Ring.sendMessage(target, { userData: 7, res: 42 });
    const [message] = completions(target, 1);
    same('the completion', message, { userData: 7, res: 42, flags: 0 });
    return 'the completion 7, 42 came, sent without a ring';
  },
} satisfies Proofs;
