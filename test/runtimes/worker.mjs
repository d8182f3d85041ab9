/** A worker with a ring and operations in flight, which ends as its `workerData` says. */
import { parentPort, workerData as how } from 'node:worker_threads';
import { AsyncRing } from 'uring';
import { libc } from 'uring/raw';

const ring = new AsyncRing(16);
const [reader, writer] = libc.pipe();
const memory = Array.from({ length: 8 }, () => new Uint8Array(65536));
if (how === 'end unref') ring.unref();
// never fulfilled: nothing is written
const reads = how === 'end idle' ? [] : memory.map((bytes) => ring.read(reader, bytes));
for (const read of reads) read.catch(() => {});
// one that is: the ring works, and its poll handle has been used
await ring.write(writer, new Uint8Array(1));
await reads[0];

/** The pipe is not what is tested: without it the fds that are left are the rings'. */
process.on('exit', () => {
  libc.close(reader);
  libc.close(writer);
});

if (how === 'exit') process.exit(3);
else if (how === 'throw') throw new Error('thrown');
else if (how === 'close') ring.close();
else if (how === 'terminate closed') {
  ring.close();
  libc.close(reader);
  libc.close(writer);
  parentPort.postMessage('running');
  setInterval(() => {}, 1000);
} else if (how === 'terminate') {
  parentPort.postMessage('running');
}
