package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** A load whose operations are timed. */
abstract class TimedLoad extends Load {
  private static final long SLOWEST_NANOS = TimeUnit.SECONDS.toNanos(60);

  // One look at the clock a turn: what came back with one call into the kernel became visible at
  // one time. A look for each read would cost a fiftieth of a read, and the reference in C takes
  // none.
  private final DriverCounters counters;
  private long turn = -1;
  private long turnNanos;

  private final Histogram latencies = new Histogram(1, SLOWEST_NANOS, 3);

  TimedLoad(EventLoop loop) {
    super(loop);
    this.counters = loop.counters();
  }

  /** The time at which this turn of the loop first asked. */
  final long turnNanos() {
    long current = counters.get(Counter.TURNS);
    if (turn != current) {
      turn = current;
      turnNanos = System.nanoTime();
    }
    return turnNanos;
  }

  /** Counts an operation. */
  final void record(long startNanos, long now) {
    latencies.recordValue(Math.min(now - startNanos, SLOWEST_NANOS));
    done++;
  }

  @Override
  void resetStatistics() {
    super.resetStatistics();
    latencies.reset();
  }

  /** A latency in microseconds; safe to ask once {@link #ended()} has completed. */
  final double percentileMicros(double percentile) {
    return latencies.getTotalCount() == 0 ? 0 : latencies.getValueAtPercentile(percentile) / 1e3;
  }

  /** Gives buffers back, once {@link #ended()} has completed. */
  abstract void releaseBuffers();
}
