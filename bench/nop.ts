/** NOPs through a ring, in batches: in C, and by `Ring`. */
import { Ring } from 'uring';
import { byTurns, CProgram, type Effort, repeat, type Summary } from './harness.ts';

const BATCHES = [1, 8, 32, 128, 1024];
const ENTRIES = 1024;

interface Row {
  readonly batch: number;
  /** Nanoseconds for each NOP. */
  readonly ring: Summary;
  readonly c?: Summary | undefined;
  readonly ratio?: number | undefined;
}

function batchOf(ring: Ring, size: number): () => void {
  let sum = 0;
  const visit = (userData: number | bigint) => {
    sum += Number(userData);
  };
  return () => {
    for (let userData = 0; userData < size; userData++) ring.prepare.nop({ userData });
    ring.submit({ wait: size });
    if (ring.reap(visit) !== size || sum < 0) throw new Error('a completion is missing');
  };
}

function each({ ns, spread }: Summary, size: number): Summary {
  return { ns: ns / size, spread: spread / size };
}

function text(timing: Summary | undefined): string {
  return timing === undefined ? '-' : `${timing.ns.toFixed(1)} ±${timing.spread.toFixed(1)}`;
}

/** Prints a line for each size of batch: nanoseconds for each NOP, and how many times those of C. */
export async function benchNop(effort: Effort): Promise<Row[]> {
  using ring = new Ring(ENTRIES);
  using program = CProgram.start('nop', ENTRIES, ring.setupFlags);
  console.log(
    `\nNOP: ns for each, ± spread${program === undefined ? ' (no C compiler: measured without C)' : ''}`,
  );
  console.log(`${'batch'.padEnd(8)}${'C'.padEnd(18)}${'Ring'.padEnd(18)}ratio`);
  const rows: Row[] = [];
  for (const batch of BATCHES) {
    const mine = repeat(batchOf(ring, batch));
    const [first, second] = await byTurns(program ? [program.contender(`${batch}`), mine] : [mine], effort);
    const [c, js] = program ? [first, second] : [undefined, first];
    if (js === undefined) continue;
    const row: Row = { batch, ring: each(js, batch), c: c && each(c, batch), ratio: c && js.ns / c.ns };
    console.log(
      `${`${batch}`.padEnd(8)}${text(row.c).padEnd(18)}${text(row.ring).padEnd(18)}${row.ratio?.toFixed(2) ?? '-'}`,
    );
    rows.push(row);
  }
  return rows;
}
