/* The reads of families/reads.ts. Arguments: setup flags, the file, its bytes, 1 for O_DIRECT, bytes of a read, 1 for random. */
#include "ring.h"
#include <fcntl.h>

#define MARKED 4096
#define MAX_DEPTH 1024

static int file, is_random;
static unsigned bytes;
static uint32_t blocks;
static char *memory;
static uint32_t *order;
static double starts[MAX_DEPTH];
static unsigned idle[MAX_DEPTH], idle_count;

/* As blockOrder() in families/reads.ts. */
static void make_order(long count, uint32_t seed) {
  order = realloc(order, count * sizeof *order);
  uint32_t x = seed * 2654435761u | 1;
  for (long i = 0; i < count; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    order[i] = (is_random ? x : seed + i) & (blocks - 1);
  }
}

/* Each 4 KiB of the file begin with their number, and end with it. */
static void visit(const struct io_uring_cqe *cqe) {
  unsigned lane = cqe->user_data;
  if (cqe->res != (int)bytes) {
    fprintf(stderr, "read: %d\n", cqe->res);
    exit(1);
  }
  const char *data = memory + (size_t)lane * bytes;
  uint32_t first, last;
  memcpy(&first, data, sizeof first);
  memcpy(&last, data + bytes - sizeof last, sizeof last);
  sum += first + last;
  latency_end(starts[lane]);
  idle[idle_count++] = lane;
}

/* CASE is the depth. */
static int run(const char *name, long count, unsigned seed) {
  unsigned depth = strtoul(name, NULL, 10);
  if (depth == 0 || depth > MAX_DEPTH) return 0;
  make_order(count, seed);
  idle_count = 0;
  for (unsigned i = 0; i < depth; i++) idle[idle_count++] = i;
  long next = 0, done = 0;
  start_clock();
  while (done < count) {
    while (idle_count > 0 && next < count) {
      unsigned lane = idle[--idle_count];
      struct io_uring_sqe *sqe = next_sqe(IORING_OP_READ, file);
      starts[lane] = latency_start(next);
      sqe->addr = (uintptr_t)(memory + (size_t)lane * bytes);
      sqe->len = bytes;
      sqe->off = (uint64_t)order[next++] * bytes;
      sqe->user_data = lane;
    }
    enter(1);
    done += reap(visit);
  }
  stop_clock();
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 7) return 1;
  int direct = atoi(argv[4]);
  bytes = strtoul(argv[5], NULL, 10);
  is_random = atoi(argv[6]);
  blocks = strtoull(argv[3], NULL, 10) / bytes;
  file = must(open(argv[2], O_RDONLY | (direct ? O_DIRECT : 0)), argv[2]);
  memory = aligned_alloc(MARKED, (size_t)MAX_DEPTH * bytes);
  if (memory == NULL) return 1;
  make_ring(MAX_DEPTH, strtoul(argv[1], NULL, 10));
  return take_turns(run);
}
