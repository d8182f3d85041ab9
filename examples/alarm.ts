/**
 * Raises an alarm when any process of the host makes a register call that few programs need: which, who, which program.
 *
 *     npm run example alarm [SECONDS]
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ring } from 'uring';
import { identify, trace } from 'uring/host';

/** What few programs do: they take on other credentials, or take over another ring's memory. */
const opcodes = ['REGISTER_PERSONALITY', 'REGISTER_CLONE_BUFFERS'];

const [, file = '', given] = process.argv;
if (given === 'suspect') {
  using ring = new Ring(8);
  ring.registerPersonality();
  process.once('message', () => process.exit());
} else if (process.geteuid?.() !== 0) console.log('needs root');
else if (!readFileSync('/proc/self/mounts', 'utf8').includes(' tracefs ')) {
  console.log('needs tracefs: mount -t tracefs nodev /sys/kernel/tracing');
} else {
  const records = trace({ opcodes });
  let suspect: ChildProcess | undefined;
  let alarms = 0;
  const end = given === undefined ? undefined : sleep(Number(given) * 1000).then(() => records.stop());
  for await (const record of records) {
    if (record.type === 'start' && given === undefined) suspect = fork(file, ['suspect']);
    if (record.type !== 'register') continue;
    const { opcodeName = 'an unknown opcode', comm, pid } = record;
    if (pid === undefined) continue;
    alarms++;
    console.log(`ALARM: ${opcodeName} by ${comm}, pid ${pid}, ${identify(pid)?.exe ?? 'gone'}`);
    if (pid !== suspect?.pid) continue;
    suspect.send('go');
    records.stop();
  }
  await end;
  assert.ok(alarms > 0 || given !== undefined);
}
