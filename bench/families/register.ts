/** io_uring_register: in C, by `register()` with an encoded argument, by its typed function, by a member of Ring. */
import { openSync } from 'node:fs';
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
import { Iovec, Probe, ProbeOp, RegisterOp, RsrcUpdate } from 'uring/structs';
import { type Family, setupFlags, type Work } from '../harness.ts';
import { repeat } from '../turn.ts';

export const MANY = 1024;
const BYTES = 4096;
const PROBE_OPS = 256;

/** What is done in a case, once for each way. */
interface Ways {
  readonly encoded: () => void;
  readonly typed: () => void;
  readonly member: () => void;
}

/** What every case works with. */
interface Place {
  readonly ring: Ring;
  readonly ringWithFile: Ring;
  readonly file: number;
  readonly event: number;
  readonly memory: Uint8Array;
}

function nothing(): void {}

function iovecs(views: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(views.length * Iovec.size);
  views.forEach((view, i) => {
    Iovec.encodeInto(bytes, { iovBase: addressOf(view), iovLen: view.byteLength }, i * Iovec.size);
  });
  return bytes;
}

function buffers({ ring, memory }: Place, count: number): Ways {
  const views = Array.from({ length: count }, (_, i) => memory.subarray(i * BYTES, (i + 1) * BYTES));
  const encoded = iovecs(views);
  const { fd } = ring;
  return {
    encoded: () => {
      register(fd, RegisterOp.REGISTER_BUFFERS, encoded, count);
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

function files({ ring, file }: Place, count: number): Ways {
  const fds = Array.from({ length: count }, () => file);
  const encoded = Int32Array.from(fds);
  const { fd } = ring;
  return {
    encoded: () => {
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

function filesUpdate({ ringWithFile: { fd, files: table }, file }: Place): Ways {
  const fds = [file];
  const encodedFds = Int32Array.from(fds);
  const encoded = RsrcUpdate.encode({ offset: 0, data: addressOf(encodedFds) });
  return {
    encoded: () => register(fd, RegisterOp.REGISTER_FILES_UPDATE, encoded, encodedFds.length),
    typed: () => registerFilesUpdate(fd, { offset: 0, fds }),
    member: () => table?.update(0, fds),
  };
}

function maxWorkers({ ring }: Place): Ways {
  const limits = new Uint32Array(2);
  const { fd } = ring;
  return {
    encoded: () => register(fd, RegisterOp.REGISTER_IOWQ_MAX_WORKERS, limits.fill(0), 2),
    typed: () => registerIowqMaxWorkers(fd),
    member: () => ring.workerLimits,
  };
}

function probe({ ring }: Place): Ways {
  const answer = new Uint8Array(Probe.size + PROBE_OPS * ProbeOp.size);
  const { fd } = ring;
  return {
    encoded: () => register(fd, RegisterOp.REGISTER_PROBE, answer.fill(0), PROBE_OPS),
    typed: () => registerProbe(fd),
    member: () => ring.probe(),
  };
}

function eventfd({ ring, event }: Place): Ways {
  const encoded = Int32Array.of(event);
  const { fd } = ring;
  return {
    encoded: () => {
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

const CASES: { readonly [name: string]: (place: Place) => Ways } = {
  'files-update': filesUpdate,
  'max-workers': maxWorkers,
  probe,
  eventfd,
  'buffers:1': (place) => buffers(place, 1),
  'buffers:64': (place) => buffers(place, 64),
  'buffers:1024': (place) => buffers(place, MANY),
  'files:1': (place) => files(place, 1),
  'files:1024': (place) => files(place, MANY),
};

function by(way: keyof Ways): () => Work {
  return () => {
    const file = openSync('/dev/null', 'r');
    const place: Place = {
      // the tags of all buffers have room in it
      ring: new Ring(8, { cqEntries: 2 * MANY }),
      ringWithFile: new Ring(8, { files: [file] }),
      file,
      event: libc.eventfd(),
      memory: alloc(MANY * BYTES).fill(1),
    };
    const ways = new Map(Object.entries(CASES).map(([name, make]) => [name, make(place)[way]]));
    return (name, count) => repeat(count, ways.get(name) ?? nothing);
  };
}

/** How many nanoseconds more than C a case may take: a pair of calls counts as two. */
export function allowance(side: string, name: string): number {
  const [family, count = '1'] = name.split(':');
  const calls = family === 'buffers' || family === 'files' || family === 'eventfd' ? 2 : 1;
  if (side === 'register()') return calls * 250;
  const perBuffer = family === 'buffers' ? 300 : 0;
  const perFd = family === 'files' || family === 'files-update' ? 20 : 0;
  return calls * 600 + Number(count) * (perBuffer + perFd);
}

export const registerCalls: Family = {
  name: 'register',
  title: 'io_uring_register calls',
  unit: 'a call; buffers, files and eventfd: a pair that registers and unregisters',
  how: 'buffers:N and files:N register N and unregister them; files-update replaces one of one. register() is given the encoded argument, as C is; the typed function encodes what it is given; the member of Ring owns it, too. Allowed over C: register() 250 ns a call; a typed function 600 ns a call, 300 ns a buffer and 20 ns an fd; a pair is two calls.',
  plot: { axes: ['time'], isLog: true },
  cases: Object.keys(CASES),
  workers: { 'register()': by('encoded'), 'typed function': by('typed'), 'Ring member': by('member') },
  async sides(kit) {
    const one = kit.cpus(1);
    await kit.c('C', 'register', [setupFlags()], one);
    await kit.node(Object.keys(this.workers), [], one);
  },
};
