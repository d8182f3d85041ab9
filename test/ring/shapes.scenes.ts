/** Scenes for threads of their own: rings that a worker may not have. */
import { readdirSync } from 'node:fs';
import { Ring } from '../../lib/faces/ring.ts';

/** What a worker gets that asks for a submission thread. */
export function sqPollHere(): unknown {
  const before = readdirSync('/proc/self/fd').length;
  try {
    new Ring(4, { sqPoll: { idleMs: 1 } });
    return 'a ring';
  } catch (error) {
    const { name, code, message } = Object(error);
    const fds = readdirSync('/proc/self/fd').length - before;
    return { name, code, names: String(message).includes('"options.sqPoll"'), fds };
  }
}
