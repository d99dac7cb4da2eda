/*
 * Group commit: each of `writers` has one append under way, a write at the end of the file. One fdatasync is in flight
 * at a time; it begins when somebody waits for one, and answers all whose write, and each write before it in the file,
 * had ended when it began: a log has no holes. The file grows from nothing. Latency is from the start of a write to its
 * durability.
 */
#include "window.h"

#include <fcntl.h>

enum { SYNC = UINT32_MAX };

int main(int argc, char **argv)
{
  unsigned writers = 64, bytes = 256;
  uint64_t random = 42;
  struct window *const window = window_new();

  static const char usage[] =
      "usage: append FILE [--writers 64] [--bytes 256] [--seconds 5] [--warmup 1]";
  static const struct option options[] = {
    {"writers", required_argument, NULL, 'c'}, {"bytes", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
    {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'c': writers = (unsigned)parse_long("writers", optarg, 1, 16384); break;
      case 'b': bytes = (unsigned)parse_long("bytes", optarg, 1, 1 << 20); break;
      case 's': window->run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': window->warmup_ns = parse_seconds_ns("warmup", optarg); break;
      default: die("%s", usage);
    }
  }
  if (optind + 1 != argc)
    die("%s", usage);
  const char *path = argv[optind];
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    die("%s: %s", path, strerror(errno));

  struct io_uring ring;
  ring_init(&ring, writers + 1, 2 * (writers + 1));
  const int error = io_uring_register_files(&ring, &fd, 1);
  if (error < 0)
    die("registering the file: %s", strerror(-error));
  uint8_t *const region = registered_memory(&ring, (size_t)writers * bytes);
  fill_random(region, (size_t)writers * bytes, &random);

  uint64_t *const start_of = calloc(writers, sizeof *start_of);
  unsigned *const ready = calloc(writers, sizeof *ready);     /* to write next */
  unsigned *const log = calloc(writers, sizeof *log);         /* a circle, in the order of the file */
  bool *const written = calloc(writers, sizeof *written);     /* by writer: whether its write has ended */
  if (start_of == NULL || ready == NULL || log == NULL || written == NULL)
    die("out of memory");
  for (unsigned writer = 0; writer < writers; writer++)
    ready[writer] = writer;

  uint64_t done = 0, syncs = 0, start_syncs = 0, end = 0, time_ns = now_ns();
  uint64_t log_head = 0, log_tail = 0;
  unsigned ready_count = writers, syncing = 0; /* how many from the head on the sync in flight covers */

  for (;;) {
    for (unsigned i = 0; i < ready_count; i++) {
      const unsigned writer = ready[i];
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      io_uring_prep_write_fixed(sqe, 0, region + (size_t)writer * bytes, bytes, end, 0);
      sqe->flags |= IOSQE_FIXED_FILE;
      io_uring_sqe_set_data64(sqe, writer);
      start_of[writer] = time_ns;
      written[writer] = false;
      log[log_tail++ % writers] = writer;
      end += bytes;
    }
    ready_count = 0;
    if (syncing == 0) {
      while (log_head + syncing < log_tail && written[log[(log_head + syncing) % writers]])
        syncing++;
      if (syncing > 0) {
        struct io_uring_sqe *sqe = ring_sqe(&ring);
        io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
        sqe->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data64(sqe, SYNC);
      }
    }
    ring_enter(&ring);
    time_ns = now_ns();

    unsigned head, count = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      count++;
      if (cqe->user_data != SYNC) {
        if (cqe->res != (int)bytes)
          die("%s: a write gave %d", path, cqe->res);
        written[cqe->user_data] = true;
        continue;
      }
      if (cqe->res < 0)
        die("%s: fdatasync: %s", path, strerror(-cqe->res));
      syncs++;
      done += syncing;
      for (; syncing > 0; syncing--) {
        const unsigned writer = log[log_head++ % writers];
        histogram_record(&window->latencies, time_ns - start_of[writer]);
        ready[ready_count++] = writer;
      }
    }
    io_uring_cq_advance(&ring, count);

    const bool measuring = window->measuring;
    if (window_is_over(window, time_ns, done))
      break;
    if (window->measuring && !measuring)
      start_syncs = syncs;
  }

  window_print(window, done, "append", true);
  printf(" appends/fsync=%.1f\n", per((double)(done - window->done), syncs - start_syncs));
  return 0;
}
