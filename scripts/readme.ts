/**
 * `npm run readme`: writes the parts of README.md that come from the code, between their markers. With `-- --check` it
 * writes nothing, and fails when a part is not as the code has it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { registerOps } from '../structs/register-ops.ts';
import { idea, names } from './idea.ts';

const path = new URL('../README.md', import.meta.url);

function opcodes(): string {
  const rows = registerOps.map(
    ({ value, name, raw, member, since, does }) =>
      `| ${value} | \`${name}\` | \`${raw}\` | \`${member}\` | ${since} | ${does} |`,
  );
  return ['| | opcode | `uring/raw` | `uring` | Linux | what it does |', '|-:|-|-|-|-|-|', ...rows].join(
    '\n',
  );
}

function examples(): string {
  return names.map((name) => `- \`${name}\`: ${idea(name)}`).join('\n');
}

/** The generated parts, by the name in their markers: `<!-- opcodes -->` to `<!-- /opcodes -->`. */
const PARTS: { readonly [name: string]: () => string } = { opcodes, examples };

function generate(text: string): string {
  return Object.entries(PARTS).reduce((all, [name, part]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [all.indexOf(begin), all.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} and ${end}`);
    return `${all.slice(0, from + begin.length)}\n${part()}\n${all.slice(to)}`;
  }, text);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const before = readFileSync(path, 'utf8');
const after = generate(before);
if (!values.check) {
  writeFileSync(path, after);
} else if (before !== after) {
  console.error('README.md is not as the code has it: npm run readme');
  process.exitCode = 1;
}
