package io.gyre.fs;

import io.gyre.BufferPool;
import java.util.Objects;

/**
 * How a file is written as a stream: where, how much at the same time, and what makes it durable in the end.
 *
 * <p>Up to {@code depth} blocks are written at the same time, at offsets one behind the other. What has no offsets (pipes,
 * sockets, character devices, and files opened with APPEND) is written one block after the other, and {@code position} is
 * without meaning there.
 *
 * <p>The default is 4 blocks of 256 KiB, as for {@link ReadAhead}, and no sync.
 *
 * @param position where to begin, in bytes, not negative
 * @param blockBytes the size of the blocks that an output stream gathers, 1 to {@link BufferPool#MAX_BUFFER_BYTES}; who
 *     brings buffers of his own chooses it himself
 * @param depth how many blocks are in flight or wait for it, 1 to {@link ReadAhead#MAX_DEPTH}
 * @param sync what is done when all is written
 */
public record WriteBehind(long position, int blockBytes, int depth, Sync sync) {
  /** What is done when all is written. */
  public enum Sync {
    /** Nothing: the system writes to the device when it likes. */
    NONE,
    /** What is needed to read the data back is made durable: fdatasync(2). */
    DATA,
    /** Data and all metadata are made durable: fsync(2). */
    ALL
  }

  /** From the beginning of the file, 4 blocks of 256 KiB, no sync. */
  public static final WriteBehind DEFAULT = new WriteBehind(0, 256 << 10, 4, Sync.NONE);

  /**
   * Checks what is asked for.
   *
   * @throws IllegalArgumentException when something is out of range
   */
  public WriteBehind {
    if (position < 0) {
      throw new IllegalArgumentException("position must not be negative: " + position);
    }
    ReadAhead.checkBlocks(blockBytes, depth);
    Objects.requireNonNull(sync, "sync");
  }

  /**
   * The same elsewhere.
   *
   * @param value where to begin, in bytes
   * @return a new object
   */
  public WriteBehind at(long value) {
    return new WriteBehind(value, blockBytes, depth, sync);
  }

  /**
   * The same in blocks of another size.
   *
   * @param value bytes
   * @return a new object
   */
  public WriteBehind blockBytes(int value) {
    return new WriteBehind(position, value, depth, sync);
  }

  /**
   * The same with another number of blocks at a time.
   *
   * @param value how many
   * @return a new object
   */
  public WriteBehind depth(int value) {
    return new WriteBehind(position, blockBytes, value, sync);
  }

  /**
   * The same with another end.
   *
   * @param value what is done when all is written
   * @return a new object
   */
  public WriteBehind sync(Sync value) {
    return new WriteBehind(position, blockBytes, depth, value);
  }
}
