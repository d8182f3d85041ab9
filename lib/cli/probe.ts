/** `uring probe`: what io_uring has on this kernel, and on others. */
import { machine } from 'node:os';
import { Command, Option } from 'commander';
import { errnoMessage, errnoName } from '../../structs/errno.ts';
import { kernelHas, measuredKernel } from '../../structs/kernels.ts';
import { askRing, isRefusal } from '../register/ask.ts';
import { type Answer, probe, type Support } from '../register/support.ts';
import { EXIT, Failure, note, paint, print, toJson, visible, writeTo } from './kit.ts';
import {
  mainlineKernel,
  type Other,
  printAgainst,
  printNeed,
  sayUnlessMeasured,
  type Target,
} from './probe-compare.ts';
import { probePage } from './probe-html.ts';
import { allRows, type Need, rowsOf, SECTIONS, SINCE, sinceLines } from './probe-rows.ts';

/** What the command line says. */
interface Options {
  readonly against?: readonly Other[];
  readonly need?: readonly Need[];
  readonly html?: string;
  readonly json?: boolean;
}

/** What this kernel has; ends the command where io_uring is forbidden or absent. */
function supportHere(): Support {
  const ring = askRing();
  if (typeof ring !== 'number') return probe();
  const why = `no ring can be made: ${errnoMessage(ring)} (${errnoName(ring)})`;
  if (isRefusal(ring)) throw new Failure(EXIT.unsupported, 'probe', why, '"uring doctor" tells the cause');
  note(`probe: ${why}; some answers are missing`);
  return probe();
}

// ---- the command line ------------------------------------------------------------------------------------------

function wrong(option: string, why: string, todo: string): Failure {
  return new Failure(EXIT.usage, `probe ${option}`, why, todo);
}

function words(option: string, text: string): string[] {
  const found = text.split(/[\s,]+/).filter((word) => word !== '');
  if (found.length === 0) throw wrong(option, 'the list is empty', 'separate its entries by commas');
  return found;
}

function parseKernels(text: string): Other[] {
  return words('--against', text).map((version) => {
    const found = measuredKernel(version);
    if (found !== undefined) {
      const { release, arch } = found;
      return {
        version: found.version,
        release,
        arch,
        isMeasured: true,
        has: (name) => kernelHas(found, name),
      };
    }
    const mainline = mainlineKernel(version);
    if (mainline !== undefined) return mainline;
    throw wrong(
      '--against',
      `${visible(version)} is no version of a kernel with io_uring`,
      'from 5.1 on: 5.15, 6.6.30',
    );
  });
}

function parseNames(text: string): Need[] {
  return words('--need', text).map((word) => {
    const name = word.toUpperCase().replace(/^IORING_/, '');
    const since = SINCE.get(name);
    if (since !== undefined) return { name, since };
    throw wrong('--need', `nothing is called ${visible(word)}`, '"uring probe" has the names');
  });
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('probe')
    .description(
      'Tells which register opcodes, operations, setup flags and features this kernel has. The kernel itself is asked: ' +
        'its version says little, because distributions port back.',
    )
    .option('--against <versions>', 'compare with other kernels: 6.1, or 5.15,6.1.192', parseKernels)
    .option('--need <names>', 'exit with 1 unless all of these are there', parseNames)
    .addOption(
      new Option(
        '--html <file>',
        'write a page with all measured kernels beside this one; - for stdout',
      ).conflicts(['json', 'against', 'need']),
    )
    .option('--json', 'one object per line')
    .addHelpText(
      'after',
      `
--need with --against asks the other kernels, not this one. A kernel that was
measured is told as it is; of another one what mainline had at that version,
which says so: distributions port back, and leave out.

Exits with 0; 1 where --need lacks something, 2 for wrong usage, 3 or 4 where no
ring can be made.

Examples:
  uring probe --against 6.1
  uring probe --need OP_READ_MULTISHOT,REGISTER_NAPI --against 6.1,6.12
  uring probe --html io_uring.html`,
    )
    .action(run);
}

async function run({ against, need, html, json = false }: Options): Promise<void> {
  if (need !== undefined) {
    const verdicts = [];
    for (const target of targets(against)) verdicts.push(await printNeed(need, target, json));
    if (verdicts.includes(false)) process.exitCode = EXIT.failed;
    return;
  }
  const support = supportHere();
  for (const other of against ?? []) await printAgainst(support, other, json);
  if (against !== undefined) return;
  if (html !== undefined)
    return await writeTo(html, 'probe --html', probePage(support, machine(), new Date()));
  await (json ? print(toJson(jsonOf(support))) : printMatrix(support));
}

/** The kernels that --need asks: measured ones need no io_uring here. */
function targets(against: readonly Other[] | undefined): Target[] {
  if (against !== undefined) {
    for (const other of against) sayUnlessMeasured(other);
    return against.map(({ version, has }) => ({ kernel: version, has }));
  }
  const support = supportHere();
  const answers = new Map(allRows(support).map(({ name, supported }) => [name, supported]));
  return [{ kernel: support.kernel, has: (name) => answers.get(name) }];
}

// ---- what it prints -----------------------------------------------------------------------------------------------

const METHODS: { readonly [By in Answer['by']]: string } = {
  query: 'by REGISTER_QUERY',
  probe: 'by REGISTER_PROBE',
  range: 'by calls that must fail',
  setup: 'by trial rings',
  features: 'by a ring',
  none: 'not to be known here',
};

const MARKS = [
  { supported: true, mark: 'yes  ', colour: paint.green },
  { supported: false, mark: 'no   ', colour: paint.red },
  { supported: undefined, mark: '?    ', colour: paint.yellow },
];

async function printMatrix(support: Support): Promise<void> {
  await print(`io_uring on Linux ${visible(support.kernel)} ${machine()}`);
  for (const { key, title } of SECTIONS) {
    const rows = rowsOf(support, key);
    const had = rows.filter(({ supported }) => supported === true).length;
    const methods = [...new Set(rows.map(({ by }) => METHODS[by]))].join(', ');
    await print(`\n${paint.bold(`${title}: ${had} of ${rows.length}`)} (${methods})`);
    for (const { supported, mark, colour } of MARKS) {
      const lines = sinceLines(
        mark,
        rows.filter((row) => row.supported === supported),
      );
      for (const line of lines) await print(colour(line));
    }
  }
}

function jsonOf(support: Support): object {
  const sections = SECTIONS.map(({ key }) => [
    key,
    Object.fromEntries(rowsOf(support, key).map(({ name, ...answer }) => [`IORING_${name}`, answer])),
  ]);
  return { v: 1, kernel: support.kernel, arch: machine(), ...Object.fromEntries(sections) };
}
