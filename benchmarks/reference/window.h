/* What a program measures: nothing while it warms up, then all that is done until the time is over. */
#ifndef WINDOW_H
#define WINDOW_H

#include "ring.h"

#include <sys/mman.h>
#include <sys/uio.h>

struct window {
  uint64_t warmup_ns, run_ns, deadline_ns;
  uint64_t done, start_ns, start_cpu_ns, start_enters; /* when the measuring began */
  uint64_t errors;
  bool measuring;
  struct histogram latencies;
};

static inline struct window *window_new(void)
{
  struct window *const w = calloc(1, sizeof *w);
  if (w == NULL)
    die("out of memory");
  w->warmup_ns = 1000000000u;
  w->run_ns = 5000000000u;
  return w;
}

/* To be asked once a turn, with what was done so far: whether all is over. */
static inline bool window_is_over(struct window *w, uint64_t time_ns, uint64_t done)
{
  if (w->deadline_ns == 0)
    w->deadline_ns = time_ns + w->warmup_ns;
  if (time_ns < w->deadline_ns)
    return false;
  if (w->measuring)
    return true;
  w->measuring = true;
  w->errors = 0;
  memset(&w->latencies, 0, sizeof w->latencies);
  w->done = done;
  w->start_enters = enters;
  w->start_cpu_ns = cpu_ns();
  w->start_ns = now_ns();
  w->deadline_ns = w->start_ns + w->run_ns;
  return false;
}

/* One line, the last, without its end; `unit` is what was done, in the singular. */
static inline void window_print(const struct window *w, uint64_t done, const char *unit, bool latency)
{
  const uint64_t used_ns = cpu_ns() - w->start_cpu_ns, elapsed_ns = now_ns() - w->start_ns;
  const uint64_t count = done - w->done;
  printf("%ss/s=%.0f cpu_us/%s=%.3f ", unit, per((double)count * 1e9, elapsed_ns), unit,
      per((double)used_ns / 1e3, count));
  if (latency)
    printf("p50_us=%.1f p99_us=%.1f ", (double)histogram_at(&w->latencies, 0.50) / 1e3,
        (double)histogram_at(&w->latencies, 0.99) / 1e3);
  printf("enters/%s=%.4f errors=%lu", unit, per((double)(enters - w->start_enters), count),
      w->errors);
}

/* Memory for reads and writes, registered with the ring as buffer 0. */
static inline uint8_t *registered_memory(struct io_uring *ring, size_t length)
{
  uint8_t *const region =
      mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (region == MAP_FAILED)
    die("%zu bytes of buffers: %s", length, strerror(errno));
  const struct iovec vector = {.iov_base = region, .iov_len = length};
  const int error = io_uring_register_buffers(ring, &vector, 1);
  if (error < 0)
    die("registering %zu bytes: %s%s", length, strerror(-error),
        error == -ENOMEM ? " (see ulimit -l)" : "");
  return region;
}

/* Bytes that no device can leave out. */
static inline void fill_random(uint8_t *region, size_t length, uint64_t *state)
{
  for (size_t i = 0; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) {
    const uint64_t value = next_random(state);
    memcpy(region + i, &value, sizeof value);
  }
}

#endif
