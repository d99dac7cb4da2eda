package io.gyre.driver;

import io.gyre.Buffer;
import java.lang.invoke.VarHandle;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * The receive buffers that other threads than the loop's gave back. They wait here until the loop comes by; it is woken
 * for one only while it sleeps and a receive waits for a buffer.
 *
 * <p>Memory order: {@code starving} is stored by the loop before {@link SleepFlag#beginSleep}, which ends in a full
 * fence, and the queue looked at after that. Others fill the queue, then have a full fence, then look at {@code starving}
 * and claim the wake-up. So a thread that finds it false, or the loop awake, has filled the queue before the loop looks.
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
    VarHandle.fullFence(); // against the loop, which stores starving and then looks at the queue
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
   * Says whether a receive waits for a buffer. The loop only, before it begins to sleep.
   *
   * @param value whether one waits
   */
  public void starving(boolean value) {
    if (starving != value) {
      starving = value;
    }
  }

  /**
   * Whether there are buffers that a receive waits for. The loop only; after {@link SleepFlag#beginSleep}, for the last
   * time before it waits.
   *
   * @return whether the loop must not wait
   */
  public boolean areAwaited() {
    return starving && !queue.isEmpty();
  }
}
