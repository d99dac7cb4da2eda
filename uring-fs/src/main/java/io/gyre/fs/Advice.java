package io.gyre.fs;

/**
 * How a range of a file will be used: a hint to the page cache.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/posix_fadvise.2.html">posix_fadvise(2)</a>
 */
public enum Advice {
  /** In no special way. */
  NORMAL(0),
  /** Here and there: reading ahead is of no use. */
  RANDOM(1),
  /** From front to back: read further ahead. */
  SEQUENTIAL(2),
  /** Soon: begin to read it. */
  WILL_NEED(3),
  /** Not soon: let go of what was written back already. */
  DONT_NEED(4),
  /** Once only. */
  NO_REUSE(5);

  /** The same on x86_64 and aarch64. */
  final int number;

  Advice(int number) {
    this.number = number;
  }
}
