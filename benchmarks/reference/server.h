/*
 * What the echo servers share: the listening socket, the stop signal as a descriptor, the counters
 * and the lines that tell them.
 *
 * A server prints `listening HOST:PORT` once it accepts. For each line that it reads from standard
 * input it prints its counters so far, so that a harness can take differences over the window that
 * it measures: `requests=… bytes=… cpu_us=… enters=…`. A request is a received chunk that was echoed
 * whole; bytes divided by a message's size count messages even where a buffer cuts them. `enters`
 * are calls into the kernel: io_uring_enter, or all of the epoll loop's system calls. At SIGTERM or
 * SIGINT it prints totals, with the CPU time taken from the first request on, and exits with 0.
 */
#ifndef SERVER_H
#define SERVER_H

#include "net.h"

#include <signal.h>
#include <sys/signalfd.h>

struct server {
  int listener, stop_fd;
  uint64_t requests, bytes;
  uint64_t first_cpu_ns, first_enters; /* when the first request arrived */
  int type;          /* of the socket, to be set before server_open if it is not SOCK_STREAM */
  bool receive_only; /* of datagrams: nothing is sent back */
};

/* Before the first data is echoed: what was spent on starting up is nobody's request. */
static inline void server_first(struct server *server, uint64_t enters)
{
  if (__builtin_expect(server->first_cpu_ns == 0, 0)) {
    server->first_cpu_ns = cpu_ns();
    server->first_enters = enters;
  }
}

static inline void server_print(const struct server *server, uint64_t enters)
{
  printf("requests=%lu bytes=%lu cpu_us=%.0f enters=%lu\n", server->requests, server->bytes,
      (double)cpu_ns() / 1e3, enters);
}

static inline void server_print_totals(const struct server *server, uint64_t enters)
{
  const double used_us =
      server->first_cpu_ns == 0 ? 0 : (double)(cpu_ns() - server->first_cpu_ns) / 1e3;
  printf("requests=%lu cpu_us/request=%.3f enters/request=%.4f\n", server->requests,
      per(used_us, server->requests),
      per((double)(enters - server->first_enters), server->requests));
}

static inline void server_open(struct server *server, int argc, char **argv, long *buffer_size)
{
  const char *host = "127.0.0.1";
  unsigned port = 0;
  static const struct option options[] = {
    {"host", required_argument, NULL, 'h'}, {"port", required_argument, NULL, 'p'},
    {"buffer", required_argument, NULL, 'b'}, {"receive-only", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0}};
  const int type = server->type == 0 ? SOCK_STREAM : server->type;
  memset(server, 0, sizeof *server);
  server->type = type;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'h': host = optarg; break;
      case 'p': port = (unsigned)parse_long("port", optarg, 0, 65535); break;
      case 'b': *buffer_size = parse_long("buffer", optarg, 64, 1 << 20); break;
      case 'r': server->receive_only = true; break;
      default:
        die("usage: %s --port N [--host 127.0.0.1] [--buffer %ld]", program_invocation_short_name,
            *buffer_size);
    }
  }
  if (optind != argc)
    die("unknown argument '%s'", argv[optind]);
  if (server->receive_only && type == SOCK_STREAM)
    die("--receive-only: a stream is always sent back");

  raise_descriptor_limit();
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);

  /* As a descriptor, a signal is one more event: there is no moment at which it can be missed. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  server->stop_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (server->stop_fd < 0)
    die("signalfd: %s", strerror(errno));

  server->listener = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (server->listener < 0)
    die("socket: %s", strerror(errno));
  /* Accepted sockets inherit TCP_NODELAY from the listening one. */
  const int on = 1;
  if (type == SOCK_STREAM) {
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(server->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  struct sockaddr_in address = parse_address(host, port);
  socklen_t length = sizeof address;
  if (bind(server->listener, (struct sockaddr *)&address, length) != 0
      || (type == SOCK_STREAM && listen(server->listener, 4096) != 0))
    die("%s:%u: %s", host, port, strerror(errno));
  getsockname(server->listener, (struct sockaddr *)&address, &length);
  printf("listening %s:%u\n", host, ntohs(address.sin_port));
}

#endif
