/** The names of operations and tags in the kernel: what their generations and states must keep apart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Flights, kindOf, payloadOf } from '../../lib/ring/core/flights.ts';
import { Tags } from '../../lib/ring/core/tags.ts';

/** Flights whose slots begin with the last generation that there is. */
function lastGeneration(): Flights {
  const { random } = Math;
  Math.random = () => 1 - Number.EPSILON;
  try {
    return new Flights();
  } finally {
    Math.random = random;
  }
}

test('after the last generation of a slot comes generation 0, of the same kind', () => {
  const flights = lastGeneration();
  const slot = flights.add(1, undefined);
  const last = flights.high(slot);
  flights.remove(slot);
  assert.equal(flights.add(2, undefined), slot);
  const first = flights.high(slot);
  assert.equal(kindOf(last), kindOf(first));
  assert.ok(payloadOf(last) > 0);
  assert.equal(payloadOf(first), 0);
  assert.deepEqual([flights.isCurrent(slot, first), flights.isCurrent(slot, last)], [true, false]);
  assert.deepEqual([flights.isFormer(slot, last), flights.isFormer(slot, first)], [true, false]);
  flights.remove(slot);
});

test('a tag that comes although its slot was not given up does not count for one that is to come', () => {
  const tags = new Tags(true, new Flights());
  const released: number[] = [];
  const [asked, unasked] = [0, 1].map((index) => tags.make(index, undefined, (at) => released.push(at)));
  assert.ok(asked && unasked);
  tags.expect(asked);
  tags.released(tags.highOf(unasked), unasked.entry);
  assert.deepEqual([released, tags.areOwed, tags.expected], [[1], true, 1]);
  tags.released(tags.highOf(asked), asked.entry);
  assert.deepEqual([released, tags.areOwed, tags.expected], [[1, 0], false, 0]);
});
