/* Makes io_uring_register calls for tests that look at them from outside. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SETUP = 425, REGISTER = 427, IOWQ_MAX_WORKERS = 19, UNREGISTER_FILES = 3, BY_INDEX = 1u << 31 };

static int setup(void) {
  char params[120] = {0};
  return (int)syscall(SETUP, 8, params);
}

static void call(int fd, unsigned opcode, void *arg, unsigned count) { syscall(REGISTER, fd, opcode, arg, count); }

/* Every opcode once, an opcode that is none, and fds that are no ring. */
static void every(void) {
  static char zeros[4096] __attribute__((aligned(4096)));
  int ring = setup();
  int null = open("/dev/null", O_RDWR);
  for (unsigned opcode = 0; opcode <= 37; opcode++) {
    memset(zeros, 0, sizeof zeros);
    call(ring, opcode, zeros, 1);
  }
  call(ring, 99, NULL, 0);
  call(1234, 0, NULL, 0);
  call(null, 8, zeros, 1);
  call(-1, 35, NULL, 0);
  call(0, BY_INDEX | 8, zeros, 1);
}

static int calls;

static void *flood(void *unused) {
  int ring = setup();
  for (int i = 0; i < calls; i++) {
    unsigned limits[2] = {0, 0};
    call(ring, IOWQ_MAX_WORKERS, limits, 2);
  }
  return unused;
}

static int ring = -1;
static int go[2], done[2];

/* Says that a call was made, and lives on: whoever looks shall find the thread. */
static void stay(void) {
  if (write(done[1], "x", 1) == 1) pause();
}

static void *on_go(void *unused) {
  char byte;
  if (read(go[0], &byte, 1) == 1) call(ring, UNREGISTER_FILES, NULL, 1);
  stay();
  return unused;
}

static void *at_once(void *unused) {
  call(ring, UNREGISTER_FILES, NULL, 2);
  stay();
  return unused;
}

static void await_done(void) {
  char byte;
  if (read(done[0], &byte, 1) != 1) exit(1);
}

/* Tells our reader that all calls were made, and waits until it has seen enough. */
static void finish(void) {
  char byte;
  puts("done");
  fflush(stdout);
  while (read(0, &byte, 1) == 1) continue;
}

/* When a line comes: a call by a thread that was there before, a new thread, the first thread, and a child. */
static void relatives(void) {
  pthread_t before, after;
  char byte;
  ring = setup();
  if (pipe(go) != 0 || pipe(done) != 0) exit(1);
  pthread_create(&before, NULL, on_go, NULL);
  puts("ready");
  fflush(stdout);
  if (read(0, &byte, 1) != 1 || write(go[1], "x", 1) != 1) exit(1);
  await_done();
  pthread_create(&after, NULL, at_once, NULL);
  await_done();
  call(ring, UNREGISTER_FILES, NULL, 3);
  pid_t child = fork();
  if (child == 0) {
    call(ring, UNREGISTER_FILES, NULL, 4);
    stay();
    _exit(0);
  }
  await_done();
  finish();
  kill(child, SIGKILL);
}

#ifdef __x86_64__
/* A call as 32-bit programs make it. */
static void compat(void) {
  long result;
  int fd = setup();
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(REGISTER), "b"(fd), "c"(UNREGISTER_FILES), "d"(0), "S"(0) : "memory");
}
#endif

int main(int count, char **words) {
  const char *what = count > 1 ? words[1] : "";
  if (strcmp(what, "every") == 0) every();
  else if (strcmp(what, "relatives") == 0) relatives();
  else if (strcmp(what, "named") == 0 && count == 3) {
    prctl(PR_SET_NAME, words[2]);
    call(setup(), UNREGISTER_FILES, NULL, 0);
    finish();
  } else if (strcmp(what, "flood") == 0 && count == 4) {
    pthread_t threads[64];
    int most = atoi(words[2]);
    calls = atoi(words[3]);
    for (int i = 0; i < most; i++) pthread_create(&threads[i], NULL, flood, NULL);
    for (int i = 0; i < most; i++) pthread_join(threads[i], NULL);
  }
#ifdef __x86_64__
  else if (strcmp(what, "compat") == 0) compat();
#endif
  else return 2;
  return 0;
}
