/* A ring of provided buffers: the kernel takes one for each receive, and gets it back after use. */
#ifndef BUFFERS_H
#define BUFFERS_H

#include "ring.h"

#include <sys/mman.h>

enum { BUFFERS = 1024, BUFFER_GROUP = 0 };

static struct io_uring_buf_ring *buffer_ring;
static uint8_t *buffer_memory;
static uint32_t buffer_bytes;
static int given_back, free_buffers;

static inline uint8_t *buffer_address(int buffer)
{
  return buffer_memory + (size_t)buffer * buffer_bytes;
}

/* The buffer of a completion. */
static inline int buffer_taken(uint32_t cqe_flags)
{
  free_buffers--;
  return (int)(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
}

/* The kernel sees it after the next buffers_publish: one store for a whole turn. */
static inline void buffer_give_back(int buffer)
{
  io_uring_buf_ring_add(buffer_ring, buffer_address(buffer), buffer_bytes, (unsigned short)buffer,
      io_uring_buf_ring_mask(BUFFERS), given_back++);
}

static inline void buffers_publish(void)
{
  io_uring_buf_ring_advance(buffer_ring, given_back);
  free_buffers += given_back;
  given_back = 0;
}

static inline void buffers_open(struct io_uring *ring, uint32_t bytes_each)
{
  buffer_bytes = bytes_each;
  const size_t ring_bytes = BUFFERS * sizeof(struct io_uring_buf);
  buffer_ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buffer_memory = mmap(NULL, (size_t)BUFFERS * buffer_bytes, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (buffer_ring == MAP_FAILED || buffer_memory == MAP_FAILED)
    die("out of memory");
  struct io_uring_buf_reg registration = {
    .ring_addr = (uint64_t)(uintptr_t)buffer_ring, .ring_entries = BUFFERS, .bgid = BUFFER_GROUP};
  const int error = io_uring_register_buf_ring(ring, &registration, 0);
  if (error < 0)
    die("registering a ring of %d buffers: %s", BUFFERS, strerror(-error));
  io_uring_buf_ring_init(buffer_ring);
  for (int buffer = 0; buffer < BUFFERS; buffer++)
    buffer_give_back(buffer);
  buffers_publish();
}

/* A multishot receive on a direct descriptor. */
static inline struct io_uring_sqe *buffers_receive(struct io_uring *ring, int slot)
{
  struct io_uring_sqe *sqe = ring_sqe(ring);
  io_uring_prep_recv_multishot(sqe, slot, NULL, 0, 0);
  sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  sqe->buf_group = BUFFER_GROUP;
  return sqe;
}

#endif
