package io.gyre;

import io.gyre.driver.BufferAccess;
import io.gyre.driver.Operation;
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
 *
 * <p>A use after the release throws {@link IllegalStateException} as long as the buffer rests. Once it is lent again it
 * looks like the new holder's: {@link #generation()} tells the two apart, and {@linkplain LeakDetection leak detection}
 * gives each lease that it watches an object of its own, which is refused for ever after.
 */
public final class Buffer implements AutoCloseable {
  // From the top: 32 bits of generation, 31 bits that count the operations under way, and whether
  // it is lent to a user. When the counts come to zero the buffer goes home, and the generation
  // moves on in the same step. Any thread changes it, by compare-and-set, so that a pin and a
  // release that race have an order and only one of them finds the zero. Only lending is a mere
  // store: a buffer at home is its owner's, and everybody else's change is refused.
  private static final VarHandle STATE;
  private static final long LEASED = 1;
  private static final long ONE_PIN = 2;
  private static final long COUNTS = 0xFFFF_FFFFL;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Buffer.class, "state", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    Access.provideAccess();
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
  private volatile long state;

  /** Makes a buffer that is at home. */
  Buffer(Owner owner, MemorySegment segment, int id) {
    this.owner = owner;
    this.id = id;
    this.address = segment.address();
    this.byteBuffer = segment.asByteBuffer();
  }

  /**
   * The content. Always the same object.
   *
   * @return a direct buffer, big-endian as any new one
   * @throws IllegalStateException when the buffer was released, and no operation on it is under way
   */
  public ByteBuffer byteBuffer() {
    if ((state & COUNTS) == 0) {
      throw released();
    }
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

  /**
   * Which of its leases this is: the number changes each time the buffer goes home. Who remembers it can {@linkplain
   * #release(int) release} exactly that lease and no other's.
   *
   * @return a number that repeats after 2<sup>32</sup> leases
   */
  public int generation() {
    return generation(state);
  }

  private static int generation(long state) {
    return (int) (state >>> Integer.SIZE);
  }

  /** For owners: lends the buffer. */
  void lease() {
    long seen = state;
    if ((seen & COUNTS) != 0) {
      throw new IllegalStateException(this + " is not free to be lent");
    }
    STATE.setRelease(this, seen | LEASED);
  }

  /**
   * Gives the buffer back. If an operation on it is under way, its memory is lent to nobody until that has ended.
   *
   * @throws IllegalStateException when it was given back before
   */
  public void release() {
    release(generation(state));
  }

  /**
   * Gives the buffer back if it is still on the lease that the caller means.
   *
   * @param generation what {@link #generation()} was when the caller got the buffer
   * @throws IllegalStateException when that lease was given back before, even if the buffer is lent to another now
   */
  public void release(int generation) {
    long seen;
    long then;
    do {
      seen = state;
      if ((seen & LEASED) == 0 || generation(seen) != generation) {
        throw released();
      }
      then = withoutOne(seen, LEASED);
    } while (!STATE.compareAndSet(this, seen, then));
    if ((then & COUNTS) == 0) {
      owner.recycle(this);
    }
  }

  /** The state with one reason less to be away; with none left, that of the next generation. */
  private static long withoutOne(long state, long one) {
    long left = state - one;
    return (left & COUNTS) == 0 ? (state | COUNTS) + 1 : left;
  }

  /** The same as {@link #release()}, for try-with-resources. */
  @Override
  public void close() {
    release();
  }

  /** For the dispatcher: an operation begins. */
  int pin() {
    long seen;
    do {
      seen = state;
      if ((seen & COUNTS) == 0) {
        throw released();
      }
    } while (!STATE.compareAndSet(this, seen, seen + ONE_PIN));
    return generation(seen);
  }

  /** For the dispatcher: an operation has ended. */
  void unpin(int generation) {
    long seen;
    long then;
    do {
      seen = state;
      if ((seen & COUNTS) < ONE_PIN || generation(seen) != generation) {
        throw new IllegalStateException(
            this
                + " has no operation under way of generation "
                + Integer.toUnsignedString(generation));
      }
      then = withoutOne(seen, ONE_PIN);
    } while (!STATE.compareAndSet(this, seen, then));
    if ((then & COUNTS) == 0) {
      owner.recycle(this);
    }
  }

  /**
   * For those who start an operation from another thread than the loop's: keeps the buffer from going home until the
   * loop has taken over.
   *
   * @param loop where to start it
   * @param start starts it, on the loop's thread
   * @throws IllegalStateException when the buffer was released
   */
  public void executePinned(EventLoop loop, Runnable start) {
    int generation = pin();
    try {
      loop.execute(
          () -> {
            try {
              start.run();
            } finally {
              unpin(generation);
            }
          });
    } catch (RuntimeException e) {
      unpin(generation);
      throw e;
    }
  }

  private IllegalStateException released() {
    return new IllegalStateException(
        this + " was released: it can't be used, or released again, by who had it");
  }

  @Override
  public String toString() {
    long seen = state;
    return "buffer "
        + id
        + " of "
        + capacity()
        + " bytes, "
        + ((seen & LEASED) != 0 ? "lent" : "not lent")
        + ", "
        + ((seen & COUNTS) >> 1)
        + " operations, generation "
        + Integer.toUnsignedString(generation(seen));
  }

  /** What {@link BufferAccess} describes, handed to the SPI and to nobody else. */
  private static final class Access extends BufferAccess {
    static void provideAccess() {
      provide(new Access());
    }

    @Override
    public Buffer create(Owner owner, MemorySegment memory, int id) {
      return new Buffer(owner, memory, id);
    }

    @Override
    public Buffer lend(Buffer home, LeaseTracker tracker, Operation receiver) {
      return tracker.lend(home, receiver);
    }

    @Override
    public int pin(Buffer buffer) {
      return buffer.pin();
    }

    @Override
    public void unpin(Buffer buffer, int generation) {
      buffer.unpin(generation);
    }

    @Override
    public ByteBuffer view(Buffer buffer) {
      return buffer.byteBuffer;
    }

    @Override
    public MemorySegment memory(BufferPool pool) {
      return pool.memory();
    }

    @Override
    public Owner owner(BufferPool pool) {
      return pool.owner();
    }

    @Override
    public LeaseTracker tracker(BufferPool pool) {
      return pool.tracker();
    }
  }
}
