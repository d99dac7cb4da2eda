package io.gyre.testing;

import io.gyre.IoRuntime;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

/** The process that {@link TimerContract} runs with a wall clock that leaps: its timers must not notice. */
final class SteppedClockMain {
  private static final long HALF_AN_HOUR_MS = 1_800_000;
  private static final int TIMERS = 50;

  private SteppedClockMain() {}

  public static void main(String[] arguments) throws Exception {
    long first = System.currentTimeMillis();
    long step = Math.abs(System.currentTimeMillis() - first);
    if (step < HALF_AN_HOUR_MS) {
      throw new AssertionError("the wall clock does not leap, so that this would show nothing");
    }
    try (var runtime = IoRuntime.builder().driver(arguments[0]).start()) {
      var loop = runtime.loop();
      var done = new CountDownLatch(2 * TIMERS);
      var early = new ConcurrentLinkedQueue<String>();
      for (int i = 0; i < TIMERS; i++) {
        long delay = i * 4_000_000L;
        long begin = System.nanoTime();
        Runnable task =
            () -> {
              long after = System.nanoTime() - begin;
              if (after < delay) {
                early.add(after + " ns instead of " + delay);
              }
              done.countDown();
            };
        loop.scheduleNanos(delay, task);
        loop.execute(() -> loop.schedule(Duration.ofNanos(delay), task));
      }
      var repeated = new CountDownLatch(20);
      loop.scheduleAtFixedRate(Duration.ZERO, Duration.ofMillis(5), repeated::countDown);
      Waits.await(done, "timers under a wall clock that leaps");
      Waits.await(repeated, "repeated timers under a wall clock that leaps");
      if (!early.isEmpty()) {
        throw new AssertionError("early: " + early);
      }
    }
  }
}
