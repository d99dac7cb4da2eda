package io.gyre.benchmarks.peer;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Warming up, measuring, over: what all threads of a read benchmark look at, and what they count. Each thread counts
 * for itself, and only reads that complete while measuring; the counts are added up when the threads are gone.
 */
final class ReadWindow {
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
    private long reads;
    private long errors;
    private Throwable failure;

    private Tally() {}

    void completed(Phase phase, long nanos, boolean whole) {
      if (phase == Phase.MEASURING) {
        reads++;
        latencies.recordValue(Math.min(nanos, SLOWEST_NANOS));
        if (!whole) {
          errors++;
        }
      }
    }

    /** In any phase: nothing is read again where a read has failed, and the run has no result. */
    void failed(Throwable cause) {
      failure = cause;
    }
  }

  private final List<Tally> tallies = new ArrayList<>();
  private volatile Phase phase = Phase.WARMING_UP;
  private long nanos;
  private long cpuNanos;
  private long allocatedBytes;

  Phase phase() {
    return phase;
  }

  synchronized Tally newTally() {
    var tally = new Tally();
    tallies.add(tally);
    return tally;
  }

  /** Sleeps through all phases. */
  void run(double warmupSeconds, double seconds) throws InterruptedException {
    allocated(); // loads what is loaded at the first call
    sleep(warmupSeconds);
    long allocatedBefore = allocated();
    long cpuBefore = PROCESS.getProcessCpuTime();
    long start = System.nanoTime();
    phase = Phase.MEASURING;
    sleep(seconds);
    phase = Phase.OVER;
    nanos = System.nanoTime() - start;
    cpuNanos = PROCESS.getProcessCpuTime() - cpuBefore;
    allocatedBytes = allocated() - allocatedBefore;
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
   * @throws IOException if a read has failed
   */
  synchronized ReadResult result() throws IOException {
    var latencies = new Histogram(SLOWEST_NANOS, DIGITS);
    long reads = 0;
    long errors = 0;
    for (var tally : tallies) {
      if (tally.failure != null) {
        throw new IOException("a read failed: " + tally.failure.getMessage(), tally.failure);
      }
      latencies.add(tally.latencies);
      reads += tally.reads;
      errors += tally.errors;
    }
    double each = Math.max(1, reads);
    return new ReadResult(
        reads * 1e9 / Math.max(1, nanos),
        cpuNanos / 1e3 / each,
        latencies.getValueAtPercentile(50) / 1e3,
        latencies.getValueAtPercentile(99) / 1e3,
        allocatedBytes / each,
        errors);
  }

  /** Positions of whole blocks, drawn from a seed. Not for several threads. */
  static final class Positions {
    private final SplittableRandom random;
    private final long blocks;
    private final int block;

    Positions(long seed, long fileBytes, int block) {
      this.random = new SplittableRandom(seed);
      this.blocks = fileBytes / block;
      this.block = block;
    }

    long next() {
      return Math.unsignedMultiplyHigh(random.nextLong(), blocks) * block;
    }
  }
}
