package io.gyre.nio;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.channels.Selector;

/**
 * Ends the loop's wait in the selector. Whoever leaves something for the loop calls {@link #wakeIfSleeping}, which costs
 * a fence and a read while the loop is awake, and at most one system call for each of its sleeps.
 */
final class Waker {
  private static final VarHandle SLEEPING;

  static {
    try {
      SLEEPING = MethodHandles.lookup().findVarHandle(Waker.class, "sleeping", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Selector selector;

  // A Dekker pair with full fences between:
  //   loop:   sleeping = true; fence; look at the queues; select if they are empty
  //   others: offer to a queue; fence; look at sleeping; wake if it is true
  // so at least one side sees the other.
  private volatile boolean sleeping;
  private volatile boolean woken;

  Waker(Selector selector) {
    this.selector = selector;
  }

  /** Ends the wait that is under way, or the next one. Any thread. */
  void wakeUp() {
    woken = true;
    selector.wakeup();
  }

  /** After leaving something in a queue that the loop looks at before it sleeps. Any thread. */
  void wakeIfSleeping() {
    VarHandle.fullFence();
    if (sleeping && SLEEPING.compareAndSet(this, true, false)) {
      wakeUp();
    }
  }

  /** The loop is about to look at its queues for the last time before it waits. */
  void beginSleep() {
    SLEEPING.setVolatile(this, true);
    VarHandle.fullFence();
  }

  /** The loop waits no longer. A wake-up that is still on its way ends the next wait early, which is harmless. */
  void endSleep() {
    SLEEPING.setOpaque(this, false);
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
