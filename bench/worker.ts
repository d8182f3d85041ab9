/** `worker.ts FAMILY SIDE ARGS...`: one side of a family in a process of its own. */
import { createInterface } from 'node:readline';
import { families } from './families.ts';

const [, , familyName, by = '', ...args] = process.argv;
const start = families.find(({ name }) => name === familyName)?.workers[by];
if (start === undefined) throw new Error(`no side ${by} in ${familyName}`);
const work = await start(args);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', count = 1, seed = 1] = line.split(' ');
  const { ns, cpuNs, p50, p99, sum } = await work(name, Number(count), Number(seed));
  console.log(`${ns} ${cpuNs} ${p50} ${p99} ${sum}`);
}
process.exit(); // servers would go on
