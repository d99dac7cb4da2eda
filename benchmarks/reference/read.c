/*
 * Random aligned reads of one file, `depth` in flight: a registered file, one registered region of
 * buffers, and everything that completed submitted again at once.
 */
#include "ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

int main(int argc, char **argv)
{
  unsigned depth = 32, block = 4096;
  uint64_t run_ns = 5000000000u, warmup_ns = 1000000000u, random = 42;
  bool direct = false, latency = false;

  static const char usage[] = "usage: read FILE [--depth 32] [--block 4096] [--seconds 5] "
                              "[--warmup 1] [--direct] [--seed 42] [--latency]";
  static const struct option options[] = {
    {"depth", required_argument, NULL, 'd'}, {"block", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
    {"direct", no_argument, NULL, 'D'}, {"seed", required_argument, NULL, 'r'},
    {"latency", no_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'd': depth = (unsigned)parse_long("depth", optarg, 1, 32768); break;
      case 'b': block = (unsigned)parse_long("block", optarg, 1, 1 << 30); break;
      case 's': run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': warmup_ns = parse_seconds_ns("warmup", optarg); break;
      case 'D': direct = true; break;
      case 'r': random = (uint64_t)parse_long("seed", optarg, LONG_MIN, LONG_MAX); break;
      case 'l': latency = true; break;
      default: die("%s", usage);
    }
  }
  if (optind + 1 != argc)
    die("%s", usage);
  const char *path = argv[optind];

  const int fd = open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
  if (fd < 0)
    die("%s: %s", path, strerror(errno));
  const off_t size = lseek(fd, 0, SEEK_END); /* a block device answers too */
  const uint64_t blocks = size < 0 ? 0 : (uint64_t)size / block;
  if (blocks == 0)
    die("%s: %ld bytes hold no block of %u", path, (long)size, block);

  struct io_uring ring;
  ring_init(&ring, depth, 2 * depth);
  int error = io_uring_register_files(&ring, &fd, 1);
  if (error < 0)
    die("registering the file: %s", strerror(-error));

  const size_t length = (size_t)depth * block;
  uint8_t *const region =
      mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (region == MAP_FAILED)
    die("%zu bytes of buffers: %s", length, strerror(errno));
  const struct iovec vector = {.iov_base = region, .iov_len = length};
  error = io_uring_register_buffers(&ring, &vector, 1);
  if (error < 0)
    die("registering %zu bytes: %s%s", length, strerror(-error),
        error == -ENOMEM ? " (see ulimit -l)" : "");

  uint64_t *const start_of = calloc(depth, sizeof *start_of);
  unsigned *const ready = calloc(2 * (size_t)depth, sizeof *ready); /* slots to read into next */
  struct histogram *const histogram = calloc(1, sizeof *histogram);
  if (start_of == NULL || ready == NULL || histogram == NULL)
    die("out of memory");
  for (unsigned slot = 0; slot < depth; slot++)
    ready[slot] = slot;

  uint64_t done = 0, errors = 0;
  uint64_t measured_from = 0, start_ns = 0, start_cpu_ns = 0, start_enters = 0;
  uint64_t time_ns = now_ns(), deadline_ns = time_ns + warmup_ns;
  bool measuring = false;
  unsigned ready_count = depth;

  for (uint32_t turn = 0;; turn++) {
    for (unsigned i = 0; i < ready_count; i++) {
      const unsigned slot = ready[i];
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      io_uring_prep_read_fixed(sqe, 0, region + (size_t)slot * block, block,
          random_below(&random, blocks) * block, 0);
      sqe->flags |= IOSQE_FIXED_FILE;
      io_uring_sqe_set_data64(sqe, slot);
      if (latency)
        start_of[slot] = time_ns;
    }
    ring_enter(&ring);

    /* One clock a turn is enough: what completed in one call became visible at one time. */
    if (latency)
      time_ns = now_ns();
    ready_count = 0;
    unsigned head;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      const unsigned slot = (unsigned)cqe->user_data;
      errors += cqe->res != (int)block;
      ready[ready_count++] = slot;
      if (latency)
        histogram_record(histogram, time_ns - start_of[slot]);
    }
    io_uring_cq_advance(&ring, ready_count);
    done += ready_count;

    if (!latency) {
      if ((turn & 7) != 0)
        continue;
      time_ns = now_ns();
    }
    if (time_ns < deadline_ns)
      continue;
    if (measuring)
      break;
    measuring = true;
    errors = 0;
    memset(histogram, 0, sizeof *histogram);
    measured_from = done;
    start_enters = enters;
    start_cpu_ns = cpu_ns();
    start_ns = now_ns();
    deadline_ns = start_ns + run_ns;
  }

  const uint64_t used_ns = cpu_ns() - start_cpu_ns, elapsed_ns = now_ns() - start_ns;
  const uint64_t reads = done - measured_from;
  printf("reads/s=%.0f cpu_us/read=%.3f ", per((double)reads * 1e9, elapsed_ns),
      per((double)used_ns / 1e3, reads));
  if (latency)
    printf("p50_us=%.1f p99_us=%.1f ", (double)histogram_at(histogram, 0.50) / 1e3,
        (double)histogram_at(histogram, 0.99) / 1e3);
  printf("enters/read=%.4f errors=%lu\n", per((double)(enters - start_enters), reads), errors);
  return errors == 0 ? 0 : 1;
}
