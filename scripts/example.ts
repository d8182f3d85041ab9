/** `npm run example [NAME]`: lists the examples with what each shows, or runs one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { folder, idea, names } from './idea.ts';

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  const width = Math.max(...names.map((each) => each.length));
  for (const each of names) console.log(`${each.padEnd(width)}  ${idea(each)}`);
} else if (names.includes(name)) {
  const node = [
    '--conditions=uring-source',
    '--import',
    'tsx',
    '--expose-gc',
    join(folder, `${name}.ts`),
    ...args,
  ];
  const { status, error } = spawnSync(process.execPath, node, { stdio: 'inherit' });
  if (error) throw error;
  process.exitCode = status ?? 1;
} else {
  console.error(`no example ${name}; there are: ${names.join(', ')}`);
  process.exitCode = 1;
}
