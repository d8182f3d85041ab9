/* The io_uring_register calls of bench/register.ts, in C. */
#include "turns.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define MANY 1024
#define BYTES 4096
#define PROBE_OPS 256

static int ring, ring_with_file, event;
static int fds[MANY];
static struct iovec buffers[MANY];

static void reg(int fd, unsigned opcode, void *arg, unsigned nr_args) {
  must(syscall(SYS_REGISTER, fd, opcode, arg, nr_args), "io_uring_register");
}

static void update(void) {
  struct io_uring_files_update update = {.fds = (uintptr_t)fds};
  reg(ring_with_file, IORING_REGISTER_FILES_UPDATE, &update, 1);
}

static void workers(void) {
  unsigned limits[2] = {0, 0};
  reg(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
}

static void probe(void) {
  static struct {
    struct io_uring_probe head;
    struct io_uring_probe_op ops[PROBE_OPS];
  } answer;
  memset(&answer, 0, sizeof answer);
  reg(ring, IORING_REGISTER_PROBE, &answer, PROBE_OPS);
}

static void eventfd_pair(void) {
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

#define REPEAT(call) \
  do { \
    for (long i = 0; i < count; i++) call; \
    return 1; \
  } while (0)

static int run(const char *name, long count) {
  unsigned n = 0;
  if (strcmp(name, "update") == 0) REPEAT(update());
  if (strcmp(name, "workers") == 0) REPEAT(workers());
  if (strcmp(name, "probe") == 0) REPEAT(probe());
  if (strcmp(name, "eventfd") == 0) REPEAT(eventfd_pair());
  if (sscanf(name, "buffers:%u", &n) == 1 && n <= MANY) REPEAT(buffers_pair(n));
  if (sscanf(name, "files:%u", &n) == 1 && n <= MANY) REPEAT(files_pair(n));
  return 0;
}

int main(int argc, char **argv) {
  struct io_uring_params params = {.flags = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
  struct io_uring_params same = params;
  char *memory = aligned_alloc(BYTES, (size_t)MANY * BYTES);
  if (memory == NULL) return 1;
  memset(memory, 1, (size_t)MANY * BYTES);
  int file = must(open("/dev/null", O_RDONLY), "open");
  for (int i = 0; i < MANY; i++) {
    fds[i] = file;
    buffers[i] = (struct iovec){.iov_base = memory + (size_t)i * BYTES, .iov_len = BYTES};
  }
  event = must(eventfd(0, 0), "eventfd");
  ring = must(syscall(SYS_SETUP, 8, &params), "io_uring_setup");
  ring_with_file = must(syscall(SYS_SETUP, 8, &same), "io_uring_setup");
  reg(ring_with_file, IORING_REGISTER_FILES, fds, 1);
  return take_turns();
}
