import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { noTerminal, shell, startUring, uring, uringOnTerminal } from '../helpers/cli.ts';

/** The commands that --help lists, without `help` itself. */
const HELP = uring(['--help']);
const COMMANDS = [...HELP.stdout.matchAll(/^ {2}(\w+) /gm)].flatMap(([, name = 'help']) =>
  name === 'help' ? [] : [name],
);

/** Says, when node ends, which of its modules were loaded by require, as the last line of stderr. */
const SAY_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { createRequire, Module } from 'node:module';
  process.on('exit', () => {
    const packages = Object.keys(Module._cache).flatMap((path) => /node_modules\\/([^@][^/]*)/.exec(path)?.[1] ?? []);
    process.stderr.write(JSON.stringify([...new Set(packages)]));
  });
`)}`;

describe('uring with wrong words', () => {
  it('exits with 2 and suggests the command that was meant', () => {
    const { status, stdout, stderr } = uring(['prob']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(stderr, `uring: unknown command 'prob' (did you mean probe?); see "uring --help"\n`);
  });

  it('exits with 2 where nothing is like it, and keeps it harmless', () => {
    const { status, stderr } = uring(['\x1b[31mxyz']);
    assert.equal(status, 2);
    assert.equal(stderr, `uring: unknown command '\\x1b[31mxyz'; see "uring --help"\n`);
  });

  it('exits with 2 for an option that a command does not have, and suggests one', () => {
    const { status, stdout, stderr } = uring(['probe', '--jsn']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(
      stderr,
      `uring: probe: unknown option '--jsn' (did you mean --json?); see "uring probe --help"\n`,
    );
  });

  it('exits with 2 and shows the help where there are none', () => {
    const { status, stdout, stderr } = uring([]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(stderr, HELP.stdout);
  });
});

describe('uring --help', () => {
  it('lists the commands, each with what it does', () => {
    assert.deepEqual([HELP.status, HELP.stderr], [0, '']);
    assert.ok(COMMANDS.length >= 2 && COMMANDS.includes('probe') && COMMANDS.includes('abi'), `${COMMANDS}`);
    for (const name of COMMANDS) assert.match(HELP.stdout, new RegExp(`^  ${name} .*\\w{3,} .*$`, 'm'));
  });

  it('loads neither a command nor koffi', () => {
    const loaded = (...args: string[]): string[] =>
      JSON.parse(uring(args, { node: ['--import', SAY_LOADED] }).stderr);
    assert.ok(!loaded('--help').includes('koffi'));
    assert.ok(!loaded('abi', 'OP_NOP').includes('koffi'));
    assert.ok(loaded('probe').includes('koffi'));
  });

  it('is what "uring help" shows too', () => {
    assert.equal(uring(['help']).stdout, HELP.stdout);
    assert.match(uring(['help', 'probe']).stdout, /^Usage: uring probe /);
  });

  it('fits 80 columns', () => {
    for (const line of HELP.stdout.split('\n')) assert.ok(line.length <= 80, line);
  });
});

/** The help of a command, as on a terminal of 80 columns. */
async function helpOf(name: string): Promise<string> {
  const module: { readonly makeCommand?: () => Command } = await import(`../../lib/cli/${name}.ts`);
  const command = module.makeCommand?.();
  assert.ok(command !== undefined, `lib/cli/${name}.ts exports makeCommand()`);
  let text = '';
  const writeOut = (part: string): void => {
    text += part;
  };
  new Command('uring')
    .enablePositionalOptions()
    .addCommand(command.configureOutput({ writeOut, getOutHelpWidth: () => 80 }));
  command.outputHelp();
  return text;
}

describe('the help of a command', () => {
  for (const name of COMMANDS) {
    it(`shows two examples of uring ${name} at least, and fits 80 columns`, async () => {
      const [usage = '', ...lines] = (await helpOf(name)).split('\n');
      assert.ok(usage.startsWith(`Usage: uring ${name} `), usage);
      const examples = lines.filter((line) => new RegExp(`^\\s.*\\buring ${name}\\b`).test(line));
      assert.ok(examples.length >= 2, lines.join('\n'));
      assert.deepEqual(
        lines.filter((line) => line.length > 80),
        [],
      );
    });
  }

  it('is what a person sees', async () => {
    const { status, stdout, stderr } = uring(['abi', '--help']);
    assert.deepEqual([status, stdout, stderr], [0, await helpOf('abi'), '']);
  });
});

describe('uring --version', () => {
  it('is the version of the package', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { version }: { version: string } = JSON.parse(text);
    const { status, stdout, stderr } = uring(['--version']);
    assert.deepEqual([status, stdout, stderr], [0, `${version}\n`, '']);
  });
});

describe('uring whose reader goes away', () => {
  it('ends quietly with 0, as for head', () => {
    // more than a pipe holds
    const all = 'for i in 1 2 3 4; do uring abi || exit 9; done';
    const { status, stdout, stderr } = shell(`set -o pipefail; { ${all}; } | head -1`);
    assert.deepEqual([status, stdout.split('\n').length, stderr], [0, 2, '']);
  });

  it('ends quietly with 0 where nobody ever read', async () => {
    const child = startUring(['abi', '--json']);
    child.stdout?.destroy();
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [status] = await once(child, 'close');
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('keeps its exit code where nobody hears what was wrong', async () => {
    const child = startUring(['prob']);
    child.stderr?.destroy();
    const [status] = await once(child, 'close');
    assert.equal(status, 2);
  });

  it('says when the disk is full, once, and exits with 1', () => {
    const { status, stderr } = shell('uring abi > /dev/full');
    assert.deepEqual([status, stderr], [1, 'uring: stdout: No space left on device (ENOSPC)\n']);
  });
});

describe('uring on a terminal', { skip: noTerminal }, () => {
  it('has colours, and none with NO_COLOR or on a dumb one', () => {
    const shown = (env: NodeJS.ProcessEnv): string => uringOnTerminal(['abi', 'io_uring_cqe'], env);
    for (const env of [{ TERM: 'xterm' }, { TERM: 'xterm', NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const text = shown(env);
      assert.match(text, /struct io_uring_cqe: 16 bytes/);
      assert.equal(
        text.includes('\x1b['),
        !('NO_COLOR' in env) && env.TERM === 'xterm',
        JSON.stringify(text),
      );
    }
  });
});
