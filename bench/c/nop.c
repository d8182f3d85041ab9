/* The NOPs of families/nop.ts: batches prepared, submitted with one call that waits, and reaped. Argument: setup flags. */
#include "ring.h"

static void visit(const struct io_uring_cqe *cqe) { sum += cqe->user_data; }

/* CASE is the size of a batch; an operation is one NOP. */
static int run(const char *name, long count, unsigned seed) {
  unsigned n = strtoul(name, NULL, 10);
  (void)seed;
  if (n == 0 || n > sq_mask + 1) return 0;
  long batches = count / n;
  start_clock();
  for (long batch = 0; batch < batches; batch++) {
    double start = latency_start(batch);
    for (unsigned i = 0; i < n; i++) next_sqe(IORING_OP_NOP, -1)->user_data = i;
    enter(n);
    if (reap(visit) != n) exit(1);
    latency_end(start);
  }
  stop_clock();
  return 1;
}

int main(int argc, char **argv) {
  make_ring(1024, argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
  return take_turns(run);
}
