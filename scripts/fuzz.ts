/**
 * `npm run fuzz [-- --seed N] [--seeds N] [--calls N]`: the public interface, called with hostile values. From seed N on (1) so many seeds
 * (50), so many calls of each (10,000). Prints a line for each; exits with 1 when one found something.
 */
import { parseArgs } from 'node:util';
import { complaint, runSeed } from '../test/soak/fuzz/drive.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '50' },
    calls: { type: 'string', default: '10000' },
  },
});
const first = Number(values.seed);
const calls = Number(values.calls);
let made = 0;
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const outcome = await runSeed(seed, calls);
  made += outcome.report?.calls ?? 0;
  if (outcome.findings.length > 0) {
    process.exitCode = 1;
    console.log(complaint(outcome, calls));
  } else console.log(`seed ${seed}: ${outcome.report?.calls} calls, ${outcome.report?.accepted} accepted`);
}
console.log(`${made} calls`);
