/** `uring watch`: tells when a ring does what rings should not. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import {
  type Finding,
  RULE_FILE_SCHEMA,
  RULES,
  type Rule,
  RuleError,
  type RuleSet,
  ruleSet,
  type Severity,
  watch,
} from '../host/watch.ts';
import { kernelRelease } from '../sys/host.ts';
import { number, parseKib, parseSeconds } from './arguments.ts';
import { rfc3339 } from './call.ts';
import { follow, withCommand } from './following.ts';
import { EXIT, Failure, note, orFailure, paint, print, toJson, visible } from './kit.ts';
import type { Launched } from './launch.ts';
import { wrapped } from './table.ts';
import { ancestryText, whoFacts, whoToJson } from './who.ts';

/** What the command line says. */
interface Options {
  readonly rules?: string;
  readonly listRules?: boolean;
  readonly schema?: boolean;
  readonly duration?: number;
  readonly count?: number;
  readonly full?: boolean;
  readonly json?: boolean;
  readonly ecs?: boolean;
  readonly bufferKb?: number;
  readonly strict?: boolean;
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('watch')
    .description(
      'Tells when a ring does what rings should not: by rules over the operations, register calls and rings of the host. For root.',
    )
    .argument('[command...]', 'run this meanwhile, and end with it; its output goes to stderr')
    .passThroughOptions()
    .option('--rules <file>', 'a rule file (JSON): more rules, fewer rules, what is allowed')
    .option('--list-rules', 'show the rules that hold, why, and how to silence them')
    .option('--schema', 'show the JSON Schema of a rule file')
    .option('--duration <seconds>', 'end after this time', parseSeconds)
    .option('--count <findings>', 'end after so many findings', (text) => number(text, 1, 2 ** 31))
    .option('--full', 'also see register calls that reach no ring; all system calls get slower')
    .option('--json', 'one object per line')
    .addOption(new Option('--ecs', 'one object per line, in the Elastic Common Schema').conflicts('json'))
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", parseKib)
    .option('--strict', 'exit with 5 when events were lost and nothing was found')
    .addHelpText(
      'after',
      `
Exits with 1 when something was found, with 0 when not. A rule tells once of a
process. The kernel tells which operations a ring gets, not with which path or
address.

Examples:
  uring watch
  uring watch --list-rules
  uring watch --rules rules.json --ecs >>/var/log/uring.ecs.json
  uring watch --duration 60 --json | jq 'select(.severity == "high")'

A rule file:
  {"enable": ["ring-in-container"], "disable": ["pinned-memory"],
   "allow": [{"rule": "outgoing-connection", "executable": "/usr/bin/proxy"}],
   "rules": [{"id": "accepts", "title": "takes connections",
              "severity": "low",
              "when": {"event": "operation", "any": ["OP_ACCEPT"]}}]}`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  const { rules, schema, listRules } = options;
  if (schema) return await print(JSON.stringify(RULE_FILE_SCHEMA, undefined, 2));
  const set = await readRules(rules);
  if (listRules) return await printRules(set, options);
  await withCommand('watch', words, (command) => watchUntilEnd(command, set, options));
}

async function readRules(path: string | undefined): Promise<RuleSet> {
  if (path === undefined) return ruleSet();
  const what = `watch --rules ${visible(path)}`;
  const text = await orFailure(what, () => readFileSync(path, 'utf8'));
  try {
    return ruleSet(JSON.parse(text));
  } catch (error) {
    if (error instanceof RuleError) throw new Failure(EXIT.usage, what, visible(error.message));
    if (error instanceof SyntaxError)
      throw new Failure(EXIT.usage, what, `no JSON: ${visible(error.message)}`);
    throw error;
  }
}

const COLOURS: { readonly [S in Severity]: (text: string) => string } = {
  low: paint.cyan,
  medium: paint.yellow,
  high: paint.red,
};

async function printRules({ rules }: RuleSet, { json }: Options): Promise<void> {
  const off = RULES.filter(({ id }) => !rules.some((rule) => rule.id === id));
  for (const [list, enabled] of [
    [rules, true],
    [off, false],
  ] as const) {
    for (const rule of list) await print(json ? ruleToJson(rule, enabled) : ruleText(rule, enabled));
  }
}

function ruleToJson({ falsePositives, silence, ...rule }: Rule, enabled: boolean): string {
  return toJson({ v: 1, type: 'rule', ...rule, false_positives: falsePositives, silence, enabled });
}

function ruleText({ id, title, severity, why, falsePositives, silence }: Rule, enabled: boolean): string {
  const lines = [
    ['why', why],
    ['harmless', falsePositives],
    ['silence', silence],
  ].flatMap(([name = '', text = '']) => (text === '' ? [] : wrapped(`  ${name}: ${text}`, 80, '    ')));
  return [
    `${paint.bold(id)} (${COLOURS[severity](severity)}${enabled ? '' : ', off'}): ${title}`,
    ...lines,
    '',
  ].join('\n');
}

async function watchUntilEnd(command: Launched | undefined, rules: RuleSet, options: Options): Promise<void> {
  const { duration, count = Number.POSITIVE_INFINITY, full, bufferKb, strict } = options;
  const stream = watch({ rules, bufferKb, calls: full ? 'full' : 'light' });
  let found = 0;
  let lost = 0;
  await follow(stream, { command, duration }, (record) => {
    if (record.type === 'start' && process.stderr.isTTY) note(`${rules.rules.length} rules; Ctrl-C ends it`);
    if (record.type === 'lost')
      note(`cpu ${record.cpu} lost ${record.events} events: something may have been missed`);
    if (record.type === 'end') lost = record.lostEvents + record.malformed;
    if (record.type !== 'finding' || found >= count) return undefined;
    if (++found >= count) stream.stop();
    return print(shown(record, options));
  });
  if (found > 0) process.exitCode = EXIT.failed;
  else if (strict && lost > 0) process.exitCode = EXIT.incomplete;
}

function shown(finding: Finding, { json, ecs }: Options): string {
  if (ecs) return toJson(ecsOf(finding));
  if (json) return toJson(findingToJson(finding));
  const { timeNs, severity, comm, pid, title, rule, evidence, process: who } = finding;
  const from = ancestryText(who);
  const head = `${rfc3339(timeNs)?.slice(0, 23)}Z ${COLOURS[severity](severity.toUpperCase())} ${visible(comm ?? '<gone>')} (${pid}) ${title} [${rule}]`;
  const { isTTY, columns } = process.stdout;
  return [
    ...(isTTY ? wrapped(head, columns, '  ') : [head]),
    `  ${visible(evidence)}; ${visible(whoFacts(who).join(', '))}`,
    ...(from === '' ? [] : [`  started by ${visible(from)}`]),
  ].join('\n');
}

/** A finding as `--json` has it. */
export function findingToJson({ type, timeNs, process: who, ...rest }: Finding): object {
  return { v: 1, type, ts: rfc3339(timeNs), ...rest, ...whoToJson(who) };
}

const ECS_VERSION = '8.11.0';
/** As alerts of the Elastic stack have it. */
const ECS_SEVERITY: { readonly [S in Severity]: number } = { low: 21, medium: 47, high: 73 };

/** A finding in the Elastic Common Schema. */
function ecsOf({ timeNs, rule, title, severity, why, pid, comm, evidence, process: who }: Finding): object {
  const { container, unit } = who?.cgroup ?? {};
  const [parent] = who?.ancestry ?? [];
  return {
    '@timestamp': rfc3339(timeNs),
    ecs: { version: ECS_VERSION },
    message: `${comm ?? 'a process'} (${pid}) ${title}: ${evidence}`,
    event: {
      ...{ kind: 'alert', category: ['process'], type: ['info'], module: 'uring', dataset: 'uring.watch' },
      action: rule,
      severity: ECS_SEVERITY[severity],
      reason: why,
    },
    rule: { id: rule, name: title, description: why, category: severity },
    host: { hostname: hostname(), os: { type: 'linux', kernel: kernelRelease } },
    process: {
      pid,
      name: comm,
      ...(who?.exe === undefined ? {} : { executable: who.exe }),
      ...(parent === undefined ? {} : { parent: { pid: parent.pid, name: parent.comm } }),
    },
    ...(who?.euid === undefined ? {} : { user: { id: `${who.euid}` } }),
    ...(container === undefined ? {} : { container: { id: container.id, runtime: container.runtime } }),
    ...(container?.pod === undefined
      ? {}
      : { orchestrator: { resource: { id: container.pod, type: 'pod' } } }),
    ...(unit === undefined ? {} : { service: { name: unit } }),
    uring: { evidence },
  };
}
