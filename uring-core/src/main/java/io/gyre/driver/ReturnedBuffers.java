package io.gyre.driver;

import io.gyre.Buffer;
import java.lang.invoke.VarHandle;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * The receive buffers that other threads than the loop's gave back. They wait here until the loop comes by; it is woken
 * for one only while it sleeps and a receive waits for a buffer.
 *
 * <p>Memory order, on top of {@link SleepFlag}'s: {@code starving} is a volatile, written by the loop before it looks at
 * the queue and read by others after they filled it, with a full fence between on either side. A thread that finds it
 * false has filled the queue before the loop looks. One that finds it true leaves the rest to the sleep flag, which the
 * loop sets before it looks as well.
 */
public final class ReturnedBuffers {
  private final MpscUnboundedAtomicArrayQueue<Buffer> queue =
      new MpscUnboundedAtomicArrayQueue<>(64);
  private final SleepFlag sleep;
  private volatile boolean starving;

  /**
   * Makes a place for buffers.
   *
   * @param sleep the loop's flag
   */
  public ReturnedBuffers(SleepFlag sleep) {
    this.sleep = sleep;
  }

  /**
   * Gives a buffer back. Any thread but the loop's.
   *
   * @param buffer which is the loop's from now on
   * @return whether the caller has to wake the loop
   */
  public boolean add(Buffer buffer) {
    queue.offer(buffer);
    VarHandle.fullFence(); // against starving(), which sets the flag and then looks at the queue
    return starving && sleep.claimWakeUp();
  }

  /**
   * Takes a buffer. The loop only.
   *
   * @return null when there is none
   */
  public Buffer poll() {
    return queue.poll();
  }

  /**
   * How many there are. The loop only.
   *
   * @return a count
   */
  public int size() {
    return queue.size();
  }

  /**
   * Says whether a receive waits for a buffer. The loop only, and if it is about to wait, after {@link
   * SleepFlag#beginSleep}.
   *
   * @param value whether one waits
   * @return whether one waits, and buffers came back just before: then the loop must not wait
   */
  public boolean starving(boolean value) {
    if (starving != value) {
      starving = value;
    }
    if (!value) {
      return false;
    }
    VarHandle.fullFence(); // against add(), which fills the queue and then looks at the flag
    return !queue.isEmpty();
  }
}
