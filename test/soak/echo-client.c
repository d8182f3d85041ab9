/*
 * Holds many connections to an echo server for a while, and checks each byte that comes back.
 *
 *     echo-client PORT CONNECTIONS SECONDS SEED
 *
 * Each connection sends pieces of random sizes of a pseudo-random stream of its own, and compares what it receives with
 * the same stream. After a random number of bytes it ends: most by a half-close, after which every byte still has to come
 * back before the end of file; one in four by a reset in the middle, whatever is on its way. A new one takes its place,
 * until the time is over. Prints one line of JSON; exits with 1 if anything was wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_MAX = 20000, ROOM = 65536, LIFE_MAX = 200000, IN_FLIGHT_MAX = 40000, STALL_SECONDS = 30 };

/* xorshift64*, one byte after the other */
struct stream { uint64_t state, word; int left; };

struct connection {
    int fd, is_connected, is_ended, is_watching_writes;
    struct stream out, in;
    uint64_t sent, received, limit;
    int will_reset;
    double last;
};

static struct { unsigned long long connections, bytes, resets, half_closes, errors; int most; } count;
static uint64_t chance;
static struct sockaddr_in server;
static int poller, open_now, is_over;

static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static uint64_t below(uint64_t n) { return (next(&chance) >> 11) % n; }

static unsigned char byte_of(struct stream *s)
{
    if (s->left == 0) {
        s->word = next(&s->state);
        s->left = 8;
    }
    s->left--;
    unsigned char byte = s->word;
    s->word >>= 8;
    return byte;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void wrong(struct connection *c, const char *what, int code)
{
    if (++count.errors <= 10)
        fprintf(stderr, "echo-client: %s%s%s (sent %llu, received %llu)\n", what, code ? ": " : "", code ? strerror(code) : "",
                (unsigned long long)c->sent, (unsigned long long)c->received);
}

static void watch(struct connection *c, int action, int writes)
{
    struct epoll_event event = { .events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = c };
    c->is_watching_writes = writes;
    if (epoll_ctl(poller, action, c->fd, &event) < 0) {
        perror("epoll_ctl");
        exit(2);
    }
}

static void start(struct connection *c)
{
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        perror("socket");
        exit(2);
    }
    c->out.state = c->in.state = next(&chance) | 1;
    c->limit = below(8) == 0 ? 0 : 1 + below(LIFE_MAX);
    c->will_reset = below(4) == 0;
    c->last = now();
    /* from many addresses: one has too few ports for all those that linger in TIME_WAIT */
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + below(100)) };
    int one = 1;
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0) {
        perror("bind");
        exit(2);
    }
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(2);
    }
    watch(c, EPOLL_CTL_ADD, 1);
    if (++open_now > count.most)
        count.most = open_now;
}

static void finish(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    open_now--;
    count.connections++;
    if (!is_over)
        start(c);
}

/* without a word to the other side but RST */
static void reset(struct connection *c)
{
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    count.resets++;
    finish(c);
}

static void half_close(struct connection *c)
{
    if (shutdown(c->fd, SHUT_WR) < 0)
        wrong(c, "shutdown", errno);
    c->is_ended = 1;
    watch(c, EPOLL_CTL_MOD, 0);
}

/* 0 when the connection is no more */
static int writes(struct connection *c)
{
    static unsigned char room[PIECE_MAX];
    if (!c->is_connected) {
        int code = 0;
        socklen_t length = sizeof code;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &length);
        if (code != 0) {
            wrong(c, "connect", code);
            finish(c);
            return 0;
        }
        c->is_connected = 1;
    }
    uint64_t ahead = c->sent - c->received;
    if (c->sent >= c->limit || (is_over && !c->will_reset)) {
        if (c->will_reset && !is_over) {
            reset(c);
            return 0;
        }
        half_close(c);
        return 1;
    }
    if (is_over) {
        reset(c);
        return 0;
    }
    if (ahead >= IN_FLIGHT_MAX) {
        watch(c, EPOLL_CTL_MOD, 0);
        return 1;
    }
    uint64_t length = 1 + below(below(3) == 0 ? 16 : PIECE_MAX);
    if (length > c->limit - c->sent)
        length = c->limit - c->sent;
    struct stream before = c->out;
    for (uint64_t i = 0; i < length; i++)
        room[i] = byte_of(&c->out);
    ssize_t sent = send(c->fd, room, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        wrong(c, "send", errno);
        finish(c);
        return 0;
    }
    if (sent < (ssize_t)length) {
        c->out = before;
        for (ssize_t i = 0; i < sent; i++)
            byte_of(&c->out);
    }
    if (sent > 0)
        c->sent += sent;
    return 1;
}

static void reads(struct connection *c)
{
    static unsigned char room[ROOM];
    ssize_t length = recv(c->fd, room, 1 + below(ROOM), 0);
    if (length < 0) {
        if (errno == EAGAIN)
            return;
        wrong(c, "recv", errno);
        finish(c);
        return;
    }
    if (length == 0) {
        if (!c->is_ended)
            wrong(c, "the server closed", 0);
        else if (c->received != c->sent)
            wrong(c, "the server closed before everything was answered", 0);
        else
            count.half_closes++;
        finish(c);
        return;
    }
    for (ssize_t i = 0; i < length; i++)
        if (room[i] != byte_of(&c->in)) {
            wrong(c, "another byte came back", 0);
            finish(c);
            return;
        }
    c->received += length;
    c->last = now();
    count.bytes += length;
    if (c->received > c->sent) {
        wrong(c, "more came back than was sent", 0);
        finish(c);
        return;
    }
    if (!c->is_ended && !c->is_watching_writes)
        watch(c, EPOLL_CTL_MOD, 1);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int total = atoi(argv[2]);
    double end = now() + atof(argv[3]);
    chance = strtoull(argv[4], NULL, 10) * 2654435769u + 1;
    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all = calloc(total, sizeof *all);
    for (int i = 0; i < total; i++)
        start(&all[i]);

    double looked = now();
    while (open_now > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd < 0)
                continue;
            if ((events[i].events & EPOLLOUT) && !c->is_ended && !writes(c))
                continue;
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                reads(c);
        }
        double time = now();
        if (!is_over && time >= end) {
            is_over = 1;
            /* those that wait for an answer may end their half now, too */
            for (int i = 0; i < total; i++)
                if (all[i].fd >= 0 && !all[i].is_ended)
                    watch(&all[i], EPOLL_CTL_MOD, 1);
        }
        if (time - looked < 1)
            continue;
        looked = time;
        for (int i = 0; i < total; i++)
            if (all[i].fd >= 0 && all[i].is_connected && time - all[i].last > STALL_SECONDS) {
                wrong(&all[i], "no byte came back for too long", 0);
                finish(&all[i]);
            }
    }
    printf("{\"connections\":%llu,\"most\":%d,\"bytes\":%llu,\"resets\":%llu,\"halfCloses\":%llu,\"errors\":%llu}\n",
           count.connections, count.most, count.bytes, count.resets, count.half_closes, count.errors);
    return count.errors != 0;
}
