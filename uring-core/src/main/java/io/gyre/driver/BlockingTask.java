package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One operation while it is with a {@link BlockingPool}: for drivers, whose kernel has no asynchronous form of it. It is
 * filled in on the loop's thread, performed on a pool thread and read on the loop's thread again; the queues between them
 * order the accesses. A pool thread never touches the {@link Operation}: what it needs is copied to the task, and the
 * outcome is taken from there on the loop's thread.
 */
public abstract class BlockingTask implements Runnable {
  private static final long FIRST_DELAY_NANOS = 1_000_000;
  private static final long LONGEST_DELAY_NANOS = 64_000_000;

  private enum State {
    QUEUED,
    BEGUN,
    CANCELLED
  }

  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(BlockingTask.class, "state", State.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // The loop's own.
  private final Operation operation;
  int position; // in the list of those outstanding
  BlockingWork<?> work;

  // What the pool thread brings.
  private int result;
  private long longResult;
  private Object value;
  private Throwable failure;

  private long delayNanos;
  private boolean again;

  // A pool thread that begins races the loop that cancels.
  private volatile State state = State.QUEUED;
  private volatile boolean cancelRequested;

  /**
   * Makes a task, on the loop's thread.
   *
   * @param operation what it is to perform
   */
  protected BlockingTask(Operation operation) {
    this.operation = operation;
  }

  /**
   * Does the work, on a pool thread.
   *
   * @throws Exception what the operation is to fail with
   */
  protected abstract void perform() throws Exception;

  /**
   * Gives back what the task has taken, when it ends without having done its work: on a pool thread that it failed on, or
   * on the loop's thread while it is still in the pool's line, where it need not keep anything alive. May be called twice.
   */
  protected void forget() {}

  @Override
  public final void run() {
    if (!STATE.compareAndSet(this, State.QUEUED, State.BEGUN)) {
      return;
    }
    again = false;
    try {
      perform();
    } catch (Throwable t) { // whatever it is, somebody waits for the outcome
      failure = t;
    }
    if (again && failure == null && waitsAgain()) {
      return;
    }
    if (failure != null || result == -Errno.ECANCELED.number()) {
      forget();
    }
    work.finished(this);
  }

  /** Lines up to be tried again, without a thread; false when it is to end. */
  private boolean waitsAgain() {
    if (cancelRequested) {
      result = -Errno.ECANCELED.number();
      return false;
    }
    state = State.QUEUED;
    // A cancellation that came just now may have found the task under way: it is tried once more.
    delayNanos = Math.clamp(delayNanos * 2, FIRST_DELAY_NANOS, LONGEST_DELAY_NANOS);
    try {
      work.pool().executeLater(this, delayNanos);
      return true;
    } catch (java.util.concurrent.RejectedExecutionException e) {
      if (!STATE.compareAndSet(this, State.QUEUED, State.BEGUN)) {
        return true; // cancelled meanwhile: told already
      }
      failure = e;
      return false;
    }
  }

  /** For {@link #perform}: what it waits for is not there; it is to be called again a little later. */
  protected final void tryAgainLater() {
    again = true;
  }

  /** Keeps a pool thread from beginning; false if one has begun. The loop's thread only. */
  final boolean cancel() {
    cancelRequested = true;
    if (!STATE.compareAndSet(this, State.QUEUED, State.CANCELLED)) {
      return false;
    }
    forget();
    return true;
  }

  /**
   * What it performs. The loop's thread only.
   *
   * @return a live operation, until its outcome is told
   */
  public final Operation operation() {
    return operation;
  }

  /**
   * For {@link #perform}: the outcome's number.
   *
   * @param number 0 or more, or a negated errno
   */
  protected final void setResult(int number) {
    this.result = number;
  }

  /**
   * For {@link #perform}: see {@link Operation#longResult()}.
   *
   * @param number the long
   */
  protected final void setLongResult(long number) {
    this.longResult = number;
  }

  /**
   * For {@link #perform}: see {@link Operation#value()}.
   *
   * @param object the object
   */
  protected final void setValue(Object object) {
    this.value = object;
  }

  /**
   * The outcome's number.
   *
   * @return 0 or more, or a negated errno
   */
  public final int result() {
    return result;
  }

  /**
   * See {@link Operation#longResult()}.
   *
   * @return the long
   */
  public final long longResult() {
    return longResult;
  }

  /**
   * See {@link Operation#value()}.
   *
   * @return the object, or null
   */
  public final Object value() {
    return value;
  }

  /**
   * What was thrown.
   *
   * @return the failure, or null
   */
  public final Throwable failure() {
    return failure;
  }
}
