/*
 * Preloaded into a process, steps its wall clock: each reading is an hour behind or ahead of the one before, in turn.
 * The monotonic clock is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static const time_t STEP_S = 3600;
static atomic_uint readings;

static time_t step(void) {
  return atomic_fetch_add(&readings, 1) % 2 ? STEP_S : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += step();
  }
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
  int result = real(time, zone);
  if (result == 0) {
    time->tv_sec += step();
  }
  return result;
}
