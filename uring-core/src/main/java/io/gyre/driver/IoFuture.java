package io.gyre.driver;

import io.gyre.EventLoop;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/**
 * The future of one operation. Cancelling it cancels the operation.
 *
 * <p>It completes when the operation has ended, not when {@link #cancel} is called: until then the kernel may still
 * write to the operation's buffer. An operation that was quicker than its cancellation completes the future with its
 * result; a file or connection that it brought is closed instead, since nobody waits for it.
 *
 * @param <T> the result's type
 */
public final class IoFuture<T> extends LoopFuture<T> implements OperationScope {
  private final EventLoop loop;
  private boolean cancelRequested; // guarded by this
  private boolean claimed; // guarded by this

  /** The loop's thread only. */
  private Operation operation;

  private IoFuture(EventLoop loop) {
    this.loop = loop;
  }

  /**
   * Starts an operation and makes its future.
   *
   * @param loop where the operation will run
   * @param start starts it, with the future as the attachment of a {@link FutureHandler}
   * @param <T> the result's type
   * @return the future
   */
  public static <T> IoFuture<T> start(EventLoop loop, Consumer<? super IoFuture<T>> start) {
    var future = new IoFuture<T>(loop);
    OperationScope.call(
        future,
        () -> {
          start.accept(future);
          return null;
        });
    return future;
  }

  /**
   * Asks that the operation be cancelled. Any thread.
   *
   * @param mayInterruptIfRunning without effect: nothing is interrupted
   * @return false when the operation has ended already; true when it was asked to end, which {@link #isDone()} tells
   */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (isDone()) {
      return isCancelled();
    }
    synchronized (this) {
      if (claimed) {
        return false;
      }
      cancelRequested = true;
    }
    try {
      loop.execute(this::cancelOperation);
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has ended the operation, too.
    }
    return true;
  }

  private void cancelOperation() {
    if (operation != null) {
      loop.dispatcher().cancel(operation.token());
    }
  }

  /**
   * Decides between a result that somebody has to close and a cancellation: one of them wins.
   *
   * @return true when the future is to be completed with the result; false when it was cancelled
   */
  synchronized boolean claim() {
    claimed = !cancelRequested;
    return claimed;
  }

  private synchronized boolean isCancelRequested() {
    return cancelRequested;
  }

  @Override
  public Throwable refusal(Operation candidate) {
    return isCancelRequested()
        ? new CancellationException(
            candidate.code().displayName() + " " + candidate.subject() + " was cancelled")
        : null;
  }

  @Override
  public void began(Operation candidate) {
    operation = candidate;
  }

  @Override
  public void ended(Operation candidate, int result) {
    operation = null;
  }
}
