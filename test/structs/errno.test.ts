import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import { errnoMessage, errnoName } from '../../structs/index.ts';

test('a number that Linux does not define keeps its number in name and message', () => {
  for (const number of [0, 41, 58, 134, 4095]) {
    assert.equal(errnoName(number), `E${number}`);
    assert.equal(errnoMessage(number), `Unknown error ${number}`);
  }
});

test('every number from 1 to 133 has its own name and a message, but 41 and 58, which Linux does not use', () => {
  const names = new Set<string>();
  for (let number = 1; number <= 133; number++) {
    if (number === 41 || number === 58) continue;
    assert.match(errnoName(number), /^E[A-Z2][A-Z0-9]*$/);
    assert.doesNotMatch(errnoName(number), /^E\d+$/);
    assert.doesNotMatch(errnoMessage(number), /^Unknown/);
    names.add(errnoName(number));
  }
  assert.equal(names.size, 131);
});

test('names are those of Node, where Node has them', () => {
  const aliases = new Map([
    ['ENOTSUP', 'EOPNOTSUPP'],
    ['EWOULDBLOCK', 'EAGAIN'],
  ]);
  for (const [name, number] of Object.entries(constants.errno)) {
    assert.equal(errnoName(number), aliases.get(name) ?? name);
  }
  for (const [number, [name]] of getSystemErrorMap()) {
    if (number > -134) assert.equal(errnoName(-number), aliases.get(name) ?? name);
  }
});

test('the errors that io_uring returns and Node has no name for are there', () => {
  assert.deepEqual([errnoName(77), errnoMessage(77)], ['EBADFD', 'File descriptor in bad state']);
  assert.deepEqual([errnoName(117), errnoMessage(117)], ['EUCLEAN', 'Structure needs cleaning']);
  assert.deepEqual([errnoName(22), errnoMessage(22)], ['EINVAL', 'Invalid argument']);
  assert.deepEqual([errnoName(62), errnoMessage(62)], ['ETIME', 'Timer expired']);
});
