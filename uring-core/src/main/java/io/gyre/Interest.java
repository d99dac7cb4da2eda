package io.gyre;

/**
 * What a poll waits for. Hang-ups and errors are reported whatever was asked for.
 *
 * @param mask the events of poll(2), any of POLLIN, POLLPRI, POLLOUT and POLLRDHUP
 * @see <a href="https://man7.org/linux/man-pages/man2/poll.2.html">poll(2)</a>
 */
public record Interest(int mask) {
  private static final int ALLOWED =
      Readiness.READABLE | Readiness.PRIORITY | Readiness.WRITABLE | Readiness.READ_HANG_UP;

  /** Something can be read or accepted, or the peer will send no more. */
  public static final Interest READABLE = new Interest(Readiness.READABLE | Readiness.READ_HANG_UP);

  /** There is room to write, or a connection was made. */
  public static final Interest WRITABLE = new Interest(Readiness.WRITABLE);

  /** Something exceptional, such as urgent data of TCP. Not on the NIO driver. */
  public static final Interest PRIORITY = new Interest(Readiness.PRIORITY);

  /** Checks the mask. */
  public Interest {
    if (mask == 0 || (mask & ~ALLOWED) != 0) {
      throw new IllegalArgumentException(
          "interest must be some of POLLIN, POLLPRI, POLLOUT and POLLRDHUP: 0x"
              + Integer.toHexString(mask));
    }
  }

  /**
   * Both this and another: {@code READABLE.add(WRITABLE)}.
   *
   * @param other what to wait for as well
   * @return what either waits for
   */
  public Interest add(Interest other) {
    return new Interest(mask | other.mask);
  }

  /**
   * Whether it waits for something to read.
   *
   * @return true with {@link #READABLE}
   */
  public boolean isReadable() {
    return (mask & Readiness.READABLE) != 0;
  }

  /**
   * Whether it waits for room to write.
   *
   * @return true with {@link #WRITABLE}
   */
  public boolean isWritable() {
    return (mask & Readiness.WRITABLE) != 0;
  }

  /**
   * Whether it waits for something exceptional.
   *
   * @return true with {@link #PRIORITY}
   */
  public boolean isPriority() {
    return (mask & Readiness.PRIORITY) != 0;
  }
}
