/*
 * An open loop against an echo server: requests are due at times that are fixed beforehand, one
 * each 1/rate of a second, on one connection after the other, whether or not earlier ones were
 * answered. A reply's latency counts from when its request was due, not from when it could be sent:
 * what waited behind a stall is charged to the stall, and no omission is left to correct.
 *
 *   due --> a connection's gathered bytes --> one send at a time --> the server
 *      \--> the connection's queue of what is owed <-- replies, in order
 *
 * It spins, so that it is late for nothing but its own work; how late is told, since it is the
 * load's own fault. Requests count if they were due inside the measured time, and are waited for
 * beyond it: one that is never answered is an error. Prints `latency NANOS COUNT` for each step of
 * the histogram that has something, and last
 * `requests/s=… late_p99_us=… errors=…`.
 */
#include "buffers.h"
#include "load.h"

enum {
  SQ_ENTRIES = 4096, CQ_ENTRIES = 4 * SQ_ENTRIES, BUFFER_BYTES = 4096,
  OWED = 4096,             /* of one connection, a power of two */
  GATHER_BYTES = 256 * 1024,
  GRACE_S = 5
};
enum kind { RECEIVE, SEND };

struct request {
  uint64_t due_ns;
  const uint8_t *bytes;
};

struct lane {
  struct request owed[OWED];
  uint32_t first, next; /* of those owed */
  uint8_t *gathering, *sending;
  uint32_t gathered, unsent, offset;
  bool waiting; /* in the list of those that have something to send */
};

static struct io_uring ring;
static struct lane *lanes;
static unsigned *to_send, to_send_count;
static uint64_t measure_from_ns, measure_to_ns;
static uint64_t measured, outstanding;
static struct histogram lateness;

static void receive(unsigned slot)
{
  io_uring_sqe_set_data64(buffers_receive(&ring, (int)slot), (uint64_t)RECEIVE << 32 | slot);
}

static bool is_measured(uint64_t due_ns)
{
  return due_ns >= measure_from_ns && due_ns < measure_to_ns;
}

/* What is owed there will not come. */
static void fail(unsigned slot, const char *what)
{
  struct lane *const lane = &lanes[slot];
  load_fail(&connections[slot], what);
  outstanding -= lane->next - lane->first;
  errors += lane->next - lane->first;
  lane->first = lane->next;
}

static void request(unsigned slot, uint64_t due_ns, uint64_t time_ns)
{
  struct lane *const lane = &lanes[slot];
  if (is_measured(due_ns))
    histogram_record(&lateness, time_ns - due_ns);
  if (connections[slot].fd < 0 || lane->next - lane->first == OWED
      || lane->gathered + bytes > GATHER_BYTES) {
    errors++; /* gone, or seconds behind */
    return;
  }
  const uint8_t *const slice = pattern + random_below(&random_state, PATTERN_BYTES);
  lane->owed[lane->next++ & (OWED - 1)] = (struct request){.due_ns = due_ns, .bytes = slice};
  memcpy(lane->gathering + lane->gathered, slice, bytes);
  lane->gathered += bytes;
  outstanding++;
  if (!lane->waiting && lane->unsent == 0) {
    lane->waiting = true;
    to_send[to_send_count++] = slot;
  }
}

static void send_rest(unsigned slot)
{
  struct lane *const lane = &lanes[slot];
  struct io_uring_sqe *const sqe = ring_sqe(&ring);
  io_uring_prep_send(sqe, (int)slot, lane->sending + lane->offset, lane->unsent,
      MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= IOSQE_FIXED_FILE;
  io_uring_sqe_set_data64(sqe, (uint64_t)SEND << 32 | slot);
}

/* One send at a time: two could overtake one another. */
static void send_gathered(unsigned slot)
{
  struct lane *const lane = &lanes[slot];
  uint8_t *const full = lane->gathering;
  lane->gathering = lane->sending;
  lane->sending = full;
  lane->unsent = lane->gathered;
  lane->gathered = lane->offset = 0;
  lane->waiting = false;
  send_rest(slot);
}

static void on_send(unsigned slot, int result)
{
  struct lane *const lane = &lanes[slot];
  if (connections[slot].fd < 0)
    return;
  if (result < 0) {
    fail(slot, strerror(-result));
    return;
  }
  lane->offset += (uint32_t)result;
  lane->unsent -= (uint32_t)result;
  if (lane->unsent > 0)
    send_rest(slot);
  else if (lane->gathered > 0)
    send_gathered(slot);
}

static void on_data(unsigned slot, const uint8_t *data, uint32_t length)
{
  struct connection *const connection = &connections[slot];
  struct lane *const lane = &lanes[slot];
  const uint64_t time_ns = now_ns();
  while (length > 0) {
    if (lane->first == lane->next) {
      fail(slot, "more came back than was sent");
      return;
    }
    const struct request *const owed = &lane->owed[lane->first & (OWED - 1)];
    const uint32_t left = bytes - connection->received, part = length < left ? length : left;
    if (memcmp(data, owed->bytes + connection->received, part) != 0) {
      fail(slot, "the reply is not the request");
      return;
    }
    data += part;
    length -= part;
    connection->received += part;
    if (connection->received == bytes) {
      if (is_measured(owed->due_ns)) {
        measured++;
        histogram_record(&histogram, time_ns - owed->due_ns);
      }
      connection->received = 0;
      lane->first++;
      outstanding--;
    }
  }
}

static void on_receive(unsigned slot, int result, uint32_t flags)
{
  const int buffer = flags & IORING_CQE_F_BUFFER ? buffer_taken(flags) : -1;
  if (connections[slot].fd >= 0) {
    if (result <= 0 && result != -ENOBUFS)
      fail(slot, result == 0 ? "closed by the server" : strerror(-result));
    else if (result > 0)
      on_data(slot, buffer_address(buffer), (uint32_t)result);
  }
  if (buffer >= 0)
    buffer_give_back(buffer);
  if (!(flags & IORING_CQE_F_MORE) && connections[slot].fd >= 0)
    receive(slot);
}

/* Submits what there is, and takes what has completed; never waits. */
static void turn(void)
{
  for (unsigned i = 0; i < to_send_count; i++)
    if (connections[to_send[i]].fd >= 0)
      send_gathered(to_send[i]);
  to_send_count = 0;
  const int result = io_uring_submit_and_get_events(&ring);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
    die("io_uring_enter: %s", strerror(-result));
  unsigned head, count = 0;
  struct io_uring_cqe *cqe;
  io_uring_for_each_cqe(&ring, head, cqe) {
    const unsigned slot = (unsigned)cqe->user_data;
    count++;
    switch ((enum kind)(cqe->user_data >> 32)) {
      case RECEIVE: on_receive(slot, cqe->res, cqe->flags); break;
      case SEND: on_send(slot, cqe->res); break;
    }
  }
  io_uring_cq_advance(&ring, count);
  buffers_publish();
}

static void open_lanes(void)
{
  lanes = calloc(connection_count, sizeof *lanes);
  to_send = calloc(connection_count, sizeof *to_send);
  int *const fds = calloc(connection_count, sizeof *fds);
  if (lanes == NULL || to_send == NULL || fds == NULL)
    die("out of memory");
  for (unsigned i = 0; i < connection_count; i++) {
    fds[i] = connections[i].fd;
    lanes[i].gathering = malloc(GATHER_BYTES);
    lanes[i].sending = malloc(GATHER_BYTES);
    if (lanes[i].gathering == NULL || lanes[i].sending == NULL)
      die("out of memory");
  }
  const int error = io_uring_register_files(&ring, fds, connection_count);
  if (error < 0)
    die("registering %u descriptors: %s", connection_count, strerror(-error));
  free(fds);
}

static void print_latencies(void)
{
  for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
    if (histogram.counts[i] > 0)
      printf("latency %lu %lu\n", histogram_value(i), histogram.counts[i]);
  }
}

int main(int argc, char **argv)
{
  is_open_loop = true;
  load_open(argc, argv);
  if (socket_type != SOCK_STREAM || bytes > GATHER_BYTES)
    die("an open loop is of TCP, and of requests of at most %d bytes", GATHER_BYTES);
  ring_init(&ring, SQ_ENTRIES, CQ_ENTRIES);
  buffers_open(&ring, bytes < BUFFER_BYTES ? BUFFER_BYTES : bytes);
  open_lanes();
  for (unsigned slot = 0; slot < connection_count; slot++)
    receive(slot);

  const uint64_t begin_ns = now_ns();
  measure_from_ns = begin_ns + warmup_ns;
  measure_to_ns = measure_from_ns + run_ns;
  const double interval_ns = 1e9 / (double)rate;
  uint64_t sent = 0, due_ns = begin_ns;
  for (uint64_t time_ns = begin_ns; open_count > 0; time_ns = now_ns()) {
    while (due_ns <= time_ns && due_ns < measure_to_ns) {
      request((unsigned)(sent % connection_count), due_ns, time_ns);
      due_ns = begin_ns + (uint64_t)((double)++sent * interval_ns);
    }
    turn();
    if (due_ns >= measure_to_ns
        && (outstanding == 0 || time_ns > measure_to_ns + GRACE_S * 1000000000u))
      break;
  }
  errors += outstanding;
  print_latencies();
  printf("requests/s=%.0f late_p99_us=%.1f errors=%lu\n", per((double)measured * 1e9, run_ns),
      (double)histogram_at(&lateness, 0.99) / 1e3, errors);
  return errors == 0 ? 0 : 1;
}
