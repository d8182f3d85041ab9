/** A process under a seccomp filter that does what seccomp(2) can do: a C program, compiled for the test. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** ACTION SYSCALL,SYSCALL COMMAND...: installs the filter and becomes the command. */
const PROGRAM = `
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned action = strtoul(argv[1], NULL, 0);
	struct sock_filter code[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	unsigned short length = 1;

	for (char *nr = strtok(argv[2], ","); nr; nr = strtok(NULL, ",")) {
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, atoi(nr), 0, 1);
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = length, .filter = code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("prctl");
		return 1;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
`;

/** What the filter does with a call. */
export const ACTIONS = {
  killProcess: 0x8000_0000,
  killThread: 0,
  errno: (errno: number): number => 0x0005_0000 + errno,
} as const;

/** Why nothing can be compiled here, for `skip`; false where it can. */
export function cannotCompile(): string | false {
  return spawnSync('cc', ['--version']).status !== 0 && 'there is no C compiler';
}

/** Compiles the wrapper into `folder`; its path. */
export function compileWrapper(folder: string): string {
  const source = join(folder, 'seccomp.c');
  const wrapper = join(folder, 'seccomp');
  writeFileSync(source, PROGRAM);
  const { status, stderr } = spawnSync('cc', ['-O1', '-o', wrapper, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc ended with ${status}:\n${stderr}`);
  return wrapper;
}
