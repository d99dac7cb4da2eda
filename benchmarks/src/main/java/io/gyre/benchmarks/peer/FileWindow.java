package io.gyre.benchmarks.peer;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.gyre.benchmarks.load.WarmUp;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;

/**
 * Warming up, measuring, over: what all threads of a file benchmark look at, and what they count. Each thread counts
 * for itself, and only operations that complete while measuring; the counts are added up when the threads are gone.
 */
final class FileWindow {
  enum Phase {
    WARMING_UP,
    MEASURING,
    OVER
  }

  private static final long SLOWEST_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final int DIGITS = 2; // small enough for the cache, and off by less than 1 %

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** What one thread counts. */
  static final class Tally {
    private final Histogram latencies = new Histogram(SLOWEST_NANOS, DIGITS);
    private long count;
    private long errors;
    private Throwable failure;

    private Tally() {}

    void completed(Phase phase, long nanos, boolean whole) {
      if (phase == Phase.MEASURING) {
        count++;
        latencies.recordValue(Math.min(nanos, SLOWEST_NANOS));
        if (!whole) {
          errors++;
        }
      }
    }

    /** In any phase: what has failed is not tried again, and the run has no result. */
    void failed(Throwable cause) {
      failure = cause;
    }
  }

  private final List<Tally> tallies = new ArrayList<>();
  private volatile Phase phase = Phase.WARMING_UP;
  private long nanos;
  private long cpuNanos;
  private long allocatedBytes;
  private long syncs;

  Phase phase() {
    return phase;
  }

  synchronized Tally newTally() {
    var tally = new Tally();
    tallies.add(tally);
    return tally;
  }

  /** Sleeps through all phases. */
  void run(FileSettings settings) throws InterruptedException {
    run(settings, () -> 0);
  }

  /**
   * Sleeps through all phases.
   *
   * @param syncs tells how many there were so far that made operations durable
   */
  void run(FileSettings settings, LongSupplier syncs) throws InterruptedException {
    allocated(); // loads what is loaded at the first call
    warmUp(settings.warmupSeconds());
    long allocatedBefore = allocated();
    long cpuBefore = PROCESS.getProcessCpuTime();
    long syncsBefore = syncs.getAsLong();
    long start = System.nanoTime();
    phase = Phase.MEASURING;
    sleep(settings.seconds());
    phase = Phase.OVER;
    nanos = System.nanoTime() - start;
    this.syncs = syncs.getAsLong() - syncsBefore;
    cpuNanos = PROCESS.getProcessCpuTime() - cpuBefore;
    allocatedBytes = allocated() - allocatedBefore;
  }

  private static void warmUp(double seconds) throws InterruptedException {
    var warmUp = new WarmUp((long) (seconds * 1e9));
    sleep(seconds);
    while (!warmUp.isOver()) {
      TimeUnit.NANOSECONDS.sleep(WarmUp.ASK_NANOS);
    }
  }

  private static void sleep(double seconds) throws InterruptedException {
    TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9));
  }

  private static long allocated() {
    return THREADS.getTotalThreadAllocatedBytes()
        - THREADS.getThreadAllocatedBytes(Thread.currentThread().threadId());
  }

  /**
   * To be asked when all threads that count have ended.
   *
   * @param unit what they count, in the singular
   * @throws IOException if an operation has failed
   */
  synchronized FileResult result(String unit) throws IOException {
    var latencies = new Histogram(SLOWEST_NANOS, DIGITS);
    long count = 0;
    long errors = 0;
    for (var tally : tallies) {
      if (tally.failure != null) {
        throw new IOException(
            "a " + unit + " failed: " + tally.failure.getMessage(), tally.failure);
      }
      latencies.add(tally.latencies);
      count += tally.count;
      errors += tally.errors;
    }
    double each = Math.max(1, count);
    return new FileResult(
        unit,
        count * 1e9 / Math.max(1, nanos),
        cpuNanos / 1e3 / each,
        latencies.getValueAtPercentile(50) / 1e3,
        latencies.getValueAtPercentile(99) / 1e3,
        allocatedBytes / each,
        syncs == 0 ? Double.NaN : (double) count / syncs,
        errors);
  }

  /** Positions of whole blocks. */
  interface Positions {
    long next();

    /** Drawn from a seed. Not for several threads. */
    static Positions random(long seed, long fileBytes, int block) {
      var random = new SplittableRandom(seed);
      long blocks = fileBytes / block;
      return () -> Math.unsignedMultiplyHigh(random.nextLong(), blocks) * block;
    }

    /** One after the other, and from the start again; for several threads together. */
    static Positions sequential(long fileBytes, int block) {
      var next = new AtomicLong();
      long blocks = fileBytes / block;
      return () -> next.getAndIncrement() % blocks * block;
    }

    /** For each of some users: of its own when drawn, the same for all when in order. */
    static IntFunction<Positions> of(FileSettings settings, long fileBytes) {
      if (settings.sequential()) {
        var shared = sequential(fileBytes, settings.block());
        return user -> shared;
      }
      return user -> random(settings.seed() + user, fileBytes, settings.block());
    }
  }
}
