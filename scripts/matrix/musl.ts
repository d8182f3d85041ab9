/**
 * musl, as far as it can be had: there is no Node.js for it on npm. A C program, run by musl, loads each symbol of libc that
 * the library calls, and compares each size and number that the library takes from libc; koffi's binary for musl is there.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../build/entrances.ts';
import type { Row } from './row.ts';

const source = readFileSync(join(root, 'lib/sys/ffi.ts'), 'utf8');
const symbols = [
  ...new Set(Array.from(source.matchAll(/\bbind<[\s\S]*?>\(\s*'[^(']* (\w+)\(/g), ([, name]) => name)),
];
if (!symbols.includes('syscall') || !symbols.includes('mmap'))
  throw new Error('no symbols in lib/sys/ffi.ts');

const program = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct rlimit) == 16 && sizeof(rlim_t) == 8, "rlimit");
_Static_assert(sizeof(struct timespec) == 16 && sizeof(time_t) == 8, "timespec");
_Static_assert(sizeof(off_t) == 8 && sizeof(long) == 8 && sizeof(size_t) == 8, "words");
_Static_assert(RLIMIT_NPROC == 6 && RLIMIT_NOFILE == 7 && RLIMIT_MEMLOCK == 8 && RLIMIT_CORE == 4, "resources");
_Static_assert((RTLD_NOW | RTLD_NODELETE) == 0x1002, "dlopen");

static const char *const NAMES[] = { ${symbols.map((name) => `"${name}"`).join(', ')} };

int main(void) {
  int missing = 0;
  for (unsigned i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (!dlsym(RTLD_DEFAULT, NAMES[i])) { printf("%s is missing\\n", NAMES[i]); missing++; }
  /* io_uring_setup without room for an answer: the call reaches the kernel, and errno comes back */
  errno = 0;
  long (*call)(long, ...) = (long (*)(long, ...))dlsym(RTLD_DEFAULT, "syscall");
  if (call(425L, 1L, 0L) != -1 || errno == 0) { printf("syscall failed to fail\\n"); missing++; }
  if (missing) return 1;
  printf("musl has %u symbols\\n", (unsigned)(sizeof NAMES / sizeof *NAMES));
  return 0;
}
`;

export const musl: readonly Row[] = [
  {
    name: 'musl: symbols and structs of libc',
    program: 'musl-gcc',
    files: { 'musl.c': program },
    steps: ['musl-gcc -Wall -Werror -o musl musl.c', 'readelf -l musl | grep -q ld-musl', './musl'],
    says: `musl has ${symbols.length} symbols`,
    remark: 'by a C program, not by Node.js',
  },
  {
    name: "musl: koffi's binary",
    program: 'readelf',
    files: {},
    steps: [
      'readelf -d "$MODULES"/@koromix/koffi-linux-*/musl_*/koffi.node | tee said',
      '! grep -q libc.so.6 said',
      'grep -o "\\[libc\\..*\\]" said',
    ],
    says: 'libc.',
    remark: 'looked at, not run',
  },
];
