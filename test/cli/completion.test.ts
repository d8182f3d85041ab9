/** What shells complete, and the manual pages: the same as --help says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { uring } from '../helpers/cli.ts';

/** The commands that --help lists. */
const commands = Array.from(
  uring(['--help']).stdout.matchAll(/^ {2}([a-z]\w*)(?: \S+)* {2,}\S/gm),
  ([, name = '']) => name,
);

const known = new Map<string, string[]>();

/** The options that a command's --help lists. */
function optionsOf(command: string): string[] {
  const options = known.get(command) ?? readOptions(command);
  known.set(command, options);
  return options;
}

function readOptions(command: string): string[] {
  const { stdout } = uring(command === '' ? ['--help'] : [command, '--help']);
  const lines = stdout.match(/^ {2}-.*$/gm) ?? [];
  return lines.flatMap((line) => line.split(/ {2,}/)[1]?.match(/(?<=^|, )--?[\w-]+/g) ?? []).sort();
}

describe('uring completion', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'uring-completion-'));
    const { status, stderr } = uring(['completion', 'bash', '--write', folder]);
    assert.equal(status, 0, stderr);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What bash offers for the last of these words. */
  function offers(...words: string[]): string[] {
    const script = `source ${folder}/completions/uring.bash
      COMP_WORDS=(uring "$@"); COMP_CWORD=$#; _uring 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
    return stdout.trim().split(/\s+/).sort();
  }

  it('names the shells that it knows', () => {
    const { status, stderr } = uring(['completion', 'tcsh']);
    assert.equal(status, 2);
    assert.match(stderr, /bash, zsh, fish/);
  });

  it('prints the script that packages install', () => {
    for (const [shell, file] of [
      ['bash', 'uring.bash'],
      ['zsh', '_uring'],
      ['fish', 'uring.fish'],
    ] as const) {
      const { status, stdout } = uring(['completion', shell]);
      assert.equal(status, 0);
      assert.equal(stdout, readFileSync(join(folder, 'completions', file), 'utf8'));
    }
  });

  it('bash offers the commands of --help', () => {
    assert.ok(commands.includes('ps') && commands.includes('doctor'), commands.join());
    assert.deepEqual(offers(''), [...commands].sort());
    assert.deepEqual(offers('do'), ['doctor']);
    assert.deepEqual(offers('help', 'do'), ['doctor']);
  });

  it('bash offers the options of each command', () => {
    for (const command of ['', ...commands.filter((name) => name !== 'help')]) {
      const wanted = optionsOf(command);
      assert.ok(wanted.includes('--help'), command);
      assert.deepEqual(offers(...[command, '-'].filter((word) => word !== '')), wanted);
    }
  });

  it('bash offers the values of options: choices, processes', () => {
    assert.ok(offers('decode', '--from', '').includes('strace'));
    assert.deepEqual(offers('decode', '--from', 'str'), ['strace']);
    assert.ok(offers('ps', '--pid', '').includes(`${process.pid}`));
    assert.deepEqual(offers('completion', 'f'), ['fish']);
  });

  it('zsh and fish have every command and every long option', () => {
    const zsh = readFileSync(join(folder, 'completions/_uring'), 'utf8');
    const fish = readFileSync(join(folder, 'completions/uring.fish'), 'utf8');
    for (const command of commands.filter((name) => name !== 'help')) {
      const [, ofCommand = ''] = zsh.split(`        ${command})\n`);
      const inZsh = ofCommand.slice(0, ofCommand.indexOf(';;'));
      for (const option of optionsOf(command).filter((name) => name.startsWith('--'))) {
        assert.ok(inZsh.includes(option), `${command} ${option}`);
        const line = `-n '__fish_seen_subcommand_from ${command}' `;
        assert.match(
          fish,
          new RegExp(`${line}(-s \\w )?-l ${option.slice(2)}\\b`),
          `${command} ${option} in fish`,
        );
      }
    }
  });

  for (const [shell, file] of [
    ['zsh', '_uring'],
    ['fish', 'uring.fish'],
  ] as const) {
    const isHere = spawnSync(shell, ['--version']).status === 0;
    it(`${shell} can read its script`, { skip: !isHere && `${shell} is not installed` }, () => {
      const { status, stderr } = spawnSync(shell, ['-n', join(folder, 'completions', file)], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.equal(stderr, '');
    });
  }

  it('there is a manual page for each command, with every option and nothing that roff does not know', () => {
    const pages = readdirSync(join(folder, 'man')).sort();
    const wanted = commands.filter((name) => name !== 'help').map((name) => `uring-${name}.1`);
    assert.deepEqual(pages, [...wanted, 'uring.1'].sort());
    for (const page of pages) {
      const text = readFileSync(join(folder, 'man', page), 'utf8');
      const unknown = (text.match(/^[.'].*$/gm) ?? []).filter(
        (line) => !/^\.(?:TH|SH|TP|PP|nf|fi)\b/.test(line),
      );
      assert.deepEqual(unknown, [], page);
      const command = /^uring-(.*)\.1$/.exec(page)?.[1] ?? '';
      for (const option of optionsOf(command)) {
        assert.ok(text.includes(option.replaceAll('-', '\\-')), `${page} ${option}`);
      }
    }
  });

  it('a folder that can not be written is told in one line', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const { status, stderr } = uring(['completion', 'bash', '--write', file]);
    assert.equal(status, 1);
    assert.match(stderr, /^uring: mkdir .*: .*\n$/);
  });
});
