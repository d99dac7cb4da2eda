package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Operations that are started from another thread than the loop's: each goes through the loop's inbox, and the loop is
 * woken at most once a sleep. To be held against {@link NopBenchmark}, whose operations are started on the loop.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class ForeignSubmitBenchmark {
  private static final int BATCH = 1024;

  /** The driver. */
  @Param({"uring", "nio"})
  public String driver;

  private IoRuntime runtime;
  private EventLoop loop;
  private final Countdown pending = new Countdown();

  /** Makes the state; JMH does this. */
  public ForeignSubmitBenchmark() {}

  /**
   * Starts the runtime.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    runtime = IoRuntime.builder().driver(driver).start();
    loop = runtime.loops().getFirst();
  }

  /** Ends the runtime. */
  @TearDown(Level.Trial)
  public void stop() {
    runtime.close();
  }

  /** One batch, waited for by spinning. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void nop() {
    pending.set(BATCH);
    for (int i = 0; i < BATCH; i++) {
      loop.nop(null, pending);
    }
    while (pending.get() > 0) {
      Thread.onSpinWait();
    }
  }

  private static final class Countdown extends AtomicInteger implements IoHandler<Void> {
    private static final long serialVersionUID = 1L;

    @Override
    public void completed(int result, Void attachment) {
      decrementAndGet();
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      throw new IllegalStateException(cause);
    }
  }
}
