/* The NOPs of bench/nop.ts, in C: batches prepared, submitted with one call that waits, and reaped. */
#include "turns.h"
#include <sys/mman.h>

#define NO_SQARRAY (1u << 16)

static int ring;
static unsigned sq_mask, cq_mask, *sq_tail, *cq_head, *cq_tail;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static uint64_t sum;

static void batch(unsigned n) {
  unsigned tail = *sq_tail;
  for (unsigned i = 0; i < n; i++) {
    struct io_uring_sqe *sqe = &sqes[tail++ & sq_mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = IORING_OP_NOP;
    sqe->fd = -1;
    sqe->user_data = i;
  }
  __atomic_store_n(sq_tail, tail, __ATOMIC_RELEASE);
  must(syscall(SYS_ENTER, ring, n, n, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
  unsigned head = *cq_head;
  while (head != __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE)) sum += cqes[head++ & cq_mask].user_data;
  __atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
}

/* CASE is the size of a batch, COUNT how many batches. */
static int run(const char *name, long count) {
  unsigned n = strtoul(name, NULL, 10);
  if (n == 0 || n > sq_mask + 1) return 0;
  for (long i = 0; i < count; i++) batch(n);
  return 1;
}

static void *map(size_t length, off_t offset) {
  void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, offset);
  if (memory == MAP_FAILED) must(-1, "mmap");
  return memory;
}

/* The arguments are entries and setup flags. */
int main(int argc, char **argv) {
  struct io_uring_params p = {.flags = argc > 2 ? strtoul(argv[2], NULL, 10) : 0};
  unsigned entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
  ring = must(syscall(SYS_SETUP, entries, &p), "io_uring_setup");
  size_t cq_bytes = p.cq_off.cqes + p.cq_entries * sizeof *cqes;
  size_t sq_bytes = p.flags & NO_SQARRAY ? 0 : p.sq_off.array + p.sq_entries * sizeof(unsigned);
  char *rings = map(cq_bytes > sq_bytes ? cq_bytes : sq_bytes, IORING_OFF_SQ_RING);
  sqes = map(p.sq_entries * sizeof *sqes, IORING_OFF_SQES);
  sq_tail = (unsigned *)(rings + p.sq_off.tail);
  cq_head = (unsigned *)(rings + p.cq_off.head);
  cq_tail = (unsigned *)(rings + p.cq_off.tail);
  cqes = (struct io_uring_cqe *)(rings + p.cq_off.cqes);
  sq_mask = p.sq_entries - 1;
  cq_mask = p.cq_entries - 1;
  if (sq_bytes > 0)
    for (unsigned i = 0; i < p.sq_entries; i++) ((unsigned *)(rings + p.sq_off.array))[i] = i;
  return take_turns();
}
