package io.gyre.nio;

import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import java.io.IOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Which channels can go on: those that the selector reported, and those that have more to do. They take turns, a step at
 * a time.
 */
final class Readiness {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final Selector selector;
  private final DriverCounters counters;
  private final ArrayDeque<NioSelectable> runnable = new ArrayDeque<>();
  private final Consumer<SelectionKey> reported = Readiness::report;

  Readiness(Selector selector, DriverCounters counters) {
    this.selector = selector;
    this.counters = counters;
  }

  Selector selector() {
    return selector;
  }

  boolean isEmpty() {
    return runnable.isEmpty();
  }

  /** Lets a channel take a step, once for each time that it is added. */
  void add(NioSelectable channel) {
    runnable.add(channel);
  }

  /** The channel whose turn it is. */
  NioSelectable next() {
    return runnable.poll();
  }

  /**
   * One call into the kernel: channels that are ready are added, channels that were closed give back their descriptors.
   *
   * @param timeoutNanos how long to wait; 0 not at all, negative without limit
   */
  void select(long timeoutNanos) throws IOException {
    counters.add(Counter.ENTERS, 1);
    if (timeoutNanos == 0) {
      selector.selectNow(reported);
    } else if (timeoutNanos < 0) {
      selector.select(reported);
    } else {
      selector.select(reported, toMillis(timeoutNanos));
    }
  }

  /** Rounded up: a wait that ends before its time would be begun again, and again, until the time has come. */
  static long toMillis(long nanos) {
    return nanos / NANOS_PER_MILLI + (nanos % NANOS_PER_MILLI == 0 ? 0 : 1);
  }

  private static void report(SelectionKey key) {
    int ops;
    try {
      ops = key.readyOps();
    } catch (CancelledKeyException e) {
      return; // closed meanwhile, perhaps by another thread if it is a user's channel
    }
    ((NioSelectable) key.attachment()).reported(ops);
  }
}
