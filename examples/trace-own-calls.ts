/** Sees every io_uring_register call of its own process, failed ones too, with the argument decoded. */
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { type RegisterMessage, Ring } from 'uring';

function isCall(message: unknown): message is RegisterMessage {
  return typeof message === 'object' && message !== null && 'opcodeName' in message;
}

const seen: RegisterMessage[] = [];
// in a program: subscribe('uring:register', (message) => logger.debug(message))
subscribe('uring:register', (message) => {
  if (isCall(message)) seen.push(message);
});

using ring = new Ring(8);
using files = ring.registerFiles([0, -1, -1]);
files.update(1, [1, files.CLEAR]);
assert.throws(() => ring.registerFiles([0]), { code: 'EBUSY' });
files.unregister();

for (const { fd, opcodeName, nrArgs, result, code, durationNs, arg } of seen) {
  const outcome = code ?? String(result);
  const us = (Number(durationNs) / 1000).toFixed(1);
  console.log(`fd ${fd} ${opcodeName} (${nrArgs}) = ${outcome} in ${us} us`, arg);
}

const calls = seen.map(({ opcodeName, code }) => [opcodeName, code]);
assert.deepEqual(calls, [
  ['REGISTER_FILES', null],
  ['REGISTER_FILES_UPDATE', null],
  ['REGISTER_FILES', 'EBUSY'],
  ['UNREGISTER_FILES', null],
]);
assert.deepEqual(seen[0]?.arg, [0, -1, -1]);
