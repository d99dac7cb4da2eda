package io.gyre.driver;

import io.gyre.EventLoop;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A future that loops complete. A loop's thread that waits for it would wait for ever if it is the one to complete it, or
 * what stands before it; and in every case all else that the loop has to do would wait, too. So {@link #join()} and {@link
 * #get()} are refused there, as calls that wait are, unless this is done: with an {@link IllegalStateException}. Stages that
 * depend on this one refuse likewise; those that the static methods of CompletableFuture make of it do not.
 *
 * @param <T> the result's type
 */
public class LoopFuture<T> extends CompletableFuture<T> {
  /** Makes a future that is not done. */
  public LoopFuture() {}

  /**
   * Makes a future that is done.
   *
   * @param value its result
   * @param <T> the result's type
   * @return the future
   */
  public static <T> LoopFuture<T> completed(T value) {
    var future = new LoopFuture<T>();
    future.complete(value);
    return future;
  }

  private void requireMayWait() {
    if (!isDone() && EventLoop.current() != null) {
      throw new IllegalStateException(
          "a loop's thread must not wait for a future: go on in whenComplete, thenAccept or"
              + " another stage, or use the callback");
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException on a loop's thread, unless this is done
   */
  @Override
  public T get() throws InterruptedException, ExecutionException {
    requireMayWait();
    return super.get();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException on a loop's thread, unless this is done
   */
  @Override
  public T get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    requireMayWait();
    return super.get(timeout, unit);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException on a loop's thread, unless this is done
   */
  @Override
  public T join() {
    requireMayWait();
    return super.join();
  }

  /** Of stages that depend on this one: they are no operations, and cancelling them cancels none. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new LoopFuture<>();
  }
}
