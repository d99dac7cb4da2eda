package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counters of one loop and its driver. One thread, the loop's, writes; any thread reads. Writes are opaque stores: no lock prefix
 * and no fence on the hot path, and a reader sees each value whole, some time later.
 */
@SuppressWarnings("EnumOrdinal") // an index into an array that nobody stores
public final class DriverCounters {
  private static final VarHandle COUNTS = MethodHandles.arrayElementVarHandle(long[].class);

  /** One counter. */
  public enum Counter {
    /** Calls into the kernel that submit, wait or both ({@code io_uring_enter}, {@code select}). */
    ENTERS,
    /** Operations handed to the kernel or to a pool thread. */
    SUBMITTED,
    /** Outcomes taken. */
    COMPLETED,
    /** Outcomes for an operation that is no longer there; dropped. */
    STALE,
    /** Times that the completion queue overflowed. */
    OVERFLOWS,
    /** Times that a receive had to wait for a buffer. */
    OUT_OF_BUFFERS,
    /** Times that receive buffers ran low: from half of them, or more, down to a quarter. */
    LOW_ON_BUFFERS,
    /** Wake-ups taken. */
    WAKE_UPS,
    /** Cancellations asked for, of one operation or of many. */
    CANCELS,
    /** Turns begun. */
    TURNS,
    /** Waits in the kernel begun: the loop had nothing to do. */
    WAITS,
    /** Waits ended. As long as there is one less of these, the loop waits. */
    WAITS_ENDED,
    /** Spins begun: the loop had nothing to do, and looks for it without sleeping. */
    SPINS,
    /** Spins ended. As long as there is one less of these, the loop spins. */
    SPINS_ENDED,
    /** Spins that found something, or lasted to the next timer: the loop did not have to sleep. */
    SPINS_PAID_OFF,
    /** Tasks run. */
    TASKS,
    /** Timers fired. */
    TIMERS,
    /** Exceptions that handlers and tasks threw. */
    EXCEPTIONS,
    /** Not a count but a level: operations not resolved when the latest turn began. */
    IN_FLIGHT,
    /** Not a count but a level: the fewest receive buffers that were free when a turn began. */
    FREE_RECEIVE_BUFFERS_LOW
  }

  // A line of its own on either side: what lies next to it in the heap is written by others.
  static final int PAD = 16;
  private final long[] counts = new long[PAD + Counter.values().length + PAD];

  /** Makes counters that are all 0. */
  public DriverCounters() {}

  /**
   * Adds to a counter. The loop's thread only.
   *
   * @param counter which
   * @param delta how much
   */
  public void add(Counter counter, long delta) {
    int i = PAD + counter.ordinal();
    COUNTS.setOpaque(counts, i, counts[i] + delta);
  }

  /**
   * Sets a level. The loop's thread only.
   *
   * @param counter which
   * @param value its value
   */
  public void set(Counter counter, long value) {
    COUNTS.setOpaque(counts, PAD + counter.ordinal(), value);
  }

  /**
   * Lowers a level. The loop's thread only.
   *
   * @param counter which
   * @param value what it shall not be above
   */
  public void lower(Counter counter, long value) {
    int i = PAD + counter.ordinal();
    if (value < counts[i]) {
      COUNTS.setOpaque(counts, i, value);
    }
  }

  /**
   * Reads a counter. Any thread.
   *
   * @param counter which
   * @return its value, recent but not necessarily the newest
   */
  public long get(Counter counter) {
    return (long) COUNTS.getOpaque(counts, PAD + counter.ordinal());
  }
}
