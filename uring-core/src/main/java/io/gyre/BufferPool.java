package io.gyre;

import io.gyre.driver.LoopFuture;
import io.gyre.driver.PoolMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * A loop's pool of {@link Buffer}s: one block of memory, brought in and registered with the kernel when the loop starts,
 * cut into sizes that are powers of two from 4 KiB to 1 MiB, each aligned to 4 KiB as O_DIRECT wants it.
 *
 * <p>Any thread may acquire and release. A buffer works with the files and sockets of every loop; with those of its own
 * loop it takes the registered form. Acquiring from a warm pool allocates nothing.
 *
 * <p>The pool is bounded. When it has nothing left, {@link #tryAcquire} returns null, {@link #acquire} throws, and {@link
 * #acquireAsync} waits in line. Memory that was cut into small buffers is joined again when a larger one is wanted.
 */
public final class BufferPool {
  /** The smallest buffer, in bytes; also the alignment of all. */
  public static final int MIN_BUFFER_BYTES = 4096;

  /** The largest buffer, in bytes. */
  public static final int MAX_BUFFER_BYTES = 1 << 20;

  private static final int MIN_SHIFT = Integer.numberOfTrailingZeros(MIN_BUFFER_BYTES);
  private static final int CLASSES =
      Integer.numberOfTrailingZeros(MAX_BUFFER_BYTES) - MIN_SHIFT + 1;

  private final String name;
  private final PoolMemory memory;
  private final LeaseTracker tracker;
  private final Thread loopThread;
  private final Executor loop;
  private final Buffer.Owner owner = this::takeBack; // not the pool itself: users hold that

  // Where a free buffer is. One of each size in the hand of the loop's thread, which takes and puts
  // it without an atomic operation: a handler that releases one and acquires the next meets no
  // other thread. All others that were lent before, in a queue for each size. The rest, as blocks
  // under their own monitor: entered when a queue is empty, and never with another lock held.
  private final Buffer[] inHand = new Buffer[CLASSES];
  private final MpmcAtomicArrayQueue<Buffer>[] free;
  private final BuddyBlocks blocks;

  // Who waits for a buffer, first come first served. The loop's thread only; how many there are is
  // read by all.
  private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
  private volatile int waiting;
  private final AtomicBoolean servingSoon = new AtomicBoolean();
  private boolean closed;

  /** A buffer to come. */
  private static final class Waiter extends LoopFuture<Buffer> {
    final int bytes;

    Waiter(int bytes) {
      this.bytes = bytes;
    }
  }

  /**
   * Makes a pool; the loop does this.
   *
   * @param name for messages
   * @param memory what to lend: a multiple of the largest buffer
   * @param tracker watches the leases
   * @param loopThread the loop's
   * @param loop runs tasks on that thread, until it ends
   */
  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of queues
  BufferPool(
      String name, PoolMemory memory, LeaseTracker tracker, Thread loopThread, Executor loop) {
    this.name = name;
    this.memory = memory;
    this.tracker = tracker;
    this.loopThread = loopThread;
    this.loop = loop;
    long bytes = memory.segment().byteSize();
    this.blocks = new BuddyBlocks((int) (bytes / MAX_BUFFER_BYTES), CLASSES);
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
   * @throws IllegalStateException when {@link #tryAcquire} has none: release some, wait with {@link #acquireAsync}, or
   *     start the runtime with a larger pool
   */
  public Buffer acquire(int bytes) {
    var buffer = tryAcquire(bytes);
    if (buffer == null) {
      throw new IllegalStateException(
          "no buffer of "
              + bytes
              + " bytes left in the "
              + this
              + ": release buffers, wait with acquireAsync, or start the runtime with a larger"
              + " bufferPoolBytes; -D"
              + LeakDetection.PROPERTY
              + "=full names buffers that were never released");
    }
    return buffer;
  }

  /**
   * Takes a buffer if there is one.
   *
   * @param bytes how much it must hold, 1 to {@link #MAX_BUFFER_BYTES}
   * @return a buffer with position 0 and its limit at {@code bytes}; or null when no free memory of that length is left,
   *     while others wait in line, or, on another thread than the loop's, when the last one is in the loop's hand: it is
   *     put down at the loop's next turn
   * @throws IllegalArgumentException for a size out of range
   */
  public Buffer tryAcquire(int bytes) {
    checkSize(bytes);
    return waiting > 0 ? null : take(bytes);
  }

  /**
   * Takes a buffer as soon as there is one. Requests that wait are served in the order in which they came, and before
   * {@link #tryAcquire}; a large one is not passed over for small ones behind it. Cancelling the future leaves the line.
   *
   * @param bytes how much it must hold, 1 to {@link #MAX_BUFFER_BYTES}
   * @return completes at once, or on the loop's thread, with a buffer as {@link #acquire} gives it; with {@link
   *     ShutdownChannelGroupException} when the loop ends before
   * @throws IllegalArgumentException for a size out of range
   * @throws ShutdownChannelGroupException when the loop has ended, and nothing is free
   */
  public CompletableFuture<Buffer> acquireAsync(int bytes) {
    var buffer = tryAcquire(bytes);
    if (buffer != null) {
      return LoopFuture.completed(buffer);
    }
    var waiter = new Waiter(bytes);
    loop.execute(() -> enqueue(waiter));
    return waiter;
  }

  private static void checkSize(int bytes) {
    if (bytes < 1 || bytes > MAX_BUFFER_BYTES) {
      throw new IllegalArgumentException(
          "a pooled buffer holds 1 to " + MAX_BUFFER_BYTES + " bytes: " + bytes);
    }
  }

  private Buffer take(int bytes) {
    int sizeClass = sizeClass(bytes);
    var home = Thread.currentThread() == loopThread ? inHand[sizeClass] : null;
    if (home != null) {
      inHand[sizeClass] = null;
    } else {
      home = free[sizeClass].poll();
      if (home == null) {
        home = cut(sizeClass);
        if (home == null) {
          return null;
        }
      }
    }
    var buffer = tracker.lend(home, null);
    buffer.byteBuffer().clear().limit(bytes);
    return buffer;
  }

  /** Cuts a new buffer from free memory, joined from what the queues hold if it must be. */
  private Buffer cut(int sizeClass) {
    int unit;
    boolean inHandOnly = false;
    synchronized (blocks) {
      unit = blocks.take(sizeClass);
      if (unit < 0 && freeUnits() >= 1 << sizeClass) {
        gatherFree();
        unit = blocks.take(sizeClass);
        inHandOnly = unit < 0 && Thread.currentThread() != loopThread;
      }
    }
    if (unit < 0) {
      if (inHandOnly) {
        serveSoon();
      }
      return null;
    }
    long offset = (long) unit << MIN_SHIFT;
    return new Buffer(
        owner, memory.segment().asSlice(offset, (long) MIN_BUFFER_BYTES << sizeClass), unit);
  }

  /** Turns free buffers into free blocks. Their objects end here, for ever at home. */
  private void gatherFree() {
    if (Thread.currentThread() == loopThread) {
      putDown();
    }
    for (int i = 0; i < CLASSES; i++) {
      for (var buffer = free[i].poll(); buffer != null; buffer = free[i].poll()) {
        blocks.give(buffer.id(), i);
      }
    }
  }

  /** What the loop's thread has in hand is free to all from here on. */
  private void putDown() {
    for (int i = 0; i < CLASSES; i++) {
      if (inHand[i] != null) {
        free[i].offer(inHand[i]);
        inHand[i] = null;
      }
    }
  }

  /** How much is free, roughly while others take and release. */
  private long freeUnits() {
    long units = blocks.freeUnits();
    for (int i = 0; i < CLASSES; i++) {
      units += ((long) free[i].size() + (inHand[i] == null ? 0 : 1)) << i;
    }
    return units;
  }

  private static int sizeClass(int bytes) {
    return Math.max(0, Integer.SIZE - Integer.numberOfLeadingZeros(bytes - 1) - MIN_SHIFT);
  }

  /** A buffer came home, on whatever thread let go of it. */
  private void takeBack(Buffer buffer) {
    int sizeClass = sizeClass(buffer.capacity());
    boolean onLoop = Thread.currentThread() == loopThread;
    if (onLoop && inHand[sizeClass] == null) {
      inHand[sizeClass] = buffer;
    } else if (!free[sizeClass].offer(buffer)) {
      throw new AssertionError(buffer + " came back to " + name + " twice");
    }
    if (!onLoop) {
      VarHandle.fullFence(); // against enqueue, which counts the waiter and then looks for a buffer
    }
    if (waiting > 0) {
      serveSoon();
    }
  }

  private void enqueue(Waiter waiter) {
    if (closed) {
      waiter.completeExceptionally(new ShutdownChannelGroupException());
      return;
    }
    waiters.add(waiter);
    waiting = waiters.size();
    VarHandle.fullFence(); // against takeBack, which puts a buffer and then looks for waiters
    serve();
  }

  /** Has the loop serve those who wait. Never at once: who releases a buffer must not run their handlers. */
  private void serveSoon() {
    if (servingSoon.compareAndSet(false, true)) {
      try {
        loop.execute(
            () -> {
              servingSoon.set(false);
              putDown();
              serve();
            });
      } catch (ShutdownChannelGroupException e) {
        servingSoon.set(false); // nobody waits any more
      }
    }
  }

  private void serve() {
    for (var first = waiters.peek(); first != null; first = waiters.peek()) {
      var buffer = first.isDone() ? null : take(first.bytes);
      if (buffer == null && !first.isDone()) {
        return;
      }
      waiters.poll();
      waiting = waiters.size();
      if (buffer != null && !first.complete(buffer)) {
        buffer.release(); // cancelled just then
      }
    }
  }

  /** Ends the waiting: the loop ends. What is lent comes back all the same. */
  void close() {
    closed = true;
    putDown();
    for (var waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
      waiter.completeExceptionally(new ShutdownChannelGroupException());
    }
    waiting = 0;
  }

  /**
   * How much of a pool a buffer takes.
   *
   * @param bytes what {@link #tryAcquire} or {@link #acquireAsync} is asked for, 1 to {@link #MAX_BUFFER_BYTES}
   * @return the capacity of the buffer that it gives
   * @throws IllegalArgumentException for a size out of range
   */
  public static int capacityFor(int bytes) {
    checkSize(bytes);
    return MIN_BUFFER_BYTES << sizeClass(bytes);
  }

  /**
   * How much there is in all, lent or not.
   *
   * @return bytes, a multiple of {@link #MAX_BUFFER_BYTES}
   */
  public long capacityBytes() {
    return memory.segment().byteSize();
  }

  /**
   * How much is lent, or still in use by an operation. Takes a lock and looks at all sizes: for tests and monitoring.
   *
   * @return bytes, exact while nobody acquires or releases
   */
  public long lentBytes() {
    synchronized (blocks) {
      return memory.segment().byteSize() - (freeUnits() << MIN_SHIFT);
    }
  }

  /**
   * How many leases of the loop's buffers, pooled and received, were dropped without a release, as far as {@linkplain
   * LeakDetection leak detection} has noticed.
   *
   * @return a count since the start
   */
  public long leaks() {
    return tracker.leaks();
  }

  /**
   * What the memory is made of, for people to read.
   *
   * @return for instance {@code huge pages of 2048 KiB}
   */
  public String pages() {
    return memory.pages();
  }

  MemorySegment memory() {
    return memory.segment();
  }

  Buffer.Owner owner() {
    return owner;
  }

  LeaseTracker tracker() {
    return tracker;
  }

  @Override
  public String toString() {
    return "pool of "
        + name
        + " ("
        + memory.segment().byteSize()
        + " bytes of "
        + memory.pages()
        + ", "
        + lentBytes()
        + " lent, "
        + waiting
        + " waiting)";
  }
}
