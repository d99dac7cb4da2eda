package io.gyre.benchmarks.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * How a server ends: SIGTERM, SIGINT or an interrupt of the thread that waits has it drained, and the exit status is then
 * 0. A signal by itself would run the shutdown hooks and end the JVM with 128 and its number.
 */
final class OrderlyEnd implements AutoCloseable {
  private static final long MARGIN_SECONDS = 15;

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch reached = new CountDownLatch(1);
  private final long timeoutSeconds;
  private final Thread hook;

  private OrderlyEnd(String name, long drainSeconds) {
    timeoutSeconds = drainSeconds + MARGIN_SECONDS;
    hook = new Thread(this::end, name);
  }

  /** Listens to signals until it is closed. */
  static OrderlyEnd onSignal(String threadName, long drainSeconds) {
    var end = new OrderlyEnd(threadName, drainSeconds);
    Runtime.getRuntime().addShutdownHook(end.hook);
    return end;
  }

  private void end() {
    asked.countDown();
    try {
      boolean inTime = reached.await(timeoutSeconds, TimeUnit.SECONDS);
      Runtime.getRuntime().halt(inTime ? 0 : 1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until somebody wants the end. */
  void await() {
    try {
      asked.await();
    } catch (InterruptedException e) {
      // Who interrupts means the same as who signals; waits after this must not end at once for it.
    }
  }

  /** All is done: what a signal has begun ends with 0. */
  void reached() {
    reached.countDown();
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It runs: it was what asked for the end.
    }
  }
}
