import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { layouts } from '../../structs/index.ts';
import { LOADER, moduleAt } from '../helpers/loader.ts';
import { exportedStructs, fixtureStructs } from './fixture.ts';

for (const { name, size, align, fields } of fixtureStructs) {
  test(`${name}: size, alignment and every field lie where the compiler put them`, () => {
    const expected = Object.fromEntries(
      fields.map((field) => [field.name, { offset: field.offset, size: field.size }]),
    );
    assert.deepEqual(layouts[name], { size, align, fields: expected });
  });
}

test('no struct is missing, and none is there that no header has', () => {
  assert.deepEqual(Object.keys(layouts).sort(), fixtureStructs.map(({ name }) => name).sort());
  assert.equal(fixtureStructs.length, 54);
});

test('every struct is exported once, by its C name without io_uring_ in PascalCase', () => {
  const expected = fixtureStructs.map(({ name }) => {
    const words = name.replace(/^(io_uring_|io_|__)/, '').split(/[._]/);
    return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  });
  assert.deepEqual(exportedStructs.map(([name]) => name).sort(), expected.sort());
});

test('`at` has the offset of every field of a value, and of no reserved one', () => {
  for (const { name, fields } of fixtureStructs) {
    const visible = fields.filter((field) => !/^(resv|rsvd|pad|__)/.test(field.name));
    const expected = visible.map((field) => [
      field.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      field.offset,
    ]);
    const struct = exportedStructs.find(([, each]) => each.name === name)?.[1];
    assert.deepEqual({ ...struct?.at }, Object.fromEntries(expected), name);
  }
});

test('without koffi all of it works', () => {
  const script = `
    import { createRequire } from 'node:module';
    const { Module } = createRequire(import.meta.url)('node:module');
    const load = Module._load;
    Module._load = (name, ...rest) => {
      if (name === 'koffi') throw new Error('hidden');
      return load(name, ...rest);
    };
    const { constants, RsrcRegister } = await import('${moduleAt('structs/index.ts')}');
    const bytes = RsrcRegister.encode({ nr: 7 });
    console.log(JSON.stringify([constants.IORING_REGISTER_QUERY, bytes.length, RsrcRegister.decode(bytes).nr]));
  `;
  const args = [...LOADER, '--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stdout.trim(), '[35,32,7]', stderr);
});
