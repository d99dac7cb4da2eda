package io.gyre.benchmarks.jmh;

import io.gyre.driver.TimerWheel;
import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
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
 * What a timer costs by how many are pending: one that is cancelled in time, as most deadlines are, and one that expires.
 *
 * <p>Each call allocates what its user would hold. The wheel and the queue are confined to the benchmark's thread, as on
 * a loop; the JDK's executor and Netty's timer pay for being open to any thread, and Netty's leaves the work of taking a
 * cancelled timer out to its own thread. Neither of these lets a thread expire timers by itself, so that they have no
 * part in the other figure.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class TimerBenchmark {
  @SuppressWarnings("UnnecessaryLambda") // one object for all, so that none is made in the loop
  private static final Runnable NOTHING = () -> {};

  private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long HOUR_NANOS = TimeUnit.HOURS.toNanos(1);

  /** Made by JMH. */
  public TimerBenchmark() {}

  /** How timers can be kept, for timers that are cancelled. */
  public enum Kept {
    /** Gyre's wheel. */
    WHEEL {
      @Override
      Timers make() {
        return new Wheel();
      }
    },
    /** A binary heap, which has to be searched for what is cancelled. */
    PRIORITY_QUEUE {
      @Override
      Timers make() {
        return new Queue();
      }
    },
    /** A binary heap whose entries know their place. */
    EXECUTOR {
      @Override
      Timers make() {
        return new Executor();
      }
    },
    /** Netty's wheel. */
    NETTY {
      @Override
      Timers make() {
        return new Netty();
      }
    };

    abstract Timers make();
  }

  /** One way of keeping timers. */
  interface Timers extends AutoCloseable {
    Object schedule(long delayNanos);

    boolean cancel(Object timer);

    @Override
    default void close() {}
  }

  private static final class Wheel implements Timers {
    private static final class Nothing extends TimerWheel.Entry {
      @Override
      protected void expired() {}
    }

    private final TimerWheel wheel = new TimerWheel(System::nanoTime, t -> {});

    @Override
    public Object schedule(long delayNanos) {
      var entry = new Nothing();
      wheel.schedule(entry, delayNanos);
      return entry;
    }

    @Override
    public boolean cancel(Object timer) {
      return wheel.cancel((Nothing) timer);
    }
  }

  private static final class Due implements Comparable<Due> {
    private final long nanos;

    Due(long nanos) {
      this.nanos = nanos;
    }

    @Override
    public int compareTo(Due other) {
      return Long.signum(nanos - other.nanos); // survives nanoTime's wrap
    }
  }

  private static final class Queue implements Timers {
    private final PriorityQueue<Due> queue = new PriorityQueue<>();

    @Override
    public Object schedule(long delayNanos) {
      var due = new Due(System.nanoTime() + delayNanos);
      queue.add(due);
      return due;
    }

    @Override
    public boolean cancel(Object timer) {
      return queue.remove(timer);
    }
  }

  private static final class Executor implements Timers {
    private final ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1);

    Executor() {
      executor.setRemoveOnCancelPolicy(true);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // it is the handle
    public Object schedule(long delayNanos) {
      return executor.schedule(NOTHING, delayNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public boolean cancel(Object timer) {
      return ((ScheduledFuture<?>) timer).cancel(false);
    }

    @Override
    public void close() {
      executor.shutdownNow();
    }
  }

  private static final class Netty implements Timers {
    private final HashedWheelTimer timer = new HashedWheelTimer();

    @Override
    public Object schedule(long delayNanos) {
      return timer.newTimeout(timeout -> {}, delayNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public boolean cancel(Object timeout) {
      return ((Timeout) timeout).cancel();
    }

    @Override
    public void close() {
      timer.stop();
    }
  }

  /** Timers that stay pending while others come and go. */
  @State(Scope.Thread)
  public static class Pending {
    /** How many. */
    @Param({"1", "1000", "1000000"})
    public int pending;

    /** Where. */
    @Param public Kept kept;

    private final SplittableRandom random = new SplittableRandom(42);
    private Timers timers;

    /** Made by JMH. */
    public Pending() {}

    /** Schedules them. */
    @Setup(Level.Trial)
    public void fill() {
      timers = kept.make();
      for (int i = 0; i < pending; i++) {
        timers.schedule(HOUR_NANOS + random.nextLong(MOST_NANOS));
      }
    }

    /** Ends threads. */
    @TearDown(Level.Trial)
    public void stop() {
      timers.close();
    }
  }

  /**
   * One timer of up to 30 s, scheduled and at once cancelled.
   *
   * @param state what is pending besides
   * @return whether it was cancelled
   */
  @Benchmark
  public boolean scheduleAndCancel(Pending state) {
    var timer = state.timers.schedule(state.random.nextLong(MOST_NANOS));
    return state.timers.cancel(timer);
  }

  /** A wheel in which time jumps to the next deadline, and each timer that expires makes another. */
  @State(Scope.Thread)
  public static class HoldingWheel {
    /** How many are pending at any time. */
    @Param({"1", "1000", "1000000"})
    public int pending;

    private final SplittableRandom random = new SplittableRandom(42);
    private long clock;
    private int expired;
    private final TimerWheel wheel = new TimerWheel(() -> clock, t -> {});

    /** Made by JMH. */
    public HoldingWheel() {}

    private final class Another extends TimerWheel.Entry {
      @Override
      protected void expired() {
        expired++;
        add();
      }
    }

    private void add() {
      wheel.schedule(new Another(), random.nextLong(MOST_NANOS));
    }

    /** Schedules them. */
    @Setup(Level.Trial)
    public void fill() {
      for (int i = 0; i < pending; i++) {
        add();
      }
    }
  }

  /**
   * The first of the pending timers expires, and another of up to 30 s is scheduled.
   *
   * @param state the wheel
   * @return how many have expired
   */
  @Benchmark
  public int expireAndScheduleWheel(HoldingWheel state) {
    int before = state.expired;
    while (state.expired == before) {
      state.clock += state.wheel.advance(1);
    }
    return state.expired;
  }

  /** The same with a binary heap. */
  @State(Scope.Thread)
  public static class HoldingQueue {
    /** How many are pending at any time. */
    @Param({"1", "1000", "1000000"})
    public int pending;

    private final SplittableRandom random = new SplittableRandom(42);
    private final PriorityQueue<Due> queue = new PriorityQueue<>();

    /** Made by JMH. */
    public HoldingQueue() {}

    /** Schedules them. */
    @Setup(Level.Trial)
    public void fill() {
      for (int i = 0; i < pending; i++) {
        queue.add(new Due(random.nextLong(MOST_NANOS)));
      }
    }
  }

  /**
   * The first of the pending timers expires, and another of up to 30 s is scheduled.
   *
   * @param state the heap
   * @return the one that expired
   */
  @Benchmark
  public Object expireAndScheduleQueue(HoldingQueue state) {
    var due = state.queue.remove();
    state.queue.add(new Due(due.nanos + state.random.nextLong(MOST_NANOS)));
    return due;
  }
}
