/**
 * `npm run readme`: writes the parts of README.md, and of two guides, that come from the code, between
 * their markers. With `-- --check` it writes nothing, and fails when a part is not as the code has it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROUTES } from '../lib/fs/routes.ts';
import { registerOps } from '../structs/register-ops.ts';
import { folder, idea, names } from './idea.ts';

const FILES = ['README.md', 'docs/guides/files.md', 'docs/guides/programs.md'];

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

/** Who does what in uring/fs; functions with the same reason stand together. */
function routes(): string {
  const groups = new Map<string, string[]>();
  for (const [name, { by, why }] of Object.entries(ROUTES)) {
    const key = `${by === 'ring' ? 'a ring' : 'threads'} | ${why}`;
    groups.set(key, [...(groups.get(key) ?? []), `\`${name}\``]);
  }
  const rows = [...groups].map(([key, names]) => `| ${names.join(', ')} | ${key} |`);
  return ['| | by | because |', '|-|-|-|', ...rows].join('\n');
}

/** An example as a program of a guide, which runs as a test: without its comment, the words around it say more. */
function program(name: string): string {
  const code = readFileSync(join(folder, `${name}.ts`), 'utf8').replace(/^\/\*\*[\s\S]*?\*\/\n/, '');
  return `\n\`\`\`ts\n// ${name}.ts\n${code.trim()}\n\`\`\`\n`;
}

/** What stands between `<!-- opcodes -->` and `<!-- /opcodes -->`, or `<!-- example NAME -->`. */
function part(marker: string): string {
  if (marker === 'opcodes') return opcodes();
  if (marker === 'examples') return examples();
  if (marker === 'routes') return routes();
  const [, name = ''] = /^example (\S+)$/.exec(marker) ?? [];
  if (!names.includes(name)) throw new Error(`nothing is generated for <!-- ${marker} -->`);
  return program(name);
}

function generate(text: string): string {
  const parts = /<!-- ([\w- ]+) -->\n[\s\S]*?<!-- \/\1 -->/g;
  return text.replace(parts, (_, marker) => `<!-- ${marker} -->\n${part(marker)}\n<!-- /${marker} -->`);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const file of FILES) {
  const path = join(import.meta.dirname, '..', file);
  const before = readFileSync(path, 'utf8');
  const after = generate(before);
  if (!values.check) writeFileSync(path, after);
  else if (before !== after) {
    console.error(`${file} is not as the code has it: npm run readme`);
    process.exitCode = 1;
  }
}
