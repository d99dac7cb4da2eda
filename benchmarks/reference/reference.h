/* What every reference program needs: clocks, arguments, random numbers, a latency histogram. */
#ifndef REFERENCE_H
#define REFERENCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(2);
}

static inline uint64_t clock_ns(clockid_t id)
{
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* All threads' user and system time: the kernel's io-wq workers are threads of this process too. */
static inline uint64_t cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static inline long parse_long(const char *name, const char *text, long min, long max)
{
  char *end;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
    die("--%s: a number from %ld to %ld is needed, not '%s'", name, min, max, text);
  return value;
}

static inline uint64_t parse_seconds_ns(const char *name, const char *text)
{
  char *end;
  const double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0 && value <= 86400))
    die("--%s: seconds are needed, not '%s'", name, text);
  return (uint64_t)(value * 1e9);
}

/* splitmix64: a full 64-bit period, no state but the counter. */
static inline uint64_t next_random(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* From 0 to bound - 1, without a division. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
  return (uint64_t)(((unsigned __int128)next_random(state) * bound) >> 64);
}

/* Counts by magnitude: 128 steps to each power of two, so that values are off by less than 0.8 %. */
enum { SUB_BITS = 7, SUB_COUNT = 1 << SUB_BITS, HISTOGRAM_SIZE = (64 - SUB_BITS + 1) * SUB_COUNT };

struct histogram {
  uint64_t total;
  uint64_t counts[HISTOGRAM_SIZE];
};

static inline void histogram_record(struct histogram *h, uint64_t value)
{
  unsigned index = (unsigned)value;
  if (value >= SUB_COUNT) {
    const unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
    index = ((shift + 1) << SUB_BITS) + ((unsigned)(value >> shift) & (SUB_COUNT - 1));
  }
  h->counts[index]++;
  h->total++;
}

/* The highest value that a step counts. */
static inline uint64_t histogram_value(unsigned index)
{
  if (index < SUB_COUNT)
    return index;
  const unsigned shift = (index >> SUB_BITS) - 1;
  return ((uint64_t)(SUB_COUNT + (index & (SUB_COUNT - 1)) + 1) << shift) - 1;
}

/* The highest value that counts as the given fraction's, as HdrHistogram answers. */
static inline uint64_t histogram_at(const struct histogram *h, double fraction)
{
  const uint64_t wanted = (uint64_t)(fraction * (double)h->total + 0.5);
  uint64_t seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
    seen += h->counts[i];
    if (seen >= wanted && seen > 0)
      return histogram_value(i);
  }
  return 0;
}

static inline double per(double amount, uint64_t count)
{
  return count == 0 ? 0 : amount / (double)count;
}

#endif
