package io.gyre;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * A loop's pool of {@link Buffer}s: one block of memory, touched and registered with the kernel when the loop starts,
 * cut into sizes that are powers of two from 4 KiB to 1 MiB, each aligned to 4 KiB as O_DIRECT wants it.
 *
 * <p>Any thread may acquire and release. A buffer works with the files and sockets of every loop; with those of its own
 * loop it takes the registered form. Acquiring from a warm pool allocates nothing. Memory that was cut into small buffers
 * is not joined again: it serves small ones only.
 */
public final class BufferPool implements Buffer.Owner {
  /** The smallest buffer, in bytes; also the alignment of all. */
  public static final int MIN_BUFFER_BYTES = 4096;

  /** The largest buffer, in bytes. */
  public static final int MAX_BUFFER_BYTES = 1 << 20;

  private static final int MIN_SHIFT = Integer.numberOfTrailingZeros(MIN_BUFFER_BYTES);
  private static final int CLASSES =
      Integer.numberOfTrailingZeros(MAX_BUFFER_BYTES) - MIN_SHIFT + 1;

  private final String name;
  private final MemorySegment arena;
  private final AtomicLong carvedBytes = new AtomicLong();
  private final MpmcAtomicArrayQueue<Buffer>[] free;

  /**
   * Makes a pool; the loop does this.
   *
   * @param name for messages
   * @param bytes how much memory
   */
  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of queues
  BufferPool(String name, long bytes) {
    this.name = name;
    // Held by the garbage collector: a view that a user keeps for too long can never point at freed
    // memory. Allocation fills it with zeroes, which brings in every page.
    this.arena = Arena.ofAuto().allocate(bytes, MIN_BUFFER_BYTES);
    this.free = new MpmcAtomicArrayQueue[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
      free[i] = new MpmcAtomicArrayQueue<>((int) Math.max(2, bytes >> (MIN_SHIFT + i)));
    }
  }

  /**
   * Takes a buffer.
   *
   * @param bytes how much it must hold, 1 to {@link #MAX_BUFFER_BYTES}
   * @return a buffer with position 0 and its limit at {@code bytes}; the caller must release it
   * @throws IllegalArgumentException for a size out of range
   * @throws IllegalStateException when all is lent: release some, or start the runtime with a larger pool
   */
  public Buffer acquire(int bytes) {
    var buffer = tryAcquire(bytes);
    if (buffer == null) {
      throw new IllegalStateException(
          "no buffer of "
              + bytes
              + " bytes left in the pool of "
              + name
              + " ("
              + arena.byteSize()
              + " bytes): release buffers, or start the runtime with a larger bufferPoolBytes");
    }
    return buffer;
  }

  /**
   * Takes a buffer if there is one.
   *
   * @param bytes how much it must hold, 1 to {@link #MAX_BUFFER_BYTES}
   * @return a buffer with position 0 and its limit at {@code bytes}, or null when all is lent
   * @throws IllegalArgumentException for a size out of range
   */
  public Buffer tryAcquire(int bytes) {
    if (bytes < 1 || bytes > MAX_BUFFER_BYTES) {
      throw new IllegalArgumentException(
          "a pooled buffer holds 1 to " + MAX_BUFFER_BYTES + " bytes: " + bytes);
    }
    int sizeClass = sizeClass(bytes);
    var buffer = free[sizeClass].poll();
    if (buffer == null) {
      buffer = carve(sizeClass);
      if (buffer == null) {
        buffer = takeLarger(sizeClass);
        if (buffer == null) {
          return null;
        }
      }
    }
    buffer.lease();
    buffer.byteBuffer().clear().limit(bytes);
    return buffer;
  }

  /** Cuts a new buffer from what was never used, or null when that is too little. */
  private Buffer carve(int sizeClass) {
    long size = 1L << (MIN_SHIFT + sizeClass);
    long offset;
    do {
      offset = carvedBytes.get();
      if (offset + size > arena.byteSize()) {
        return null;
      }
    } while (!carvedBytes.compareAndSet(offset, offset + size));
    return new Buffer(this, arena.asSlice(offset, size), (int) (offset >> MIN_SHIFT));
  }

  private Buffer takeLarger(int sizeClass) {
    for (int i = sizeClass + 1; i < CLASSES; i++) {
      var buffer = free[i].poll();
      if (buffer != null) {
        return buffer;
      }
    }
    return null;
  }

  private static int sizeClass(int bytes) {
    return Math.max(0, Integer.SIZE - Integer.numberOfLeadingZeros(bytes - 1) - MIN_SHIFT);
  }

  /** Called by the buffer itself; not for users. */
  @Override
  public void recycle(Buffer buffer) {
    if (!free[sizeClass(buffer.capacity())].offer(buffer)) {
      throw new AssertionError(buffer + " came back to " + name + " twice");
    }
  }

  /**
   * For drivers: all memory of the pool, to be registered.
   *
   * @return native memory that stays valid while it is reachable
   */
  public MemorySegment memory() {
    return arena;
  }

  @Override
  public String toString() {
    return "pool of "
        + name
        + ", "
        + arena.byteSize()
        + " bytes, "
        + carvedBytes.get()
        + " in use or free for reuse";
  }
}
