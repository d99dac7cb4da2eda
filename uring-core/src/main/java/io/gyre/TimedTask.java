package io.gyre;

import io.gyre.driver.TimerWheel;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/**
 * A scheduled task: the handle that the user holds, the entry in the wheel, and what another thread leaves in the
 * loop's inbox to have it put in or taken out, all in one object.
 */
final class TimedTask extends TimerWheel.Entry implements ScheduledTask, Runnable {
  private static final int WAITING = 0;
  private static final int RUNNING = 1;
  private static final int DONE = 2;
  private static final int CANCELLED = 3;

  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(TimedTask.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final EventLoop loop;
  private final long periodNanos; // 0: runs once; above 0: fixed rate; below 0: fixed delay

  // The loop turns WAITING to RUNNING and back or to DONE, whoever cancels turns it to CANCELLED,
  // both by compare-and-set. DONE and CANCELLED are for ever, and who turned it to them clears
  // task.
  private volatile int state;
  private Runnable task;

  /**
   * Notes the deadline; schedules nothing.
   *
   * @param periodNanos 0 to run once, above 0 for a fixed rate, below 0 for a fixed delay
   */
  TimedTask(EventLoop loop, long delayNanos, long periodNanos, Runnable task) {
    this.loop = loop;
    this.periodNanos = periodNanos;
    this.task = Objects.requireNonNull(task, "task");
    deadlineNanos(TimerWheel.after(loop.timers().now(), delayNanos));
  }

  /** On the loop, when another thread left this in the inbox: to schedule it, or as it was cancelled. */
  @Override
  public void run() {
    if (isCancelled()) {
      loop.timers().cancel(this);
    } else {
      loop.start(this);
    }
  }

  @Override
  protected void expired() {
    var toRun = task; // before the claim: who cancels clears it only if this claim fails
    if (!STATE.compareAndSet(this, WAITING, RUNNING)) {
      return; // cancelled by another thread, whose word the loop has yet to find in its inbox
    }
    loop.timerRuns();
    try {
      toRun.run(); // the wheel reports what it throws
    } finally {
      if (periodNanos == 0) {
        task = null;
        state = DONE;
      } else {
        deadlineNanos(nextNanos());
        if (STATE.compareAndSet(this, RUNNING, WAITING)) {
          loop.start(this);
        }
      }
    }
  }

  private long nextNanos() {
    var timers = loop.timers();
    if (periodNanos < 0) {
      return TimerWheel.after(timers.now(), -periodNanos);
    }
    long due = deadlineNanos();
    long missed = (timers.turnNanos() - due) / periodNanos;
    return TimerWheel.after(due + missed * periodNanos, periodNanos);
  }

  @Override
  protected void dropped() {
    cancelIf(WAITING);
  }

  @Override
  public boolean cancel() {
    // A task that repeats goes between WAITING and RUNNING, so either may take several attempts.
    while (!isDone()) {
      if (cancelIf(WAITING)) {
        loop.forget(this);
        return true;
      }
      if (periodNanos == 0) {
        return false;
      }
      if (cancelIf(RUNNING)) {
        return true;
      }
    }
    return false;
  }

  private boolean cancelIf(int expected) {
    if (!STATE.compareAndSet(this, expected, CANCELLED)) {
      return false;
    }
    task = null;
    return true;
  }

  @Override
  public boolean isCancelled() {
    return state == CANCELLED;
  }

  @Override
  public boolean isDone() {
    return state >= DONE;
  }

  @Override
  public long remainingNanos() {
    return deadlineNanos() - loop.timers().now();
  }

  @Override
  public String toString() {
    var what =
        switch (state) {
          case WAITING -> "waits for " + remainingNanos() + " ns";
          case RUNNING -> "runs";
          case DONE -> "has run";
          default -> "cancelled";
        };
    return "ScheduledTask[" + what + "]";
  }
}
