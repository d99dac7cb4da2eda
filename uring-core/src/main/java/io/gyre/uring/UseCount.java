package io.gyre.uring;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps descriptors open while other threads use their numbers: a number that was closed is somebody else's file by now.
 * Each use announces itself before it looks whether there is anything to use still, and closing waits for those that came
 * before. Uses must be short, since it spins.
 *
 * <p>Memory order: all is read-modify-write of one word, and so in one order. A use that counts itself before the sign
 * bit is set keeps {@link #close()} waiting until it has counted itself out, behind which everything that it did is
 * visible; one that comes later sees the bit.
 */
final class UseCount {
  private static final int CLOSED = Integer.MIN_VALUE;

  /** How many uses are under way; with the sign bit set, no more may begin. */
  private final AtomicInteger count = new AtomicInteger();

  /**
   * Any thread.
   *
   * @return whether there is something to use, until {@link #end()}; if not, there must be none
   */
  boolean begin() {
    if (count.getAndIncrement() >= 0) {
      return true;
    }
    count.getAndDecrement();
    return false;
  }

  /** Any thread. */
  void end() {
    count.getAndDecrement();
  }

  /** Returns when no use is under way, and none will begin. Once. */
  void close() {
    count.getAndAdd(CLOSED);
    while (count.get() != CLOSED) {
      Thread.onSpinWait();
    }
  }
}
