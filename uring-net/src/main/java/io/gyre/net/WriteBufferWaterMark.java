package io.gyre.net;

/**
 * When a {@link ByteStream} says that it has enough to write for now, and when that it takes more: between the two marks
 * it keeps to what it said last, so that it does not change its mind with every write.
 *
 * <p>The marks refuse nothing. A producer that does not ask, and does not wait for what it writes, queues without bound.
 *
 * @param lowBytes with this many bytes queued or fewer it is writable again; from 0
 * @param highBytes with more bytes queued than this it is no longer writable; at least {@code lowBytes}
 */
public record WriteBufferWaterMark(long lowBytes, long highBytes) {
  /** 32 KiB and 64 KiB. */
  public static final WriteBufferWaterMark DEFAULT = new WriteBufferWaterMark(32 << 10, 64 << 10);

  /** Checks the ranges. */
  public WriteBufferWaterMark {
    if (lowBytes < 0 || highBytes < lowBytes) {
      throw new IllegalArgumentException(
          "the low mark must be from 0 to the high mark: low "
              + lowBytes
              + " bytes, high "
              + highBytes
              + " bytes");
    }
  }

  /**
   * The same with another low mark.
   *
   * @param bytes from 0 to the high mark
   * @return marks
   */
  public WriteBufferWaterMark withLowBytes(long bytes) {
    return new WriteBufferWaterMark(bytes, highBytes);
  }

  /**
   * The same with another high mark.
   *
   * @param bytes the low mark or more
   * @return marks
   */
  public WriteBufferWaterMark withHighBytes(long bytes) {
    return new WriteBufferWaterMark(lowBytes, bytes);
  }
}
