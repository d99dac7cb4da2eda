package io.gyre.benchmarks.jmh;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A buffer acquired and released: by the loop's thread, which has one in hand; by the loop's thread for several at a
 * time, of which all but one go through the queue; by another thread; and by as many as there are processors.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class BufferPoolBenchmark {
  static final int BATCH = 1 << 16; // so long that waking the loop, once a batch, hardly counts
  private static final int BYTES = 4096;
  private static final int AT_A_TIME = 16;

  /** Which leases are watched. */
  @Param({"OFF", "SAMPLED", "FULL"})
  public LeakDetection detection;

  private IoRuntime runtime;
  private BufferPool pool;
  private OneByOne oneByOne;
  private Several several;

  /** Makes the state; JMH does this. */
  public BufferPoolBenchmark() {}

  /**
   * Starts the runtime.
   *
   * @throws IOException when no driver works here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    runtime = IoRuntime.builder().leakDetection(detection).start();
    var loop = runtime.loops().getFirst();
    pool = loop.buffers();
    oneByOne = new OneByOne(loop);
    several = new Several(loop);
  }

  /** Ends the runtime. */
  @TearDown(Level.Trial)
  public void stop() {
    runtime.close();
  }

  /** On the loop's thread, one at a time. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void loop() {
    oneByOne.invoke();
  }

  /** On the loop's thread, several at a time. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void loopSeveral() {
    several.invoke();
  }

  /** On one other thread. */
  @Benchmark
  public void foreign() {
    pool.acquire(BYTES).release();
  }

  /** On several other threads at a time. */
  @Benchmark
  @Threads(Threads.MAX)
  public void contended() {
    pool.acquire(BYTES).release();
  }

  private static final class OneByOne extends Batch {
    private final BufferPool pool;

    OneByOne(EventLoop loop) {
      super(loop);
      this.pool = loop.buffers();
    }

    @Override
    public void run() {
      for (int i = 0; i < BATCH; i++) {
        pool.acquire(BYTES).release();
      }
      finish();
    }
  }

  private static final class Several extends Batch {
    private final BufferPool pool;
    private final Buffer[] held = new Buffer[AT_A_TIME];

    Several(EventLoop loop) {
      super(loop);
      this.pool = loop.buffers();
    }

    @Override
    public void run() {
      for (int i = 0; i < BATCH; i += AT_A_TIME) {
        for (int j = 0; j < AT_A_TIME; j++) {
          held[j] = pool.acquire(BYTES);
        }
        for (int j = 0; j < AT_A_TIME; j++) {
          held[j].release();
        }
      }
      finish();
    }
  }
}
