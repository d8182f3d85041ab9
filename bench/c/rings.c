/* The many rings of families/rings.ts: made, a NOP in each, closed. Argument: setup flags. */
#include "ring.h"

#define ENTRIES 8
#define MOST 4096

static unsigned setup_flags;

/* What ring.h knows of a ring: it has one at a time. */
static struct made {
  int fd;
  unsigned *sq_tail, *cq_head, *cq_tail;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  char *rings;
} all[MOST];

static void make(struct made *m) {
  make_ring(ENTRIES, setup_flags);
  *m = (struct made){ring, sq_tail, cq_head, cq_tail, sqes, cqes, rings};
}

/* Masks and lengths are the same for all of them. */
static void use(const struct made *m) {
  ring = m->fd;
  sq_tail = m->sq_tail;
  cq_head = m->cq_head;
  cq_tail = m->cq_tail;
  sqes = m->sqes;
  cqes = m->cqes;
  rings = m->rings;
}

static void visit(const struct io_uring_cqe *cqe) { sum += cqe->user_data; }

static void make_all(long count) {
  for (long i = 0; i < count; i++) make(&all[i]);
}

static void submit_all(long count) {
  for (long i = 0; i < count; i++) {
    use(&all[i]);
    next_sqe(IORING_OP_NOP, -1)->user_data = 1;
    enter(0);
  }
}

static void reap_all(long count) {
  for (long i = 0; i < count; i++) {
    use(&all[i]);
    reap(visit);
  }
}

static void end_all(long count) {
  for (long i = 0; i < count; i++) {
    use(&all[i]);
    end_ring();
  }
}

static int run(const char *name, long count, unsigned seed) {
  (void)seed;
  if (count > MOST) return 0;
  int is_made = strcmp(name, "make") == 0, is_used = strcmp(name, "nop") == 0, is_closed = strcmp(name, "close") == 0;
  if (!is_made && !is_used && !is_closed) return 0;
  if (is_made) start_clock();
  make_all(count);
  if (is_made) stop_clock();
  if (is_used) start_clock();
  submit_all(count);
  reap_all(count);
  if (is_used) stop_clock();
  if (is_closed) start_clock();
  end_all(count);
  if (is_closed) stop_clock();
  return 1;
}

int main(int argc, char **argv) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  setup_flags = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  return take_turns(run);
}
