/* Answers "CASE COUNT SEED" on stdin with "NS CPU_NS P50 P99 SUM", the first four in nanoseconds for one operation, until stdin ends. */
#ifndef TURNS_H
#define TURNS_H
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* One in so many operations is timed for itself, as in turn.ts. */
#define EVERY 16

/* Does a case `count` times between start_clock() and stop_clock(); 0 when there is no such case. */
typedef int (*work)(const char *name, long count, unsigned seed);

/* What was read, added up. */
static uint32_t sum;

static double started, took, cpu_before, cpu_took;
static double *latencies;
static long latency_count, latency_room;

static inline long must(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static inline double cpu_now(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e9 + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e3;
}

static inline void start_clock(void) {
  cpu_before = cpu_now();
  started = now();
}

static inline void stop_clock(void) {
  took = now() - started;
  cpu_took = cpu_now() - cpu_before;
}

/* When operation i starts; 0: it is not timed. */
static inline double latency_start(long i) { return i % EVERY == 0 ? now() : 0; }

static inline void latency_end(double start) {
  if (start != 0 && latency_count < latency_room) latencies[latency_count++] = now() - start;
}

static inline int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static inline double latency_at(double part) {
  if (latency_count == 0) return 0;
  long i = part * latency_count;
  return latencies[i < latency_count ? i : latency_count - 1];
}

static inline int take_turns(work run) {
  char name[64];
  long count;
  unsigned seed;
  puts("ready");
  fflush(stdout);
  while (scanf("%63s %ld %u", name, &count, &seed) == 3) {
    sum = 0;
    latency_count = 0;
    latency_room = (count + EVERY - 1) / EVERY;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
    if (!run(name, count, seed)) {
      fprintf(stderr, "no case %s\n", name);
      return 1;
    }
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("%.3f %.3f %.0f %.0f %u\n", took / count, cpu_took / count, latency_at(0.5), latency_at(0.99), sum);
    fflush(stdout);
  }
  return 0;
}

#endif
