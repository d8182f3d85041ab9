/** NOPs in batches: in C, by the queues of `uring/raw`, and by `Ring`. */
import { Ring } from 'uring';
import { enter, libc, mapQueues, nextSqe, nop, type Queues, setup } from 'uring/raw';
import { constants } from 'uring/structs';
import { CProgram } from './c-program.ts';
import { byTurns, type Contender, type Effort, repeat, type Timing } from './harness.ts';

const BATCHES = [1, 8, 32, 128, 1024];
const ENTRIES = 1024;

/** Nanoseconds for each NOP, and how many times those of C. */
interface Row {
  readonly batch: number;
  readonly by: string;
  readonly ns: number;
  readonly spread: number;
  readonly ratio?: number | undefined;
}

function byRing(ring: Ring, batch: number): Contender {
  let sum = 0;
  const visit = (userData: number | bigint) => {
    sum += Number(userData);
  };
  return repeat(() => {
    for (let userData = 0; userData < batch; userData++) ring.prepare.nop({ userData });
    ring.submit({ wait: batch });
    if (ring.reap(visit) !== batch || sum < 0) throw new Error('a completion is missing');
  });
}

function byQueues(fd: number, queues: Queues, batch: number): Contender {
  const options = { toSubmit: batch, minComplete: batch, flags: constants.IORING_ENTER_GETEVENTS };
  let sum = 0;
  return repeat(() => {
    for (let userData = 0; userData < batch; userData++) nop(nextSqe(queues)).userData = userData;
    queues.publish();
    enter(fd, options);
    let reaped = 0;
    for (; queues.take(); reaped++) sum += queues.low;
    if (reaped !== batch || sum < 0) throw new Error('a completion is missing');
  });
}

function rowOf(batch: number, by: string, { ns, spread, over }: Timing, hasC: boolean): Row {
  return {
    batch,
    by,
    ns: ns / batch,
    spread: spread / batch,
    ratio: hasC ? ns / (ns - over.ns) : undefined,
  };
}

function cell({ by, ns, spread, ratio }: Row): string {
  const times = ratio === undefined || by === 'C' ? '' : ` x${ratio.toFixed(2)}`;
  return `${by} ${ns.toFixed(1)} ±${spread.toFixed(1)}${times}`.padEnd(26);
}

/** Prints a line for each size of batch. */
export async function benchNop(effort: Effort): Promise<Row[]> {
  using ring = new Ring(ENTRIES);
  const { fd, params } = setup(ENTRIES, { flags: ring.setupFlags });
  const queues = mapQueues(fd, params);
  using program = CProgram.start('nop', ENTRIES, ring.setupFlags);
  console.log(
    `\nNOP: ns for each, ± spread, times those of C${program ? '' : ' (no C compiler: without C)'}`,
  );
  const rows: Row[] = [];
  for (const batch of BATCHES) {
    const ways = new Map<string, Contender>();
    if (program !== undefined) ways.set('C', program.contender(`${batch}`));
    ways.set('raw', byQueues(fd, queues, batch)).set('Ring', byRing(ring, batch));
    const timings = await byTurns([...ways.values()], effort);
    const measured = [...ways.keys()].flatMap((by, i) => {
      const timing = timings[i];
      return timing ? [rowOf(batch, by, timing, program !== undefined)] : [];
    });
    console.log(`${`${batch}`.padEnd(8)}${measured.map((row) => cell(row)).join('')}`.trimEnd());
    rows.push(...measured);
  }
  queues.unmap();
  libc.close(fd);
  return rows;
}
