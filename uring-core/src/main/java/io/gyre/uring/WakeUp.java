package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.Errno;
import io.gyre.driver.LoopTelemetry;
import io.gyre.driver.SleepFlag;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Wakes a loop: from any thread through an eventfd that its ring always has a read on; from other loops by a {@linkplain
 * RingMessages message} to the ring itself, which leaves that read where it is.
 *
 * <p>A thread may have decided to wake a loop that meanwhile ends. What it does must not hit a descriptor that was closed
 * and that is somebody else's file by now: the {@link UseCount} keeps both open for as long as anybody is at it.
 */
final class WakeUp {
  private final int eventFd;
  private final Ring ring;
  private final SleepFlag sleepFlag;
  private final LoopTelemetry telemetry;
  private final MemorySegment one = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1L);
  private final MemorySegment count = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);
  private final UseCount wakers = new UseCount();

  WakeUp(Syscalls syscalls, Ring ring, SleepFlag sleepFlag, LoopTelemetry telemetry)
      throws IOException {
    this.ring = ring;
    this.sleepFlag = sleepFlag;
    this.telemetry = telemetry;
    // Blocking on purpose: the ring answers EAGAIN at once on descriptors that are not.
    this.eventFd = syscalls.eventfd(Libc.EFD_CLOEXEC());
    if (eventFd < 0) {
      throw new IOException("eventfd: " + Errno.describe(-eventFd));
    }
  }

  int eventFd() {
    return eventFd;
  }

  /** Where the ring's read puts the eventfd's counter; nobody looks at it. */
  MemorySegment count() {
    return count;
  }

  SleepFlag sleepFlag() {
    return sleepFlag;
  }

  /** After leaving something that the loop looks at before it sleeps. Any thread. Begins with a full fence. */
  void wakeIfSleeping() {
    if (sleepFlag.claimWakeUp()) {
      wakeClaimed();
    }
  }

  /** After claiming the wake-up, for something else than a task. Any thread. */
  void wakeClaimed() {
    telemetry.wakeUpSent();
    wake();
  }

  /** Any thread. */
  void wake() {
    if (wakers.begin()) {
      // Cannot block: that takes a counter near 2^64. Cannot fail: the descriptor is open.
      Libc.write(eventFd, one, one.byteSize());
      wakers.end();
    }
  }

  /**
   * By a message, from the thread whose messages they are.
   *
   * @return false when the kernel refused it, and somebody is still to be woken
   */
  boolean wake(RingMessages messages) {
    if (!wakers.begin()) {
      return true; // nobody sleeps here any more
    }
    int result = messages.send(ring);
    wakers.end();
    return result >= 0;
  }

  /** Closes the ring and the eventfd, once nobody is about to wake the loop. */
  void closeWithRing() {
    wakers.close();
    ring.close();
    Libc.close(eventFd);
  }
}
