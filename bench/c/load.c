/*
 * The load of servers: each connection sends, waits for the whole answer, and sends again. Arguments: the port, on loopback, and
 * what the server does: "echo", which has to come back as it was, or "http", of which as many bytes have to come as it says.
 * CASE is CONNECTIONS:BYTES, or CONNECTIONS:BYTES:AT_ONCE: then only so many connections wait for an answer at once, one after the other of all,
 * and connections stay open for the next turn. A turn ends after COUNT answers, or 20 s.
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
#define MAX_HEAD 1024

static struct connection {
  int fd;
  unsigned sent, got;
  /* How long the answer is; 0: its head has not come yet. */
  unsigned length;
  int is_waiting;
  double start;
  char head[MAX_HEAD + 1];
} connections[MAX_CONNECTIONS];
static char message[MAX_BYTES], answer[MAX_BYTES];
static unsigned port, bytes, asked;
/* How many connections there are, how many wait at once, and which one is next. */
static unsigned opened, at_once, next;
static int is_http, epoll;
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
  while (c->sent < asked) {
    ssize_t n = send(c->fd, message + c->sent, asked - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return;
    c->sent += must(n, "send");
  }
}

static void begin(struct connection *c) {
  c->sent = c->got = 0;
  c->is_waiting = 1;
  c->length = is_http ? 0 : bytes;
  c->start = latency_start(begun++);
  send_rest(c);
}

/* The connection that goes on when this one has its answer. */
static struct connection *following(struct connection *c) {
  if (at_once == opened) return c;
  do c = &connections[next++ % opened];
  while (c->is_waiting);
  return c;
}

static void wrong(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* What an answer says of its length, once its head is there. */
static void read_head(struct connection *c, ssize_t n) {
  ssize_t room = MAX_HEAD - c->got;
  if (room <= 0) wrong("the head of an answer is too long");
  memcpy(c->head + c->got, answer, n < room ? n : room);
  c->head[c->got + (n < room ? n : room)] = 0;
  char *end = strstr(c->head, "\r\n\r\n"), *length = strcasestr(c->head, "\r\ncontent-length: ");
  if (end == NULL) return;
  if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || length == NULL || length > end) wrong(c->head);
  unsigned body = strtoul(length + 18, NULL, 10);
  if (body != bytes) wrong("an answer of another length");
  c->length = end + 4 - c->head + body;
}

/* Takes what is there; begins anew when the answer is whole. */
static void receive(struct connection *c, long count) {
  ssize_t n = recv(c->fd, answer, is_http ? sizeof answer : bytes - c->got, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (must(n, "recv") == 0) wrong("the server closed");
  if (!is_http && memcmp(answer, message + c->got, n) != 0) wrong("the answer is wrong");
  if (c->length == 0) read_head(c, n);
  c->got += n;
  if (c->length == 0 || c->got < c->length) return;
  if (c->got > c->length) wrong("more than the answer came");
  latency_end(c->start);
  done++;
  c->is_waiting = 0;
  if (begun < count) begin(following(c));
}

static void connect_all(unsigned n) {
  epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  for (unsigned i = 0; i < n; i++) {
    connections[i].fd = connect_one();
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event), "epoll_ctl");
  }
  opened = n;
}

static void close_all(void) {
  for (unsigned i = 0; i < opened; i++) close(connections[i].fd);
  if (opened > 0) close(epoll);
  opened = 0;
}

static int run(const char *name, long count, unsigned seed) {
  unsigned n;
  int numbers = sscanf(name, "%u:%u:%u", &n, &bytes, &at_once);
  if (numbers < 2 || n == 0 || n > MAX_CONNECTIONS || bytes > MAX_BYTES) return 0;
  if (numbers < 3) at_once = n;
  if (at_once == 0 || at_once > n) return 0;
  asked = bytes;
  for (unsigned i = 0; i < bytes; i++) message[i] = (seed * 31 + i * 7) % 251;
  if (is_http) asked = sprintf(message, "GET /%u HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes);
  if (opened != n) {
    close_all();
    connect_all(n);
  }
  begun = done = next = 0;
  start_clock();
  while (next < at_once && begun < count) begin(&connections[next++]);
  while (done < count && now() - started < SECONDS * 1e9) {
    struct epoll_event events[256];
    int ready = must(epoll_wait(epoll, events, 256, 1000), "epoll_wait");
    for (int i = 0; i < ready; i++) {
      struct connection *c = &connections[events[i].data.u32];
      if (!c->is_waiting) continue;
      if (c->sent < asked) send_rest(c);
      receive(c, count);
    }
  }
  stop_clock();
  if (at_once == n) close_all();
  sum = done;
  return done == count;
}

int main(int argc, char **argv) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  port = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  is_http = argc > 2 && strcmp(argv[2], "http") == 0;
  return take_turns(run);
}
