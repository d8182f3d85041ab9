import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FdPoll } from '../../lib/sys/poll.ts';
import { sys } from '../../lib/sys/syscall.ts';

const NO_FD = 0x7fff_fff0;

test('an fd that is not open is EBADF, not the end of the process', () => {
  for (const fd of [NO_FD, -1]) {
    assert.throws(() => new FdPoll(fd, () => {}), { name: 'SyscallError', code: 'EBADF' });
  }
});

test('it calls back while the fd is readable, and no more once it is closed', async () => {
  const silent = sys.eventfd(0);
  const counted = sys.eventfd(5);
  let wrong = 0;
  let calls = 0;
  let isOpen = true;
  const never = new FdPoll(silent, () => {
    wrong++;
  });
  await new Promise<void>((resolve) => {
    const poll = new FdPoll(counted, () => {
      if (!isOpen) wrong++;
      calls++;
      // it is told again while nobody reads it
      if (calls < 3) return;
      isOpen = false;
      poll.close();
      poll.close();
      poll.ref();
      poll.unref();
      setImmediate(resolve);
    });
    poll.ref();
  });
  never.close();
  assert.deepEqual([wrong, calls], [0, 3]);
  sys.close(silent);
  sys.close(counted);
});

test('the same fd can be polled again after close', async () => {
  const fd = sys.eventfd(1);
  for (let i = 0; i < 3; i++) {
    await new Promise<void>((resolve) => {
      const poll = new FdPoll(fd, () => {
        poll.close();
        setImmediate(resolve);
      });
      poll.ref();
    });
    // the close callback of libuv runs in the next turn
    await new Promise((resolve) => setImmediate(resolve));
  }
  sys.close(fd);
});
