/**
 * The example echo-server holds a thousand connections of a client that is not ours, a C program, and has let go of
 * everything when they are gone. For a minute, or for URING_SOAK_SECONDS.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { start } from '../examples/child.ts';
import { moduleAt } from '../helpers/loader.ts';
import { needsOp } from '../helpers/needs.ts';

const { URING_SOAK_SECONDS = '60' } = process.env;
const seconds = Number(URING_SOAK_SECONDS);
/** The client's, and the server's, beside the connections. */
const OTHER_FILES = 100;

const compiler = ['cc', 'gcc', 'clang'].find((each) => spawnSync(each, ['--version']).status === 0);
const needs = compiler === undefined ? { skip: 'needs a C compiler' } : needsOp('OP_BIND');

/** What the client prints at its end. */
interface Count {
  readonly connections: number;
  readonly most: number;
  readonly bytes: number;
  readonly resets: number;
  readonly halfCloses: number;
  readonly errors: number;
}

/** How many connections a process may have: a thousand, or fewer where it may not open so many files. */
function allowed(): number {
  const [, most = '0'] = /^Max open files +\S+ +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return most === 'unlimited' ? 1000 : Math.min(1000, Number(most) - OTHER_FILES);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
}

/** The server's next line. */
async function line(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  return done ? assert.fail('the server has ended') : value;
}

function filesOf({ pid }: ChildProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function kibibytesOf({ pid }: ChildProcess): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function runClient(program: string, ...args: readonly number[]): Promise<Count> {
  const options = { timeout: (seconds + 60) * 1000, killSignal: 'SIGKILL' } as const;
  const { stdout } = await promisify(execFile)(program, args.map(String), options);
  return JSON.parse(stdout);
}

test(
  `a thousand connections for ${seconds} s: every byte comes back, and nothing is left`,
  needs,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-echo-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const client = join(folder, 'echo-client');
    execFileSync(compiler ?? '', ['-O2', '-o', client, join(import.meta.dirname, 'echo-client.c')]);

    const port = await freePort();
    const server = start([moduleAt('examples/echo-server.ts'), `${port}`]);
    t.after(() => server.kill('SIGKILL'));
    const ended = once(server, 'exit');
    assert.ok(server.stdout);
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    assert.equal(await line(lines), `listening on port ${port}`);

    // what Node.js opens late, and what stays warm, is there after some connections
    assert.equal((await runClient(client, port, 10, 0.2, 1)).errors, 0);
    const before = filesOf(server);

    const connections = allowed();
    const seed = Date.now() % 1_000_000;
    const count = await runClient(client, port, connections, seconds, seed);
    t.diagnostic(`seed ${seed}: ${JSON.stringify(count)}, the server has ${kibibytesOf(server)} KiB`);
    assert.equal(count.errors, 0);
    assert.equal(count.most, connections);
    assert.ok(count.resets > 0 && count.halfCloses > 0 && count.bytes > 0);
    assert.equal(count.resets + count.halfCloses, count.connections);

    // the last of those who went away without a word
    const end = performance.now() + 20_000;
    while (filesOf(server) > before && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(filesOf(server), before, 'open files');

    server.kill('SIGTERM');
    const last = await line(lines);
    t.diagnostic(last);
    assert.match(last, /^answered \d+ bytes of \d+ connections, in flight: 1$/);
    assert.deepEqual(await ended, [0, null]);
  },
);
