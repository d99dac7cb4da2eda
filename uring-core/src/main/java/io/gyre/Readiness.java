package io.gyre;

/**
 * Reads the result of a poll: the events of poll(2), as one number, so that an event allocates nothing.
 *
 * <p>An event is a hint. What it announced may be gone when the handler looks, because somebody else took it. Whether a
 * side was closed is told apart by io_uring only: NIO reports a hang-up or an error as whatever was waited for, and
 * reading or writing finds out.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/poll.2.html">poll(2)</a>
 */
public final class Readiness {
  /** POLLIN: something can be read or accepted. */
  public static final int READABLE = 0x1;

  /** POLLPRI: something exceptional. */
  public static final int PRIORITY = 0x2;

  /** POLLOUT: there is room to write. */
  public static final int WRITABLE = 0x4;

  /** POLLERR: an error, or the reader of a pipe is gone. */
  public static final int ERROR = 0x8;

  /** POLLHUP: both directions are closed, or the writer of a pipe is gone. */
  public static final int HANG_UP = 0x10;

  /** POLLRDHUP: the peer of a socket will send no more. */
  public static final int READ_HANG_UP = 0x2000;

  private Readiness() {}

  /**
   * Whether something can be read or accepted. At the end of a pipe only {@link #isReadClosed} is true.
   *
   * @param mask a poll's result
   * @return true if so
   */
  public static boolean isReadable(int mask) {
    return (mask & READABLE) != 0;
  }

  /**
   * Whether there is room to write.
   *
   * @param mask a poll's result
   * @return true if so
   */
  public static boolean isWritable(int mask) {
    return (mask & WRITABLE) != 0;
  }

  /**
   * Whether something exceptional can be read.
   *
   * @param mask a poll's result
   * @return true if so
   */
  public static boolean isPriority(int mask) {
    return (mask & PRIORITY) != 0;
  }

  /**
   * Whether nothing will come after what can be read now.
   *
   * @param mask a poll's result
   * @return true if so; false may also mean that the driver can't tell
   */
  public static boolean isReadClosed(int mask) {
    return (mask & (HANG_UP | READ_HANG_UP)) != 0;
  }

  /**
   * Whether nothing more can be written.
   *
   * @param mask a poll's result
   * @return true if so; false may also mean that the driver can't tell
   */
  public static boolean isWriteClosed(int mask) {
    return (mask & (HANG_UP | ERROR)) != 0;
  }

  /**
   * Whether there is an error, which the next operation will tell.
   *
   * @param mask a poll's result
   * @return true if so; false may also mean that the driver can't tell
   */
  public static boolean isError(int mask) {
    return (mask & ERROR) != 0;
  }
}
