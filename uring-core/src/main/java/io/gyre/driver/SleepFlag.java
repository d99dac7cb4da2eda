package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Whether a loop sleeps, and who is to wake it: the hand-off between a loop that decides to wait and threads that leave
 * something for it. No wake-up is lost, and there is at most one a sleep, whoever they are and however many: all of a
 * loop's wakers share this flag.
 *
 * <pre>
 *   the loop                                        any other thread
 *   {@link #beginSleep()}: flag = 1 (volatile)               leave something (a release store is enough)
 *     full fence                                    {@link #claimWakeUp()}: full fence
 *     look at everything that others leave            flag == 0 (volatile)? then nothing is to be done
 *   wait, unless something was there                  compare-and-set from 1 to 0: who wins wakes
 *   {@link #endSleep()}: flag = 0 (opaque)
 * </pre>
 *
 * <p><b>Nothing is lost</b>: store, fence, load on both sides (Dekker). Of the two fences one is first; whoever has the
 * second sees what the other stored before the first. So the loop finds what was left, or the other finds the flag set.
 * Finding it 0, a thread has its fence before the loop's next one, or a wake-up is claimed already.
 *
 * <p><b>One a sleep</b>: only {@link #beginSleep()} sets the flag, and each time one compare-and-set at most takes it.
 *
 * <p>The end needs no order: a claim that comes before the store is of the sleep that ends, and its wake-up, which may
 * still be on its way, ends the next wait early, without harm. One that comes after it finds 0, and the loop awake.
 */
public final class SleepFlag {
  private static final VarHandle FLAG = MethodHandles.arrayElementVarHandle(int[].class);

  /** In the middle of a stretch that nothing else lies in: all threads read it, and the loop writes it each sleep. */
  private static final int AT = 2 * DriverCounters.PAD;

  private final int[] flag = new int[AT + 1 + AT];
  private final BooleanSupplier nothingLeft;

  /**
   * Makes the flag of a loop that is awake.
   *
   * @param nothingLeft whether others have left nothing for the loop: what it looks at for the last time
   */
  public SleepFlag(BooleanSupplier nothingLeft) {
    this.nothingLeft = Objects.requireNonNull(nothingLeft, "nothingLeft");
  }

  /**
   * The loop would wait. If it may, one wake-up may come until it says that it is back. What only the driver's own
   * threads leave, the driver looks at after this. The loop only.
   *
   * @return false when something was left already: then the loop must turn on, and needs no wake-up
   */
  public boolean beginSleep() {
    FLAG.setVolatile(flag, AT, 1);
    VarHandle.fullFence();
    if (nothingLeft.getAsBoolean()) {
      return true;
    }
    endSleep();
    return false;
  }

  /** The loop waits no longer: also to be called after a {@link #beginSleep} that it did not wait upon. The loop only. */
  public void endSleep() {
    FLAG.setOpaque(flag, AT, 0);
  }

  /**
   * To be called by whoever has left something for the loop. Any other thread. Begins with a full fence.
   *
   * @return whether the caller, and nobody else, has to wake the loop
   */
  public boolean claimWakeUp() {
    VarHandle.fullFence();
    return (int) FLAG.getVolatile(flag, AT) == 1 && FLAG.compareAndSet(flag, AT, 1, 0);
  }
}
