package io.gyre.benchmarks.load;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;

/**
 * How long to run before measuring: for as long as was asked for at least, then until the JIT rests, which is when it has
 * taken less than a hundredth of a processor for a second. Some hundred thousand operations bring that about; where one
 * takes long they would not be reached in a fixed time, and the compiler's work would be charged to them. Not for ever: a
 * program may have something to compile now and then for minutes.
 */
public final class WarmUp {
  /** How many times as long as was asked for it may last. */
  public static final int LONGEST = 5;

  /** How often to ask {@link #isOver}. */
  public static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int QUIET_PART = 100;

  // Null where everything is interpreted.
  private static final CompilationMXBean COMPILER = ManagementFactory.getCompilationMXBean();

  private final long leastNanos;
  private final long quietNanos;
  private final long begun = System.nanoTime();
  private long quietSince = begun;
  private long compiledBefore = compiledNanos();

  /**
   * Begins.
   *
   * @param leastNanos how long it is to last at least, in nanoseconds
   */
  public WarmUp(long leastNanos) {
    this.leastNanos = leastNanos;
    this.quietNanos = Math.min(QUIET_NANOS, leastNanos);
  }

  /**
   * Whether measuring may begin.
   *
   * @return false to run on, and ask again after {@link #ASK_NANOS}
   */
  public boolean isOver() {
    long now = System.nanoTime();
    long compiled = compiledNanos();
    if (compiled - compiledBefore > quietNanos / QUIET_PART) {
      compiledBefore = compiled;
      quietSince = now;
    }
    long passed = now - begun;
    return passed >= leastNanos
        && (now - quietSince >= quietNanos || passed >= LONGEST * leastNanos);
  }

  /** Of all compilations that have ended. */
  private static long compiledNanos() {
    return COMPILER == null || !COMPILER.isCompilationTimeMonitoringSupported()
        ? 0
        : TimeUnit.MILLISECONDS.toNanos(COMPILER.getTotalCompilationTime());
  }
}
