/*
 * The load of families/echo.ts: each connection sends, waits until all came back, compares, and sends again.
 * Argument: the port, on loopback. CASE is CONNECTIONS:BYTES; a turn ends after COUNT answers, or 20 s.
 */
#include "turns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MAX_CONNECTIONS 4096
#define MAX_BYTES 65536
#define SECONDS 20

static struct connection {
  int fd;
  unsigned sent, got;
  double start;
} connections[MAX_CONNECTIONS];
static char message[MAX_BYTES], answer[MAX_BYTES];
static unsigned port, bytes;
static long begun, done;

static int connect_one(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int one = 1, fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  must(connect(fd, (struct sockaddr *)&to, sizeof to), "connect");
  must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "TCP_NODELAY");
  return fd;
}

/* Sends as much as the socket takes. */
static void send_rest(struct connection *c) {
  while (c->sent < bytes) {
    ssize_t n = send(c->fd, message + c->sent, bytes - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return;
    c->sent += must(n, "send");
  }
}

static void begin(struct connection *c) {
  c->sent = c->got = 0;
  c->start = latency_start(begun++);
  send_rest(c);
}

/* Takes what is there; begins anew when the answer is whole. */
static void receive(struct connection *c, long count) {
  ssize_t n = recv(c->fd, answer, bytes - c->got, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (must(n, "recv") == 0 || memcmp(answer, message + c->got, n) != 0) {
    fprintf(stderr, n == 0 ? "the server closed\n" : "the answer is wrong\n");
    exit(1);
  }
  c->got += n;
  if (c->got < bytes) return;
  latency_end(c->start);
  done++;
  if (begun < count) begin(c);
}

static int run(const char *name, long count, unsigned seed) {
  unsigned n;
  if (sscanf(name, "%u:%u", &n, &bytes) != 2 || n == 0 || n > MAX_CONNECTIONS || bytes > MAX_BYTES) return 0;
  for (unsigned i = 0; i < bytes; i++) message[i] = (seed * 31 + i * 7) % 251;
  int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  for (unsigned i = 0; i < n; i++) {
    connections[i].fd = connect_one();
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event), "epoll_ctl");
  }
  begun = done = 0;
  start_clock();
  for (unsigned i = 0; i < n && begun < count; i++) begin(&connections[i]);
  while (done < count && now() - started < SECONDS * 1e9) {
    struct epoll_event events[256];
    int ready = must(epoll_wait(epoll, events, 256, 1000), "epoll_wait");
    for (int i = 0; i < ready; i++) {
      struct connection *c = &connections[events[i].data.u32];
      if (c->sent < bytes) send_rest(c);
      receive(c, count);
    }
  }
  stop_clock();
  for (unsigned i = 0; i < n; i++) close(connections[i].fd);
  close(epoll);
  sum = done;
  return done == count;
}

int main(int argc, char **argv) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  port = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  return take_turns(run);
}
