package io.gyre.benchmarks.jmh;

import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The operation table and the dispatcher alone: a slot taken, found again by its token, completed and given back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class OperationTableBenchmark {
  private static final int BATCH = 4096;

  /** How many slots are in use at a time. */
  @Param({"1", "128", "4096"})
  public int inFlight;

  private OperationDispatcher dispatcher;
  private Counter counter;
  private long[] tokens;

  /** Makes the state; JMH does this. */
  public OperationTableBenchmark() {}

  /** Fills the table up to the number in use. */
  @Setup
  public void fill() {
    dispatcher =
        new OperationDispatcher(
            t -> {
              throw new IllegalStateException(t);
            });
    counter = new Counter();
    tokens = new long[inFlight];
    for (int i = 0; i < inFlight; i++) {
      tokens[i] = acquire().token();
    }
  }

  private Operation acquire() {
    return dispatcher.acquire(OpCode.NOP, null, counter, this, null);
  }

  /**
   * The oldest ends and a new one begins, as often as a batch has operations.
   *
   * @return how many ended
   */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public long turnover() {
    for (int i = 0; i < BATCH; i++) {
      int place = i & (inFlight - 1);
      dispatcher.resolve(dispatcher.find(tokens[place]), 0);
      tokens[place] = acquire().token();
    }
    return counter.count;
  }

  private static final class Counter implements Completion {
    private long count;

    @Override
    public void complete(Operation operation, int result) {
      count++;
    }
  }
}
