/**
 * Deno and Bun have rings, by promises and by hand, with the other entrances and the command, in workers that are terminated;
 * each check is a line of TAP.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AsyncRing, alloc, ClosedError, Ring } from 'uring';
import { readFile } from 'uring/fs';
import { inspect } from 'uring/host';
import { registerProbe } from 'uring/raw';
import { Iovec } from 'uring/structs';

const RUN = 'deno' in process.versions ? ['run', '-A', '--v8-flags=--expose-gc'] : ['run', '--expose-gc'];

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

/** What a program wrote that this runtime has run. */
async function output(path, ...args) {
  return outputOf(RUN, path, args);
}

async function outputOf(run, path, args = []) {
  const child = spawn(process.execPath, [...run, new URL(path, import.meta.url).pathname, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const code = await new Promise((resolve) => child.on('close', (...end) => resolve(end.join())));
  if (code !== '0,') throw new Error(`${path} ${args.join(' ')} ended with ${code}\n${stderr}`);
  return stdout;
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

await check('has the other entrances', async () => {
  const ring = new Ring(8);
  const { opsLen } = registerProbe(ring.fd);
  const { rings } = await inspect();
  const isSeen = rings.some(({ pid, fd }) => pid === process.pid && fd === ring.fd);
  ring.close();
  const bytes = await readFile(PATH);
  if (!isSeen || !isExpected(bytes) || Iovec.size !== 16) return { opsLen, isSeen, read: bytes.length };
});

await check('runs the command', async () => {
  const { version } = JSON.parse(String(expected));
  const printed = (await output('../../dist/cli.cjs', '--version')).trim();
  const report = await output('../../dist/cli.cjs', 'probe');
  if (!printed.includes(version) || !report.includes('REGISTER_BUFFERS')) return { printed, report };
});

if ('deno' in process.versions)
  await check('outlives the end of `deno test`, timers or not', async () => {
    for (let i = 0; i < 10; i++) await outputOf(['test', '-A', '--no-check'], 'late.deno.mjs');
  });

for (const how of ['idle', 'pending', 'listening', 'turns', 'churn'])
  await check(`outlives workers that are terminated, and keeps nothing of theirs: ${how}`, async () => {
    const { fds: _, ...found } = JSON.parse(await output('scenes.mjs', 'terminated', how, '8'));
    const { ended, ...left } = found;
    if (ended !== 8 || Object.values(left).some((count) => count !== 0)) return found;
  });

console.log(`# pass ${count - failed}\n# fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;
