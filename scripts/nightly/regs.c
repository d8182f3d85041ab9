/* Makes 25 calls of io_uring_register(2) in each of its threads and in a child, and prints how many were made in all, and how many failed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETUP = 425, REGISTER = 427, CALLS = 25, THREADS = 2 };
static const unsigned BY_INDEX = 1u << 31;

static atomic_int failed;

static void call(int fd, unsigned opcode, void *arg, unsigned nr_args) {
  if (syscall(REGISTER, fd, opcode, arg, nr_args) < 0) failed++;
}

static int setup(void) {
  char params[120] = {0};
  return (int)syscall(SETUP, 8, params);
}

/* Calls that succeed and calls that fail, with every kind of argument. */
static void work(void) {
  int ring = setup();
  int files[3] = {0, 1, -1};
  static const unsigned opcodes[] = {2, 2, 3, 5, 8, 9, 10, 19, 18, 20, 21, 26, 99, 0xffffffffu, 1, 4};
  static __thread char zeros[4096];
  int made = 0;
  for (unsigned i = 0; i < sizeof opcodes / sizeof *opcodes; i++, made++) {
    memset(zeros, 0, sizeof zeros);
    call(ring, opcodes[i], opcodes[i] == 2 ? (void *)files : (void *)zeros, 3);
  }
  for (; made < CALLS - 3; made++) call(ring, made % 2 == 0 ? 2 : 3, made % 2 == 0 ? files : NULL, made % 2 == 0 ? 3 : 0);
  call(-1, 2, files, 3);
  call(1, 2, files, 3);
  call(0, BY_INDEX | 4, zeros, 1);
  close(ring);
}

static void *thread(void *unused) {
  prctl(PR_SET_NAME, "w\303\266rk er, (x) <y");
  work();
  return unused;
}

int main(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, thread, NULL);
  work();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pid_t child = fork();
  if (child == 0) {
    failed = 0;
    work();
    _exit(failed);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%d %d\n", CALLS * (THREADS + 2), failed + WEXITSTATUS(status));
  return 0;
}
