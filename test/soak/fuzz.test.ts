/** Anything is called with anything, at the worst moment: nothing crashes, is lost, hangs, or is written where it should not be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as uring from '../../lib/index.ts';
import { complaint, runSeed } from './fuzz/drive.ts';
import { type Method, methodsOf, optionsOf, placeOfOptions } from './fuzz/surface.ts';
import { generatorOf, OPTIONS } from './fuzz/values.ts';

/** A sample of what the nightly run does. */
const SEEDS = [1, 2, 3, 4];
const CALLS = 2500;

/** Public objects, by the name under which the fuzzer calls their methods. */
function objects(): (readonly [where: string, object: object])[] {
  const ring = new uring.Ring(8);
  const async = new uring.AsyncRing(8);
  const classes = Object.entries(uring).flatMap(([name, value]): [string, object][] =>
    // an object without a state of its own: only its prototype is looked at
    typeof value === 'function' && value.prototype && !/Error$/.test(name)
      ? [[name, Object.create(value.prototype)]]
      : [],
  );
  const { prepare } = ring;
  ring.close();
  async.close();
  return [['prepare', prepare], ...classes];
}

test('every parameter of every public method has a generator', () => {
  const missing = objects().flatMap(([where, object]) =>
    methodsOf(object).flatMap(({ name, parameters }: Method) =>
      parameters
        .filter((parameter) => parameter !== 'options' && generatorOf(where, name, parameter) === undefined)
        .map((parameter) => `${where}.${name}(${parameter})`),
    ),
  );
  assert.deepEqual(missing, []);
});

test('every option that a method names has a generator', async () => {
  const ring = new uring.Ring(8);
  const async = new uring.AsyncRing(8);
  try {
    const named = new Set<string>();
    for (const object of [ring.prepare, async, ring]) {
      for (const method of methodsOf(object)) {
        if (method.parameters[placeOfOptions(method)] !== 'options' || method.name === 'close') continue;
        for (const name of (await optionsOf(object, method)) ?? []) named.add(name);
      }
    }
    assert.ok(named.size > 50, 'the messages of errors name no options any more');
    assert.deepEqual(
      [...named].filter((name) => OPTIONS[name] === undefined),
      [],
    );
  } finally {
    ring.close();
    async.close();
  }
});

for (const seed of SEEDS) {
  test(`${CALLS} calls of anything with anything (seed ${seed})`, async () => {
    const outcome = await runSeed(seed, CALLS);
    assert.deepEqual(outcome.findings, [], complaint(outcome, CALLS));
    // a fuzzer whose calls are all refused proves nothing
    assert.ok((outcome.report?.accepted ?? 0) > CALLS / 5, `${outcome.report?.accepted} calls were accepted`);
  });
}
