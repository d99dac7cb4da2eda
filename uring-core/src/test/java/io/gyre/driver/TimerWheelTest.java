package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.SeedReport;
import io.gyre.testing.Seeds;
import io.gyre.testing.Waits;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(SeedReport.class)
class TimerWheelTest {
  private static final int ALL = Integer.MAX_VALUE >> 5;

  private final List<Throwable> thrown = new ArrayList<>();
  private final List<Integer> fired = new ArrayList<>();
  private long clock; // what the wheel's clock shows, from any origin
  private TimerWheel wheel = wheelFrom(0);

  private TimerWheel wheelFrom(long origin) {
    clock = origin;
    return new TimerWheel(() -> clock, thrown::add);
  }

  /** Notes its number. */
  private final class Numbered extends TimerWheel.Entry {
    final int number;
    boolean dropped;

    Numbered(int number) {
      this.number = number;
    }

    @Override
    protected void expired() {
      fired.add(number);
    }

    @Override
    protected void dropped() {
      dropped = true;
    }
  }

  /** Runs what a test says. */
  private static final class Running extends TimerWheel.Entry {
    Runnable then;

    @Override
    protected void expired() {
      then.run();
    }
  }

  // ---- against a model

  /** The obvious way to keep timers, driven along with a wheel; checks each step. */
  private final class Model {
    final Random random;
    final PriorityQueue<Timer> queue =
        new PriorityQueue<>(
            Comparator.comparingLong((Timer t) -> t.due).thenComparingLong(t -> t.sequence));
    final Timer[] timers = new Timer[200];
    long sequence;
    int expired;
    boolean mayBeTooShort; // a cancelled entry may have been the first of its bucket

    final class Timer extends TimerWheel.Entry {
      long due;
      long sequence;

      @Override
      protected void expired() {
        var expected = queue.poll();
        assertSame(
            expected, this, () -> "expected " + expected + " to expire, but " + this + " did");
        assertTrue(due <= wheel.now(), () -> this + " expires early, at " + wheel.now());
        assertFalse(isScheduled());
        expired++;
        switch (random.nextInt(8)) {
          case 0 -> schedule(this);
          case 1 -> schedule(any());
          case 2 -> cancel(any());
          case 3 -> throw new IllegalStateException("thrown by a timer");
          default -> {}
        }
      }

      @Override
      public String toString() {
        return "timer " + sequence + " due " + due;
      }
    }

    Model(Random random) {
      this.random = random;
      for (int i = 0; i < timers.length; i++) {
        timers[i] = new Timer();
      }
    }

    Timer any() {
      return timers[random.nextInt(timers.length)];
    }

    /** As often a few nanoseconds as centuries, and sometimes the past. */
    long delay() {
      return switch (random.nextInt(12)) {
        case 0 -> 0;
        case 1 -> -(random.nextLong() >>> (1 + random.nextInt(63)));
        case 2 -> Long.MAX_VALUE;
        case 3 -> Long.MIN_VALUE;
        case 4, 5, 6 -> random.nextInt(200) * 64L; // meet on the same nanosecond, and on borders
        default -> random.nextLong() >>> (1 + random.nextInt(63));
      };
    }

    void schedule(Timer timer) {
      long delay = delay();
      mayBeTooShort |= queue.remove(timer);
      if (random.nextBoolean()) {
        wheel.schedule(timer, delay);
        timer.due = TimerWheel.after(wheel.now(), delay);
      } else {
        // As from another thread, whose deadline may be past when it comes.
        long deadline = TimerWheel.after(Math.max(0, wheel.now() - random.nextInt(500)), delay);
        wheel.scheduleAt(timer, deadline);
        timer.due = Math.max(deadline, wheel.turnNanos());
      }
      timer.sequence = sequence++;
      queue.add(timer);
      assertTrue(timer.isScheduled());
      assertEquals(timer.due, timer.deadlineNanos());
    }

    void cancel(Timer timer) {
      boolean was = queue.remove(timer);
      assertEquals(was, wheel.cancel(timer));
      assertFalse(timer.isScheduled());
      mayBeTooShort |= was;
    }

    void advance(int limit) {
      expired = 0;
      int before = queue.size();
      long next = wheel.advance(limit);
      assertEquals(queue.size(), wheel.size());
      assertTrue(expired <= limit);
      if (queue.isEmpty()) {
        assertEquals(-1, next);
        return;
      }
      long first = queue.peek().due;
      if (next > 0) {
        assertEquals(0, expired);
        assertTrue(first - wheel.now() >= next, () -> "told " + next + ", but " + queue.peek());
        if (!mayBeTooShort) {
          assertEquals(first - wheel.now(), next);
        }
      } else {
        assertEquals(0, next);
        assertTrue(
            expired > 0 || before > limit, // due, or in a bucket that moves over several turns
            () -> "nothing done, at " + wheel.now() + ": " + queue.peek());
      }
    }

    /** Time passes: a little, or to the first deadline, or to just before it, or by a lot. */
    void pass() {
      long now = wheel.now();
      long end = Long.MAX_VALUE >> 1; // the wheel's time ends after twice that
      long first = queue.isEmpty() ? now : queue.peek().due;
      long to =
          switch (random.nextInt(8)) {
            case 0, 1 -> now + random.nextInt(300);
            case 2 -> Math.max(now, first - 1);
            case 3, 4 -> Math.max(now, first);
            case 5 -> now + (random.nextLong() >>> (8 + random.nextInt(56)));
            default -> now;
          };
      if (to < end) {
        clock += to - now;
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1_000, Long.MAX_VALUE - 1_000, Long.MIN_VALUE, Long.MIN_VALUE + 77})
  void doesWhatAPriorityQueueWouldWhateverItsClocksOrigin(long origin) {
    wheel = wheelFrom(origin);
    var model = new Model(Seeds.random(origin));
    for (int step = 0; step < 200_000; step++) {
      switch (model.random.nextInt(10)) {
        case 0, 1, 2, 3 -> model.schedule(model.any());
        case 4, 5 -> model.cancel(model.any());
        case 6 -> model.pass();
        default -> model.advance(1 + model.random.nextInt(1 << model.random.nextInt(8)));
      }
      if (model.random.nextInt(5_000) == 0) {
        wheel.clear();
        model.queue.clear();
        model.mayBeTooShort = false;
      }
    }
    assertFalse(thrown.isEmpty());
    for (var t : thrown) {
      assertEquals("thrown by a timer", t.getMessage(), () -> "step failed: " + t);
    }
  }

  @Test
  void aBucketThatMovesDownOverSeveralTurnsKeepsTheOrder() {
    // All in one bucket of a high level; more than one call moves.
    long window = 1L << 36;
    var random = Seeds.random(2);
    var expected = new ArrayList<Numbered>();
    for (int i = 0; i < 5_000; i++) {
      expected.add(add(i, window + random.nextInt(1_000)));
    }
    clock = window + 2_000;
    for (int i = 5_000; fired.isEmpty(); i += 2) {
      // While it moves: more for the same times, and one that is cancelled.
      expected.add(add(i, window + random.nextInt(4_000)));
      expected.add(add(i + 1, window * 2));
      var cancelled = expected.remove(random.nextInt(4_000));
      assertTrue(wheel.cancel(cancelled));
      assertEquals(0, wheel.advance(1));
    }
    assertTrue(expected.size() > 5_100, "one call moved all; this was to test several");
    clock = window * 3;
    while (wheel.advance(100) >= 0) {
      assertFalse(thrown.size() > 0);
    }
    // A stable sort: ties stay in the order in which they were scheduled.
    expected.sort(Comparator.comparingLong(TimerWheel.Entry::deadlineNanos));
    assertEquals(expected.stream().map(n -> n.number).toList(), fired);
  }

  private Numbered add(int number, long deadlineNanos) {
    var entry = new Numbered(number);
    wheel.scheduleAt(entry, deadlineNanos);
    return entry;
  }

  // ---- what the model does not say

  @Test
  void tellsTheExactTimeToTheNextDeadlineNearAndFar() {
    for (long delay : new long[] {1, 50_000, 1_000_000, 3_600_000_000_000L, Long.MAX_VALUE / 2}) {
      wheel = wheelFrom(12_345);
      clock += 678;
      var entry = new Numbered(0);
      wheel.schedule(entry, delay);
      assertEquals(delay, wheel.advance(1));

      clock += delay - 1;
      assertEquals(1, wheel.advance(1));
      assertEquals(List.of(), fired);

      clock++;
      assertEquals(-1, wheel.advance(1));
      assertEquals(List.of(0), fired);
      fired.clear();
    }
  }

  @Test
  void aDelayThatOverflowsNeverComes() {
    clock += 1_000;
    wheel.schedule(new Numbered(0), Long.MAX_VALUE);
    wheel.schedule(new Numbered(1), Long.MAX_VALUE - 999);

    assertEquals(Long.MAX_VALUE - 1_000, wheel.advance(ALL));
    clock += Long.MAX_VALUE / 2;
    assertEquals(Long.MAX_VALUE / 2 - 999, wheel.advance(ALL));
    assertEquals(2, wheel.size());
  }

  @Test
  void anEntryThatReschedulesItselfAtOnceDoesNotKeepTheCallFromEnding() {
    var entry = new Running();
    int[] times = new int[1];
    entry.then =
        () -> {
          times[0]++;
          wheel.schedule(entry, 0);
        };
    wheel.schedule(entry, 0);

    assertEquals(0, wheel.advance(10));
    assertEquals(10, times[0]);
  }

  @Test
  void whatIsCancelledFromAnExpiryOfTheSameMomentDoesNotExpire() {
    var second = new Numbered(2);
    var first = new Running();
    first.then = () -> assertTrue(wheel.cancel(second));
    wheel.scheduleAt(first, 1_000);
    wheel.scheduleAt(second, 1_000);
    clock += 5_000;

    assertEquals(-1, wheel.advance(ALL));
    assertEquals(List.of(), fired);
    assertEquals(List.of(), thrown);
  }

  @Test
  void schedulingAgainMovesAnEntryThatIsPending() {
    var entry = new Numbered(0);
    wheel.scheduleAt(entry, 1_000);
    wheel.scheduleAt(entry, 500_000);
    assertEquals(1, wheel.size());

    clock += 2_000;
    assertEquals(498_000, wheel.advance(ALL));
    assertEquals(List.of(), fired);
  }

  @Test
  void clearDropsEachOnceAndTheWheelGoesOn() {
    var entries = IntStream.range(0, 100).mapToObj(i -> add(i, 1L << i % 60)).toList();
    wheel.clear();

    assertTrue(wheel.isEmpty());
    assertEquals(-1, wheel.advance(ALL));
    for (var entry : entries) {
      assertTrue(entry.dropped);
      assertFalse(entry.isScheduled());
      assertFalse(wheel.cancel(entry));
    }
    add(7, 10);
    clock += 10;
    assertEquals(-1, wheel.advance(ALL));
    assertEquals(List.of(7), fired);
  }

  @Test
  void aCancelledEntryIsNotKeptReachable() {
    var stays = new Numbered(0);
    wheel.scheduleAt(stays, 1_000_000);
    var reference = scheduledAndCancelled();

    Waits.until(
        "the cancelled entry to be collected",
        () -> {
          System.gc();
          return reference.refersTo(null);
        });
    assertEquals(1, wheel.size());
  }

  private WeakReference<Numbered> scheduledAndCancelled() {
    var entry = new Numbered(1);
    wheel.scheduleAt(entry, 1_000_000);
    assertTrue(wheel.cancel(entry));
    return new WeakReference<>(entry);
  }

  @Test
  void aMillionPendingWithHalfOfThemCancelledExpireInOrder() {
    int count = 1_000_000;
    var random = Seeds.random(3);
    var entries = new ArrayList<Numbered>(count);
    for (int i = 0; i < count; i++) {
      var entry = new Numbered(i);
      wheel.schedule(entry, random.nextLong(30_000_000_000L));
      entries.add(entry);
    }
    assertEquals(count, wheel.size());
    for (int i = 0; i < count; i += 2) {
      assertTrue(wheel.cancel(entries.get(i)));
    }
    assertEquals(count / 2, wheel.size());

    int calls = 0;
    for (long next; (next = wheel.advance(256)) >= 0; clock += Math.max(next, 1_000_000)) {
      calls++;
    }

    assertEquals(count / 2, fired.size());
    assertTrue(calls < 200_000, "calls: " + calls);
    long before = -1;
    for (int number : fired) {
      long deadline = entries.get(number).deadlineNanos();
      assertEquals(1, number % 2, "a cancelled entry expired");
      assertTrue(deadline >= before, "out of order");
      before = deadline;
    }
  }

  @Test
  void nothingIsAllocated() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    var entries = new Running[1_000];
    var random = new Random(Seeds.SEED);
    for (int i = 0; i < entries.length; i++) {
      entries[i] = new Running();
      entries[i].then = () -> {};
    }
    long[] delays = random.longs(10_000, 0, 1_000_000).toArray();

    churn(entries, delays); // loads classes, and allocates what is allocated once
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int round = 0; round < 10; round++) {
      churn(entries, delays);
    }
    long bytes = threads.getCurrentThreadAllocatedBytes() - before;

    // 100,000 timers were scheduled: the smallest object for each would be 1.6 MB.
    assertTrue(bytes < 100_000, "allocated " + bytes + " bytes");
  }

  private void churn(Running[] entries, long[] delays) {
    for (int i = 0; i < delays.length; i++) {
      wheel.schedule(entries[i % entries.length], delays[i]);
      wheel.cancel(entries[i * 7 % entries.length]);
      wheel.advance(256);
      clock += 500;
    }
  }
}
