import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { Watch } from '../../lib/ring/core/wakeup.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { ringTest, until } from '../helpers/rings.ts';

ringTest('a watch calls back once for each arm(), while its fd is readable', {}, async (scope) => {
  const fd = scope.fd(sys.eventfd(5));
  let calls = 0;
  const watch = new Watch(fd, () => calls++);
  scope.defer(() => watch.close());
  watch.ref();
  for (let i = 1; i <= 3; i++) {
    assert.equal(watch.arm(), true);
    assert.equal(watch.arm(), true, 'armed already');
    await until('the call', () => calls === i);
  }
});

ringTest('a watch that was closed never calls back, and lets go of the file', {}, async (scope) => {
  const [silent, counted] = [scope.fd(sys.eventfd(0)), scope.fd(sys.eventfd(5))];
  let [wrong, right] = [0, 0];
  const never = new Watch(silent, () => wrong++);
  const { reader, writer } = scope.pipe();
  const piped = new Watch(reader, () => wrong++);
  const other = new Watch(counted, () => right++);
  scope.defer(() => other.close());
  for (const watch of [never, piped]) watch.arm();
  for (const watch of [never, piped, never]) watch.close();
  never.ref();
  never.unref();
  assert.equal(never.arm(), true);
  // the poll held the reading end: without it a write finds no reader
  sys.close(reader);
  scope.fd(sys.eventfd(0));
  assert.throws(() => writeSync(writer, 'x'), { code: 'EPIPE' });
  other.ref();
  other.arm();
  await until('the call', () => right === 1);
  assert.equal(wrong, 0);
});

ringTest('hundreds of watches at once are all told', {}, async (scope) => {
  const told = new Set<number>();
  const fds = Array.from({ length: 300 }, () => scope.fd(sys.eventfd(0)));
  const watches = fds.map((fd, i) => new Watch(fd, () => told.add(i)));
  scope.defer(() => {
    for (const watch of watches) watch.close();
  });
  for (const watch of watches) {
    watch.ref();
    watch.arm();
  }
  for (const fd of fds) writeSync(fd, new BigUint64Array([1n]));
  await until('all calls', () => told.size === 300);
});
