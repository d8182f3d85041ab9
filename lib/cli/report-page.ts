/** The page of `uring report`. */
import { hostname } from 'node:os';
import type { CheckStatus } from '../host/diagnose.ts';
import type { Finding, Severity } from '../host/watch.ts';
import type { ProcessIdentity } from '../host/who.ts';
import { kernelRelease } from '../sys/host.ts';
import { fullOpcodeName } from './call.ts';
import { cards } from './latency.ts';
import {
  isActive,
  longest,
  operationsOf,
  type Row,
  rowsOf,
  shortNumber,
  shortTime,
  sorted,
  workerShare,
} from './operation-rows.ts';
import { escaped, htmlTable, page, timeElement } from './page.ts';
import { localUsers, pair, type Users } from './ps.ts';
import { heldBy, type RingRow, sizeText, totalsOf } from './ps-rings.ts';
import type { Observed } from './report-data.ts';
import { opcodeText } from './trace-lines.ts';
import { ancestryText, whereText, whoFacts } from './who.ts';

/** More rows than these are no help in a page; `--json` has all. */
const MOST_ROWS = 200;
/** So many pictures, of the most frequent operations. */
const MOST_PICTURES = 24;

const UNKNOWN = '-';

/** A cell, harmless; `-` where nothing is known. */
function cell(value: string | number | undefined): string {
  return value === undefined || value === '' ? UNKNOWN : escaped(`${value}`);
}

/** `'node (1234)'` */
function named({
  comm,
  pid,
}: {
  readonly comm: string | undefined;
  readonly pid: number | undefined;
}): string {
  return `${comm ?? '<gone>'} (${pid ?? UNKNOWN})`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${shortNumber(count)} ${count === 1 ? one : many}`;
}

/** A column of a table: its title, what it shows, and whether that is a number. */
type Columns<T> = readonly (readonly [
  title: string,
  cell: (row: T) => string | number | undefined,
  isNumber?: true,
])[];

/** A table of these rows, or of the first of them, without columns of which nothing is known. */
function tableOf<T>(name: string, columns: Columns<T>, rows: readonly T[]): string {
  const shown = rows.slice(0, MOST_ROWS);
  const known = columns
    .map(([title, text, isNumber]) => ({ title, isNumber, cells: shown.map((row) => cell(text(row))) }))
    .filter(({ cells }) => cells.some((each) => each !== UNKNOWN));
  const numbers = new Set(known.flatMap(({ isNumber }, column) => (isNumber ? [column] : [])));
  const titles = known.map(({ title }) => title);
  const lines = shown.map((_, row) => known.map(({ cells }) => cells[row] ?? UNKNOWN));
  const rest = rows.length - shown.length;
  const more = rest === 0 ? '' : `\n<p class="quiet">${shortNumber(rest)} rows more.</p>`;
  return `${htmlTable(name, titles, lines, numbers)}${more}`;
}

function section(id: string, title: string, body: string): string {
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${title}</h2>\n${body}\n</section>`;
}

// ---- the head --------------------------------------------------------------------------------------------------------

/** A number that the page begins with. */
function tile(name: string, value: string, link: string, kind = ''): string {
  return `<li><a href="#${link}"><b${kind === '' ? '' : ` class="${kind}"`}>${escaped(value)}</b> ${escaped(name)}</a></li>`;
}

function head(observed: Observed, rows: readonly Row[]): string {
  const { date, seconds, diagnosis, findings, rings, accounts, summary, unseen } = observed;
  const { usable, verdict } = diagnosis;
  const kind = usable === undefined ? 'ask' : usable ? 'good' : 'bad';
  const totals = totalsOf(rings);
  const operations = rows.reduce((sum, row) => sum + operationsOf(row), 0);
  const errors = rows.reduce((sum, { counts }) => sum + counts.errors, 0);
  const calls = summary.rows().reduce((sum, row) => sum + row.calls, 0);
  const isTraced = accounts !== undefined;
  const tiles = [
    ...(isTraced
      ? [
          tile(
            findings.length === 1 ? 'finding' : 'findings',
            `${findings.length}`,
            'findings',
            findings.length > 0 ? 'bad' : 'good',
          ),
        ]
      : []),
    tile(totals.rings === 1 ? 'ring' : 'rings', shortNumber(totals.rings), 'rings'),
    tile(totals.processes === 1 ? 'process' : 'processes', shortNumber(totals.processes), 'processes'),
    tile('in trouble', shortNumber(totals.inTrouble), 'rings', totals.inTrouble > 0 ? 'bad' : 'good'),
    ...(isTraced
      ? [
          tile('operations', shortNumber(operations), 'operations'),
          tile('errors', shortNumber(errors), 'operations'),
          tile('register calls', shortNumber(calls), 'calls'),
        ]
      : []),
  ];
  return `<header>
<h1>io_uring on ${escaped(hostname())}</h1>
<p class="quiet">Linux ${escaped(kernelRelease)}, ${seconds.toFixed(1)} seconds until ${timeElement(date)}</p>
<p class="${kind}">${escaped(verdict)}</p>
<ul class="tiles">
${tiles.join('\n')}
</ul>
${unseen.map((each) => `<p class="ask">Not seen: ${escaped(each)}</p>`).join('\n')}
</header>`;
}

// ---- findings --------------------------------------------------------------------------------------------------------

const SEVERITY: { readonly [S in Severity]: string } = { high: 'bad', medium: 'ask', low: 'quiet' };
const WORST: readonly Severity[] = ['high', 'medium', 'low'];

function findingCard(finding: Finding): string {
  const { severity, title, rule, process: who, evidence, why, timeNs } = finding;
  const from = ancestryText(who);
  const facts = [...whoFacts(who), ...(from === '' ? [] : [`started by ${from}`])];
  return `<article class="card">
<p class="quiet"><span class="${SEVERITY[severity]}">${severity}</span>, <code>${escaped(rule)}</code>, ${clock(timeNs)}</p>
<h3>${escaped(named(finding))} ${escaped(title)}</h3>
<p>${escaped(evidence)}</p>
${facts.length === 0 ? '' : `<p class="quiet">${escaped(facts.join(', '))}</p>`}
<p>${escaped(why)}</p>
</article>`;
}

/** `'12:00:01.123'` */
function clock(timeNs: bigint | undefined): string {
  if (timeNs === undefined) return UNKNOWN;
  return new Date(Number(timeNs / 1_000_000n)).toISOString().slice(11, 23);
}

function findingsSection({ findings, accounts }: Observed): string {
  if (accounts === undefined) return '';
  const worst = findings.toSorted((a, b) => WORST.indexOf(a.severity) - WORST.indexOf(b.severity));
  const shown = worst.slice(0, MOST_ROWS).map(findingCard);
  const body =
    shown.length === 0 ? '<p>No rule was broken.</p>' : `<div class="cards">\n${shown.join('\n')}\n</div>`;
  return section('findings', 'Findings', body);
}

// ---- rings -----------------------------------------------------------------------------------------------------------

function ringColumns(users: Users, { who }: Observed): Columns<RingRow> {
  return [
    ['Ring', ({ ring }) => ring.ino, true],
    ['Process', ({ ring }) => named(ring)],
    ['User', ({ ring }) => users.get(ring.uid) ?? ring.uid],
    ['In', ({ ring }) => whereText(who.of(ring.pid))],
    ['SQ/CQ', ({ ring }) => pair(ring.sq?.entries, ring.cq?.entries), true],
    ['Pending', ({ ring }) => pair(ring.sq?.pending, ring.cq?.pending), true],
    ['Overflow', ({ ring }) => (ring.cq ? ring.overflow.length : undefined), true],
    ['Files', ({ ring }) => ring.files.used, true],
    [
      'Pinned',
      ({ ring }) => (ring.buffers.bytes === undefined ? undefined : sizeText(ring.buffers.bytes)),
      true,
    ],
    ['SQPOLL', ({ ring }) => ring.sqPoll?.tid, true],
    ['Workers', ({ workers }) => workers, true],
    ['Held by', (row) => heldBy([row]), true],
    ['Trouble', ({ trouble }) => trouble.join(', ')],
  ];
}

function ringsSection(observed: Observed, users: Users): string {
  const { rings } = observed;
  const totals = totalsOf(rings);
  // what is wrong is seen first
  const rows = rings.toSorted((a, b) => b.trouble.length - a.trouble.length);
  const body =
    rows.length === 0
      ? '<p>No ring was seen.</p>'
      : `<p class="quiet">${counted(totals.rings, 'ring')} of ${counted(totals.processes, 'process', 'processes')}, ${counted(totals.workers, 'worker')}, ${sizeText(totals.pinnedBytes)} pinned, ${totals.sqPending}/${totals.cqPending} pending, ${totals.overflowed} overflowed</p>
${tableOf('Rings', ringColumns(users, observed), rows)}`;
  return section('rings', 'Rings', body);
}

// ---- operations ------------------------------------------------------------------------------------------------------

function percent(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${share}%`;
}

const OPERATIONS: Columns<Row> = [
  ['Process', named],
  ['Operation', ({ operation }) => operation],
  ['Count', (row) => shortNumber(operationsOf(row)), true],
  ['Errors', ({ counts }) => shortNumber(counts.errors), true],
  ['In flight', ({ inFlight }) => shortNumber(inFlight), true],
  ['p50', ({ counts }) => shortTime(counts.latency.p50Ns), true],
  ['p99', ({ counts }) => shortTime(counts.latency.p99Ns), true],
  ['Longest', ({ counts }) => shortTime(longest(counts.latency)), true],
  ['By workers', (row) => percent(workerShare(row)), true],
  ['Overflow', ({ counts }) => shortNumber(counts.overflow), true],
  ['Cut', ({ counts }) => shortNumber(counts.cut), true],
];

function operationsSection({ accounts }: Observed, rows: readonly Row[]): string {
  if (accounts === undefined) return '';
  if (rows.length === 0) return section('operations', 'Operations', '<p>No operation was made.</p>');
  const pictures = sorted(rowsOf(accounts.operations, 'total', 'operation'), 'rate').filter(
    ({ counts }) => counts.latency.count > 0,
  );
  const body = `<p class="quiet">Counted by ${accounts.counted === 'kernel' ? 'the kernel' : 'events'}; latencies are from the submission to the first completion.</p>
${tableOf('Operations', OPERATIONS, rows)}
${pictures.length === 0 ? '' : `<h3 class="above">Latencies, of all processes together</h3>\n${cards(pictures.slice(0, MOST_PICTURES))}`}`;
  return section('operations', 'Operations', body);
}

// ---- register calls --------------------------------------------------------------------------------------------------

type Call = Observed['calls'][number];
type Counted = ReturnType<Observed['summary']['rows']>[number];

const COUNTED_CALLS: Columns<Counted> = [
  ['Process', named],
  ['Opcode', ({ opcode }) => opcode],
  ['Calls', ({ calls }) => calls, true],
  ['Errors', ({ errors }) => errors, true],
];

const CALLS: Columns<Call> = [
  ['Time', ({ timeNs }) => clock(timeNs)],
  ['Process', named],
  ['Call', (call) => (call.type === 'create' ? opcodeText(call) : fullOpcodeName(call.opcodeName))],
  ['Result', ({ ret, errno }) => (errno === undefined ? ret : `-${errno}`), true],
  ['Ring', ({ ring }) => ring],
  ['Files', (call) => (call.type === 'register' ? call.nrUserFiles : undefined), true],
  ['Buffers', (call) => (call.type === 'register' ? call.nrUserBufs : undefined), true],
];

function callsSection({ accounts, summary, calls, callsLeftOut }: Observed): string {
  if (accounts === undefined) return '';
  const rows = summary.rows();
  if (rows.length === 0) return section('calls', 'Register calls', '<p>No register call was made.</p>');
  const left =
    callsLeftOut === 0 ? '' : `<p class="quiet">${shortNumber(callsLeftOut)} calls more were made.</p>`;
  const body = `${tableOf('Register calls, counted', COUNTED_CALLS, rows)}
<details>
<summary>Each call</summary>
${tableOf('Register calls', CALLS, calls)}
${left}</details>`;
  return section('calls', 'Register calls', body);
}

// ---- who -------------------------------------------------------------------------------------------------------------

function processesSection({ processes }: Observed, users: Users): string {
  const columns: Columns<ProcessIdentity> = [
    ['Pid', ({ pid }) => pid, true],
    ['Name', ({ comm }) => comm],
    ['User', ({ euid }) => users.get(euid) ?? euid],
    ['Executable', ({ exe }) => exe],
    ['In', (who) => whereText(who)],
    ['Control group', ({ cgroup }) => cgroup?.path],
    ['Started by', (who) => ancestryText(who)],
  ];
  const body =
    processes.length === 0 ? '<p>No process was seen.</p>' : tableOf('Processes', columns, processes);
  return section('processes', 'Processes', body);
}

// ---- the doctor ------------------------------------------------------------------------------------------------------

const STATUS: { readonly [S in CheckStatus]: string } = {
  ok: 'good',
  warn: 'ask',
  fail: 'bad',
  unknown: 'quiet',
};

function doctorSection({ diagnosis: { checks } }: Observed): string {
  const rows = checks.map(
    ({ name, status, evidence, fix }) =>
      `<div><dt><span class="${STATUS[status]}">${status}</span> ${escaped(name)}</dt><dd>${escaped(evidence)}${fix === undefined ? '' : `<br>Fix: ${escaped(fix)}`}</dd></div>`,
  );
  return section('doctor', 'Doctor', `<dl class="checks">\n${rows.join('\n')}\n</dl>`);
}

/** One file, which needs nothing else. */
export function reportPage(observed: Observed): string {
  const users = localUsers();
  const rows = sorted(
    rowsOf(observed.accounts?.operations ?? [], 'total', 'process').filter(isActive),
    'rate',
  );
  const sections = [
    findingsSection(observed),
    ringsSection(observed, users),
    operationsSection(observed, rows),
    callsSection(observed),
    processesSection(observed, users),
    doctorSection(observed),
  ].filter((each) => each !== '');
  return page(
    `io_uring on ${hostname()}, Linux ${kernelRelease}`,
    `${head(observed, rows)}\n<main>\n${sections.join('\n')}\n</main>`,
  );
}
