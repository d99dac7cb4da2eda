/*
 * Aligned reads or writes of one file, at random or one after the other, `depth` in flight: a registered file, one
 * registered region of buffers, and everything that completed submitted again at once.
 */
#include "window.h"

#include <fcntl.h>

int main(int argc, char **argv)
{
  unsigned depth = 32, block = 4096;
  uint64_t random = 42;
  bool write = false, sequential = false, direct = false, latency = false;
  struct window *const window = window_new();

  static const char usage[] =
      "usage: file FILE [--write] [--sequential] [--depth 32] [--block 4096] [--seconds 5] "
      "[--warmup 1] [--direct] [--seed 42] [--latency]";
  static const struct option options[] = {
    {"depth", required_argument, NULL, 'd'}, {"block", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
    {"direct", no_argument, NULL, 'D'}, {"seed", required_argument, NULL, 'r'},
    {"write", no_argument, NULL, 'W'}, {"sequential", no_argument, NULL, 'S'},
    {"latency", no_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'd': depth = (unsigned)parse_long("depth", optarg, 1, 32768); break;
      case 'b': block = (unsigned)parse_long("block", optarg, 1, 1 << 30); break;
      case 's': window->run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': window->warmup_ns = parse_seconds_ns("warmup", optarg); break;
      case 'D': direct = true; break;
      case 'r': random = (uint64_t)parse_long("seed", optarg, LONG_MIN, LONG_MAX); break;
      case 'W': write = true; break;
      case 'S': sequential = true; break;
      case 'l': latency = true; break;
      default: die("%s", usage);
    }
  }
  if (optind + 1 != argc)
    die("%s", usage);
  const char *path = argv[optind];

  const int fd = open(path, (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC | (direct ? O_DIRECT : 0));
  if (fd < 0)
    die("%s: %s", path, strerror(errno));
  const off_t size = lseek(fd, 0, SEEK_END); /* a block device answers too */
  const uint64_t blocks = size < 0 ? 0 : (uint64_t)size / block;
  if (blocks == 0)
    die("%s: %ld bytes hold no block of %u", path, (long)size, block);

  struct io_uring ring;
  ring_init(&ring, depth, 2 * depth);
  const int error = io_uring_register_files(&ring, &fd, 1);
  if (error < 0)
    die("registering the file: %s", strerror(-error));
  uint8_t *const region = registered_memory(&ring, (size_t)depth * block);
  if (write)
    fill_random(region, (size_t)depth * block, &random);

  uint64_t *const start_of = calloc(depth, sizeof *start_of);
  unsigned *const ready = calloc(2 * (size_t)depth, sizeof *ready); /* slots to use next */
  if (start_of == NULL || ready == NULL)
    die("out of memory");
  for (unsigned slot = 0; slot < depth; slot++)
    ready[slot] = slot;

  uint64_t done = 0, time_ns = now_ns(), next_block = 0;
  unsigned ready_count = depth;

  for (uint32_t turn = 0;; turn++) {
    for (unsigned i = 0; i < ready_count; i++) {
      const unsigned slot = ready[i];
      uint8_t *const memory = region + (size_t)slot * block;
      uint64_t which = next_block;
      if (!sequential)
        which = random_below(&random, blocks);
      else if (++next_block == blocks)
        next_block = 0;
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      if (write)
        io_uring_prep_write_fixed(sqe, 0, memory, block, which * block, 0);
      else
        io_uring_prep_read_fixed(sqe, 0, memory, block, which * block, 0);
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
      window->errors += cqe->res != (int)block;
      ready[ready_count++] = slot;
      if (latency)
        histogram_record(&window->latencies, time_ns - start_of[slot]);
    }
    io_uring_cq_advance(&ring, ready_count);
    done += ready_count;

    if (!latency) {
      if ((turn & 7) != 0)
        continue;
      time_ns = now_ns();
    }
    if (window_is_over(window, time_ns, done))
      break;
  }

  window_print(window, done, write ? "write" : "read", latency);
  putchar('\n');
  return window->errors == 0 ? 0 : 1;
}
