package io.gyre;

import io.gyre.driver.SleepFlag;
import java.lang.invoke.VarHandle;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * The tasks that other threads leave for a loop, whether it is to go on, and how it hears of both: at once while it
 * turns, by a wake-up while it sleeps, and not at all once it has ended, when whoever left a task has to see to it.
 *
 * <p>Memory order: what others leave is a task in the queue, or the state. Each is a store before a full fence, behind
 * which they look at what the loop stores before a full fence of its own: the {@link SleepFlag}, and the state {@code
 * TERMINATED}, a volatile that is written before the loop looks at the queue for the last time. So either the loop finds
 * the task, or whoever left it finds the loop asleep, or terminated.
 */
final class Inbox {
  enum State {
    RUNNING,
    STOPPING,
    TERMINATED
  }

  /** What is left to do for who left a task. */
  enum Then {
    NOTHING,
    WAKE,
    /** The loop has ended, and may have looked for the last time before: what is there is to be run in its place. */
    RUN
  }

  private final MpscUnboundedAtomicArrayQueue<Runnable> tasks =
      new MpscUnboundedAtomicArrayQueue<>(1024);
  private final SleepFlag sleep = new SleepFlag(this::isQuiet);
  private volatile State state = State.RUNNING; // written under this object's monitor
  private boolean draining; // the loop's

  /** The loop's flag, which its driver sets and which wakers that leave no task claim, too. */
  SleepFlag sleepFlag() {
    return sleep;
  }

  State state() {
    return state;
  }

  // ---- other threads

  /** Leaves a task. */
  Then add(Runnable task) {
    tasks.offer(task);
    boolean wake = sleep.claimWakeUp(); // begins with a full fence
    if (state == State.TERMINATED) {
      return Then.RUN;
    }
    return wake ? Then.WAKE : Then.NOTHING;
  }

  /** Leaves a task for which a loop that sleeps may go on doing so. The loop itself uses this, too. */
  void addQuietly(Runnable task) {
    tasks.offer(task);
  }

  /**
   * Tells the loop to end.
   *
   * @return whether the caller has to wake it
   */
  boolean stop() {
    synchronized (this) {
      if (state == State.RUNNING) {
        state = State.STOPPING;
      }
    }
    return sleep.claimWakeUp(); // begins with a full fence
  }

  int size() {
    return tasks.size();
  }

  // ---- the loop

  Runnable poll() {
    return tasks.poll();
  }

  boolean isEmpty() {
    return tasks.isEmpty();
  }

  /** Whether the loop is to go on as before. */
  boolean isRunning() {
    return state == State.RUNNING;
  }

  /** The loop has seen that it is to end, and waits only for what it has to end itself. */
  void draining() {
    draining = true;
  }

  /** What the loop looks at for the last time before it waits. */
  private boolean isQuiet() {
    return tasks.isEmpty() && (draining || state == State.RUNNING);
  }

  /** The loop ends: from here on whoever leaves a task runs it. What is there must be looked for after this. */
  void terminate() {
    synchronized (this) {
      state = State.TERMINATED;
    }
    VarHandle.fullFence();
  }
}
