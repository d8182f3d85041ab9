/** `npm run bench [-- NAME...] [--quick] [--json FILE]`: runs the benchmarks and prints their tables. */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { pin } from './c-program.ts';
import { benchNop } from './nop.ts';
import { benchRegister } from './register.ts';

const benches = { register: benchRegister, nop: benchNop };

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !(name in benches));
if (unknown !== undefined)
  throw new Error(`no benchmark ${unknown}; there are: ${Object.keys(benches).join(', ')}`);

const cpu = pin();
const host = {
  node: process.version,
  kernel: release(),
  arch: process.arch,
  model: cpus()[0]?.model,
  pinnedTo: cpu,
};
console.log(
  `Node ${host.node}, Linux ${host.kernel}, ${host.model}, ${cpu === undefined ? 'not pinned' : `cpu ${cpu}`}`,
);
const effort = values.quick ? { rounds: 3, turnMs: 2 } : { rounds: 15, turnMs: 8 };

const results: Record<string, unknown> = {};
for (const [name, bench] of Object.entries(benches)) {
  if (positionals.length === 0 || positionals.includes(name)) results[name] = await bench(effort);
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ host, effort, ...results }, null, 2)}\n`);
}
