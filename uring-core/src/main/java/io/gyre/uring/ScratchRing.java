package io.gyre.uring;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/**
 * A small ring of a {@link SelfTest}, set up as the driver's is. Belongs to the thread that opened it. Closing it waits
 * until what was submitted has ended, cancelled if need be: the memory that it named may then go.
 */
final class ScratchRing implements AutoCloseable {
  private static final int SQ_ENTRIES = 16;
  private static final int CQ_ENTRIES = 32;
  private static final long STEP_NANOS = 100_000_000;
  private static final int MOST_STEPS = 20;
  private static final long POLL_NANOS = 1_000_000;
  private static final int MOST_POLLS = 2000;
  private static final long CANCEL = -1L;

  // The kernel takes back the locked memory of a ring a moment after it was closed, be it the test
  // before or another process of this user. For all tests together: where the limit is too low for
  // good, waiting does not help.
  private static final long RETRY_NANOS = 5_000_000;
  private static final AtomicInteger RETRIES_LEFT = new AtomicInteger(60);

  private final Ring ring;
  private final ArrayDeque<Completion> completions = new ArrayDeque<>();
  private final Set<Long> inFlight = new HashSet<>();

  // The kernel's until the ring is closed; kept for ever if that fails.
  private final Arena arena = Arena.ofAuto();
  private final List<Object> kept = new ArrayList<>();

  private ScratchRing(Ring ring) {
    this.ring = ring;
  }

  /** What the kernel said of an entry. */
  record Completion(long userData, int result, int flags) {
    boolean hasMore() {
      return (flags & Liburing.IORING_CQE_F_MORE()) != 0;
    }

    boolean hasBuffer() {
      return (flags & Liburing.IORING_CQE_F_BUFFER()) != 0;
    }

    int buffer() {
      return flags >>> Liburing.IORING_CQE_BUFFER_SHIFT();
    }

    boolean failed(Errno errno) {
      return result == -errno.number();
    }
  }

  static ScratchRing open(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    return open(kernel, WaitStrategy.park(), allowed);
  }

  static ScratchRing open(Kernel kernel, WaitStrategy strategy, Predicate<KernelFeature> allowed)
      throws IOException {
    while (true) {
      try {
        return new ScratchRing(Ring.open(kernel, SQ_ENTRIES, CQ_ENTRIES, strategy, allowed));
      } catch (Ring.SetupException e) {
        if (e.errno() != Errno.ENOMEM.number() || RETRIES_LEFT.getAndDecrement() <= 0) {
          throw e;
        }
        LockSupport.parkNanos(RETRY_NANOS);
      }
    }
  }

  /** For registrations. */
  Ring ring() {
    return ring;
  }

  /** Memory for entries to name. */
  MemorySegment allocate(long bytes) {
    return arena.allocate(bytes, Long.BYTES);
  }

  /** Keeps what the kernel may write to. */
  <T> T keep(T memory) {
    kept.add(memory);
    return memory;
  }

  /**
   * Writes an entry, of which there may be 16 that were not submitted yet.
   *
   * @param userData not negative, and of no other entry that is in flight
   * @return its address, for fields that are left
   */
  long add(
      int opcode, int flags, int fd, long off, long addr, int len, int opFlags, long userData) {
    inFlight.add(userData);
    long sqe = ring.nextSqe();
    Sqe.write(sqe, opcode, flags, fd, off, addr, len, opFlags, userData);
    return sqe;
  }

  /**
   * Submits what was written and waits for a completion.
   *
   * @return null when none came in two seconds
   */
  Completion next() throws IOException {
    for (int step = 0; step < MOST_STEPS && completions.isEmpty(); step++) {
      turn(STEP_NANOS);
    }
    return completions.poll();
  }

  /** Submits what was written and takes what is there already, without waiting; null when there is nothing. */
  Completion poll() throws IOException {
    if (completions.isEmpty()) {
      turn(0);
    }
    return completions.poll();
  }

  private void turn(long timeoutNanos) throws IOException {
    int result = ring.enter(timeoutNanos > 0 && ring.ready() == 0 ? 1 : 0, timeoutNanos);
    if (result < 0
        && result != -Errno.ETIME.number()
        && result != -Errno.EINTR.number()
        && result != -Errno.EAGAIN.number()
        && result != -Errno.EBUSY.number()) {
      throw new IOException("io_uring_enter: " + Errno.describe(-result));
    }
    take();
  }

  /** Takes the completions that are there. */
  private void take() {
    int count = ring.ready();
    for (int i = 0; i < count; i++) {
      long cqe = ring.completion(ring.firstCompletion() + i);
      long resultAndFlags = Ring.resultAndFlags(cqe);
      var completion =
          new Completion(
              Ring.userData(cqe), (int) resultAndFlags, (int) (resultAndFlags >>> Integer.SIZE));
      if (!completion.hasMore()) {
        inFlight.remove(completion.userData);
      }
      if (completion.userData != CANCEL) {
        completions.add(completion);
      }
    }
    ring.release(count);
  }

  @Override
  public void close() throws IOException {
    if (ring.wasUsed()) { // else the kernel holds nothing, and may refuse to be entered
      try {
        endAll();
      } catch (IOException e) {
        UringDriver.quarantine(this);
        throw e;
      }
    }
    ring.close();
  }

  /** A thread of the kernel's that polls answers although nobody may enter; when it sleeps it takes nothing any more. */
  private void awaitPolling() {
    for (int i = 0; i < MOST_POLLS && !inFlight.isEmpty(); i++) {
      if (ring.sleepsUnread()) {
        inFlight.clear();
        return;
      }
      LockSupport.parkNanos(POLL_NANOS);
      take();
    }
  }

  private void endAll() throws IOException {
    if (ring.isPolled()) {
      awaitPolling();
    }
    for (long userData : List.copyOf(inFlight)) {
      add(Liburing.IORING_OP_ASYNC_CANCEL(), 0, -1, 0, userData, 0, 0, CANCEL);
      turn(0);
    }
    for (int step = 0; step < MOST_STEPS && !inFlight.isEmpty(); step++) {
      turn(STEP_NANOS);
    }
    if (!inFlight.isEmpty()) {
      throw new IOException("entries of a self-test were never answered: " + inFlight);
    }
  }
}
