package io.gyre.fs;

import io.gyre.BufferPool;

/**
 * How a file is read as a stream: from where, how much, and how far ahead.
 *
 * <p>Up to {@code depth} blocks of {@code blockBytes} are read at the same time, up to the size that the file has when
 * reading begins; what is behind that, as in a file that grows, a pipe or a file of {@code /proc}, is read one block at a
 * time. A stream holds no more than {@code depth} buffers of the loop's pool, and waits for them in line where there are
 * none.
 *
 * <p>The default is 4 blocks of 256 KiB: as much in flight as one read of 1 MiB, which keeps a disk busy, in pieces that
 * fit a processor's second-level cache, so that what was copied out of the page cache is still near when it is used.
 *
 * <p>For a file that is open with {@link AsyncFile#DIRECT} position, length and block must be multiples of the device's
 * block size.
 *
 * @param position where to begin, in bytes, not negative
 * @param length how much to read at most, in bytes; {@link Long#MAX_VALUE} is all up to the end
 * @param blockBytes the size of a block, 1 to {@link BufferPool#MAX_BUFFER_BYTES}
 * @param depth how many blocks are in flight or wait to be taken, 1 to {@link #MAX_DEPTH}
 */
public record ReadAhead(long position, long length, int blockBytes, int depth) {
  /** How many blocks can be in flight at most. */
  public static final int MAX_DEPTH = 1024;

  /** All of the file, in 4 blocks of 256 KiB. */
  public static final ReadAhead DEFAULT = new ReadAhead(0, Long.MAX_VALUE, 256 << 10, 4);

  /**
   * Checks what is asked for.
   *
   * @throws IllegalArgumentException when something is out of range
   */
  public ReadAhead {
    if (position < 0) {
      throw new IllegalArgumentException("position must not be negative: " + position);
    }
    if (length < 0) {
      throw new IllegalArgumentException("length must not be negative: " + length);
    }
    checkBlocks(blockBytes, depth);
  }

  static void checkBlocks(int blockBytes, int depth) {
    if (blockBytes < 1 || blockBytes > BufferPool.MAX_BUFFER_BYTES) {
      throw new IllegalArgumentException(
          "a block has 1 to " + BufferPool.MAX_BUFFER_BYTES + " bytes: " + blockBytes);
    }
    if (depth < 1 || depth > MAX_DEPTH) {
      throw new IllegalArgumentException("depth must be from 1 to " + MAX_DEPTH + ": " + depth);
    }
  }

  /**
   * The same from elsewhere.
   *
   * @param value where to begin, in bytes
   * @return a new object
   */
  public ReadAhead from(long value) {
    return new ReadAhead(value, length, blockBytes, depth);
  }

  /**
   * The same for a part of the file.
   *
   * @param value how much to read at most, in bytes
   * @return a new object
   */
  public ReadAhead length(long value) {
    return new ReadAhead(position, value, blockBytes, depth);
  }

  /**
   * The same in blocks of another size.
   *
   * @param value bytes
   * @return a new object
   */
  public ReadAhead blockBytes(int value) {
    return new ReadAhead(position, length, value, depth);
  }

  /**
   * The same with another number of blocks ahead.
   *
   * @param value how many
   * @return a new object
   */
  public ReadAhead depth(int value) {
    return new ReadAhead(position, length, blockBytes, value);
  }

  /** Where reading ends at the latest. */
  long end() {
    return length > Long.MAX_VALUE - position ? Long.MAX_VALUE : position + length;
  }
}
