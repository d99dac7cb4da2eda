/*
 * What the load generators share: a closed loop against an echo server in which each connection
 * has one request outstanding, and every byte of every reply is compared with what was sent. With
 * --udp connections are sockets that are connected to one peer, and a datagram that was lost is
 * not sent again: whoever waits for more than LOST_S when the time is over counts as an error.
 *
 * Requests are slices of one random pattern at an offset drawn for each request, so that a reply
 * which was mixed up, cut or sent to another connection differs. The last line printed is
 * `requests/s=… p50_us=… p99_us=… load_cpu=… errors=…`, where load_cpu is the part of a core that
 * the load itself took: close to 1 it is the load that was measured, not the server.
 */
#ifndef LOAD_H
#define LOAD_H

#include "net.h"

#include <sys/epoll.h>

enum { CONNECT_BATCH = 256, PATTERN_BYTES = 64 * 1024, STUCK_S = 10, LOST_S = 1 };

struct connection {
  int fd;
  uint32_t sent, received;
  const uint8_t *request;
  uint64_t start_ns;
};

static struct connection *connections;
static unsigned connection_count = 64, open_count;
static uint32_t bytes = 64;
static uint64_t run_ns = 5000000000u, warmup_ns = 1000000000u;
static struct sockaddr_in server_address;
static int socket_type = SOCK_STREAM;
static bool is_open_loop; /* set before load_open, by the program that takes --rate */
static long rate;

static uint8_t *pattern;
static uint64_t random_state = 42;

static bool measuring;
static uint64_t start_ns, start_cpu_ns, deadline_ns, end_ns, end_cpu_ns;
static uint64_t requests, errors;
static struct histogram histogram;

static inline void load_fail(struct connection *connection, const char *what)
{
  if (errors++ == 0)
    fprintf(stderr, "%s: a connection failed: %s\n", program_invocation_short_name, what);
  shutdown(connection->fd, SHUT_RDWR);
  close(connection->fd);
  connection->fd = -1;
  open_count--;
}

static inline void load_begin(struct connection *connection, uint64_t time_ns)
{
  connection->request = pattern + random_below(&random_state, PATTERN_BYTES);
  connection->sent = connection->received = 0;
  connection->start_ns = time_ns;
}

/* Counts a part of a reply. True when it is complete and right, and the next request can begin. */
static inline bool load_received(
    struct connection *connection, const uint8_t *data, uint32_t length, uint64_t *time_ns)
{
  if (length > bytes - connection->received
      || memcmp(data, connection->request + connection->received, length) != 0) {
    load_fail(connection, "the reply is not the request");
    return false;
  }
  connection->received += length;
  if (connection->received < bytes)
    return false;
  *time_ns = now_ns();
  if (measuring) {
    requests++;
    histogram_record(&histogram, *time_ns - connection->start_ns);
  }
  return true;
}

/* After each turn. False when the run is over. */
static inline bool load_goes_on(void)
{
  const uint64_t time_ns = now_ns();
  if (time_ns < deadline_ns)
    return open_count > 0;
  if (measuring) {
    end_ns = time_ns;
    end_cpu_ns = cpu_ns();
    return false;
  }
  measuring = true;
  start_cpu_ns = cpu_ns();
  start_ns = now_ns();
  deadline_ns = start_ns + run_ns;
  return open_count > 0;
}

static inline void load_stuck(void)
{
  fprintf(stderr, "%s: no reply for %d s\n", program_invocation_short_name, STUCK_S);
  errors += open_count;
}

static inline void load_count_lost(void)
{
  for (unsigned i = 0; socket_type == SOCK_DGRAM && i < connection_count; i++)
    if (connections[i].fd >= 0 && end_ns > connections[i].start_ns + LOST_S * 1000000000u)
      errors++;
}

static inline int load_report(void)
{
  load_count_lost();
  const uint64_t elapsed_ns = end_ns == 0 ? 0 : end_ns - start_ns;
  printf("requests/s=%.0f p50_us=%.1f p99_us=%.1f load_cpu=%.2f errors=%lu\n",
      per((double)requests * 1e9, elapsed_ns), (double)histogram_at(&histogram, 0.50) / 1e3,
      (double)histogram_at(&histogram, 0.99) / 1e3,
      per((double)(end_cpu_ns - start_cpu_ns), elapsed_ns), errors);
  return errors == 0 ? 0 : 1;
}

/* A batch at a time: more at once would overflow the server's backlog; a lost SYN costs a second. */
static inline void load_connect(void)
{
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  unsigned started = 0, connected = 0;
  static struct epoll_event events[CONNECT_BATCH];
  while (connected < connection_count) {
    for (; started < connection_count && started - connected < CONNECT_BATCH; started++) {
      struct connection *connection = &connections[started];
      connection->fd = socket(AF_INET, socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (connection->fd < 0)
        die("connection %u: %s", started + 1, strerror(errno));
      const int on = 1;
      if (socket_type == SOCK_STREAM)
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (connect(connection->fd, (struct sockaddr *)&server_address, sizeof server_address) != 0
          && errno != EINPROGRESS)
        die("connection %u: %s", started + 1, strerror(errno));
      struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.ptr = connection};
      if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll_ctl: %s", strerror(errno));
    }
    const int ready = epoll_wait(epoll_fd, events, CONNECT_BATCH, STUCK_S * 1000);
    if (ready == 0)
      die("%u of %u connected, and no other in %d s", connected, connection_count, STUCK_S);
    for (int i = 0; i < ready; i++) {
      const struct connection *connection = events[i].data.ptr;
      int error = 0;
      socklen_t length = sizeof error;
      getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
      if (error != 0)
        die("connection %ld: %s", (long)(connection - connections) + 1, strerror(error));
      connected++;
    }
  }
  close(epoll_fd); /* the other side's wake-ups would go on to look here */
  open_count = connection_count;
  deadline_ns = now_ns() + warmup_ns;
}

static inline void load_open(int argc, char **argv)
{
  const char *host = "127.0.0.1";
  unsigned port = 0;
  bool understood = true;
  static const struct option options[] = {
    {"host", required_argument, NULL, 'h'}, {"port", required_argument, NULL, 'p'},
    {"connections", required_argument, NULL, 'c'}, {"bytes", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
    {"seed", required_argument, NULL, 'r'}, {"udp", no_argument, NULL, 'u'},
    {"rate", required_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'h': host = optarg; break;
      case 'p': port = (unsigned)parse_long("port", optarg, 1, 65535); break;
      case 'c': connection_count = (unsigned)parse_long("connections", optarg, 1, 60000); break;
      case 'b': bytes = (uint32_t)parse_long("bytes", optarg, 1, 1 << 24); break;
      case 's': run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': warmup_ns = parse_seconds_ns("warmup", optarg); break;
      case 'r': random_state = (uint64_t)parse_long("seed", optarg, LONG_MIN, LONG_MAX); break;
      case 'u': socket_type = SOCK_DGRAM; break;
      case 'a': rate = parse_long("rate", optarg, 1, 100000000); break;
      default: understood = false; break;
    }
  }
  if (!understood || port == 0 || optind != argc || is_open_loop != (rate > 0))
    die("usage: %s --port N [--host 127.0.0.1] [--connections 64] [--bytes 64] [--seconds 5] "
        "[--warmup 1] [--seed 42] [--udp]%s", program_invocation_short_name,
        is_open_loop ? " --rate N" : "");
  server_address = parse_address(host, port);
  raise_descriptor_limit();

  connections = calloc(connection_count, sizeof *connections);
  pattern = malloc(PATTERN_BYTES + (size_t)bytes);
  if (connections == NULL || pattern == NULL)
    die("out of memory");
  for (size_t i = 0; i < PATTERN_BYTES + (size_t)bytes; i++)
    pattern[i] = (uint8_t)(next_random(&random_state) >> 56);
  load_connect();
}

#endif
