/** Counters of operations for monitoring, in the OpenMetrics text format: served on loopback, or written to a file. */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { InvalidArgumentError } from 'commander';
import type { Accounts, OperationCounts } from '../host/accounts.ts';
import { mergeCounts, shortName } from './operation-rows.ts';

const CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** Upper bounds of latencies in nanoseconds: 1 us to 17 s, each four times the one before. */
const BOUNDS = Array.from({ length: 13 }, (_, i) => 1024 * 4 ** i);

/** Label values as the format wants them. */
function label(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

interface Series {
  readonly labels: string;
  counts: OperationCounts;
  inFlight: number;
}

const COUNTERS = [
  ['uring_operations', 'Entries that the kernel took or refused', ({ submitted }) => submitted],
  ['uring_operation_completions', 'Completions', ({ completed }) => completed],
  ['uring_operation_errors', 'Completions below zero', ({ errors }) => errors],
  ['uring_operations_refused', 'Entries that the kernel refused', ({ refused }) => refused],
  ['uring_operations_punted', 'Operations that went to a worker', ({ punted }) => punted],
  ['uring_cq_overflows', 'Completions that found the queue full', ({ overflow }) => overflow],
  ['uring_links_cut', 'Operations that failed and so cancelled the next one', ({ cut }) => cut],
] as const satisfies readonly (readonly [string, string, (counts: OperationCounts) => number])[];

/** Adds up accounts by program and operation: processes come and go, counters must not. */
export class Metrics {
  readonly #series = new Map<string, Series>();
  #lost = 0;

  add({ operations, lostEvents }: Accounts): void {
    this.#lost = lostEvents;
    for (const series of this.#series.values()) series.inFlight = 0;
    for (const { comm, opcodeName, interval, inFlight } of operations) {
      const labels = `comm="${label(comm ?? '')}",operation="${label(shortName(opcodeName))}"`;
      const found = this.#series.get(labels);
      if (found === undefined) this.#series.set(labels, { labels, counts: interval, inFlight });
      else {
        found.counts = mergeCounts(found.counts, interval);
        found.inFlight += inFlight;
      }
    }
  }

  text(): string {
    const all = [...this.#series.values()];
    const lines = COUNTERS.flatMap(([name, help, value]) => [
      `# TYPE ${name} counter`,
      `# HELP ${name} ${help}.`,
      ...all.map(({ labels, counts }) => `${name}_total{${labels}} ${value(counts)}`),
    ]);
    const inFlight = all.map((each) => `uring_operations_in_flight{${each.labels}} ${each.inFlight}`);
    return `${[
      ...lines,
      '# TYPE uring_operations_in_flight gauge',
      '# HELP uring_operations_in_flight Operations without their last completion.',
      ...inFlight,
      '# TYPE uring_operation_latency_seconds histogram',
      '# UNIT uring_operation_latency_seconds seconds',
      '# HELP uring_operation_latency_seconds From the submission to the first completion.',
      ...all.flatMap(latencyLines),
      '# TYPE uring_events_lost counter',
      '# HELP uring_events_lost Events of the kernel that nobody read in time.',
      `uring_events_lost_total ${this.#lost}`,
      '# EOF',
    ].join('\n')}\n`;
  }
}

function latencyLines({ labels, counts }: Series): string[] {
  const name = 'uring_operation_latency_seconds';
  const { buckets, count, sumNs } = counts.latency;
  const lines = BOUNDS.map((bound) => {
    const below = buckets.reduce((sum, { toNs, count: each }) => (toNs <= bound ? sum + each : sum), 0);
    return `${name}_bucket{${labels},le="${bound / 1e9}"} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_count{${labels}} ${count}`,
    `${name}_sum{${labels}} ${sumNs / 1e9}`,
  ];
}

/** Where metrics are served. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** `PORT`, or `HOST:PORT` on loopback: what programs do is nobody's business beyond this host. */
export function parseAddress(text: string): Address {
  const [, host = '127.0.0.1', port = ''] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (port === '' || Number(port) > 65_535 || !LOOPBACK.includes(bare)) {
    throw new InvalidArgumentError('it is a port, or 127.0.0.1:PORT or [::1]:PORT; only loopback is served');
  }
  return { host: bare, port: Number(port) };
}

/** Serves them at /metrics; resolves when it listens. Throws what listen(2) refuses. */
export async function serveMetrics(metrics: Metrics, { host, port }: Address): Promise<Server> {
  const server = createServer((request, response) => {
    const isMetrics = request.url === '/metrics' && (request.method === 'GET' || request.method === 'HEAD');
    response.writeHead(isMetrics ? 200 : 404, { 'content-type': isMetrics ? CONTENT_TYPE : 'text/plain' });
    response.end(isMetrics ? metrics.text() : 'metrics are at /metrics\n');
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return server;
}

/** Puts them into a file, all at once: its reader never sees a half. */
export function writeMetrics(metrics: Metrics, path: string): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, metrics.text());
  renameSync(fresh, path);
}
