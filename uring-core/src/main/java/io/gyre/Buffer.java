package io.gyre;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * Memory on loan from the runtime: taken from a {@link BufferPool}, or filled by a receive. It is off the Java heap and
 * known to the kernel, so that operations on it take a quicker form and allocate nothing.
 *
 * <p>{@link #byteBuffer()} is the content: reads fill it from its position to its limit, writes take what is between
 * them, just as channels do. Whoever has the buffer gives it back with {@link #release()}, once, from any thread. An
 * operation under way keeps it from being lent to others until the kernel has done with it, even if it is released
 * meanwhile. After the release neither the buffer nor its {@code ByteBuffer} may be used: the memory stays valid, but
 * somebody else's bytes are in it.
 */
public final class Buffer implements AutoCloseable {
  // Bit 0: lent to a user. The bits above it: how many operations are under way. The buffer goes
  // home when both are zero. Any thread changes it, by compare-and-set, so that a pin and a
  // release that race have an order and only one of them finds the zero.
  private static final VarHandle STATE;
  private static final int LEASED = 1;
  private static final int ONE_PIN = 2;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Buffer.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Takes buffers back. */
  @FunctionalInterface
  public interface Owner {
    /**
     * Called once for each lease, when it is released and nothing is under way any more. Any thread may call.
     *
     * @param buffer one of this owner's buffers
     */
    void recycle(Buffer buffer);
  }

  private final Owner owner;
  private final int id;
  private final long address;
  private final ByteBuffer byteBuffer;
  private volatile int state;

  /**
   * Makes a buffer that is not lent; for those who own memory, such as pools and drivers.
   *
   * @param owner takes it back
   * @param segment native memory that is never freed while the buffer or its view is reachable
   * @param id the owner's number for it
   */
  public Buffer(Owner owner, MemorySegment segment, int id) {
    this.owner = owner;
    this.id = id;
    this.address = segment.address();
    this.byteBuffer = segment.asByteBuffer();
  }

  /**
   * The content. Always the same object.
   *
   * @return a direct buffer, big-endian as any new one
   */
  public ByteBuffer byteBuffer() {
    return byteBuffer;
  }

  /**
   * How many bytes it holds.
   *
   * @return bytes
   */
  public int capacity() {
    return byteBuffer.capacity();
  }

  /**
   * For drivers: where the memory begins.
   *
   * @return an address
   */
  public long address() {
    return address;
  }

  /**
   * For owners: their number for it.
   *
   * @return the id
   */
  public int id() {
    return id;
  }

  /**
   * For owners: whether it is theirs.
   *
   * @param candidate an owner
   * @return true if it is the one that made the buffer
   */
  @SuppressWarnings("ReferenceEquality") // the owner itself, not one like it
  public boolean isOwnedBy(Owner candidate) {
    return owner == candidate;
  }

  /** For owners: lends the buffer. */
  public void lease() {
    if (!STATE.compareAndSet(this, 0, LEASED)) {
      throw new IllegalStateException("buffer " + id + " is not free: state " + state);
    }
  }

  /**
   * Gives the buffer back. If an operation on it is under way, its memory is lent to nobody until that has ended.
   *
   * @throws IllegalStateException when it was given back before
   */
  public void release() {
    int seen;
    do {
      seen = state;
      if ((seen & LEASED) == 0) {
        throw new IllegalStateException("buffer " + id + " was released before");
      }
    } while (!STATE.compareAndSet(this, seen, seen & ~LEASED));
    if (seen == LEASED) {
      owner.recycle(this);
    }
  }

  /** The same as {@link #release()}, for try-with-resources. */
  @Override
  public void close() {
    release();
  }

  /**
   * For the dispatcher: an operation begins.
   *
   * @throws IllegalStateException when the buffer has gone home
   */
  public void pin() {
    int seen;
    do {
      seen = state;
      if (seen == 0) {
        throw new IllegalStateException(
            "buffer " + id + " was released: it can't be read into or written from");
      }
    } while (!STATE.compareAndSet(this, seen, seen + ONE_PIN));
  }

  /**
   * For those who start an operation from another thread than the loop's: keeps the buffer from going home until the
   * loop has taken over.
   *
   * @param loop where to start it
   * @param start starts it, on the loop's thread
   */
  public void executePinned(EventLoop loop, Runnable start) {
    pin();
    try {
      loop.execute(
          () -> {
            try {
              start.run();
            } finally {
              unpin();
            }
          });
    } catch (RuntimeException e) {
      unpin();
      throw e;
    }
  }

  /** For the dispatcher: an operation has ended. */
  public void unpin() {
    int before = (int) STATE.getAndAdd(this, -ONE_PIN);
    if (before == ONE_PIN) {
      owner.recycle(this);
    }
  }

  @Override
  public String toString() {
    int seen = state;
    return "buffer "
        + id
        + " of "
        + capacity()
        + " bytes, "
        + ((seen & LEASED) != 0 ? "leased" : "free")
        + ", "
        + (seen >> 1)
        + " operations";
  }
}
