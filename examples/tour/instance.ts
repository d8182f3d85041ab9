/** The ring itself, and what the kernel has: opcodes 8, 20, 21, 29, 33, 34, 35, and the flag. */
import { readFileSync } from 'node:fs';
import { Ring } from 'uring';
import { enter, registerClock, registerRingFds, unregisterRingFds } from 'uring/raw';
import { completions, expect, RawRing, refusal, result, same } from './kit.ts';
import type { Proofs } from './proof.ts';

const CLOCK_REALTIME = 0;

function nops(ring: Ring, count: number): void {
  for (let i = 0; i < count; i++) ring.prepare.nop();
}

/** How long `wait` takes, in milliseconds: as long as it should, or the proof fails. */
function timed(wait: () => void, least: number): number {
  const start = performance.now();
  wait();
  const ms = performance.now() - start;
  expect(ms >= least && ms < least + 500, `a wait of about ${least} ms lasted ${ms.toFixed(1)} ms`);
  return ms;
}

function reach(index: number): string | undefined {
  return refusal(() => enter({ registeredIndex: index }));
}

export const instance = {
  REGISTER_PROBE: () => {
    using ring = new Ring(8);
    using raw = new RawRing();
    const { lastOp, ops } = ring.probe();
    expect(ops[0]?.supported === true && ops.length === lastOp + 1, 'there is no NOP, or a gap');
    const unknown = lastOp + 1;
    same(
      `operation ${unknown}`,
      raw.run((sqe) => sqe.prepare(unknown, -1, 0, 0, 0)),
      '-EINVAL',
    );
    return `operations 0..${lastOp} are known; ${unknown} ends with EINVAL`;
  },

  REGISTER_RING_FDS: () => {
    using ring = new Ring(8);
    const { index } = ring.registerRingFd();
    same('entering by the index', reach(index), undefined);
    nops(ring, 1);
    same('the NOP', result(ring), 0);
    return `a NOP entered by index ${index}`;
  },

  UNREGISTER_RING_FDS: () => {
    using ring = new Ring(8);
    const self = ring.registerRingFd();
    same('entering by the index', reach(self.index), undefined);
    self.unregister();
    same('entering by the index afterwards', reach(self.index), 'EBADF');
    nops(ring, 1);
    same('a NOP by the fd', result(ring), 0);
    // an owner gives its index back through that index; the other way is through the fd
    const [index = -1] = registerRingFds(ring.fd, [{ fd: ring.fd }]);
    unregisterRingFds(ring.fd, [index]);
    same('entering by the second index', reach(index), 'EBADF');
    return `index ${self.index} is EBADF now, the fd works`;
  },

  USE_REGISTERED_RING: () => {
    using ring = new Ring(8);
    const self = ring.registerRingFd();
    self.closeFd();
    same('the fd', ring.fd, -1);
    using signal = ring.registerEventfd();
    nops(ring, 1);
    same('the NOP', result(ring), 0);
    same('signals of a NOP', signal.read(), 1);
    return `fd closed: an eventfd registered by index ${self.index} works`;
  },

  REGISTER_CLOCK: () => {
    using ring = new Ring(8);
    ring.setClock('boottime');
    same(
      'the real-time clock',
      refusal(() => registerClock(ring.fd, CLOCK_REALTIME)),
      'EINVAL',
    );
    // ends the wait if the clock is another one
    ring.prepare.timeout({ afterMs: 1000 });
    const [seconds = ''] = readFileSync('/proc/uptime', 'utf8').split(' ');
    const deadlineMs = Number(seconds) * 1000 + 30;
    const ms = timed(() => ring.submit({ wait: 1, deadlineMs }), 10);
    return `a wait until 30 ms on by the boot clock: ${ms.toFixed(0)} ms`;
  },

  REGISTER_RESIZE_RINGS: () => {
    using ring = new Ring(4, { deferTaskrun: true });
    nops(ring, 4);
    ring.submit();
    ring.resize({ sqEntries: 32 });
    same('space', ring.sqSpace, 32);
    nops(ring, 32);
    const { length } = completions(ring, 36);
    return `4 completions kept, 32 more entries in one go: ${length}`;
  },

  REGISTER_MEM_REGION: () => {
    using ring = new Ring(8, { disabled: true });
    const region = ring.registerRegion();
    ring.enable();
    const waitArgument = region.at(1).set({ timeoutMs: 20 });
    const ms = timed(() => ring.submit({ wait: 1, waitArgument }), 20);
    return `a wait by the 20 ms stored in it: ${ms.toFixed(1)} ms`;
  },

  REGISTER_QUERY: () => {
    using ring = new Ring(8);
    const answer = ring.query();
    expect(answer !== undefined, 'the kernel does not know the question');
    same('operations', answer.nrRequestOpcodes, ring.probe().lastOp + 1);
    same('features', answer.featureFlags, BigInt(ring.features));
    return `${answer.nrRequestOpcodes} operations, ${answer.nrRegisterOpcodes} opcodes; as PROBE and setup say`;
  },
} satisfies Proofs;
