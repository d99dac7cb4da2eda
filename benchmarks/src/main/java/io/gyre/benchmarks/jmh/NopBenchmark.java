package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
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

/** NOPs through the public callback path: {@value #IN_FLIGHT} at a time, each started again from its own completion. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class NopBenchmark {
  static final int IN_FLIGHT = 128;
  static final int BATCH =
      256 * IN_FLIGHT; // so long that waking the loop, once a batch, hardly counts

  /** The driver. */
  @Param({"uring", "nio"})
  public String driver;

  private IoRuntime runtime;
  private Nops nops;

  /** Makes the state; JMH does this. */
  public NopBenchmark() {}

  /**
   * Starts the runtime.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    runtime = IoRuntime.builder().driver(driver).start();
    nops = new Nops(runtime.loops().getFirst());
  }

  /** Ends the runtime. */
  @TearDown(Level.Trial)
  public void stop() {
    runtime.close();
  }

  /** One batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void nop() {
    nops.invoke();
  }

  private static final class Nops extends Batch implements IoHandler<Void> {
    private final EventLoop loop;
    private int toStart;
    private int pending;

    Nops(EventLoop loop) {
      super(loop);
      this.loop = loop;
    }

    @Override
    public void run() {
      toStart = BATCH - IN_FLIGHT;
      pending = BATCH;
      for (int i = 0; i < IN_FLIGHT; i++) {
        loop.nop(null, this);
      }
    }

    @Override
    public void completed(int result, Void attachment) {
      if (--pending == 0) {
        finish();
      } else if (toStart > 0) {
        toStart--;
        loop.nop(null, this);
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      fail(cause);
      completed(0, null);
    }
  }
}
