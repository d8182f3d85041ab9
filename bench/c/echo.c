/* The echo server of families/echo.ts: a receive and a send at a time for each connection. Argument: setup flags. */
#include "ring.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define MAX_FD 8192
#define BYTES 16384
enum { ACCEPT, RECV, SEND, STDIN };

static char *memory[MAX_FD];
static unsigned length[MAX_FD], sent[MAX_FD];
static int server;
static unsigned port;
static char line[64];

static struct io_uring_sqe *prepare(int what, int fd, unsigned char opcode) {
  if (prepared > sq_mask) enter(0);
  struct io_uring_sqe *sqe = next_sqe(opcode, fd);
  sqe->user_data = (uint64_t)what << 32 | (unsigned)fd;
  return sqe;
}

static void receive(int fd) {
  struct io_uring_sqe *sqe = prepare(RECV, fd, IORING_OP_RECV);
  sqe->addr = (uintptr_t)memory[fd];
  sqe->len = BYTES;
}

static void answer(int fd) {
  struct io_uring_sqe *sqe = prepare(SEND, fd, IORING_OP_SEND);
  sqe->addr = (uintptr_t)memory[fd] + sent[fd];
  sqe->len = length[fd] - sent[fd];
}

static void accept_next(void) { prepare(ACCEPT, server, IORING_OP_ACCEPT)->accept_flags = SOCK_CLOEXEC; }

/* Whoever asks is told the CPU time so far, and the port. */
static void listen_to_stdin(void) {
  struct io_uring_sqe *sqe = prepare(STDIN, 0, IORING_OP_READ);
  sqe->addr = (uintptr_t)line;
  sqe->len = sizeof line;
  sqe->off = -1;
}

static void accepted(int fd) {
  int one = 1;
  if (fd < 0 || fd >= MAX_FD) exit(1);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (memory[fd] == NULL) memory[fd] = malloc(BYTES);
  receive(fd);
  accept_next();
}

static void visit(const struct io_uring_cqe *cqe) {
  int what = cqe->user_data >> 32, fd = (int)cqe->user_data, res = cqe->res;
  if (what == ACCEPT) accepted(res);
  else if (what == STDIN) {
    if (res <= 0) exit(0);
    printf("1 %.0f 0 0 %u\n", cpu_now(), port);
    fflush(stdout);
    listen_to_stdin();
  } else if (res <= 0) close(fd);
  else if (what == RECV) {
    length[fd] = res;
    sent[fd] = 0;
    answer(fd);
  } else if ((sent[fd] += res) < length[fd]) answer(fd);
  else receive(fd);
}

int main(int argc, char **argv) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  server = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  must(bind(server, (struct sockaddr *)&at, size), "bind");
  must(listen(server, 4096), "listen");
  must(getsockname(server, (struct sockaddr *)&at, &size), "getsockname");
  make_ring(4096, argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
  port = ntohs(at.sin_port);
  puts("ready");
  fflush(stdout);
  accept_next();
  listen_to_stdin();
  for (;;) {
    enter(1);
    reap(visit);
  }
}
