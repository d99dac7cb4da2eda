package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.WaitStrategy;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it takes to have something done by a loop that has nothing else to do, for each way that it may wait: a task of
 * another thread, and a NOP that goes from there through the ring. The other thread looks for the outcome all the time,
 * so that only the loop's wait is measured.
 *
 * <p>Needs a core for the loop, one for the other thread, and one for each thread of the kernel's that polls: on fewer
 * they wait for each other, and the numbers say nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class WaitStrategyBenchmark {
  private static final Duration SPIN = Duration.ofNanos(50_000);
  private static final Duration IDLE = Duration.ofMillis(100);

  /** The driver, and how its loop waits. */
  @Param({
    "uring/park",
    "uring/spin",
    "uring/spin-then-park",
    "uring/park+sqpoll",
    "uring/spin+sqpoll",
    "nio/park",
    "nio/spin",
    "nio/spin-then-park"
  })
  public String waiting;

  private IoRuntime runtime;
  private EventLoop loop;
  private volatile boolean done;
  private final IoHandler<WaitStrategyBenchmark> handler = new Done();

  /** Makes the state; JMH does this. */
  public WaitStrategyBenchmark() {}

  private static final class Done implements IoHandler<WaitStrategyBenchmark> {
    @Override
    public void completed(int result, WaitStrategyBenchmark state) {
      state.done = true;
    }

    @Override
    public void failed(Throwable cause, WaitStrategyBenchmark state) {
      throw new AssertionError(cause);
    }
  }

  /**
   * Starts the loop.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    var parts = waiting.split("/", 2);
    var strategy = strategy(parts[1]);
    runtime = IoRuntime.builder().driver(parts[0]).waitStrategy(strategy).start();
    loop = runtime.loops().getFirst();
    if (strategy.pollingIdleMillis() > 0 && !loop.capabilities().uses("sqpoll")) {
      throw new IOException("this kernel does not poll: " + loop.capabilities().feature("sqpoll"));
    }
  }

  private static WaitStrategy strategy(String name) {
    return switch (name) {
      case "park" -> WaitStrategy.park();
      case "spin" -> WaitStrategy.spin();
      case "spin-then-park" -> WaitStrategy.spinThenPark(SPIN);
      case "park+sqpoll" -> WaitStrategy.park().withSubmissionPolling(IDLE);
      case "spin+sqpoll" -> WaitStrategy.spin().withSubmissionPolling(IDLE);
      default -> throw new IllegalArgumentException("no strategy named " + name);
    };
  }

  /** Ends it. */
  @TearDown(Level.Trial)
  public void stop() {
    runtime.close();
  }

  /** A task of another thread. */
  @Benchmark
  public void task() {
    done = false;
    loop.execute(this::isDone);
    awaitDone();
  }

  /** A NOP that another thread asked for. */
  @Benchmark
  public void nop() {
    done = false;
    loop.nop(this, handler);
    awaitDone();
  }

  private void isDone() {
    done = true;
  }

  private void awaitDone() {
    while (!done) {
      Thread.onSpinWait();
    }
  }
}
