/** io_uring_register: the call in C, by `register()` with an encoded argument, by its typed function, by a member of Ring. */
import { closeSync, openSync } from 'node:fs';
import { Ring } from 'uring';
import {
  addressOf,
  alloc,
  libc,
  register,
  registerBuffers,
  registerEventfd,
  registerFiles,
  registerFilesUpdate,
  registerIowqMaxWorkers,
  registerProbe,
  unregisterBuffers,
  unregisterEventfd,
  unregisterFiles,
} from 'uring/raw';
import { constants, Iovec, Probe, ProbeOp, RegisterOp, RsrcUpdate } from 'uring/structs';
import { CProgram } from './c-program.ts';
import { byTurns, type Contender, type Effort, repeat, type Timing } from './harness.ts';

const MANY = 1024;
const BYTES = 4096;
const PROBE_OPS = 256;

interface Case {
  readonly name: string;
  /** Its name in the C program. */
  readonly c: string;
  /** Calls of io_uring_register in one go. */
  readonly calls: number;
  readonly buffers?: number;
  readonly fds?: number;
  readonly raw: () => void;
  readonly typed: () => void;
  readonly member: () => void;
}

interface Row extends Timing {
  readonly case: string;
  readonly by: 'C' | 'raw' | 'typed' | 'Ring';
  /** How many nanoseconds more than C are allowed. */
  readonly allowed?: number | undefined;
}

function nothing(): void {}

function iovecs(views: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(views.length * Iovec.size);
  views.forEach((view, i) => {
    Iovec.encodeInto(bytes, { iovBase: addressOf(view), iovLen: view.byteLength }, i * Iovec.size);
  });
  return bytes;
}

function buffersCase(ring: Ring, memory: Uint8Array, buffers: number): Case {
  const views = Array.from({ length: buffers }, (_, i) => memory.subarray(i * BYTES, (i + 1) * BYTES));
  const encoded = iovecs(views);
  const { fd } = ring;
  return {
    name: `BUFFERS + UNREGISTER, ${buffers}`,
    c: `buffers:${buffers}`,
    calls: 2,
    buffers,
    raw: () => {
      register(fd, RegisterOp.REGISTER_BUFFERS, encoded, buffers);
      register(fd, RegisterOp.UNREGISTER_BUFFERS);
    },
    typed: () => {
      registerBuffers(fd, views);
      unregisterBuffers(fd);
    },
    // its slots have tags, whose completions are reaped here
    member: () => {
      ring.registerBuffers(views).unregister();
      ring.reap(nothing);
    },
  };
}

function filesCase(ring: Ring, file: number, count: number): Case {
  const fds = Array.from({ length: count }, () => file);
  const encoded = Int32Array.from(fds);
  const { fd } = ring;
  return {
    name: `FILES + UNREGISTER, ${count}`,
    c: `files:${count}`,
    calls: 2,
    fds: count,
    raw: () => {
      register(fd, RegisterOp.REGISTER_FILES, encoded, count);
      register(fd, RegisterOp.UNREGISTER_FILES);
    },
    typed: () => {
      registerFiles(fd, fds);
      unregisterFiles(fd);
    },
    member: () => ring.registerFiles(fds).unregister(),
  };
}

function updateCase(ring: Ring, file: number): Case {
  const files = ring.registerFiles([file]);
  const fds = [file];
  const encodedFds = Int32Array.from(fds);
  const encoded = RsrcUpdate.encode({ offset: 0, data: addressOf(encodedFds) });
  const { fd } = ring;
  return {
    name: 'FILES_UPDATE, 1',
    c: 'update',
    calls: 1,
    fds: 1,
    raw: () => register(fd, RegisterOp.REGISTER_FILES_UPDATE, encoded, encodedFds.length),
    typed: () => registerFilesUpdate(fd, { offset: 0, fds }),
    member: () => files.update(0, fds),
  };
}

function workersCase(ring: Ring): Case {
  const limits = new Uint32Array(2);
  const { fd } = ring;
  return {
    name: 'IOWQ_MAX_WORKERS, get',
    c: 'workers',
    calls: 1,
    raw: () => register(fd, RegisterOp.REGISTER_IOWQ_MAX_WORKERS, limits.fill(0), 2),
    typed: () => registerIowqMaxWorkers(fd),
    member: () => ring.workerLimits,
  };
}

function probeCase(ring: Ring): Case {
  const answer = new Uint8Array(Probe.size + PROBE_OPS * ProbeOp.size);
  const { fd } = ring;
  return {
    name: 'PROBE',
    c: 'probe',
    calls: 1,
    raw: () => register(fd, RegisterOp.REGISTER_PROBE, answer.fill(0), PROBE_OPS),
    typed: () => registerProbe(fd),
    member: () => ring.probe(),
  };
}

function eventfdCase(ring: Ring, event: number): Case {
  const encoded = Int32Array.of(event);
  const { fd } = ring;
  return {
    name: 'EVENTFD + UNREGISTER',
    c: 'eventfd',
    calls: 2,
    raw: () => {
      register(fd, RegisterOp.REGISTER_EVENTFD, encoded, 1);
      register(fd, RegisterOp.UNREGISTER_EVENTFD);
    },
    typed: () => {
      registerEventfd(fd, event);
      unregisterEventfd(fd);
    },
    member: () => ring.registerEventfd(event).unregister(),
  };
}

/** What each way may take longer than C, in nanoseconds; a member of Ring is not held to it. */
function allowance(by: Row['by'], { calls, buffers = 0, fds = 0 }: Case): number | undefined {
  if (by === 'raw') return calls * 250;
  return by === 'typed' ? calls * 600 + buffers * 300 + fds * 20 : undefined;
}

async function measure(each: Case, program: CProgram | undefined, effort: Effort): Promise<Row[]> {
  const ways = new Map<Row['by'], Contender>();
  if (program !== undefined) ways.set('C', program.contender(each.c));
  ways.set('raw', repeat(each.raw)).set('typed', repeat(each.typed)).set('Ring', repeat(each.member));
  const timings = await byTurns([...ways.values()], effort);
  return [...ways.keys()].flatMap((by, i) => {
    const timing = timings[i];
    return timing ? [{ case: each.name, by, allowed: program && allowance(by, each), ...timing }] : [];
  });
}

/** Is it within the allowance? '?' where the spread is too large to tell. */
function verdict({ over, allowed }: Row): string {
  if (allowed === undefined) return '';
  if (Math.abs(over.ns - allowed) < over.spread) return '?';
  return over.ns <= allowed ? 'ok' : `>${allowed}`;
}

function cell(row: Row, hasC: boolean): string {
  const { by, ns, spread, over } = row;
  const more = hasC && by !== 'C' ? `${over.ns < 0 ? '' : '+'}${over.ns.toFixed(0)} ${verdict(row)}` : '';
  return `${by} ${ns.toFixed(0)} ±${spread.toFixed(0)} ${more}`.padEnd(36);
}

/** Prints a line for each case: nanoseconds, spread, nanoseconds more than C, and whether that is allowed. */
export async function benchRegister(effort: Effort): Promise<Row[]> {
  using ring = new Ring(8, { cqEntries: 2 * MANY });
  using ringWithFile = new Ring(8);
  using program = CProgram.start('register', ring.setupFlags & ~constants.IORING_SETUP_CQSIZE);
  if (program === undefined) console.log('no C compiler: measured without C');
  const file = openSync('/dev/null', 'r');
  const event = libc.eventfd();
  const memory = alloc(MANY * BYTES).fill(1);
  const cases = [
    updateCase(ringWithFile, file),
    workersCase(ring),
    probeCase(ring),
    eventfdCase(ring, event),
    ...[1, 64, MANY].map((count) => buffersCase(ring, memory, count)),
    ...[1, MANY].map((count) => filesCase(ring, file, count)),
  ];
  const rows: Row[] = [];
  console.log(
    '\nio_uring_register: ns for each, ± spread, + over C (ok: within the allowance, ?: too noisy to tell)',
  );
  for (const each of cases) {
    const measured = await measure(each, program, effort);
    console.log(
      `${each.name.padEnd(27)}${measured.map((row) => cell(row, program !== undefined)).join('')}`.trimEnd(),
    );
    rows.push(...measured);
  }
  libc.close(event);
  closeSync(file);
  return rows;
}
