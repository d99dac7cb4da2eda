package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
 * How long it takes until a loop that sleeps runs a task of another loop, which then sleeps itself: a task that goes to
 * and fro between two of them, so that each hop is a wake-up. {@code uring} wakes by messages, {@code uring-eventfd} has
 * them switched off; {@code park} is two threads that park and unpark each other.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LoopHopBenchmark {
  private static final int HOPS = 1000;

  /** Who wakes whom. */
  @Param({"uring", "uring-eventfd", "nio", "park"})
  public String loops;

  private Pair pair;

  /** Makes the state; JMH does this. */
  public LoopHopBenchmark() {}

  /** Two that wake each other. */
  private interface Pair extends AutoCloseable {
    void begin(int hops);

    boolean hasEnded();

    @Override
    void close();
  }

  /**
   * Starts both.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    pair = loops.equals("park") ? new TwoThreads() : new TwoLoops(loops);
  }

  /** Ends both. */
  @TearDown(Level.Trial)
  public void stop() {
    pair.close();
  }

  /** A thousand hops; one more wake-up starts them. */
  @Benchmark
  @OperationsPerInvocation(HOPS)
  public void hop() {
    pair.begin(HOPS);
    while (!pair.hasEnded()) {
      LockSupport.parkNanos(20_000); // both cores are the pair's
    }
  }

  private static final class TwoLoops implements Pair, Runnable {
    private final IoRuntime runtime;
    private final EventLoop one;
    private final EventLoop other;
    private volatile int left;

    TwoLoops(String driver) throws IOException {
      var options = IoRuntime.builder().scheduler(Scheduler.threadPerCore(2));
      if (driver.equals("uring-eventfd")) {
        options.driver("uring").disable("msg-ring");
      } else {
        options.driver(driver);
      }
      runtime = options.start();
      one = runtime.loops().get(0);
      other = runtime.loops().get(1);
    }

    @Override
    public void begin(int hops) {
      left = hops;
      one.execute(this);
    }

    @Override
    public void run() {
      int now = left - 1; // only who has the task writes
      left = now;
      if (now > 0) {
        (one.inLoop() ? other : one).execute(this);
      }
    }

    @Override
    public boolean hasEnded() {
      return left == 0;
    }

    @Override
    public void close() {
      runtime.close();
    }
  }

  private static final class TwoThreads implements Pair {
    private final Thread one = Thread.ofPlatform().daemon().unstarted(() -> hopWhenEven(true));
    private final Thread other = Thread.ofPlatform().daemon().unstarted(() -> hopWhenEven(false));
    private volatile int left;
    private volatile boolean ended;

    TwoThreads() {
      one.start();
      other.start();
    }

    @Override
    public void begin(int hops) {
      left = hops;
      LockSupport.unpark(one);
      LockSupport.unpark(other);
    }

    private void hopWhenEven(boolean even) {
      while (!ended) {
        int now = left;
        if (now > 0 && (now % 2 == 0) == even) {
          left = now - 1;
          LockSupport.unpark(even ? other : one);
        } else {
          LockSupport.park(this);
        }
      }
    }

    @Override
    public boolean hasEnded() {
      return left == 0;
    }

    @Override
    public void close() {
      ended = true;
      LockSupport.unpark(one);
      LockSupport.unpark(other);
    }
  }
}
