/**
 * A server with 1,000 connections, 100 of which never read: what the other 900 notice of them.
 *
 *     node --conditions=uring-source --import tsx bench/slow-peers.ts [CONNECTIONS SLOW SECONDS ROUNDS]
 *
 * The clients are a process of their own, each connection sends 64 bytes, awaits the echo, and sends again. Runs with and
 * without the slow ones alternate; the ratio of their p99 is printed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { AsyncRing, type RingFile } from 'uring';

const MESSAGE = 64;
/** How long buffers may take to come back. */
const PATIENCE_MS = 5000;

/** What the clients of one run saw. */
export interface Seen {
  /** Echoes that came back, each byte of which was right. */
  readonly echoes: number;
  readonly wrong: number;
  /** The connection with the fewest echoes: nobody is forgotten. */
  readonly fewest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a run came to. */
export interface Run extends Seen {
  /** Buffers of the pool that were free at the end of the run, of how many. */
  readonly free: number;
  readonly length: number;
  /** Receives that held buffers then. */
  readonly holders: number;
}

// ---- the clients --------------------------------------------------------------------------------------------

/** Sends and never reads, until the socket's room on both sides is full. */
function neverRead(port: number): Socket {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {}).write(Buffer.alloc(8 << 20));
  return socket;
}

/** Latencies of a connection's echoes, in milliseconds. */
async function ping(port: number, id: number, until: number, seen: { wrong: number }): Promise<number[]> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  const latencies: number[] = [];
  const message = Buffer.alloc(MESSAGE, id);
  let [begin, missing] = [0, MESSAGE];
  const send = () => {
    begin = performance.now();
    socket.write(message);
  };
  socket.on('data', (data) => {
    if (!data.equals(message.subarray(0, data.length))) seen.wrong++;
    missing -= data.length;
    if (missing > 0) return;
    missing = MESSAGE;
    latencies.push(performance.now() - begin);
    if (performance.now() < until) send();
    else socket.destroy();
  });
  send();
  await once(socket, 'close');
  return latencies;
}

/** Until nothing has gone out for half a second: the server can send them no more, and takes no more of theirs. */
async function stalled(sockets: readonly Socket[]): Promise<void> {
  const written = () =>
    sockets.reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0);
  for (let before = -1; sockets.length > 0 && written() > before; ) {
    before = written();
    await setTimeout(500);
  }
}

async function clients(port: number, fast: number, slow: number, seconds: number): Promise<Seen> {
  const stuck = Array.from({ length: slow }, () => neverRead(port));
  await Promise.all(stuck.map((socket) => once(socket, 'connect')));
  await stalled(stuck);
  const seen = { wrong: 0 };
  const until = performance.now() + 1000 * seconds;
  const each = await Promise.all(Array.from({ length: fast }, (_, id) => ping(port, id, until, seen)));
  const all = each.flat().sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN;
  return {
    echoes: all.length,
    wrong: seen.wrong,
    fewest: Math.min(...each.map(({ length }) => length)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

// ---- the server ---------------------------------------------------------------------------------------------

/** One run with a server of its own. */
export async function run(fast: number, slow: number, seconds: number, entries = 1024): Promise<Run> {
  const ring = new AsyncRing(1024);
  const pool = ring.registerBufferRing({ entries, bufferSize: 4096 });
  const server = await ring.socket('IPv4');
  await ring.bind(server, { address: '127.0.0.1', port: 0 });
  await ring.listen(server, 1024);
  const name = await ring.getsockname(server);
  const port = name !== undefined && 'port' in name ? name.port : 0;

  const answer = async (client: RingFile): Promise<void> => {
    await using socket = client;
    for await (using part of ring.recvMultishot(socket, pool)) {
      for (let sent = 0; sent < part.bytes.length; )
        sent += await ring.send(socket, part.bytes.subarray(sent));
    }
  };
  const serving = (async () => {
    for await (const client of ring.acceptMultishot(server)) answer(client).catch(() => {});
  })().catch(() => {});

  const child = fork(import.meta.filename, ['clients', ...[port, fast, slow, seconds].map(String)]);
  const [seen]: Seen[] = await once(child, 'message');
  if (seen === undefined) throw new Error('the clients said nothing');
  // the fast ones have gone: what they still had comes back, on a machine with other work not at once
  const end = performance.now() + PATIENCE_MS;
  while (pool.free < pool.length / 4 && performance.now() < end) await setTimeout(10);
  const found = { ...seen, free: pool.free, length: pool.length, holders: pool.holders().length };
  child.send('done');
  await once(child, 'exit');
  ring.close();
  await ring.closed();
  await serving;
  return found;
}

const show = ({ echoes, fewest, p50Ms, p99Ms, free, length }: Run) =>
  `${echoes} echoes, at least ${fewest} each, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ${free} of ${length} buffers free`;

async function main(connections: number, slow: number, seconds: number, rounds: number): Promise<void> {
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const without = await run(connections - slow, 0, seconds);
    const beside = await run(connections - slow, slow, seconds);
    ratios.push(beside.p99Ms / without.p99Ms);
    console.log(`${connections - slow} alone:         ${show(without)}`);
    console.log(`beside ${slow} that never read: ${show(beside)}`);
  }
  ratios.sort((a, b) => a - b);
  const list = ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  console.log(`p99 beside / alone: ${list}; median ${ratios[ratios.length >> 1]?.toFixed(2)}`);
}

const [, script, mode, ...numbers] = process.argv;
if (mode === 'clients') {
  const [port = 0, fast = 0, slow = 0, seconds = 0] = numbers.map(Number);
  const seen = await clients(port, fast, slow, seconds);
  process.send?.(seen);
  // the slow ones stay until the server has looked at its pool
  process.once('message', () => process.exit());
} else if (script === import.meta.filename) {
  const [connections = 1000, slow = 100, seconds = 3, rounds = 5] = process.argv.slice(2).map(Number);
  await main(connections, slow, seconds, rounds);
}
