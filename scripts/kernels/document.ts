/** docs/kernels.md: what works from which kernel, as the ladder has measured it. */
import { writeFileSync } from 'node:fs';
import { features, ops, setupFlags } from '../../structs/ops.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { counts, type Outcome, type Probe, proved } from './outcome.ts';
import { appears } from './verify.ts';

const FILE = new URL('../../docs/kernels.md', import.meta.url);

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), `|${head.map(() => '-').join('|')}|`, ...rows].join('\n');
}

/** The first rung that has something. */
function first(outcomes: readonly Outcome[], answers: keyof Probe, name: string): string {
  return appears(outcomes, (probe) => probe[answers], name).first ?? 'none';
}

/** The first rung on which the tour proved an opcode, with what it saw; or why none did. */
function proof(outcomes: readonly Outcome[], name: string): string {
  const rows = outcomes.flatMap(({ rung, tour }) =>
    tour.filter((each) => each.name === name).map((each) => ({ ...each, rung: rung.name })),
  );
  const proved = rows.find(({ verdict }) => verdict === 'proved');
  if (proved) return proved.rung;
  const last = rows.findLast(({ verdict }) => verdict !== 'needs-kernel');
  return last ? `${last.verdict}: ${last.evidence}` : 'none';
}

function rungs(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { passed, failed, skipped } = counts(outcome);
    return row(outcome.rung.name, `\`${outcome.release}\``, passed, failed, skipped, proved(outcome));
  });
  return table(['rung', 'kernel', 'passed', 'failed', 'skipped', 'opcodes proved'], rows);
}

function values(outcomes: readonly Outcome[], answers: keyof Probe): string {
  const all = { register: registerOps, ops, setup: setupFlags, features }[answers];
  const rows = all.map(({ name, since }) => row(`\`${name}\``, since, first(outcomes, answers, name)));
  return table(['name', 'Linux', 'first rung'], rows);
}

/** The document. */
export function document(outcomes: readonly Outcome[]): string {
  const opcodes = registerOps.map(({ value, name, member, since }) =>
    row(
      value,
      `\`${name}\``,
      `\`${member}\``,
      since,
      first(outcomes, 'register', name),
      proof(outcomes, name),
    ),
  );
  return `<!-- Written by npm run test:kernels -- --all -->
# Which kernel has what

Measured by running the tests of every register call, of rings, of operations and of promises, and the tour, on these kernels, each in
an emulated machine. A test is skipped where the kernel is older than what it needs, and says itself that it lacks it.

${rungs(outcomes)}

"Linux" is the first mainline version; "first rung" the first of these kernels that says it has it. Debian's 5.10 carries the
io_uring of 5.15, without its operations on paths.

## Register opcodes

"Proved on" is the first rung where the tour saw the effect.

${table(['', 'opcode', 'member', 'Linux', 'first rung', 'proved on'], opcodes)}

## Operations

${values(outcomes, 'ops')}

## Setup flags

${values(outcomes, 'setup')}

## Features

${values(outcomes, 'features')}
`;
}

/** Writes docs/kernels.md. */
export function writeDocument(outcomes: readonly Outcome[]): void {
  writeFileSync(FILE, document(outcomes));
}
