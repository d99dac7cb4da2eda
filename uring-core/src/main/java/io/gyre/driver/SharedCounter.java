package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A counter that any thread adds to, with an atomic add, on a cache line of its own: those who add do not slow down who
 * writes what would lie next to it.
 */
final class SharedCounter {
  private static final VarHandle COUNTS = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] counts = new long[DriverCounters.PAD + 1 + DriverCounters.PAD];

  /** Any thread. */
  void increment() {
    COUNTS.getAndAdd(counts, DriverCounters.PAD, 1L);
  }

  /** Any thread. */
  long get() {
    return (long) COUNTS.getOpaque(counts, DriverCounters.PAD);
  }
}
