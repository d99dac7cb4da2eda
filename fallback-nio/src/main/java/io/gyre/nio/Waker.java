package io.gyre.nio;

import io.gyre.driver.LoopTelemetry;
import io.gyre.driver.SleepFlag;
import java.nio.channels.Selector;

/**
 * Ends the loop's wait in the selector. Whoever leaves something for the loop calls {@link #wakeIfSleeping}, which costs
 * a fence and a read while the loop is awake; its {@link SleepFlag} sees to it that each of its sleeps costs at most one
 * system call.
 */
final class Waker {
  private final Selector selector;
  private final SleepFlag sleepFlag;
  private final LoopTelemetry telemetry;

  /** Whether there was a wake-up that the loop has not counted. Written before the selector's, and read behind it. */
  private volatile boolean woken;

  Waker(Selector selector, SleepFlag sleepFlag, LoopTelemetry telemetry) {
    this.selector = selector;
    this.sleepFlag = sleepFlag;
    this.telemetry = telemetry;
  }

  SleepFlag sleepFlag() {
    return sleepFlag;
  }

  /** Ends the wait that is under way, or the next one. Any thread. */
  void wakeUp() {
    woken = true;
    selector.wakeup();
  }

  /** After leaving something in a queue that the loop looks at before it sleeps. Any thread. Begins with a full fence. */
  void wakeIfSleeping() {
    if (sleepFlag.claimWakeUp()) {
      wakeClaimed();
    }
  }

  /** After claiming the wake-up. */
  void wakeClaimed() {
    telemetry.wakeUpSent();
    wakeUp();
  }

  /** Whether there was a wake-up since the last call. The loop's thread only. */
  boolean takeWakeUp() {
    if (!woken) {
      return false;
    }
    woken = false;
    return true;
  }
}
