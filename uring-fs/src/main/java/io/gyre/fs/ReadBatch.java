package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.BufferAccess;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Arrays;
import java.util.Objects;

/**
 * Reads of one file that are started together: with io_uring they go to the kernel in one system call, and from another
 * thread than the loop's they take one hop. Made once, it is filled, read and cleared any number of times; with pooled
 * buffers nothing is allocated once it has been as large as it gets.
 *
 * <pre>{@code
 * batch.clear();
 * for (var block : wanted) {
 *   batch.add(block.buffer(), block.offset());
 * }
 * file.readBatch(batch, request, handler); // one outcome, when all have ended
 * }</pre>
 *
 * <p>One read that fails does not keep the others from being done: {@link #result} and {@link #failure} tell of each.
 *
 * <p>Not for several threads at once. From the call that starts the reads to the outcome neither the batch nor its
 * buffers may be touched; {@link #add}, {@link #clear} and a second start then throw {@link IllegalStateException}.
 *
 * @see AsyncFile#readBatch(ReadBatch, Object, io.gyre.IoHandler)
 * @see AsyncFile#readEach(ReadBatch, Object, ReadBatchHandler)
 */
public final class ReadBatch {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final VarHandle UNDER_WAY;

  static {
    try {
      UNDER_WAY = MethodHandles.lookup().findVarHandle(ReadBatch.class, "underWay", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private BatchedRead[] reads;
  private int size;

  // Set by whoever starts the reads, cleared by the loop behind all that it writes of them.
  private volatile boolean underWay;

  /** What ends the reads; set by whoever starts them. */
  final BatchRun run = new BatchRun(this);

  /** Makes an empty batch. */
  public ReadBatch() {
    this(16);
  }

  /**
   * Makes an empty batch.
   *
   * @param expectedSize for how many reads there shall be room from the beginning; it grows by itself
   * @throws IllegalArgumentException when it is negative
   */
  public ReadBatch(int expectedSize) {
    if (expectedSize < 0) {
      throw new IllegalArgumentException("expectedSize must not be negative: " + expectedSize);
    }
    reads = new BatchedRead[expectedSize];
    for (int i = 0; i < expectedSize; i++) {
      reads[i] = new BatchedRead(run, i);
    }
  }

  /**
   * Adds a read.
   *
   * @param dst what remains of it is filled; the kernel's from the start of the batch to its outcome
   * @param position where in the file, not negative
   * @return this
   * @throws IllegalArgumentException for a negative position
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws IllegalStateException while the batch is being read
   */
  public ReadBatch add(ByteBuffer dst, long position) {
    OpenFile.checkPosition(position);
    if (dst.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    next().set(dst, null, position);
    return this;
  }

  /**
   * Adds a read into a pooled buffer.
   *
   * @param dst what remains of it is filled; the kernel's from the start of the batch to its outcome, even if it is
   *     released meanwhile
   * @param position where in the file, not negative
   * @return this
   * @throws IllegalArgumentException for a negative position
   * @throws IllegalStateException while the batch is being read, or when the buffer was released
   */
  public ReadBatch add(Buffer dst, long position) {
    OpenFile.checkPosition(position);
    Objects.requireNonNull(dst.byteBuffer());
    next().set(BUFFERS.view(dst), dst, position);
    return this;
  }

  private BatchedRead next() {
    requireIdle();
    if (size == reads.length) {
      reads = Arrays.copyOf(reads, Math.max(8, 2 * size));
    }
    if (reads[size] == null) {
      reads[size] = new BatchedRead(run, size);
    }
    return reads[size++];
  }

  /**
   * Forgets the reads and their results.
   *
   * @throws IllegalStateException while the batch is being read
   */
  public void clear() {
    requireIdle();
    for (int i = 0; i < size; i++) {
      reads[i].clear();
    }
    size = 0;
  }

  /**
   * How many reads there are.
   *
   * @return from 0
   */
  public int size() {
    return size;
  }

  /**
   * How one of the reads ended.
   *
   * @param index which, from 0 in the order in which they were added
   * @return how many bytes, which may be fewer than remained; -1 at the end of the file
   * @throws IllegalStateException when it has not ended, or has failed
   * @throws IndexOutOfBoundsException when there is no such read
   */
  public int result(int index) {
    return read(index).result();
  }

  /**
   * Why one of the reads failed.
   *
   * @param index which
   * @return the failure, or null when it succeeded
   * @throws IllegalStateException when it has not ended
   * @throws IndexOutOfBoundsException when there is no such read
   */
  public Throwable failure(int index) {
    return read(index).failure();
  }

  BatchedRead read(int index) {
    return reads[Objects.checkIndex(index, size)];
  }

  private void requireIdle() {
    if (underWay) {
      throw beingRead();
    }
  }

  private static IllegalStateException beingRead() {
    return new IllegalStateException("the batch is being read: wait for its outcome");
  }

  /** Any thread. */
  void begin() {
    if (!UNDER_WAY.compareAndSet(this, false, true)) {
      throw beingRead();
    }
  }

  /** Makes it the user's again. */
  void end() {
    underWay = false;
  }
}
