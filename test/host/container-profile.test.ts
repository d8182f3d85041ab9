/**
 * The seccomp profile of docs/containers, as a container without added capabilities gets it: the rules become a filter,
 * under which Node.js and a ring run, and a mount does not.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LOADER, ROOT } from '../helpers/loader.ts';
import { cannotCompile } from '../helpers/seccomp.ts';

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo: number;
  readonly op: string;
}

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly Argument[];
  readonly includes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] };
}

interface Profile {
  readonly defaultErrnoRet: number;
  readonly syscalls: readonly Rule[];
}

const profile: Profile = JSON.parse(readFileSync(join(ROOT, 'docs/containers/seccomp.json'), 'utf8'));
const arch = process.arch === 'x64' ? 'amd64' : process.arch;
const RINGS = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];

function actionOf({ action, errnoRet = profile.defaultErrnoRet }: Rule): string {
  return action === 'SCMP_ACT_ALLOW' ? 'SECCOMP_RET_ALLOW' : `SECCOMP_RET_ERRNO | ${errnoRet}`;
}

/** Instructions that go on with the next one where the argument is as the rule wants it, and else over two of them. */
function compare({ index, value, valueTwo, op }: Argument): string {
  const load = `LOAD(offsetof(struct seccomp_data, args) + ${8 * index})`;
  const number = `${value >>> 0}u`;
  const tests: { readonly [op: string]: string } = {
    SCMP_CMP_EQ: `JUMP(BPF_JEQ, ${number}, 0, 1)`,
    SCMP_CMP_LT: `JUMP(BPF_JGE, ${number}, 1, 0)`,
    SCMP_CMP_GT: `JUMP(BPF_JGT, ${number}, 0, 1)`,
    SCMP_CMP_MASKED_EQ: `BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ${number}), JUMP(BPF_JEQ, ${valueTwo}u, 0, 1)`,
  };
  const test = tests[op];
  assert.ok(test, op);
  return `${load}, ${test}`;
}

function instructions(rule: Rule, name: string): string {
  const [argument] = rule.args ?? [];
  assert.ok((rule.args ?? []).length <= 1, 'a rule with two arguments');
  const body = argument === undefined ? '' : `${compare(argument)}, `;
  const length = argument === undefined ? 1 : argument.op === 'SCMP_CMP_MASKED_EQ' ? 5 : 4;
  const back = argument === undefined ? '' : `, ${LOAD_NR}`;
  return `#ifdef SYS_${name}\n  JUMP(BPF_JEQ, SYS_${name}, 0, ${length}), ${body}RETURN(${actionOf(rule)})${back},\n#endif\n`;
}

const LOAD_NR = 'LOAD(offsetof(struct seccomp_data, nr))';

function program(names: (name: string) => boolean): string {
  const rules = profile.syscalls.filter(
    ({ includes }) => includes?.caps === undefined && (includes?.arches ?? [arch]).includes(arch),
  );
  const code = rules.flatMap((rule) => rule.names.filter(names).map((name) => instructions(rule, name)));
  return `#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define JUMP(op, k, yes, no) BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

static struct sock_filter code[] = {
  ${LOAD_NR},
${code.join('')}  RETURN(SECCOMP_RET_ERRNO | ${profile.defaultErrnoRet}),
};

int main(int argc, char **argv)
{
  struct sock_fprog filter = { .len = sizeof code / sizeof *code, .filter = code };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
    perror("prctl");
    return 1;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 1;
}
`;
}

const folder = mkdtempSync(join(tmpdir(), 'uring-profile-'));
after(() => rmSync(folder, { recursive: true }));

function launcher(name: string, names: (name: string) => boolean): string {
  const source = join(folder, `${name}.c`);
  writeFileSync(source, program(names));
  const path = join(folder, name);
  const { status, stderr } = spawnSync('cc', ['-o', path, source], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return path;
}

function under(path: string, ...command: string[]) {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
  return spawnSync(path, command, { cwd: ROOT, encoding: 'utf8', env });
}

const SCENE = `
import { backend, readFile } from 'uring/fs';
const text = await readFile('/proc/version', 'utf8');
console.log(JSON.stringify({ read: text.slice(0, 5), ...backend() }));
`;

function backendUnder(path: string): { read: string; name: string; cause?: string } {
  const args = [...LOADER, '--input-type=module', '-e', SCENE];
  const { status, stdout, stderr } = under(path, process.execPath, ...args);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const options = { skip: cannotCompile() };

test('under the profile a ring works', options, () => {
  assert.deepEqual(backendUnder(launcher('with', () => true)), { read: 'Linux', name: 'io_uring' });
});

test('without its rule for io_uring it does not, and files are read all the same', options, () => {
  const { read, name, cause } = backendUnder(launcher('without', (each) => !RINGS.includes(each)));
  assert.deepEqual([read, name], ['Linux', 'threads']);
  assert.match(cause ?? '', /seccomp/);
});

test('under the profile nobody makes a namespace, or mounts', options, () => {
  const path = launcher('strict', () => true);
  // others are refused by mount itself, without a call
  const mount = process.getuid?.() === 0 ? [['mount', '-t', 'tmpfs', 'none', folder]] : [];
  for (const command of [['unshare', '--user', 'true'], ...mount]) {
    const { status, stderr } = under(path, ...command);
    assert.notEqual(status, 0, command.join(' '));
    assert.match(stderr, /not permitted|denied/);
  }
  assert.equal(under(path, 'true').status, 0);
});
