/*
 * As PostgreSQL 18 does with io_method=io_uring: the first process makes a ring for each of its children, which all
 * inherit all of them; each child reads by its own. Arguments: how many children, for how many milliseconds.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64, ENTRIES = 8 };

struct ring {
  int fd;
  struct io_uring_params params;
  char *queue;
  struct io_uring_sqe *entries;
};

static void make(struct ring *ring) {
  memset(&ring->params, 0, sizeof ring->params);
  ring->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &ring->params);
  if (ring->fd < 0) {
    perror("io_uring_setup");
    exit(1);
  }
  size_t size = ring->params.sq_off.array + ENTRIES * sizeof(unsigned);
  size_t all = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
  ring->queue = mmap(NULL, size > all ? size : all, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
  ring->entries = mmap(NULL, ENTRIES * sizeof *ring->entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
}

static int read_once(struct ring *ring, int file, char *to) {
  unsigned *tail = (unsigned *)(ring->queue + ring->params.sq_off.tail);
  unsigned *head = (unsigned *)(ring->queue + ring->params.cq_off.head);
  unsigned slot = *tail & (ENTRIES - 1);
  memset(&ring->entries[slot], 0, sizeof *ring->entries);
  ring->entries[slot].opcode = IORING_OP_READ;
  ring->entries[slot].fd = file;
  ring->entries[slot].addr = (unsigned long)to;
  ring->entries[slot].len = 16;
  ((unsigned *)(ring->queue + ring->params.sq_off.array))[slot] = slot;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1) return -1;
  struct io_uring_cqe *found = (void *)(ring->queue + ring->params.cq_off.cqes);
  int result = found[*head & (ring->params.cq_entries - 1)].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return result;
}

int main(int count, char **words) {
  static struct ring rings[MOST];
  int children = count > 1 ? atoi(words[1]) : 4;
  int lasts = count > 2 ? atoi(words[2]) : 1000;
  if (children > MOST) return 2;
  for (int i = 0; i < children; i++) make(&rings[i]);
  for (int i = 0; i < children; i++) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char to[16];
    int file = open("/proc/self/comm", O_RDONLY);
    for (int reads = 0; reads < 10; reads++)
      if (read_once(&rings[i], file, to) < 0) _exit(1);
    usleep(lasts * 1000u);
    _exit(0);
  }
  int failed = 0;
  for (int i = 0; i < children; i++) {
    int status;
    wait(&status);
    if (status != 0) failed = 1;
  }
  puts(failed ? "failed" : "read");
  return failed;
}
