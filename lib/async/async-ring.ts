/** The ring of promises. */
import { AsyncWaiting } from './waiting.ts';

/**
 * A ring under async/await: every operation is a method that gives a promise, or an async iterator where the kernel
 * gives many completions. Memory that the kernel may touch is held until it has let go; operations start in the next
 * turn of the event loop, together.
 *
 * `await using ring = new AsyncRing(256)` closes it at the end of the block; without `using` call `close()`.
 */
export class AsyncRing extends AsyncWaiting {}
