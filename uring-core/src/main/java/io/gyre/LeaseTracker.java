package io.gyre;

import io.gyre.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lends buffers, and watches some of the leases as {@link LeakDetection} says. One for each loop, shared by its pool and
 * its driver's receive buffers. It has nothing for users.
 *
 * <p>A watched lease is a {@link Buffer} of its own over the memory of the one at home, with an automatic arena of its
 * own. The JDK keeps such an arena alive as long as anything that leads to the memory: the view, its slices and
 * duplicates, and segments made of those. So its death says exactly that nobody can reach the memory any more; that of
 * the handle, or of a view, would not. An operation under way holds the handle.
 */
public final class LeaseTracker {
  /** Watches nothing. */
  public static final LeaseTracker OFF = new LeaseTracker(LeakDetection.OFF, "nobody");

  private static final Logger LOG = LoggerFactory.getLogger(LeaseTracker.class);
  private static final long REPORT_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final int interval;
  private final String holder;

  // Plain, though any thread writes it: an update that is lost moves a sample, no more.
  private int untilWatched = 1;

  private final AtomicLong leaks = new AtomicLong();
  private final AtomicInteger unreported = new AtomicInteger();
  private final AtomicLong reportFromNanos = new AtomicLong(System.nanoTime());

  /**
   * Makes a tracker.
   *
   * @param detection how many leases to watch
   * @param holder whose buffers they are, for messages
   */
  LeaseTracker(LeakDetection detection, String holder) {
    this.interval = detection.interval();
    this.holder = holder;
  }

  /**
   * Lends a buffer that is at home; returns what the user is to have.
   *
   * @param receiver the operation that the buffer was received for, or null where the caller asked for it
   */
  Buffer lend(Buffer home, Operation receiver) {
    home.lease();
    if (interval == 0 || --untilWatched > 0) {
      return home;
    }
    return watch(home, receiver);
  }

  @SuppressWarnings("restricted") // an arena over memory that is there: only this has a clean-up
  private Buffer watch(Buffer home, Operation receiver) {
    // At random, so that leases that alternate in a pattern do not hide from a fixed distance.
    untilWatched = 1 + ThreadLocalRandom.current().nextInt(2 * interval - 1);
    var lease = new Lease(this, home, new Taken(receiver));
    // Must not lead to the handle, or that would never die. It does lead to the buffer at home,
    // which keeps the memory itself alive for as long as this arena lives.
    var memory =
        MemorySegment.ofAddress(home.address())
            .reinterpret(home.capacity(), Arena.ofAuto(), ignored -> lease.forgotten());
    var handle = new Buffer(lease, memory, home.id());
    handle.lease();
    return handle;
  }

  /**
   * How many leases were dropped without a release.
   *
   * @return those of the watched ones that the garbage collector has found so far
   */
  long leaks() {
    return leaks.get();
  }

  private void leaked(Buffer home, Taken taken) {
    leaks.incrementAndGet();
    unreported.incrementAndGet();
    long from = reportFromNanos.get();
    long now = System.nanoTime();
    if (now - from >= 0 && reportFromNanos.compareAndSet(from, now + REPORT_INTERVAL_NANOS)) {
      LOG.warn(
          "{} leaked: {} bytes of {}, {}, were dropped without a release; the memory was taken"
              + " back. Release each buffer once, on failures too",
          count(unreported.getAndSet(0)),
          home.capacity(),
          holder,
          taken.getMessage(),
          taken);
    }
  }

  private static String count(int leaks) {
    return leaks == 1 ? "a buffer" : leaks + " buffers since the last report";
  }

  /** Where a lease was taken; the message says it in a line. */
  private static final class Taken extends Exception {
    private static final long serialVersionUID = 1;

    private final String receiver;

    Taken(Operation receiver) {
      this.receiver = receiver == null ? null : describe(receiver);
    }

    private static String describe(Operation receiver) {
      var handler = receiver.handler();
      return "received from "
          + receiver.subject()
          + (handler == null ? "" : " for a " + handler.getClass().getName());
    }

    @Override
    public String getMessage() {
      return receiver != null ? receiver : "taken at " + place();
    }

    /** The first frame that is not the pool's own. */
    private String place() {
      for (var frame : getStackTrace()) {
        if (!isPart(frame, LeaseTracker.class) && !isPart(frame, BufferPool.class)) {
          return frame.toString();
        }
      }
      return "an unknown place";
    }

    private static boolean isPart(StackTraceElement frame, Class<?> whole) {
      var name = frame.getClassName();
      return name.equals(whole.getName()) || name.startsWith(whole.getName() + "$");
    }
  }

  /** A watched lease: what the handle goes home to. Ends once, by release or by being forgotten. */
  private static final class Lease implements Buffer.Owner {
    private final LeaseTracker tracker;
    private final Buffer home;
    private final Taken taken;
    private final AtomicBoolean ended = new AtomicBoolean();

    Lease(LeaseTracker tracker, Buffer home, Taken taken) {
      this.tracker = tracker;
      this.home = home;
      this.taken = taken;
    }

    @Override
    public void recycle(Buffer handle) {
      try {
        if (ended.compareAndSet(false, true)) {
          home.release();
        }
      } finally {
        // It may be in nobody's hands but this method's: it must not be found dead before.
        Reference.reachabilityFence(handle);
      }
    }

    /** Nobody can reach the memory any more. Called on a thread of the JDK, after each lease. */
    void forgotten() {
      if (ended.compareAndSet(false, true)) {
        home.release();
        tracker.leaked(home, taken);
      }
    }
  }
}
