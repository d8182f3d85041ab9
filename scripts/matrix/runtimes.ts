/** Node.js in all the ways that it loads a program. */
import { cjs, esm, type Row, testCjs, testEsm } from './row.ts';

const NODES = ['20', '22', '24', '26'];
const nodes = NODES.map((major) => `node-${major}@npm:node-linux-${process.arch}@${major}`);
const node = (major: string): string => `"$MODULES/node-${major}/bin/node"`;

const byNode: readonly Row[] = NODES.flatMap((major): Row[] => [
  {
    name: `Node.js ${major}, require`,
    tools: nodes,
    files: { 'program.cjs': cjs },
    steps: [`${node(major)} program.cjs`],
  },
  {
    name: `Node.js ${major}, import`,
    tools: nodes,
    files: { 'program.mjs': esm },
    steps: [`${node(major)} program.mjs`],
  },
]);

const NO_ADDONS =
  'ERR_URING_UNSUPPORTED uring: the package koffi could not be loaded: Node.js may load no addon (--permission without --allow-addons, or --no-addons)';

const others: readonly Row[] = [
  {
    name: 'require and import in one program',
    isSample: true,
    files: {
      'program.cjs': `${cjs}
const same = ['uring', 'uring/raw', 'uring/structs', 'uring/host'].map(async (name) => {
  const all = require(name);
  for (const [key, value] of Object.entries(await import(name))) if (value !== all[key]) throw new Error(name + ' ' + key);
});
Promise.all(same).catch((error) => { console.log(error); process.exit(1); });`,
    },
    steps: ['node program.cjs'],
    remark: 'the same objects: one copy of its state',
  },
  {
    name: 'worker threads',
    isSample: true,
    files: {
      'program.mjs': `import { Worker, isMainThread } from 'node:worker_threads';
import { once } from 'node:events';
if (isMainThread) {
  const workers = [1, 2, 3].map(() => new Worker(new URL(import.meta.url)));
  for (const [code] of await Promise.all(workers.map((each) => once(each, 'exit')))) if (code !== 0) process.exit(1);
}
${esm}`,
    },
    steps: ['node program.mjs | tee said', '[ "$(grep -c works said)" = 4 ]', 'tail -1 said'],
  },
  {
    name: 'cluster',
    files: {
      'program.cjs': `const cluster = require('node:cluster');
let left = 3;
if (cluster.isPrimary) {
  cluster.on('exit', (worker, code) => { if (code !== 0) process.exit(1); if (--left === 0) run(); });
  for (let i = 0; i < 3; i++) cluster.fork();
} else run().then(() => process.disconnect());
function run() { ${cjs.replace(/\nmain\(\)/, '\nreturn main()')} }`,
    },
    steps: ['node program.cjs | tee said', '[ "$(grep -c works said)" = 4 ]', 'tail -1 said'],
  },
  {
    name: 'node --permission --allow-addons',
    tools: nodes,
    files: { 'program.cjs': cjs },
    steps: [`${node('24')} --permission --allow-addons --allow-fs-read='*' program.cjs`],
  },
  {
    name: 'node --permission',
    tools: nodes,
    files: { 'program.cjs': cjs },
    steps: [`! ${node('24')} --permission --allow-fs-read='*' program.cjs`],
    says: NO_ADDONS,
    remark: 'koffi is an addon',
  },
  {
    name: 'node --experimental-permission (20)',
    tools: nodes,
    files: { 'program.cjs': cjs },
    steps: [`! ${node('20')} --experimental-permission --allow-fs-read='*' program.cjs`],
    says: NO_ADDONS,
    remark: 'koffi is an addon; Node.js 20 has no --allow-addons',
  },
  {
    name: 'Node.js 24 runs TypeScript',
    tools: nodes,
    files: { 'program.mts': esm },
    steps: [`${node('24')} program.mts`],
  },
  {
    name: 'tsx',
    tools: ['tsx@4'],
    files: { 'program.ts': esm },
    steps: ['tsx program.ts'],
  },
  {
    name: 'ts-node, CommonJS',
    tools: ['ts-node@10', 'typescript@5.9', '@types/node@20'],
    files: {
      'program.ts': esm,
      'tsconfig.json':
        '{ "compilerOptions": { "module": "commonjs", "moduleResolution": "node10", "target": "es2022", "strict": true } }',
    },
    steps: ['ts-node program.ts'],
    remark: 'types by the old resolver',
  },
  {
    name: 'tsc, node16, from CommonJS',
    tools: ['typescript@5.9', '@types/node@20'],
    isSample: true,
    files: {
      'program.cts': esm,
      'tsconfig.json': '{ "compilerOptions": { "module": "node16", "strict": true, "skipLibCheck": false } }',
    },
    steps: ['tsc', 'grep -q require program.cjs', 'node program.cjs'],
  },
  {
    name: 'Jest',
    tools: ['jest@30'],
    isSample: true,
    files: { 'a.test.js': testCjs, 'b.test.js': testCjs, 'package.json': '{}' },
    steps: ['jest --runInBand'],
    remark: 'two files in one process',
  },
  {
    name: 'Jest, ES modules',
    tools: ['jest@30'],
    files: {
      'a.test.mjs': testEsm,
      'package.json': '{ "jest": { "testMatch": ["**/*.test.mjs"], "transform": {} } }',
    },
    steps: ['NODE_OPTIONS=--experimental-vm-modules jest'],
  },
  {
    name: 'Vitest',
    tools: ['vitest@4.1.12', 'vite@8.3.8'],
    isSample: true,
    files: { 'a.test.ts': `import { test } from 'vitest';\n${testEsm}`, 'package.json': '{}' },
    steps: [
      'vitest run --disable-console-intercept',
      'vitest run --pool threads --disable-console-intercept',
    ],
    remark: 'in processes and in threads',
  },
  {
    name: 'Vitest, uring inlined',
    tools: ['vitest@4.1.12', 'vite@8.3.8'],
    files: {
      'a.test.ts': `import { test } from 'vitest';\n${testEsm}`,
      'package.json': '{}',
      'vitest.config.mjs': `export default { test: { server: { deps: { inline: ['uring'] } } } };`,
    },
    steps: ['vitest run --disable-console-intercept'],
  },
  {
    name: 'Electron',
    program: 'electron',
    files: { 'program.cjs': cjs },
    steps: ['ELECTRON_RUN_AS_NODE=1 electron program.cjs'],
  },
];

export const runtimes: readonly Row[] = [...byNode, ...others];
