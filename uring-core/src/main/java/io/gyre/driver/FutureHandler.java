package io.gyre.driver;

import io.gyre.IoHandler;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** Handlers whose attachment is the future to complete. */
public final class FutureHandler {
  /** Completes a future with a number. */
  public static final IoHandler<CompletableFuture<Integer>> INTEGER =
      new IoHandler<>() {
        @Override
        public void completed(int result, CompletableFuture<Integer> future) {
          future.complete(result);
        }

        @Override
        public void failed(Throwable cause, CompletableFuture<Integer> future) {
          future.completeExceptionally(cause);
        }
      };

  /** Completes a future with nothing, for operations whose number says nothing. */
  public static final IoHandler<CompletableFuture<Void>> VOID =
      new IoHandler<>() {
        @Override
        public void completed(int result, CompletableFuture<Void> future) {
          future.complete(null);
        }

        @Override
        public void failed(Throwable cause, CompletableFuture<Void> future) {
          future.completeExceptionally(cause);
        }
      };

  private FutureHandler() {}

  /**
   * Completes a future with an object.
   *
   * @param <V> the object's type
   * @return a handler
   */
  public static <V> CompletionHandler<V, CompletableFuture<V>> of() {
    return new CompletionHandler<>() {
      @Override
      public void completed(V result, CompletableFuture<V> future) {
        if (!(result instanceof AutoCloseable resource)) {
          future.complete(result);
        } else if (future instanceof IoFuture<?> f && !f.claim()) {
          closeQuietly(resource);
          future.completeExceptionally(
              new CancellationException(resource + " was cancelled, and closed"));
        } else if (!future.complete(result)) {
          closeQuietly(resource); // somebody else has completed it: nobody takes this
        }
      }

      @Override
      public void failed(Throwable cause, CompletableFuture<V> future) {
        future.completeExceptionally(cause);
      }
    };
  }

  private static void closeQuietly(AutoCloseable unwanted) {
    try {
      unwanted.close();
    } catch (Exception e) {
      // Nobody is left to be told.
    }
  }
}
