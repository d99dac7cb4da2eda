/*
 * What a ring costs when the operations cost nothing: `depth` NOPs in flight, and all that complete
 * in a call are submitted again in the next.
 */
#include "ring.h"

int main(int argc, char **argv)
{
  unsigned depth = 128;
  uint64_t run_ns = 5000000000u, warmup_ns = 1000000000u;

  static const struct option options[] = {
    {"depth", required_argument, NULL, 'd'}, {"seconds", required_argument, NULL, 's'},
    {"warmup", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'd': depth = (unsigned)parse_long("depth", optarg, 1, 32768); break;
      case 's': run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': warmup_ns = parse_seconds_ns("warmup", optarg); break;
      default: die("usage: nop [--depth 128] [--seconds 5] [--warmup 1]");
    }
  }
  if (optind != argc)
    die("unknown argument '%s'", argv[optind]);

  struct io_uring ring;
  ring_init(&ring, depth, 2 * depth);

  uint64_t done = 0, errors = 0;
  uint64_t measured_from = 0, start_ns = 0, start_cpu_ns = 0, start_enters = 0;
  uint64_t deadline_ns = now_ns() + warmup_ns;
  bool measuring = false;
  unsigned ready = depth;

  for (uint32_t turn = 0;; turn++) {
    for (unsigned i = 0; i < ready; i++) {
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      io_uring_prep_nop(sqe);
      io_uring_sqe_set_data64(sqe, i);
    }
    ring_enter(&ring);

    ready = 0;
    unsigned head;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      errors += cqe->res != 0;
      ready++;
    }
    io_uring_cq_advance(&ring, ready);
    done += ready;

    /* The clock costs as much as an operation: at a small depth, a good part of a turn. */
    if ((turn & 31) != 0)
      continue;
    const uint64_t time_ns = now_ns();
    if (time_ns < deadline_ns)
      continue;
    if (measuring)
      break;
    measuring = true;
    errors = 0;
    measured_from = done;
    start_enters = enters;
    start_cpu_ns = cpu_ns();
    start_ns = now_ns();
    deadline_ns = start_ns + run_ns;
  }

  const uint64_t used_ns = cpu_ns() - start_cpu_ns, elapsed_ns = now_ns() - start_ns;
  const uint64_t ops = done - measured_from;
  printf("ops/s=%.0f cpu_us/op=%.4f enters/op=%.5f errors=%lu\n",
      per((double)ops * 1e9, elapsed_ns), per((double)used_ns / 1e3, ops),
      per((double)(enters - start_enters), ops), errors);
  return errors == 0 ? 0 : 1;
}
