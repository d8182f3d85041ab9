/** What belongs to one thread is not sent to another. */

/**
 * The value of a property of everything that belongs to a ring. postMessage and structuredClone refuse functions, and say what
 * they are: without it they would make an empty object of a file, and of a ring an error about its insides.
 */
export const threadBound = (): string =>
  'it belongs to this thread: send a path, an address or the number of an fd';
