/* A ring on the raw system calls: entries are taken, submitted with one call, and completions walked through. */
#ifndef RING_H
#define RING_H
#include "turns.h"
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* numbers, because headers are often older than the kernel */
#define SYS_SETUP 425
#define SYS_ENTER 426
#define SYS_REGISTER 427
#define NO_SQARRAY (1u << 16)

static int ring;
static unsigned sq_mask, cq_mask, prepared, *sq_tail, *cq_head, *cq_tail;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static char *rings;
static size_t rings_bytes, sqes_bytes;

static void *map_ring(size_t length, off_t offset) {
  void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, offset);
  if (memory == MAP_FAILED) must(-1, "mmap");
  return memory;
}

static inline void make_ring(unsigned entries, unsigned flags) {
  struct io_uring_params p = {.flags = flags};
  ring = must(syscall(SYS_SETUP, entries, &p), "io_uring_setup");
  size_t cq_bytes = p.cq_off.cqes + p.cq_entries * sizeof *cqes;
  size_t sq_bytes = flags & NO_SQARRAY ? 0 : p.sq_off.array + p.sq_entries * sizeof(unsigned);
  rings_bytes = cq_bytes > sq_bytes ? cq_bytes : sq_bytes;
  sqes_bytes = p.sq_entries * sizeof *sqes;
  rings = map_ring(rings_bytes, IORING_OFF_SQ_RING);
  sqes = map_ring(sqes_bytes, IORING_OFF_SQES);
  sq_tail = (unsigned *)(rings + p.sq_off.tail);
  cq_head = (unsigned *)(rings + p.cq_off.head);
  cq_tail = (unsigned *)(rings + p.cq_off.tail);
  cqes = (struct io_uring_cqe *)(rings + p.cq_off.cqes);
  sq_mask = p.sq_entries - 1;
  cq_mask = p.cq_entries - 1;
  if (sq_bytes > 0)
    for (unsigned i = 0; i < p.sq_entries; i++) ((unsigned *)(rings + p.sq_off.array))[i] = i;
}

static inline void end_ring(void) {
  munmap(rings, rings_bytes);
  munmap(sqes, sqes_bytes);
  close(ring);
}

/* The next free entry, cleared. */
static inline struct io_uring_sqe *next_sqe(unsigned char opcode, int fd) {
  struct io_uring_sqe *sqe = &sqes[(*sq_tail + prepared++) & sq_mask];
  memset(sqe, 0, sizeof *sqe);
  sqe->opcode = opcode;
  sqe->fd = fd;
  return sqe;
}

/* Submits what was prepared, and waits. */
static inline void enter(unsigned wait) {
  __atomic_store_n(sq_tail, *sq_tail + prepared, __ATOMIC_RELEASE);
  must(syscall(SYS_ENTER, ring, prepared, wait, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
  prepared = 0;
}

/* Calls visit(cqe) for each completion that is there; returns how many. */
static inline unsigned reap(void (*visit)(const struct io_uring_cqe *)) {
  unsigned head = *cq_head, first = head, tail = __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE);
  while (head != tail) visit(&cqes[head++ & cq_mask]);
  __atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
  return head - first;
}

static inline void reg(int fd, unsigned opcode, void *arg, unsigned nr_args) {
  must(syscall(SYS_REGISTER, fd, opcode, arg, nr_args), "io_uring_register");
}

#endif
