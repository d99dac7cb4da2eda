/* The ring of all references: one thread, deferred task work, no SQ array, a registered ring fd. */
#ifndef RING_H
#define RING_H

#include "reference.h"

#include <liburing.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY 0 /* liburing before 2.5 cannot do without it */
#endif

static uint64_t enters;

static inline void ring_init(struct io_uring *ring, unsigned sq_entries, unsigned cq_entries)
{
  struct io_uring_params params;
  unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL
      | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_NO_SQARRAY;
  for (;;) {
    memset(&params, 0, sizeof params);
    params.flags = flags;
    params.cq_entries = cq_entries;
    const int error = io_uring_queue_init_params(sq_entries, ring, &params);
    if (error == 0)
      break;
    if (error == -EINVAL && (flags & IORING_SETUP_NO_SQARRAY)) {
      flags &= ~IORING_SETUP_NO_SQARRAY; /* a kernel before 6.6 */
      continue;
    }
    die("io_uring_setup with %u entries: %s%s", sq_entries, strerror(-error),
        error == -EINVAL ? " (SINGLE_ISSUER with DEFER_TASKRUN needs Linux 6.1)" : "");
  }
  /* Saves the lookup and the reference count of the ring's file in every call. */
  if (io_uring_register_ring_fd(ring) != 1)
    fprintf(stderr, "%s: the ring's fd is not registered\n", program_invocation_short_name);
}

/* Submits all that is prepared and waits for a completion. False when a signal came first. */
static inline bool ring_enter(struct io_uring *ring)
{
  enters++;
  const int result = io_uring_submit_and_wait(ring, 1);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
    die("io_uring_enter: %s", strerror(-result));
  return result >= 0;
}

/* An SQE; when the SQ is full, what it holds is submitted first. */
static inline struct io_uring_sqe *ring_sqe(struct io_uring *ring)
{
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  while (__builtin_expect(sqe == NULL, 0)) {
    enters++;
    const int result = io_uring_submit(ring);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
      die("io_uring_enter: %s", strerror(-result));
    sqe = io_uring_get_sqe(ring);
  }
  return sqe;
}

#endif
