/*
 * What a ring costs when the operations cost nothing: `depth` NOPs in flight, and all that complete
 * in a call are submitted again in the next.
 *
 * Bare, completions are only counted, and as many NOPs written as there were: nobody could build on
 * that, but nothing can be faster. With --callbacks it is what a program in C does, and what a
 * runtime is to be held against: each completion finds its operation, tells the handler that was
 * given, and the handler starts the next one.
 */
#include "ring.h"

struct operation {
  void (*handler)(void *attachment, int result);
  void *attachment;
  struct operation *next_free;
};

static struct io_uring ring;
static struct operation *free_operations;
static uint64_t done, errors;

static void start(void (*handler)(void *attachment, int result), void *attachment)
{
  struct operation *operation = free_operations;
  if (operation == NULL)
    die("more operations in flight than were made");
  free_operations = operation->next_free;
  operation->handler = handler;
  operation->attachment = attachment;
  struct io_uring_sqe *sqe = ring_sqe(&ring);
  io_uring_prep_nop(sqe);
  io_uring_sqe_set_data(sqe, operation);
}

static void finish(struct operation *operation, int result)
{
  operation->handler(operation->attachment, result);
  operation->next_free = free_operations;
  free_operations = operation;
}

/* Not inlined: the handler is the user's, and known at run time only. */
static __attribute__((noinline)) void completed(void *attachment, int result)
{
  errors += result != 0;
  done++;
  start(completed, attachment);
}

int main(int argc, char **argv)
{
  unsigned depth = 128;
  uint64_t run_ns = 5000000000u, warmup_ns = 1000000000u;
  bool callbacks = false;

  static const struct option options[] = {
    {"depth", required_argument, NULL, 'd'}, {"seconds", required_argument, NULL, 's'},
    {"warmup", required_argument, NULL, 'w'}, {"callbacks", no_argument, NULL, 'c'},
    {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'd': depth = (unsigned)parse_long("depth", optarg, 1, 32768); break;
      case 's': run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': warmup_ns = parse_seconds_ns("warmup", optarg); break;
      case 'c': callbacks = true; break;
      default: die("usage: nop [--depth 128] [--seconds 5] [--warmup 1] [--callbacks]");
    }
  }
  if (optind != argc)
    die("unknown argument '%s'", argv[optind]);

  ring_init(&ring, depth, 2 * depth);
  /* One more than are in flight: a handler starts the next before its own is given back. */
  struct operation *const operations = calloc(depth + 1, sizeof *operations);
  if (operations == NULL)
    die("out of memory");
  for (unsigned i = 0; i <= depth; i++) {
    operations[i].next_free = free_operations;
    free_operations = &operations[i];
  }

  uint64_t measured_from = 0, start_ns = 0, start_cpu_ns = 0, start_enters = 0;
  uint64_t deadline_ns = now_ns() + warmup_ns;
  bool measuring = false;
  unsigned ready = depth;
  if (callbacks) {
    for (unsigned i = 0; i < depth; i++)
      start(completed, NULL);
  }

  for (uint32_t turn = 0;; turn++) {
    for (unsigned i = 0; !callbacks && i < ready; i++) {
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      io_uring_prep_nop(sqe);
      io_uring_sqe_set_data64(sqe, i);
    }
    ring_enter(&ring);

    ready = 0;
    unsigned head;
    struct io_uring_cqe *cqe;
    if (callbacks) {
      io_uring_for_each_cqe(&ring, head, cqe) {
        finish(io_uring_cqe_get_data(cqe), cqe->res);
        ready++;
      }
    } else {
      io_uring_for_each_cqe(&ring, head, cqe) {
        errors += cqe->res != 0;
        ready++;
      }
      done += ready;
    }
    io_uring_cq_advance(&ring, ready);

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
