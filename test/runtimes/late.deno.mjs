/** A file of tests for `deno test`, which ends while timers still call the kernel: Deno has unloaded koffi then. */
import { test } from 'node:test';
import { Ring } from 'uring';

test('timers that outlive the file', async () => {
  const ring = new Ring(512);
  for (let ms = 0; ms < 200; ms++)
    setTimeout(() => {
      ring.prepare.nop();
      try {
        ring.submit();
      } catch {
        // the call fails once koffi is unloaded
      }
    }, ms).unref();
  await new Promise((resolve) => setTimeout(resolve, 50));
});
