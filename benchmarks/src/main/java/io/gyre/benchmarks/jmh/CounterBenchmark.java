package io.gyre.benchmarks.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.GroupThreads;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs a loop to count, by where its counter lies: the reason for the padding in {@link
 * io.gyre.driver.DriverCounters}. Two threads, as two loops, each add to a counter.
 *
 * <ul>
 *   <li>{@code ownLine}: each its own, on cache lines of their own, by a load and an opaque store. What Gyre does.
 *   <li>{@code sharedLine}: the same, but the two lie on one line, which goes to and fro between the cores.
 *   <li>{@code sharedCounter}: both add to one counter, which takes an atomic add besides.
 * </ul>
 *
 * Needs two cores. Where both are threads of one core they share its cache, and a shared line costs less.
 */
@State(Scope.Group)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class CounterBenchmark {
  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  // Processors fetch lines of 64 bytes in pairs: 128 keep two counters apart.
  private static final long APART_BYTES = 128;
  private static final long FIRST = APART_BYTES;
  private static final long ON_THE_SAME_LINE = FIRST + Long.BYTES;
  private static final long ON_ANOTHER_LINE = FIRST + APART_BYTES;

  // Native memory, since nothing else says on which line it lies.
  private final MemorySegment counts = Arena.ofAuto().allocate(4 * APART_BYTES, APART_BYTES);

  /** Makes the state; JMH does this. */
  public CounterBenchmark() {}

  private void add(long offset) {
    LONG.setOpaque(counts, offset, (long) LONG.get(counts, offset) + 1);
  }

  private void addAtomically(long offset) {
    LONG.getAndAdd(counts, offset, 1L);
  }

  /** One loop. */
  @Benchmark
  @Group("ownLine")
  @GroupThreads(1)
  public void ownLineFirst() {
    add(FIRST);
  }

  /** The other. */
  @Benchmark
  @Group("ownLine")
  @GroupThreads(1)
  public void ownLineSecond() {
    add(ON_ANOTHER_LINE);
  }

  /** One loop. */
  @Benchmark
  @Group("sharedLine")
  @GroupThreads(1)
  public void sharedLineFirst() {
    add(FIRST);
  }

  /** The other. */
  @Benchmark
  @Group("sharedLine")
  @GroupThreads(1)
  public void sharedLineSecond() {
    add(ON_THE_SAME_LINE);
  }

  /** Both loops. */
  @Benchmark
  @Group("sharedCounter")
  @GroupThreads(2)
  public void sharedCounter() {
    addAtomically(FIRST);
  }
}
