package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
 * How long it takes until a loop that sleeps runs a task of another thread: from the call to the task's first
 * instruction, which the caller, who does not sleep, sees at once. {@code park} is what the JDK needs to wake a parked
 * thread: less than that cannot be expected.
 *
 * <p>For wake-ups of one loop by another see {@link LoopHopBenchmark}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class WakeUpBenchmark {
  /** Who is woken. */
  @Param({"uring", "nio", "park"})
  public String sleeper;

  private Sleeper target;

  /** Makes the state; JMH does this. */
  public WakeUpBenchmark() {}

  /** Somebody who sleeps until woken, and then says so. */
  private interface Sleeper extends AutoCloseable {
    void wake();

    boolean isAwake();

    @Override
    void close();
  }

  /**
   * Starts whoever is to be woken.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    target =
        sleeper.equals("park")
            ? new ParkedThread()
            : new SleepingLoop(IoRuntime.builder().driver(sleeper).start());
  }

  /** Ends it. */
  @TearDown(Level.Trial)
  public void stop() {
    target.close();
  }

  /** One wake-up. */
  @Benchmark
  public void wakeUp() {
    target.wake();
    while (!target.isAwake()) {
      Thread.onSpinWait();
    }
  }

  private static final class SleepingLoop implements Sleeper, Runnable {
    private final IoRuntime runtime;
    private final EventLoop loop;
    private volatile boolean awake;

    SleepingLoop(IoRuntime runtime) {
      this.runtime = runtime;
      this.loop = runtime.loops().getFirst();
    }

    @Override
    public void wake() {
      awake = false;
      loop.execute(this);
    }

    @Override
    public void run() {
      awake = true;
    }

    @Override
    public boolean isAwake() {
      return awake;
    }

    @Override
    public void close() {
      runtime.close();
    }
  }

  private static final class ParkedThread implements Sleeper, Runnable {
    private final Thread thread = Thread.ofPlatform().daemon().unstarted(this);
    private volatile boolean awake = true;
    private volatile boolean ended;

    ParkedThread() {
      thread.start();
    }

    @Override
    public void wake() {
      awake = false;
      LockSupport.unpark(thread);
    }

    @Override
    public void run() {
      while (!ended) {
        while (awake && !ended) {
          LockSupport.park(this);
        }
        awake = true;
      }
    }

    @Override
    public boolean isAwake() {
      return awake;
    }

    @Override
    public void close() {
      ended = true;
      LockSupport.unpark(thread);
    }
  }
}
