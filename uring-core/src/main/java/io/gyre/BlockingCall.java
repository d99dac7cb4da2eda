package io.gyre;

import io.gyre.driver.BlockingPool;
import io.gyre.driver.LoopFuture;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/** A user's task on a {@link BlockingPool}, and its future. Begun or cancelled, whichever comes first. */
final class BlockingCall<T> extends LoopFuture<T> implements Runnable {
  private final AtomicBoolean taken = new AtomicBoolean();
  private final EventLoop asker;
  private Callable<? extends T> task;

  /**
   * Makes a call.
   *
   * @param asker the loop to complete on, or null for the pool's thread
   */
  BlockingCall(Callable<? extends T> task, EventLoop asker) {
    this.task = Objects.requireNonNull(task, "task");
    this.asker = asker;
  }

  @Override
  public void run() {
    if (!taken.compareAndSet(false, true)) {
      return;
    }
    var call = task;
    task = null;
    try {
      T result = call.call();
      tell(() -> deliver(result));
    } catch (Throwable t) { // whatever it is, somebody waits for it
      tell(() -> completeExceptionally(t));
    }
  }

  private void tell(Runnable outcome) {
    if (asker == null) {
      outcome.run();
      return;
    }
    try {
      asker.execute(outcome);
    } catch (ShutdownChannelGroupException e) {
      outcome.run(); // the loop has ended; whoever waits must be told all the same
    }
  }

  private void deliver(T result) {
    if (!complete(result) && result instanceof AutoCloseable resource) {
      try {
        resource.close(); // nobody takes it
      } catch (Exception e) {
        // Nobody is left to be told.
      }
    }
  }

  /** The pool ends before a thread has begun this. */
  void drop() {
    if (taken.compareAndSet(false, true)) {
      task = null;
      completeExceptionally(
          new CancellationException("the runtime ended before the blocking task began"));
    }
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (taken.compareAndSet(false, true)) {
      task = null; // it stays in line for a while, and need not keep alive what it holds
    }
    return super.cancel(mayInterruptIfRunning);
  }
}
