/** Keeps the kernel from starting hundreds of worker threads for operations that block. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { probe, Ring } from 'uring';
import { libc } from 'uring/raw';

const { supported, since } = probe().register.REGISTER_IOWQ_MAX_WORKERS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

const COUNT = 20;
const nameOf = (tid: string) => {
  try {
    return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8');
  } catch {
    return 'a thread that has just ended';
  }
};
const workers = () =>
  readdirSync('/proc/self/task').filter((tid) => nameOf(tid).startsWith('iou-wrk-')).length;

using ring = new Ring(64);
console.log('limits before:', ring.workerLimits);
const limits = ring.limitWorkers({ bounded: 2, unbounded: 3 });
console.log('limits now:   ', ring.workerLimits);
assert.deepEqual(ring.workerLimits, { bounded: 2, unbounded: 3 });

// each waits in a worker thread until there is a byte in the pipe
const [from, writer] = libc.pipe();
const into = openSync('/dev/null', 'w');
for (let i = 0; i < COUNT; i++) ring.prepare.splice(from, into, 1, { async: true });
ring.submit();

while (workers() < 3);
let most = 0;
for (let done = 0; done < COUNT; done++) {
  most = Math.max(most, workers());
  writeSync(writer, '.');
  ring.submit({ wait: 1 });
  ring.reap((_, res) => assert.equal(res, 1));
}
console.log(`${COUNT} operations that block: never more than ${most} worker threads`);
assert.equal(most, 3);

limits.unregister();
console.log('limits after: ', ring.workerLimits);
for (const fd of [from, writer]) libc.close(fd);
closeSync(into);
