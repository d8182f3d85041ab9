/** A process that runs one seed: SEED CALLS TRACE. It writes each call into the file TRACE, and what came of all to stdout. */
import { openSync, writeSync } from 'node:fs';
import { Thrown } from './hostile.ts';
import { Life } from './life.ts';

const [seed = '1', calls = '1000', trace = '/dev/null'] = process.argv.slice(2);
const file = openSync(trace, 'w');
// rings that are not referenced don't end it
const timer = setInterval(() => {}, 1000);
const life = new Life(Number(seed), (line) => void writeSync(file, `${line}\n`));
process.on('uncaughtException', (error) => {
  // a callback of the fuzzer's own threw
  if (!(error instanceof Thrown))
    life.report(`uncaught: ${error instanceof Error ? error.stack : String(error)}`);
});
process.on('warning', () => {});
try {
  process.stdout.write(JSON.stringify(await life.run(Number(calls))));
} catch (error) {
  // the fuzzer's own fault; thrown from here it would be taken for a callback's
  console.error(error);
  process.exit(1);
}
clearInterval(timer);
