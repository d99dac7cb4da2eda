package io.gyre;

import io.gyre.driver.Errors;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import io.gyre.driver.TimerWheel;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Covers operations, so that they can be cancelled together or given a time to end:
 *
 * <pre>{@code
 * var scope = CancelScope.withTimeout(Duration.ofMillis(200));
 * scope.run(() -> stream.read(buffer, null, handler));
 * ...
 * scope.cancel(); // if the answer is not wanted any more
 * }</pre>
 *
 * <p>An operation is in the scope when it is started by code that {@link #run} or {@link #call} runs, in whichever style:
 * callback, future, or waiting. What its handler starts later is not, unless it calls {@code run} again. Scopes nest:
 * whichever ends first cancels.
 *
 * <p>A cancelled operation fails with a {@link CancellationException}, one that ran out of time with a {@link
 * java.net.SocketTimeoutException} (files: its superclass {@link java.io.InterruptedIOException}), and only then is its
 * buffer the user's again. Cancelling is a request: an operation that was quicker, or that the kernel cannot stop, such
 * as a write to a file that has begun, ends as if nobody had asked. A stream write that was cancelled may have gone out
 * in part, which the buffer's position tells.
 *
 * <p>May be used from any thread, and for operations of any number of loops. It costs some allocation for each operation;
 * operations outside of a scope pay nothing.
 */
public final class CancelScope {
  private enum State {
    OPEN,
    CANCELLED,
    TIMED_OUT
  }

  private final boolean hasDeadline;
  private final long deadlineNanos;
  private final Object lock = new Object();
  private volatile State state = State.OPEN; // written under the lock, once

  // A thread that adds a part looks at the state after it; one that ends the scope looks at the
  // parts after it has set the state. So one of them sees the other.
  private final ConcurrentHashMap<EventLoop, Part> parts = new ConcurrentHashMap<>(2);
  private final OperationScope binding = new Binding();

  private CancelScope(boolean hasDeadline, long deadlineNanos) {
    this.hasDeadline = hasDeadline;
    this.deadlineNanos = deadlineNanos;
  }

  /** Makes a scope that ends when {@link #cancel()} is called. */
  public CancelScope() {
    this(false, 0);
  }

  /**
   * Makes a scope that ends by itself.
   *
   * @param timeout from now on, by the monotonic clock; what is started later has only the rest of it
   * @return a scope
   */
  public static CancelScope withTimeout(Duration timeout) {
    return new CancelScope(true, System.nanoTime() + saturatedNanos(timeout));
  }

  private static long saturatedNanos(Duration timeout) {
    try {
      // Half of the range, so that it can be told from the past.
      return Math.min(timeout.toNanos(), Long.MAX_VALUE / 2);
    } catch (ArithmeticException e) {
      return timeout.isNegative() ? 0 : Long.MAX_VALUE / 2;
    }
  }

  /**
   * Runs something whose operations are in the scope.
   *
   * @param task run at once, on the calling thread
   */
  public void run(Runnable task) {
    OperationScope.call(
        binding,
        () -> {
          task.run();
          return null;
        });
  }

  /**
   * Runs something whose operations are in the scope.
   *
   * @param task run at once, on the calling thread
   * @param <T> the result's type
   * @param <X> what the task may throw
   * @return the task's result
   * @throws X what the task throws
   */
  public <T, X extends Throwable> T call(ScopedValue.CallableOp<? extends T, X> task) throws X {
    return OperationScope.<T, X>call(binding, task);
  }

  /** Cancels what is in flight, and what is started in this scope from now on. Cancelling twice is harmless. */
  public void cancel() {
    end(State.CANCELLED);
  }

  /**
   * Whether the scope has ended.
   *
   * @return true after {@link #cancel()}, and when the time is over
   */
  public boolean isCancelled() {
    return state != State.OPEN || isOverdue();
  }

  private boolean isOverdue() {
    return hasDeadline && deadlineNanos - System.nanoTime() <= 0;
  }

  private void end(State how) {
    synchronized (lock) {
      if (state != State.OPEN) {
        return;
      }
      state = how;
    }
    parts.forEach(
        (loop, part) -> {
          try {
            if (loop.inLoop()) {
              part.cancelAll();
            } else {
              loop.execute(part::cancelAll);
            }
          } catch (ShutdownChannelGroupException e) {
            // The loop's end has ended its operations.
          }
        });
  }

  private Throwable failure(Operation operation) {
    return state == State.TIMED_OUT
        ? Errors.timedOut(operation.code(), operation.subject())
        : new CancellationException(
            operation.code().displayName() + " " + operation.subject() + " was cancelled");
  }

  /** Operations of one loop, and the timer that cancels them. Confined to the loop's thread. */
  private final class Part extends TimerWheel.Entry {
    private final EventLoop loop;
    private final Set<Operation> operations = new HashSet<>();

    Part(EventLoop loop) {
      this.loop = loop;
    }

    void add(Operation operation) {
      operations.add(operation);
      if (hasDeadline && !isScheduled()) {
        loop.timers().schedule(this, deadlineNanos - System.nanoTime());
      }
    }

    void remove(Operation operation) {
      operations.remove(operation);
      if (operations.isEmpty() && isScheduled()) {
        loop.timers().cancel(this); // most deadlines are never reached
      }
    }

    @Override
    protected void expired() {
      end(State.TIMED_OUT);
    }

    void cancelAll() {
      for (var operation : Set.copyOf(operations)) {
        loop.dispatcher().cancel(operation.token());
      }
    }
  }

  /** What threads are bound to: apart from the scope, so that users don't see it. */
  private final class Binding implements OperationScope {
    @Override
    public Throwable refusal(Operation operation) {
      var loop = EventLoop.current();
      parts.computeIfAbsent(loop, Part::new); // before the state is looked at
      if (state == State.OPEN && isOverdue()) {
        end(State.TIMED_OUT);
      }
      return state == State.OPEN ? null : failure(operation);
    }

    @Override
    public boolean mayRefuse() {
      return isCancelled();
    }

    @Override
    public void began(Operation operation) {
      parts.get(EventLoop.current()).add(operation);
    }

    @Override
    public void ended(Operation operation, int result) {
      parts.get(EventLoop.current()).remove(operation);
      if (operation.endedEarly(result) && state == State.TIMED_OUT && !operation.isClosing()) {
        operation.setFailure(failure(operation));
      }
    }
  }
}
