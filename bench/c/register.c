/* The io_uring_register calls of families/register.ts. Argument: setup flags. */
#include "ring.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define MANY 1024
#define BYTES 4096
#define PROBE_OPS 256

static int ring_with_file, event;
static int fds[MANY];
static struct iovec buffers[MANY];

static void update(unsigned n) {
  struct io_uring_files_update update = {.fds = (uintptr_t)fds};
  reg(ring_with_file, IORING_REGISTER_FILES_UPDATE, &update, n);
}

static void workers(unsigned n) {
  unsigned limits[2] = {0, 0};
  (void)n;
  reg(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
}

static void probe(unsigned n) {
  static struct {
    struct io_uring_probe head;
    struct io_uring_probe_op ops[PROBE_OPS];
  } answer;
  (void)n;
  memset(&answer, 0, sizeof answer);
  reg(ring, IORING_REGISTER_PROBE, &answer, PROBE_OPS);
}

static void eventfd_pair(unsigned n) {
  (void)n;
  reg(ring, IORING_REGISTER_EVENTFD, &event, 1);
  reg(ring, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

static void buffers_pair(unsigned n) {
  reg(ring, IORING_REGISTER_BUFFERS, buffers, n);
  reg(ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

static void files_pair(unsigned n) {
  reg(ring, IORING_REGISTER_FILES, fds, n);
  reg(ring, IORING_UNREGISTER_FILES, NULL, 0);
}

static const struct {
  const char *name;
  void (*call)(unsigned);
} cases[] = {
    {"files-update", update}, {"max-workers", workers}, {"probe", probe},
    {"eventfd", eventfd_pair}, {"buffers", buffers_pair}, {"files", files_pair},
};

/* CASE is NAME or NAME:HOW-MANY. */
static int run(const char *name, long count, unsigned seed) {
  char word[32];
  unsigned n = 1;
  (void)seed;
  if (sscanf(name, "%31[^:]:%u", word, &n) < 1 || n == 0 || n > MANY) return 0;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    if (strcmp(word, cases[c].name) != 0) continue;
    start_clock();
    for (long i = 0; i < count; i++) {
      double start = latency_start(i);
      cases[c].call(n);
      latency_end(start);
    }
    stop_clock();
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  unsigned flags = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  char *memory = aligned_alloc(BYTES, (size_t)MANY * BYTES);
  if (memory == NULL) return 1;
  memset(memory, 1, (size_t)MANY * BYTES);
  int file = must(open("/dev/null", O_RDONLY), "open");
  for (int i = 0; i < MANY; i++) {
    fds[i] = file;
    buffers[i] = (struct iovec){.iov_base = memory + (size_t)i * BYTES, .iov_len = BYTES};
  }
  event = must(eventfd(0, 0), "eventfd");
  make_ring(8, flags);
  ring_with_file = ring;
  reg(ring_with_file, IORING_REGISTER_FILES, fds, 1);
  make_ring(8, flags);
  return take_turns(run);
}
