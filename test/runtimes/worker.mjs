/** A worker with a ring and operations in flight, which ends as its `workerData` says. */
import { workerData as how, parentPort } from 'node:worker_threads';
import { AsyncRing } from 'uring';
import { libc } from 'uring/raw';

const ring = new AsyncRing(16);
const [reader, writer] = libc.pipe();
/** Without the pipe the fds that are left are the rings'. */
function closePipe() {
  libc.close(reader);
  libc.close(writer);
}
process.on('exit', closePipe);

const reads = Array.from({ length: 8 }, () => ring.read(reader, new Uint8Array(65536)));
for (const read of reads) read.catch(() => {});
await ring.write(writer, new Uint8Array(1));
// one of them ends, any: the ring works, and its poll handle has been used
await Promise.race(reads);

const ways = {
  exit: () => process.exit(3),
  throw: () => {
    throw new Error('thrown');
  },
  close: () => ring.close(),
  // nothing holds the worker: it ends by itself, with the other reads pending
  'end-unref': () => ring.unref(),
  // nothing is pending, and nobody has closed the ring
  'end-idle': async () => {
    ring.close();
    globalThis.kept = new AsyncRing(4);
    await globalThis.kept.write(writer, new Uint8Array(1));
  },
  terminate: () => parentPort.postMessage(undefined),
  'terminate-closed': () => {
    ring.close();
    closePipe();
    setInterval(() => {}, 1000);
    parentPort.postMessage(undefined);
  },
};
await ways[how]();
