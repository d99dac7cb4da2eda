package io.gyre.driver;

import io.gyre.EventLoop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waits for operations in the style of java.io: the failure is thrown as itself. */
public final class Futures {
  private Futures() {}

  /**
   * Refuses to wait on a loop's thread, before anything is started.
   *
   * @throws IllegalStateException on a loop's thread, which would wait for itself
   */
  public static void requireMayWait() {
    if (EventLoop.current() != null) {
      throw new IllegalStateException(
          "a loop's thread must not wait: use the callback or the future");
    }
  }

  /**
   * Waits for an operation. A virtual thread parks.
   *
   * @param future an operation's
   * @param <T> the result's type
   * @return the result
   * @throws IOException what the operation failed with; {@link InterruptedIOException} when the caller was interrupted,
   *     in which case the operation goes on and its buffer stays the kernel's until it ends
   * @throws IllegalStateException on a loop's thread, which would wait for itself
   */
  public static <T> T await(CompletableFuture<T> future) throws IOException {
    requireMayWait();
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (!future.cancel(false) && future.state() == Future.State.SUCCESS) {
        return future.resultNow(); // it ended just now
      }
      throw (IOException)
          new InterruptedIOException("interrupted while waiting; the operation goes on")
              .initCause(e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException r -> throw r;
        case Error error -> throw error;
        case Throwable t -> throw new IOException(t);
      }
    }
  }
}
