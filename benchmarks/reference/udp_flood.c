/*
 * Sends datagrams to a server as fast as it can, BATCH in a call, for a server that only receives.
 * What the server does not receive is lost; the last line tells what was sent:
 * `datagrams/s=… load_cpu=… errors=…`.
 */
#include "net.h"

enum { BATCH = 64, MOST_BYTES = 1472 };

static uint64_t send_until(int fd, struct mmsghdr *messages, uint64_t deadline_ns)
{
  uint64_t sent = 0;
  while (now_ns() < deadline_ns) {
    const int count = sendmmsg(fd, messages, BATCH, 0);
    if (count > 0)
      sent += (uint64_t)count;
    else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
      die("sendmmsg: %s", strerror(errno));
  }
  return sent;
}

int main(int argc, char **argv)
{
  const char *host = "127.0.0.1";
  unsigned port = 0;
  size_t bytes = 64;
  uint64_t run_ns = 5000000000u, warmup_ns = 1000000000u;
  bool understood = true;
  static const struct option options[] = {
    {"host", required_argument, NULL, 'h'}, {"port", required_argument, NULL, 'p'},
    {"bytes", required_argument, NULL, 'b'}, {"seconds", required_argument, NULL, 's'},
    {"warmup", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'h': host = optarg; break;
      case 'p': port = (unsigned)parse_long("port", optarg, 1, 65535); break;
      case 'b': bytes = (size_t)parse_long("bytes", optarg, 1, MOST_BYTES); break;
      case 's': run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': warmup_ns = parse_seconds_ns("warmup", optarg); break;
      default: understood = false; break;
    }
  }
  if (!understood || port == 0 || optind != argc)
    die("usage: %s --port N [--host 127.0.0.1] [--bytes 64] [--seconds 5] [--warmup 1]",
        program_invocation_short_name);

  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = parse_address(host, port);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    die("%s:%u: %s", host, port, strerror(errno));

  static uint8_t content[MOST_BYTES];
  uint64_t random_state = 42;
  for (size_t i = 0; i < bytes; i++)
    content[i] = (uint8_t)next_random(&random_state);
  struct iovec vector = {.iov_base = content, .iov_len = bytes};
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_iov = &vector;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  send_until(fd, messages, now_ns() + warmup_ns);
  const uint64_t start_ns = now_ns(), start_cpu_ns = cpu_ns();
  const uint64_t sent = send_until(fd, messages, start_ns + run_ns);
  const uint64_t elapsed_ns = now_ns() - start_ns;
  printf("datagrams/s=%.0f load_cpu=%.2f errors=0\n", per((double)sent * 1e9, elapsed_ns),
      per((double)(cpu_ns() - start_cpu_ns), elapsed_ns));
  return 0;
}
