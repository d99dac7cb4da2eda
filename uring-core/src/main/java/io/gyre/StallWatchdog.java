package io.gyre;

import io.gyre.driver.LoopTelemetry;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports loops that a handler or task blocks, with their stack, while it lasts: one thread for a runtime, which looks
 * at each loop a few times in the time that is too long.
 *
 * <p>The loops pay nothing for it: it reads counters that they write anyway. A loop whose counters stand still between
 * two looks, and that does not wait in the kernel, was busy with one thing all the time.
 */
final class StallWatchdog {
  private static final Logger LOG = LoggerFactory.getLogger(StallWatchdog.class);
  private static final int LOOKS_PER_THRESHOLD = 4;
  private static final long LONGEST_PERIOD_NANOS = 100_000_000;

  private final long thresholdNanos;
  private final long periodNanos;
  private final Watch[] watches;
  private final Thread thread;
  private volatile boolean stopped;

  StallWatchdog(String name, List<EventLoop> loops, Duration threshold) {
    this.thresholdNanos = TimeUnit.NANOSECONDS.convert(threshold);
    this.periodNanos = Math.min(LONGEST_PERIOD_NANOS, thresholdNanos / LOOKS_PER_THRESHOLD);
    this.watches = loops.stream().map(Watch::new).toArray(Watch[]::new);
    this.thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Ends the thread soon. Any thread. */
  void stop() {
    stopped = true;
    LockSupport.unpark(thread);
  }

  private void run() {
    long last = System.nanoTime();
    while (!stopped) {
      LockSupport.parkNanos(this, periodNanos);
      Thread.interrupted(); // one that is pending would end every park at once
      long now = System.nanoTime();
      // What holds up this thread holds up the loops too: a collection, a machine that was put to
      // sleep. It is not their handlers' doing, and does not count.
      long passed = Math.min(now - last, 2 * periodNanos);
      last = now;
      for (var watch : watches) {
        watch.look(passed);
      }
    }
  }

  /** What is known of one loop. */
  private final class Watch {
    private final EventLoop loop;
    private final LoopTelemetry telemetry;
    private long progress;
    private long busyNanos;
    private boolean reported;

    Watch(EventLoop loop) {
      this.loop = loop;
      this.telemetry = loop.telemetry();
    }

    void look(long passedNanos) {
      long current = telemetry.progress();
      if (current != progress || telemetry.isWaiting() || loop.terminated().isDone()) {
        if (reported) {
          LOG.info("{} goes on, after about {} ms", telemetry.loop(), millis(busyNanos));
        }
        progress = current;
        busyNanos = 0;
        reported = false;
        return;
      }
      busyNanos += passedNanos;
      if (!reported && busyNanos >= thresholdNanos) {
        reported = true;
        report();
      }
    }

    private void report() {
      var frames = loop.thread().getStackTrace();
      var stack = new Throwable("the stack of " + telemetry.loop());
      stack.setStackTrace(frames);
      LOG.warn(
          "{} has been busy for {} ms with what its stack shows, and nothing else on it goes on:"
              + " what blocks or takes long belongs on another thread",
          telemetry.loop(),
          millis(busyNanos),
          stack);
      telemetry.stalled(
          loop.thread(),
          busyNanos,
          Arrays.stream(frames).map(Object::toString).collect(Collectors.joining("\n")));
    }

    private static long millis(long nanos) {
      return TimeUnit.NANOSECONDS.toMillis(nanos);
    }
  }
}
