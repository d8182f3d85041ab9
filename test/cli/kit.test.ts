import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { asFailure, EXIT, Failure, table, toJson, visible } from '../../lib/cli/kit.ts';
import { joined, wrapped } from '../../lib/cli/table.ts';
import { SyscallError, UnsupportedError } from '../../lib/errors.ts';

describe('visible()', () => {
  it('leaves nothing that moves a cursor, breaks a line, turns the direction or is no text', () => {
    const hostile = '\x1b[2J\x07\x7f\x9b\u200e\u202e\u2066\u061c\u200b\ufeff\u2028\ud800\u{e0001}\0';
    const shown = visible(hostile);
    assert.equal(
      shown,
      '\\x1b[2J\\x07\\x7f\\x9b\\u200e\\u202e\\u2066\\u061c\\u200b\\ufeff\\u2028\\ud800\\u{e0001}\\x00',
    );
    assert.match(shown, /^[\x20-\x7e]*$/);
  });

  it('can be told from text that was so before', () => {
    assert.notEqual(visible('\n'), visible('\\n'));
    assert.equal(visible('a\\n\n\t\r'), 'a\\\\n\\n\\t\\r');
  });

  it('leaves text alone, in every script', () => {
    for (const text of ['load-11741', 'Grüße', '日本語', 'עברית', '🙂', ''])
      assert.equal(visible(text), text);
  });
});

it('parts and words go on in the next line where one is full', () => {
  assert.equal(joined(['one', 'two', 'three'], 80), 'one, two, three');
  // the comma at the end of a line has its column
  assert.equal(joined(['one', 'two', 'three'], 9), 'one, two,\nthree');
  assert.equal(joined(['one', 'two', 'three'], 8), 'one,\ntwo,\nthree');
  assert.deepEqual(wrapped('one two three', 7, '  '), ['one two', '  three']);
  assert.deepEqual(wrapped('  one two', 6, '    '), ['  one', '    two']);
});

describe('table()', () => {
  it('is the header alone without rows, and nothing without both', () => {
    assert.equal(table(['PID', 'COMM'], []), 'PID  COMM');
    assert.equal(table(undefined, []), '');
  });

  it('loses no row that is too short, and no column by one that is too long', () => {
    assert.equal(table(['A', 'B'], [['x'], ['y', 'z', 'w']]), 'A  B\nx\ny  z');
  });

  it('puts numbers to the right, and text to the left', () => {
    const rows = [
      ['a', 1, 2n ** 64n - 1n],
      ['bcd', 1000, -1n],
    ];
    assert.equal(
      table(['NAME', 'N', 'U64'], rows),
      [
        'NAME     N                   U64',
        'a        1  18446744073709551615',
        'bcd   1000                    -1',
      ].join('\n'),
    );
    assert.equal(
      table(undefined, [
        ['x', 1],
        ['yy', 22],
      ]),
      'x    1\nyy  22',
    );
  });

  it('counts the columns that a terminal needs: wide and combining characters, colours', () => {
    const lines = table(
      ['NAME', 'N'],
      [
        ['日本語', 'x'],
        ['e\u0301', 'x'],
        ['\x1b[31mred\x1b[39m', 'x'],
        ['', 'x'],
      ],
    );
    assert.equal(
      lines,
      ['NAME    N', '日本語  x', 'e\u0301       x', '\x1b[31mred\x1b[39m     x', '        x'].join('\n'),
    );
  });

  it('leaves no blank at the end of a line', () => {
    assert.doesNotMatch(
      table(
        ['A', 'B'],
        [
          ['x', ''],
          ['', 'long'],
          ['', ''],
        ],
      ),
      / $/m,
    );
  });
});

describe('toJson()', () => {
  it('has bigints as decimal strings and undefined as null, on one line', () => {
    assert.equal(
      toJson({ a: 2n ** 64n - 1n, b: undefined, c: ['x\ny', undefined] }),
      '{"a":"18446744073709551615","b":null,"c":["x\\ny",null]}',
    );
  });
});

describe('asFailure()', () => {
  it('knows nothing of errors that nobody expects', () => {
    for (const error of [
      new TypeError('bug'),
      'text',
      undefined,
      Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
    ]) {
      assert.equal(asFailure(error), undefined);
    }
  });

  it('says what the system refused, why, and by which errno', () => {
    try {
      readFileSync('/nonexistent/\n');
      assert.fail();
    } catch (error) {
      const failure = asFailure(error);
      assert.equal(failure?.message, 'open /nonexistent/\\n: No such file or directory (ENOENT)');
      assert.equal(failure?.exitCode, EXIT.failed);
      assert.equal(asFailure(error, '--html')?.message, '--html: No such file or directory (ENOENT)');
    }
  });

  it('exits with 3 where it was forbidden, with 4 where there is no such thing', () => {
    const denied = asFailure(new SyscallError('io_uring_setup', 1, { hint: 'ask root' }));
    assert.equal(denied?.message, 'io_uring_setup: Operation not permitted (EPERM); ask root');
    assert.equal(denied?.exitCode, EXIT.forbidden);
    assert.equal(asFailure(new SyscallError('io_uring_setup', 38))?.exitCode, EXIT.unsupported);
    const unsupported = asFailure(new UnsupportedError('uring', { why: 'this is not Linux' }));
    assert.equal(unsupported?.message, 'io_uring: this is not Linux');
    assert.equal(unsupported?.exitCode, EXIT.unsupported);
  });

  it('leaves a Failure as it is', () => {
    const failure = new Failure(EXIT.usage, 'probe', 'why', 'what to do');
    assert.equal(asFailure(failure), failure);
    assert.equal(failure.message, 'probe: why; what to do');
  });
});
