/* The small files of families/files.ts: open into a slot, read and close, linked. Arguments: setup flags, folder, lanes. */
#include "ring.h"
#include <fcntl.h>

#define BYTES 4096
#define MAX_LANES 256

static const char *folder;
static unsigned lanes;
static char paths[MAX_LANES][256];
static char memory[MAX_LANES][BYTES];
static double starts[MAX_LANES];
static unsigned left[MAX_LANES], idle[MAX_LANES], idle_count;

static void start(unsigned lane, long i) {
  starts[lane] = latency_start(i);
  left[lane] = 3;
  snprintf(paths[lane], sizeof paths[lane], "%s/%ld", folder, i);
  struct io_uring_sqe *sqe = next_sqe(IORING_OP_OPENAT, AT_FDCWD);
  sqe->addr = (uintptr_t)paths[lane];
  sqe->open_flags = O_RDONLY;
  sqe->file_index = lane + 1;
  sqe->flags = IOSQE_IO_HARDLINK;
  sqe->user_data = lane;
  sqe = next_sqe(IORING_OP_READ, lane);
  sqe->addr = (uintptr_t)memory[lane];
  sqe->len = BYTES;
  sqe->flags = IOSQE_IO_HARDLINK | IOSQE_FIXED_FILE;
  sqe->user_data = lane;
  sqe = next_sqe(IORING_OP_CLOSE, 0);
  sqe->file_index = lane + 1;
  sqe->user_data = lane;
}

static void visit(const struct io_uring_cqe *cqe) {
  unsigned lane = cqe->user_data;
  if (cqe->res < 0) {
    fprintf(stderr, "%s: %d\n", paths[lane], cqe->res);
    exit(1);
  }
  if (--left[lane] > 0) return;
  uint32_t number;
  memcpy(&number, memory[lane], sizeof number);
  sum += number;
  latency_end(starts[lane]);
  idle[idle_count++] = lane;
}

static int run(const char *name, long count, unsigned seed) {
  long next = 0;
  (void)name, (void)seed;
  idle_count = 0;
  for (unsigned i = 0; i < lanes; i++) idle[idle_count++] = i;
  start_clock();
  while (next < count || idle_count < lanes) {
    while (idle_count > 0 && next < count) start(idle[--idle_count], next++);
    enter(1);
    reap(visit);
  }
  stop_clock();
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  folder = argv[2];
  lanes = strtoul(argv[3], NULL, 10);
  if (lanes == 0 || lanes > MAX_LANES) return 1;
  make_ring(1024, strtoul(argv[1], NULL, 10));
  int empty[MAX_LANES];
  memset(empty, -1, sizeof empty);
  reg(ring, IORING_REGISTER_FILES, empty, lanes);
  return take_turns(run);
}
