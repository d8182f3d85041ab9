/* The appends of families/appends.ts: a write and the fsync that is linked to it. Arguments: setup flags, path, bytes. */
#include "ring.h"
#include <fcntl.h>

static int file;
static unsigned bytes;
static uint32_t *data;

static void visit(const struct io_uring_cqe *cqe) {
  if (cqe->res < 0 || (cqe->user_data == 0 && cqe->res != (int)bytes)) {
    fprintf(stderr, "append: %d\n", cqe->res);
    exit(1);
  }
}

static int run(const char *name, long count, unsigned seed) {
  (void)name, (void)seed;
  must(ftruncate(file, 0), "ftruncate");
  must(lseek(file, 0, SEEK_SET), "lseek");
  start_clock();
  for (long i = 0; i < count; i++) {
    double start = latency_start(i);
    data[0] = i;
    struct io_uring_sqe *sqe = next_sqe(IORING_OP_WRITE, file);
    sqe->addr = (uintptr_t)data;
    sqe->len = bytes;
    sqe->off = -1;
    sqe->flags = IOSQE_IO_LINK;
    next_sqe(IORING_OP_FSYNC, file)->user_data = 1;
    enter(2);
    if (reap(visit) != 2) exit(1);
    latency_end(start);
  }
  stop_clock();
  for (long i = 0; i < count; i++) {
    must(pread(file, data, sizeof *data, i * bytes), "pread");
    sum += data[0];
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  bytes = strtoul(argv[3], NULL, 10);
  data = calloc(1, bytes);
  file = must(open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600), argv[2]);
  make_ring(8, strtoul(argv[1], NULL, 10));
  return take_turns(run);
}
