/**
 * Gives a worker process one file and a ring that can do nothing but read it, before it runs code that nobody trusts.
 *
 *     npm run example sandbox-worker
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { AsyncRing, alloc, probe } from 'uring';

const { supported, since } = probe().register.REGISTER_RESTRICTIONS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}
/** Where the worker finds the file. */
const FD = 4;

/** In the worker: what the plug-in is given is the ring, shut in, and the slot. */
async function worker(): Promise<string[]> {
  await using ring = new AsyncRing(8, {
    files: [FD],
    sandbox: { ops: ['OP_READ'], requireFlags: ['FIXED_FILE'], register: [] },
  });
  closeSync(FD);
  const slot = ring.files?.at(0);
  assert.ok(slot);
  const said: string[] = [];
  const attempt = async (what: string, made: Promise<unknown>) =>
    said.push(`${what}: ${await made.then(String, ({ code }) => code)}`);
  await attempt('read its file', ring.read(slot, alloc(64)));
  await attempt('read stdin', ring.read(0, alloc(64)));
  await attempt('open a file', ring.open('/etc/passwd'));
  await attempt('write its file', ring.write(slot, alloc(64)));
  await attempt('connect', ring.socket('IPv4'));
  return said;
}

if (process.send !== undefined) {
  process.send(await worker());
  process.disconnect();
} else {
  const [, file = ''] = process.argv;
  const fd = openSync(process.execPath, 'r');
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd] });
  closeSync(fd);
  const [said] = await once(child, 'message');
  await once(child, 'close');
  for (const line of said) console.log(line);
  const refused = ['read stdin', 'open a file', 'write its file', 'connect'].map((what) => `${what}: EACCES`);
  assert.deepEqual(said, ['read its file: 64', ...refused]);
}
