/** Commands that need tracefs, and a program whose operations are known. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { COMMAND } from './cli.ts';
import { LOADER, moduleAt, ROOT } from './loader.ts';
import { patience } from './patience.ts';
import { hasSocket } from './ring-operations.ts';
import { tracefs } from './tracefs.ts';

/** How often the program does each operation. */
export const COUNT = 50;
/** Options of tests that need tracefs. */
export const live = { ...tracefs.needs, timeout: patience(120_000) };
const { PATH, HOME } = process.env;

const LIBRARY = pathToFileURL(moduleAt('lib/index.ts')).href;

/**
 * A program that does six kinds of operations, each 50 times, closing twice as often; where a ring can't make sockets it
 * has none, and connects and sends by what is no socket. It says when it did each of them once, and at the end what came
 * of all of them; then it stays for so long.
 */
const program = (lastsMs: number): string[] => [
  process.execPath,
  ...LOADER,
  '--input-type=module',
  '-e',
  `const { Ring } = await import(${JSON.stringify(LIBRARY)});
  const ring = new Ring(8);
  const memory = new Uint8Array(64);
  const results = {};
  const result = (name) => {
    ring.submit({ wait: 1 });
    const [{ res }] = [...ring.completions()];
    (results[name] ??= []).push(res);
    return res;
  };
  for (let i = 0; i < ${COUNT}; i++) {
    ring.prepare.openat('/proc/self/comm');
    const fd = result('OPENAT');
    ring.prepare.read(fd, memory);
    result('READ');
    let socket = fd;
    if (${hasSocket}) {
      ring.prepare.socket('IPv4');
      socket = result('SOCKET');
    }
    ring.prepare.connect(socket, { address: '127.0.0.1', port: 9 });
    result('CONNECT');
    if (i === 0) console.log('DID ' + Date.now());
    ring.prepare.send(socket, memory);
    result('SEND');
    for (const each of new Set([fd, socket])) {
      ring.prepare.close(each);
      result('CLOSE');
    }
  }
  console.log('RESULTS ' + JSON.stringify(results));
  ring.close();
  await new Promise((done) => setTimeout(done, ${lastsMs}));`,
];

/** What the program said of its operations: the results of each kind, in order. */
export function resultsIn(text: string): Map<string, number[]> {
  const found = /^RESULTS (.*)$/m.exec(text)?.[1];
  if (found === undefined) throw new Error(text);
  return new Map(Object.entries<number[]>(JSON.parse(found)));
}

/** It ends with its last operation. */
export const PROGRAM = program(0);
/** It can still be looked at when its operations are told. */
export const LASTING_PROGRAM = program(patience(1500));
/** How often it does which. */
export const EXPECTED = {
  OPENAT: COUNT,
  READ: COUNT,
  ...(hasSocket ? { CLOSE: 2 * COUNT, SOCKET: COUNT } : { CLOSE: COUNT }),
  CONNECT: COUNT,
  SEND: COUNT,
};

/** The command line of `uring`, where tracefs is. */
const line = (...args: string[]): string[] => [...tracefs.prefix, process.execPath, ...COMMAND, ...args];

/** `uring`, to its end. */
export function ran(...args: string[]) {
  const [file = '', ...rest] = line(...args);
  const options = { cwd: ROOT, env: { PATH, HOME }, encoding: 'utf8', timeout: patience(110_000) } as const;
  return spawnSync(file, rest, options);
}

/** `uring`, started; its pid is the command's. */
export function started(...args: string[]): ChildProcess {
  const [file = '', ...rest] = line(...args);
  return spawn(file, rest, { cwd: ROOT, env: { PATH, HOME } });
}

/** A line of JSON of one of the commands. */
export interface Line {
  readonly type: string;
  readonly comm: string | null;
  readonly opcode_name: string;
  readonly submitted: number;
  readonly completed: number;
  readonly errors: number;
  readonly latency_ns: string | null;
  readonly latency_count: number;
  readonly res: number;
  readonly buckets: readonly { readonly count: number }[];
}

/** The lines of JSON. */
export const jsonOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each));
