/** Scenes for processes of their own: subscribers that throw. */
import { subscribe } from 'node:diagnostics_channel';
import { Ring } from '../lib/faces/ring.ts';
import { alloc } from '../lib/sys/memory.ts';

/** Every subscriber throws: what the calls gave all the same, and where the errors came out. */
export async function throwing(): Promise<unknown> {
  const errors: string[] = [];
  process.on('uncaughtException', (error) => errors.push(error.message));
  for (const name of ['uring:setup', 'uring:register', 'uring:close']) {
    subscribe(name, () => {
      throw new Error(name);
    });
  }
  const ring = new Ring(4);
  const buffers = ring.registerBuffers([alloc(64)]);
  let code = 'none';
  try {
    ring.registerBuffers([alloc(64)]);
  } catch (error) {
    code = Object(error).code;
  }
  buffers.unregister();
  ring.close();
  const during = errors.length;
  await new Promise((resolve) => setImmediate(resolve));
  return { code, isClosed: ring.isClosed, during, errors };
}
