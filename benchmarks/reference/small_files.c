/*
 * Opens, reads and closes small files, `depth` at a time: each is opened into a slot of the ring's file table, read as a
 * whole into a registered buffer, and closed. FOLDER/DDD/NNNNNN is file N, of 1024 + 769 N mod 3073 bytes, in directory
 * N / 1000.
 */
#include "window.h"

#include <fcntl.h>

enum { FILES_IN_FOLDER = 1000, SMALLEST = 1024, SIZES = 3073, STEP = 769, STRIDE = 61803, BUFFER = 4096 };

enum { OPENING, READING, CLOSING };

int main(int argc, char **argv)
{
  unsigned depth = 32, files = 100000;
  struct window *const window = window_new();

  static const char usage[] =
      "usage: small_files FOLDER [--depth 32] [--files 100000] [--seconds 5] [--warmup 1]";
  static const struct option options[] = {
    {"depth", required_argument, NULL, 'd'}, {"files", required_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
    {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'd': depth = (unsigned)parse_long("depth", optarg, 1, 4096); break;
      case 'f': files = (unsigned)parse_long("files", optarg, 1, 1000000); break;
      case 's': window->run_ns = parse_seconds_ns("seconds", optarg); break;
      case 'w': window->warmup_ns = parse_seconds_ns("warmup", optarg); break;
      default: die("%s", usage);
    }
  }
  if (optind + 1 != argc)
    die("%s", usage);

  char **const paths = calloc(files, sizeof *paths);
  unsigned *const step_of = calloc(depth, sizeof *step_of); /* what a slot waits for */
  unsigned *const file_of = calloc(depth, sizeof *file_of);
  uint64_t *const start_of = calloc(depth, sizeof *start_of);
  unsigned *const ready = calloc(depth, sizeof *ready);
  if (paths == NULL || step_of == NULL || file_of == NULL || start_of == NULL || ready == NULL)
    die("out of memory");
  for (unsigned i = 0; i < files; i++)
    if (asprintf(&paths[i], "%s/%03u/%06u", argv[optind], i / FILES_IN_FOLDER, i) < 0)
      die("out of memory");

  struct io_uring ring;
  ring_init(&ring, depth, 2 * depth);
  const int error = io_uring_register_files_sparse(&ring, depth);
  if (error < 0)
    die("registering a table of %u files: %s", depth, strerror(-error));
  uint8_t *const region = registered_memory(&ring, (size_t)depth * BUFFER);
  for (unsigned slot = 0; slot < depth; slot++) {
    ready[slot] = slot;
    step_of[slot] = CLOSING;
  }

  uint64_t done = 0, time_ns = now_ns();
  unsigned ready_count = depth, next_file = 0;

  for (;;) {
    for (unsigned i = 0; i < ready_count; i++) {
      const unsigned slot = ready[i];
      struct io_uring_sqe *sqe = ring_sqe(&ring);
      switch (step_of[slot]) {
        case CLOSING:
          file_of[slot] = next_file;
          next_file = (unsigned)(((uint64_t)next_file + STRIDE) % files);
          start_of[slot] = time_ns;
          io_uring_prep_openat_direct(sqe, AT_FDCWD, paths[file_of[slot]], O_RDONLY, 0, slot);
          step_of[slot] = OPENING;
          break;
        case OPENING:
          io_uring_prep_read_fixed(sqe, (int)slot, region + (size_t)slot * BUFFER, BUFFER, 0, 0);
          sqe->flags |= IOSQE_FIXED_FILE;
          step_of[slot] = READING;
          break;
        default:
          io_uring_prep_close_direct(sqe, slot);
          step_of[slot] = CLOSING;
      }
      io_uring_sqe_set_data64(sqe, slot);
    }
    ring_enter(&ring);
    time_ns = now_ns();

    ready_count = 0;
    unsigned head;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      const unsigned slot = (unsigned)cqe->user_data;
      ready[ready_count++] = slot;
      if (cqe->res < 0)
        die("%s: %s", paths[file_of[slot]], strerror(-cqe->res));
      if (step_of[slot] == READING)
        window->errors += cqe->res != (int)(SMALLEST + (uint64_t)file_of[slot] * STEP % SIZES);
      if (step_of[slot] == CLOSING) {
        histogram_record(&window->latencies, time_ns - start_of[slot]);
        done++;
      }
    }
    io_uring_cq_advance(&ring, ready_count);
    if (window_is_over(window, time_ns, done))
      break;
  }

  window_print(window, done, "file", true);
  putchar('\n');
  return window->errors == 0 ? 0 : 1;
}
