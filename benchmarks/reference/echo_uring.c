/*
 * TCP echo over io_uring: one multishot accept into direct descriptors, one multishot receive for
 * each connection out of a shared ring of buffers, and a send of the very buffer that was received,
 * which goes back to the ring when the send completes. One call a turn submits everything and waits.
 *
 *   accept --> receive --(buffer)--> the connection's queue --> send, one at a time --> given back
 *                 ^                                                                        |
 *                 +---- a receive that found no buffer (ENOBUFS) waits for one <-----------+
 *
 * Each buffer is a send of its own: for messages of more than 4096 bytes, --buffer should be their
 * size. What one connection queues has no limit: readers that never read can take all buffers. No
 * load here does that.
 */
#include "buffers.h"
#include "server.h"

#include <sys/poll.h>

enum {
  MAX_CONNECTIONS = 16384,
  SQ_ENTRIES = 4096, CQ_ENTRIES = 4 * SQ_ENTRIES,
  NONE = -1
};

enum kind { ACCEPT, RECEIVE, SEND, SHUTDOWN, CLOSE, STOP, INPUT, BACKOFF };

struct connection {
  int head, tail; /* buffers to send, in order; the first one is being sent */
  uint32_t sent;  /* of the first one */
  int next_starved;
  bool receiving, ended, broken;
};

static struct server server;
static struct io_uring ring;
static struct connection *connections; /* by direct descriptor */

static uint32_t lengths[BUFFERS]; /* of what was received into each */
static int nexts[BUFFERS];        /* in a connection's queue */

static int starved_head = NONE, starved_tail = NONE;
static bool accept_paused;
static char input[256];

static struct io_uring_sqe *prepared(struct io_uring_sqe *sqe, enum kind kind, int slot)
{
  io_uring_sqe_set_data64(sqe, (uint64_t)kind << 32 | (uint32_t)slot);
  return sqe;
}

static void accept_connections(void)
{
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_multishot_accept_direct(sqe, server.listener, NULL, NULL, 0);
  prepared(sqe, ACCEPT, 0);
  accept_paused = false;
}

static void receive(int slot)
{
  prepared(buffers_receive(&ring, slot), RECEIVE, slot);
  connections[slot].receiving = true;
}

static void send_first(int slot)
{
  const struct connection *connection = &connections[slot];
  const int buffer = connection->head;
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  /* WAITALL: the kernel goes on after a short send by itself. */
  io_uring_prep_send(sqe, slot, buffer_address(buffer) + connection->sent,
      lengths[buffer] - connection->sent, MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= IOSQE_FIXED_FILE;
  prepared(sqe, SEND, slot);
}

static void close_when_idle(int slot)
{
  const struct connection *connection = &connections[slot];
  if (!connection->ended || connection->receiving || connection->head != NONE)
    return;
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_close_direct(sqe, (unsigned)slot);
  prepared(sqe, CLOSE, slot);
}

static void starve(int slot)
{
  connections[slot].next_starved = NONE;
  if (starved_tail == NONE)
    starved_head = slot;
  else
    connections[starved_tail].next_starved = slot;
  starved_tail = slot;
}

/* Only after buffers are published: a receive that finds none fails at once. */
static void feed_starved(void)
{
  for (int left = free_buffers; left > 0 && starved_head != NONE; left--) {
    const int slot = starved_head;
    starved_head = connections[slot].next_starved;
    if (starved_head == NONE)
      starved_tail = NONE;
    receive(slot);
  }
}

static void on_accept(int result, uint32_t flags)
{
  if (result >= 0) {
    connections[result] = (struct connection){.head = NONE, .tail = NONE};
    receive(result);
  }
  if (flags & IORING_CQE_F_MORE)
    return;
  if (result >= 0 || result == -ECONNABORTED || result == -EINTR || result == -EPROTO) {
    accept_connections();
  } else if (result == -ENFILE || result == -EMFILE || result == -ENOMEM || result == -ENOBUFS) {
    accept_paused = true; /* no slot left: wait until one is, and look again from time to time */
    static struct __kernel_timespec pause = {.tv_nsec = 10000000};
    struct io_uring_sqe *sqe = ring_sqe(&ring);
    io_uring_prep_timeout(sqe, &pause, 0, 0);
    prepared(sqe, BACKOFF, 0);
  } else {
    die("accept: %s", strerror(-result));
  }
}

static void on_receive(int slot, int result, uint32_t flags)
{
  struct connection *connection = &connections[slot];
  connection->receiving = (flags & IORING_CQE_F_MORE) != 0;
  if (flags & IORING_CQE_F_BUFFER) {
    const int buffer = buffer_taken(flags);
    if (result <= 0 || connection->broken) {
      buffer_give_back(buffer);
    } else {
      server_first(&server, enters);
      lengths[buffer] = (uint32_t)result;
      nexts[buffer] = NONE;
      if (connection->head == NONE) {
        connection->head = connection->tail = buffer;
        connection->sent = 0;
        send_first(slot);
      } else {
        nexts[connection->tail] = buffer;
        connection->tail = buffer;
      }
    }
  }
  if (result == -ENOBUFS) {
    starve(slot);
  } else if (result <= 0) {
    connection->ended = true;
    close_when_idle(slot);
  } else if (!connection->receiving) {
    receive(slot);
  }
}

static void break_connection(int slot)
{
  struct connection *connection = &connections[slot];
  while (connection->head != NONE) {
    buffer_give_back(connection->head);
    connection->head = nexts[connection->head];
  }
  connection->broken = true;
  if (connection->ended) {
    close_when_idle(slot);
    return;
  }
  /* A close would leave the receive armed; this ends it, and its completion closes. */
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_shutdown(sqe, slot, SHUT_RDWR);
  sqe->flags |= IOSQE_FIXED_FILE;
  prepared(sqe, SHUTDOWN, slot);
}

static void on_send(int slot, int result)
{
  struct connection *connection = &connections[slot];
  if (result < 0) {
    break_connection(slot);
    return;
  }
  const int buffer = connection->head;
  server.bytes += (uint64_t)result;
  connection->sent += (uint32_t)result;
  if (connection->sent == lengths[buffer]) {
    server.requests++;
    connection->head = nexts[buffer];
    connection->sent = 0;
    buffer_give_back(buffer);
  }
  if (connection->head != NONE)
    send_first(slot);
  else
    close_when_idle(slot);
}

static void read_input(void)
{
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_read(sqe, STDIN_FILENO, input, sizeof input, (uint64_t)-1);
  prepared(sqe, INPUT, 0);
}

static void on_input(int length)
{
  for (int i = 0; i < length; i++)
    if (input[i] == '\n')
      server_print(&server, enters);
  if (length > 0)
    read_input();
}

/* False when it was the signal to stop. */
static bool on_completion(const struct io_uring_cqe *cqe)
{
  const int slot = (int)(uint32_t)cqe->user_data;
  switch ((enum kind)(cqe->user_data >> 32)) {
    case RECEIVE: on_receive(slot, cqe->res, cqe->flags); return true;
    case SEND: on_send(slot, cqe->res); return true;
    case ACCEPT: on_accept(cqe->res, cqe->flags); return true;
    case CLOSE:
    case BACKOFF:
      if (accept_paused)
        accept_connections();
      return true;
    case SHUTDOWN: return true;
    case INPUT: on_input(cqe->res); return true;
    case STOP: return false;
  }
  return true;
}

static void open_ring(long buffer_size)
{
  ring_init(&ring, SQ_ENTRIES, CQ_ENTRIES);

  /* Direct descriptors: no operation counts a file reference. RLIMIT_NOFILE bounds their table. */
  const long limit = sysconf(_SC_OPEN_MAX);
  const unsigned slots = limit > 0 && limit < MAX_CONNECTIONS ? (unsigned)limit : MAX_CONNECTIONS;
  int error = io_uring_register_files_sparse(&ring, slots);
  if (error < 0)
    die("registering %u descriptors: %s", slots, strerror(-error));
  connections = calloc(slots, sizeof *connections);

  if (connections == NULL)
    die("out of memory");
  buffers_open(&ring, (uint32_t)buffer_size);
}

int main(int argc, char **argv)
{
  long buffer_size = 4096;
  server_open(&server, argc, argv, &buffer_size);
  open_ring(buffer_size);

  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_poll_add(sqe, server.stop_fd, POLLIN);
  prepared(sqe, STOP, 0);
  read_input();
  accept_connections();

  for (bool running = true; running;) {
    ring_enter(&ring);
    unsigned head, count = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      count++;
      running &= on_completion(cqe);
    }
    io_uring_cq_advance(&ring, count);
    buffers_publish();
    feed_starved();
  }
  server_print_totals(&server, enters);
  return 0;
}
