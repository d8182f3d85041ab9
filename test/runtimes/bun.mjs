/** Bun gets one clear error from whatever it calls first; each check is a line of TAP. */
import { refusals } from './refusals.mjs';

const WANTED = 'uring: Bun is not supported: its event loop cannot poll a ring (bun#18546)';
const errors = refusals();
const wrong = errors.filter(({ code, message }) => code !== 'ERR_URING_UNSUPPORTED' || message !== WANTED);
for (const [i, error] of errors.entries()) {
  console.log(
    `${wrong.includes(error) ? 'not ok' : 'ok'} ${i + 1} - ${error.call}: ${error.code} ${error.message}`,
  );
}
console.log(`# pass ${errors.length - wrong.length}\n# fail ${wrong.length}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
