import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uring } from '../helpers/cli.ts';
import { fixtureConstants, fixtureStructs } from '../structs/fixture.ts';

interface Abi {
  readonly structs: {
    readonly [name: string]: {
      readonly size: number;
      readonly align: number;
      readonly fields: { readonly [field: string]: { readonly offset: number; readonly size: number } };
    };
  };
  readonly constants: { readonly [name: string]: number | string };
}

function json(...names: string[]): Abi {
  const { status, stdout, stderr } = uring(['abi', '--json', ...names]);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout);
}

describe('uring abi with a name that nothing has', () => {
  it('says so in one line, harmless for the terminal, and exits with 2', () => {
    const { status, stdout, stderr } = uring(['abi', 'io_urinl', '\x1b[31m\n']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(
      stderr,
      'uring: abi: nothing is called, or begins with, io_urinl \\x1b[31m\\n; "uring abi" has all\n',
    );
  });

  it('says nothing where another name has something', () => {
    const { status, stdout, stderr } = uring(['abi', 'nonsense', 'OP_TEE']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^IORING_OP_TEE +33 +0x21 +5\.8$/m);
  });
});

describe('uring abi without koffi', () => {
  it('is the same', () => {
    const hide = `data:text/javascript,${encodeURIComponent(`
      import { Module } from 'node:module';
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name === 'koffi') throw new Error('hidden');
        return load(name, ...rest);
      };
    `)}`;
    const { status, stdout, stderr } = uring(['abi', 'io_uring_sqe'], { node: ['--import', hide] });
    assert.deepEqual([status, stdout, stderr], [0, uring(['abi', 'io_uring_sqe']).stdout, '']);
  });
});

describe('uring abi --json', () => {
  it('has every struct and constant of the header, and nothing else', () => {
    const { structs, constants, ...rest } = json();
    assert.deepEqual(rest, {});
    assert.deepEqual(
      structs,
      Object.fromEntries(
        fixtureStructs.map(({ name, size, align, fields }) => [
          name,
          {
            size,
            align,
            fields: Object.fromEntries(fields.map(({ name, offset, size }) => [name, { offset, size }])),
          },
        ]),
      ),
    );
    assert.deepEqual(constants, Object.assign({}, ...Object.values(fixtureConstants)));
  });

  it('has 64-bit values as decimal strings, and only these', () => {
    const strings = Object.entries(json('IORING_').constants).filter(
      ([, value]) => typeof value === 'string',
    );
    assert.deepEqual(strings, [['IORING_ZCRX_AREA_MASK', '18446462598732840960']]);
  });

  it('has both keys also where a name is only in one', () => {
    assert.deepEqual(json('IORING_OP_TEE'), { structs: {}, constants: { IORING_OP_TEE: 33 } });
    assert.deepEqual(Object.keys(json('io_uring_sqe').structs), ['io_uring_sqe']);
  });
});

describe('uring abi NAME', () => {
  it('takes beginnings, in any case, with and without the prefix', () => {
    const { setup_flags: flags = {} } = fixtureConstants;
    const names = Object.keys(flags);
    assert.deepEqual(Object.keys(json('IORING_SETUP_').constants), names);
    assert.deepEqual(Object.keys(json('setup_').constants), names);
    const updates = ['io_uring_rsrc_update', 'io_uring_rsrc_update2'];
    assert.deepEqual(Object.keys(json('rsrc_update').structs), updates);
    assert.deepEqual(Object.keys(json('IO_URING_RSRC_UPDATE').structs), updates);
  });

  it('takes several', () => {
    const { structs, constants } = json('io_uring_cqe', 'OP_TEE', 'FEAT_NODROP');
    assert.deepEqual(Object.keys(structs), ['io_uring_cqe']);
    assert.deepEqual(constants, { IORING_OP_TEE: 33, IORING_FEAT_NODROP: 2 });
  });
});

describe('uring abi for people', () => {
  const { stdout } = uring(['abi']);

  it('has a line for each field of each struct, with offset and size', () => {
    for (const { name, size, align, fields } of fixtureStructs) {
      const [head, , ...lines] = (
        stdout.split('struct ').find((each) => each.startsWith(`${name}:`)) ?? ''
      ).split('\n');
      assert.equal(head, `${name}: ${size} bytes, aligned to ${align}`);
      const shown = lines
        .slice(0, lines.indexOf(''))
        .filter((line) => !line.includes('--'))
        .map((line) => /^ *(\d+) +(\d+) +(?:\| )?(\w+)(?:\[\])?$/.exec(line)?.slice(1));
      assert.deepEqual(
        shown,
        fields.map((field) => [`${field.offset}`, `${field.size}`, field.name]),
        name,
      );
    }
  });

  it('marks what lies in a union, and no other field', () => {
    const sqe = stdout.split('struct ').find((each) => each.startsWith('io_uring_sqe:')) ?? '';
    const fields = fixtureStructs.find(({ name }) => name === 'io_uring_sqe')?.fields ?? [];
    for (const { name, union } of fields) {
      assert.equal(new RegExp(`\\| ${name}(\\[\\])?$`, 'm').test(sqe), union !== undefined, name);
    }
  });

  it('shows holes', () => {
    assert.match(
      stdout,
      /^struct sock_fprog: 16 bytes, aligned to 8\n.*\n +0 +2 +len\n +2 +6 +-- hole --\n +8 +8 +filter\n/m,
    );
    assert.equal(stdout.match(/-- (hole|padding) --/g)?.length, 1);
  });

  it('has every constant with its value, in hexadecimal and since when', () => {
    const shown = new Map(
      stdout
        .split('\n')
        .map((line) => line.split(/ +/))
        .map(([name, value]) => [name, value]),
    );
    for (const [name, value] of Object.values(fixtureConstants).flatMap((each) => Object.entries(each))) {
      assert.equal(shown.get(name), typeof value === 'string' ? '0xffff000000000000' : `${value}`, name);
    }
    assert.match(stdout, /^IORING_SETUP_SQ_REWIND +1048576 +0x100000 +7\.0$/m);
    assert.match(stdout, /^IORING_ENTER_EXT_ARG +8 +0x8 +5\.11$/m);
    assert.match(stdout, /^IORING_REGISTER_FILES_SKIP +-2$/m);
  });

  it('fits 80 columns', () => {
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  });
});
