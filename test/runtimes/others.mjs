/** Deno and Bun read through rings, by promises and by hand; each check is a line of TAP. */
import { readFileSync } from 'node:fs';
import { AsyncRing, alloc, ClosedError, Ring } from 'uring';

let count = 0;
let failed = 0;

async function check(name, body) {
  try {
    const wrong = await body();
    if (wrong !== undefined) throw new Error(`it gave ${JSON.stringify(wrong)}`);
    console.log(`ok ${++count} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++count} - ${name}\n  ${error.stack}`);
  }
}

const PATH = new URL('../../package.json', import.meta.url).pathname;
const expected = readFileSync(PATH);
const isExpected = (bytes) =>
  bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i]);

await check('opens, reads and closes a file', async () => {
  const ring = new AsyncRing(8);
  const file = await ring.open(PATH);
  const bytes = new Uint8Array(expected.length + 100);
  const read = await ring.read(file, bytes, { offset: 0 });
  await file.close();
  ring.close();
  if (!isExpected(bytes.subarray(0, read))) return read;
});

await check('reads into a registered buffer, many at once, waiting in the kernel', async () => {
  const ring = new AsyncRing(8);
  const file = await ring.open(PATH);
  const buffers = ring.registerBuffers([alloc(64 * 512)]);
  const reads = Array.from({ length: 64 }, (_, i) =>
    ring.read(file, buffers.at(0).subarray(i * 512, i * 512 + 512), { offset: 0, async: true }),
  );
  const counts = new Set(await Promise.all(reads));
  const { bytes } = buffers.at(0);
  await file.close();
  ring.close();
  if (counts.size !== 1 || bytes.some((byte, i) => byte !== expected[i % 512])) return [...counts];
});

await check('is woken by a timeout, and by an abort', async () => {
  const ring = new AsyncRing(8);
  await ring.timeout({ afterMs: 20 });
  const controller = new AbortController();
  const waiting = ring.timeout({ afterMs: 60_000, signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  const name = await waiting.then(
    () => 'nothing',
    (error) => error.name,
  );
  ring.close();
  if (name !== 'AbortError') return name;
});

await check('is woken again and again, nothing else going on', async () => {
  const ring = new AsyncRing(8);
  for (let i = 0; i < 5; i++) await ring.timeout({ afterMs: 20 });
  ring.close();
});

await check('closes 300 rings right after they were used', async () => {
  for (let i = 0; i < 300; i++) {
    const ring = new AsyncRing(8);
    await ring.nop();
    ring.close();
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (
      await ring.nop().then(
        () => true,
        (error) => !(error instanceof ClosedError),
      )
    )
      return i;
  }
});

await check('submits and reaps by hand', () => {
  const ring = new Ring(8);
  ring.prepare.nop({ userData: 42 });
  ring.submit({ wait: 1 });
  const [{ userData, res }] = ring.completions();
  ring.close();
  if (userData !== 42 || res !== 0) return { userData, res };
});

console.log(`# pass ${count - failed}\n# fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;
