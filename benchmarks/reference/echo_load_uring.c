/*
 * The load over io_uring, which costs less than the servers that it drives: multishot receives, and
 * sends that complete without a word, since a reply says as much. See load.h.
 */
#include "buffers.h"
#include "load.h"

enum { SQ_ENTRIES = 4096, CQ_ENTRIES = 4 * SQ_ENTRIES, MIN_BUFFER = 4096, MAX_BUFFER = 64 * 1024 };
enum kind { RECEIVE, SEND, CLOCK };

static struct io_uring ring;
static uint64_t received_chunks;

static struct io_uring_sqe *prepared(struct io_uring_sqe *sqe, enum kind kind, unsigned slot)
{
  io_uring_sqe_set_data64(sqe, (uint64_t)kind << 32 | slot);
  return sqe;
}

static void receive(unsigned slot) { prepared(buffers_receive(&ring, (int)slot), RECEIVE, slot); }

static void send_request(unsigned slot, uint64_t time_ns)
{
  load_begin(&connections[slot], time_ns);
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_send(sqe, (int)slot, connections[slot].request, bytes, MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  prepared(sqe, SEND, slot);
}

static void start_clock(void)
{
  static struct __kernel_timespec period = {.tv_sec = STUCK_S};
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_timeout(sqe, &period, 0, 0);
  prepared(sqe, CLOCK, 0);
}

static void on_receive(unsigned slot, int result, uint32_t flags)
{
  struct connection *connection = &connections[slot];
  const int buffer = flags & IORING_CQE_F_BUFFER ? buffer_taken(flags) : -1;
  if (connection->fd >= 0) {
    uint64_t time_ns;
    received_chunks++;
    if (result <= 0 && result != -ENOBUFS)
      load_fail(connection, result == 0 ? "closed by the server" : strerror(-result));
    else if (result > 0
        && load_received(connection, buffer_address(buffer), (uint32_t)result, &time_ns))
      send_request(slot, time_ns);
  }
  if (buffer >= 0)
    buffer_give_back(buffer);
  /* Buffers are free again at the end of the turn, before this is submitted. */
  if (!(flags & IORING_CQE_F_MORE) && connection->fd >= 0)
    receive(slot);
}

/* False when nothing was received for a whole period. */
static bool on_clock(void)
{
  static uint64_t seen;
  if (received_chunks == seen)
    return false;
  seen = received_chunks;
  start_clock();
  return true;
}

int main(int argc, char **argv)
{
  load_open(argc, argv);
  ring_init(&ring, SQ_ENTRIES, CQ_ENTRIES);
  buffers_open(&ring, bytes < MIN_BUFFER ? MIN_BUFFER : bytes < MAX_BUFFER ? bytes : MAX_BUFFER);
  int *const fds = calloc(connection_count, sizeof *fds);
  if (fds == NULL)
    die("out of memory");
  for (unsigned i = 0; i < connection_count; i++)
    fds[i] = connections[i].fd;
  const int error = io_uring_register_files(&ring, fds, connection_count);
  if (error < 0)
    die("registering %u descriptors: %s", connection_count, strerror(-error));
  free(fds);

  start_clock();
  for (unsigned slot = 0; slot < connection_count; slot++) {
    receive(slot);
    send_request(slot, now_ns());
  }
  bool moving = true;
  do {
    ring_enter(&ring);
    unsigned head, count = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      const unsigned slot = (unsigned)cqe->user_data;
      count++;
      switch ((enum kind)(cqe->user_data >> 32)) {
        case RECEIVE: on_receive(slot, cqe->res, cqe->flags); break;
        case SEND: /* only when it failed: the receive says how */ break;
        case CLOCK: moving = on_clock(); break;
      }
    }
    io_uring_cq_advance(&ring, count);
    buffers_publish();
  } while (load_goes_on() && moving);
  if (!moving)
    load_stuck();
  return load_report();
}
