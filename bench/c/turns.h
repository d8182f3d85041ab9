/* Answers "CASE COUNT" on stdin with nanoseconds for each of COUNT, until stdin ends. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/io_uring.h>

/* numbers, because headers are often older than the kernel */
#define SYS_SETUP 425
#define SYS_ENTER 426
#define SYS_REGISTER 427

/* Does the case `count` times; 0 when there is no such case. */
static int run(const char *name, long count);

static long must(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int take_turns(void) {
  char name[64];
  long count;
  while (scanf("%63s %ld", name, &count) == 2) {
    double start = now();
    if (!run(name, count)) {
      fprintf(stderr, "no case %s\n", name);
      return 1;
    }
    printf("%.3f\n", (now() - start) / count);
    fflush(stdout);
  }
  return 0;
}
