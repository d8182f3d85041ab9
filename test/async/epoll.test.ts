import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import type { Fd } from '../../lib/operations/types.ts';
import type { FixedFile } from '../../lib/ring/owners/files.ts';
import { epollCreate } from '../../lib/sys/libc.ts';
import { aborts, asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

const CTL = needsOp('OP_EPOLL_CTL');
const WAIT = needsOp('OP_EPOLL_WAIT');
const EPOLLIN = 1;
const EPOLLOUT = 4;
/** The compiler refuses a slot where the kernel does. */
const isRefused: FixedFile extends Fd ? false : true = true;

ringTest('wrong arguments reject before any syscall', CTL, async (scope) => {
  const ring = asyncRing(scope);
  assert.ok(isRefused);
  const slot = ring.registerFiles([0]).at(0);
  await refusesAll(ring, [
    ['epoll', () => ring.epollCtl(-1, 'add', 0)],
    ['epoll', () => ring.epollCtl(wrong(slot), 'add', 0)],
    ['file', () => ring.epollCtl(0, 'add', wrong(slot))],
    ['action', () => ring.epollCtl(0, wrong('remove'), 0)],
    ['options.events', () => ring.epollCtl(0, 'add', 0, { events: -1 })],
    ['options.data', () => ring.epollCtl(0, 'add', 0, { data: -1 })],
    ['max', () => ring.epollWait(0, 0)],
    ['epoll', () => ring.epollWait(wrong('x'), 1)],
  ]);
});

ringTest(
  'files are added, changed and taken out; events have their data',
  { ...CTL, ...WAIT },
  async (scope) => {
    const ring = asyncRing(scope);
    const epoll = scope.fd(epollCreate());
    const { reader, writer } = scope.pipe();
    await ring.epollCtl(epoll, 'add', reader, { events: EPOLLIN, data: 2n ** 63n + 5n });
    await fails('EEXIST', 'OP_EPOLL_CTL', ring.epollCtl(epoll, 'add', reader, { events: EPOLLIN }));
    const waiting = ring.epollWait(epoll, 4);
    await ring.nop();
    assert.equal(ring.inFlight, 1);
    writeSync(writer, 'x');
    assert.deepEqual(await waiting, [{ events: EPOLLIN, data: 2n ** 63n + 5n }]);
    await ring.epollCtl(epoll, 'add', { fd: writer }, { events: EPOLLOUT, data: 7 });
    const both = await ring.epollWait(ring.registerFiles([epoll]).at(0), 4);
    assert.deepEqual(new Set(both.map(({ data }) => data)), new Set([7n, 2n ** 63n + 5n]));
    assert.equal((await ring.epollWait(epoll, 1)).length, 1);
    await ring.epollCtl(epoll, 'modify', writer, { events: 0, data: 8 });
    await ring.epollCtl(epoll, 'delete', reader);
    await aborts(ring.epollWait(epoll, 4, { signal: AbortSignal.timeout(5) }));
    await fails('ENOENT', 'OP_EPOLL_CTL', ring.epollCtl(epoll, 'delete', reader));
    await fails('EINVAL', 'OP_EPOLL_WAIT', ring.epollWait(reader, 1));
  },
);
