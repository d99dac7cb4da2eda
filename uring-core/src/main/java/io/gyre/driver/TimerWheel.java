package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A hierarchical timing wheel with a tick of one nanosecond: what a loop keeps its timers in. Part of the SPI, for
 * those who hang deadlines on operations of their own. Confined to the loop's thread, but for {@link #now()}.
 *
 * <p>A bucket of level n is 64<sup>n</sup> ns wide, and each level has 64 of them; eleven levels hold every deadline
 * that a long can name. An entry lies at the level of the highest base-64 digit in which its deadline differs from the
 * hand, which is a time that has passed. So what lies at a lower level is due before what lies at a higher one, and
 * bitmaps find the first bucket in two instructions. When time reaches the window of a bucket, its entries move down:
 * each at most once a level, so that each operation here takes constant time, however many are pending.
 *
 * <p>Why so fine a tick: entries of one bucket of the lowest level have the same deadline, so the order is strict
 * without any sorting, and a deadline in 50 us is kept as exactly as one in an hour. It costs two or three moves for
 * each entry that expires, and nothing for those that are cancelled long before, as most are.
 *
 * <ul>
 *   <li>Nothing expires early. How late depends on the caller alone: {@link #advance} says when to call next.
 *   <li>Entries expire in the order of their deadlines, and those of the same deadline in the order in which they were
 *       scheduled. A deadline before {@link #turnNanos()} counts as equal to that.
 *   <li>Nothing is allocated: the entries are the list.
 * </ul>
 *
 * <p>Times are nanoseconds since the wheel was made, by a clock that must not go backwards. They start at 0, so that
 * neither a clock that begins near its overflow nor a negative one needs care, and end after 292 years.
 */
public final class TimerWheel {
  private static final int DIGIT_BITS = 6;
  private static final int BUCKETS = 1 << DIGIT_BITS; // of a level: as many as a long has bits
  private static final int LEVELS = (Long.SIZE - 1 + DIGIT_BITS - 1) / DIGIT_BITS;

  // Moving an entry is so much cheaper than what an expired one does. A bucket may hold a million.
  private static final int MOVES_PER_EXPIRY = 16;

  private static final VarHandle DEADLINE;

  static {
    try {
      DEADLINE = MethodHandles.lookup().findVarHandle(Entry.class, "deadlineNanos", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Something with a deadline. It is its own place in the wheel, and may be scheduled again any number of times.
   *
   * <p>At any time it is in one wheel or in none.
   */
  public abstract static class Entry {
    private Entry next; // a ring of those in the same bucket; null when in none
    private Entry previous;
    private long deadlineNanos; // written by the loop, opaquely: others may look
    private int bucket = -1;

    /** In no wheel. */
    protected Entry() {}

    /**
     * Called on the loop's thread when the deadline has come. The entry is out of the wheel by then, and may go in
     * again. What this throws goes to the wheel's exception handler.
     */
    protected abstract void expired();

    /**
     * Called on the loop's thread by {@link TimerWheel#clear()}, in place of {@link #expired()}. Must not schedule anything.
     */
    protected void dropped() {}

    /**
     * Whether it waits in a wheel. The loop's thread only.
     *
     * @return false once it has expired, was cancelled or dropped
     */
    public final boolean isScheduled() {
      return bucket >= 0;
    }

    /**
     * The deadline that it was last scheduled for. Any thread.
     *
     * @return in the wheel's time; not before the turn in which it was scheduled
     */
    public final long deadlineNanos() {
      return (long) DEADLINE.getOpaque(this);
    }

    /**
     * Notes a deadline, for a thread that hands the entry to the loop, which then schedules it.
     *
     * @param deadlineNanos in the wheel's time
     */
    protected final void deadlineNanos(long deadlineNanos) {
      DEADLINE.setOpaque(this, deadlineNanos);
    }
  }

  private final LongSupplier clock;
  private final long origin;
  private final Consumer<? super Throwable> exceptionHandler;

  // Bucket number: level in the upper bits, digit in the lower six.
  private final Entry[] heads = new Entry[LEVELS * BUCKETS];
  private final long[] earliest = new long[LEVELS * BUCKETS]; // too early once that is cancelled
  private final long[] occupied = new long[LEVELS]; // a bit for each bucket that is not empty
  private int occupiedLevels; // a bit for each level that is not empty

  private long hand; // never later than turnNanos, nor than any deadline here
  private long turnNanos; // when advance() last looked at the clock
  private int draining =
      -1; // the bucket whose entries are moving down, if that takes several turns
  private int size;

  /**
   * Makes an empty wheel.
   *
   * @param clock nanoseconds from any origin, such as {@link System#nanoTime}; wraps around, never goes backwards;
   *     callable by any thread
   * @param exceptionHandler is given what entries throw; must not throw itself
   */
  public TimerWheel(LongSupplier clock, Consumer<? super Throwable> exceptionHandler) {
    this.clock = clock;
    this.origin = clock.getAsLong();
    this.exceptionHandler = exceptionHandler;
  }

  /**
   * Reads the clock. Any thread.
   *
   * @return nanoseconds since the wheel was made
   */
  public long now() {
    return clock.getAsLong() - origin;
  }

  /**
   * When {@link #advance} last looked at the clock: enough where it does not matter that time has passed since.
   *
   * @return nanoseconds since the wheel was made
   */
  public long turnNanos() {
    return turnNanos;
  }

  /**
   * A time after another. Overflow ends at the latest time that there is, which never comes.
   *
   * @param timeNanos from 0
   * @param delayNanos how much later; less than 0 counts as 0
   * @return the sum
   */
  public static long after(long timeNanos, long delayNanos) {
    long sum = timeNanos + Math.max(0, delayNanos);
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  /**
   * Whether nothing is pending.
   *
   * @return true when it is empty
   */
  public boolean isEmpty() {
    return size == 0;
  }

  /**
   * How many entries are pending.
   *
   * @return their number
   */
  public int size() {
    return size;
  }

  /**
   * Has an entry expire after a delay, by the clock, which is read. If it is pending already, it moves.
   *
   * @param entry in this wheel or in none
   * @param delayNanos how long from now; 0 or less is the next call of {@link #advance}
   */
  public void schedule(Entry entry, long delayNanos) {
    scheduleAt(entry, after(now(), delayNanos));
  }

  /**
   * Has an entry expire at a time. If it is pending already, it moves.
   *
   * @param entry in this wheel or in none
   * @param deadlineNanos in the wheel's time; the past is the next call of {@link #advance}
   */
  public void scheduleAt(Entry entry, long deadlineNanos) {
    cancel(entry);
    entry.deadlineNanos(Math.max(deadlineNanos, turnNanos));
    int bucket = bucketOf(entry.deadlineNanos);
    if (draining >= 0 && levelOf(bucket) < levelOf(draining)) {
      bucket = draining; // behind those of the same deadline that have yet to move
    }
    link(entry, bucket);
  }

  /**
   * Takes an entry out at once, and keeps no reference to it.
   *
   * @param entry in this wheel or in none
   * @return whether it was pending
   */
  public boolean cancel(Entry entry) {
    if (entry.bucket < 0) {
      return false;
    }
    unlink(entry);
    return true;
  }

  /**
   * Lets entries expire that are due. Reads the clock once, and not at all if nothing is pending.
   *
   * @param limit how many may expire in this call, from 1
   * @return how long until it is worth calling again: 0 if some are due, if entries did expire, for that took time, or
   *     if there are many to be sorted first; -1 if nothing is pending. The time is never too long, and too short only if the first entry was cancelled
   */
  public long advance(int limit) {
    if (size == 0) {
      return -1;
    }
    long now = now();
    turnNanos = now;
    int expired = 0;
    int moves = limit * MOVES_PER_EXPIRY;
    while (size > 0) {
      int bucket = draining >= 0 ? draining : firstBucket();
      int level = levelOf(bucket);
      long first = earliest[bucket];
      if (windowStart(first, level) > now) {
        return expired == 0 ? first - now : 0;
      }
      if (level == 0) {
        if (expired == limit) {
          return 0;
        }
        expired++;
        hand = first;
        expire(heads[bucket]);
      } else {
        if (draining < 0) {
          // Still within the bucket's window, where there is nothing else.
          hand = Math.min(first, now);
          draining = bucket;
        }
        moves = moveDown(bucket, moves);
        if (draining >= 0) {
          return 0;
        }
      }
    }
    return -1;
  }

  /** Drops everything that is pending. */
  public void clear() {
    while (size > 0) {
      var entry = heads[firstBucket()];
      unlink(entry);
      try {
        entry.dropped();
      } catch (Throwable t) { // one that fails must not keep the others
        exceptionHandler.accept(t);
      }
    }
  }

  private void expire(Entry entry) {
    unlink(entry);
    try {
      entry.expired();
    } catch (Throwable t) { // whatever one throws, the others expire
      exceptionHandler.accept(t);
    }
  }

  /** Moves entries to where they belong since the hand came into their bucket; returns the moves that are left. */
  private int moveDown(int bucket, int moves) {
    int left = moves;
    for (Entry entry; left > 0 && (entry = heads[bucket]) != null; left--) {
      unlink(entry);
      link(entry, bucketOf(entry.deadlineNanos));
    }
    return left;
  }

  /** The bucket with the first entry to expire. Something must be pending. */
  private int firstBucket() {
    int level = Integer.numberOfTrailingZeros(occupiedLevels);
    return (level << DIGIT_BITS) | Long.numberOfTrailingZeros(occupied[level]);
  }

  private int bucketOf(long deadlineNanos) {
    int highestBit = Long.SIZE - 1 - Long.numberOfLeadingZeros((deadlineNanos ^ hand) | 1);
    int level = highestBit / DIGIT_BITS;
    int digit = (int) (deadlineNanos >>> (level * DIGIT_BITS)) & (BUCKETS - 1);
    return (level << DIGIT_BITS) | digit;
  }

  private static int levelOf(int bucket) {
    return bucket >>> DIGIT_BITS;
  }

  /** The time from which on the bucket that a time falls into must move down; of level 0, the time itself. */
  private static long windowStart(long timeNanos, int level) {
    return timeNanos & (-1L << (level * DIGIT_BITS));
  }

  private void link(Entry entry, int bucket) {
    size++;
    entry.bucket = bucket;
    var head = heads[bucket];
    if (head == null) {
      entry.next = entry;
      entry.previous = entry;
      heads[bucket] = entry;
      earliest[bucket] = entry.deadlineNanos;
      int level = levelOf(bucket);
      occupied[level] |= 1L << bucket; // of a shift's distance the lower six bits count
      occupiedLevels |= 1 << level;
      return;
    }
    var tail = head.previous;
    entry.previous = tail;
    entry.next = head;
    tail.next = entry;
    head.previous = entry;
    earliest[bucket] = Math.min(earliest[bucket], entry.deadlineNanos);
  }

  @SuppressWarnings("ReferenceEquality") // whatever equals() its class may have
  private void unlink(Entry entry) {
    size--;
    int bucket = entry.bucket;
    var next = entry.next;
    if (next == entry) {
      heads[bucket] = null;
      int level = levelOf(bucket);
      occupied[level] &= ~(1L << bucket);
      if (occupied[level] == 0) {
        occupiedLevels &= ~(1 << level);
      }
      if (draining == bucket) {
        draining = -1;
      }
    } else {
      next.previous = entry.previous;
      entry.previous.next = next;
      if (heads[bucket] == entry) {
        heads[bucket] = next;
      }
    }
    entry.next = null;
    entry.previous = null;
    entry.bucket = -1;
  }

  @Override
  public String toString() {
    return "TimerWheel[" + size + " pending]";
  }
}
