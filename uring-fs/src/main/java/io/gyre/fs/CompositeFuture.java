package io.gyre.fs;

import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.driver.LoopFuture;
import io.gyre.driver.OperationScope;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The future of a call that takes several operations. All that happens between them happens on the loop's thread, so that
 * it needs no lock. Cancelling it cancels what is in flight and refuses what would follow; it completes when that has
 * ended and what was half done is cleared away.
 *
 * @param <T> the result's type
 */
final class CompositeFuture<T> extends LoopFuture<T> {
  private final EventLoop loop;
  private final CancelScope scope = new CancelScope();
  private final OperationScope outer = OperationScope.current(); // the caller's, or null
  private boolean cancelRequested; // guarded by this
  private boolean claimed; // guarded by this

  private CompositeFuture(EventLoop loop) {
    this.loop = loop;
  }

  /** Starts the first operation on the loop, never inside of this call. */
  static <T> CompositeFuture<T> start(
      EventLoop loop, Function<? super CompositeFuture<T>, ? extends CompletionStage<T>> body) {
    var future = new CompositeFuture<T>(loop);
    loop.execute(() -> future.run(body));
    return future;
  }

  private void run(Function<? super CompositeFuture<T>, ? extends CompletionStage<T>> body) {
    try {
      var _ = body.apply(this).whenComplete(this::settle);
    } catch (Throwable t) { // whatever it is, somebody waits
      completeExceptionally(t);
    }
  }

  private void settle(T result, Throwable failure) {
    if (failure != null) {
      completeExceptionally(unwrap(failure));
    } else if (result instanceof AutoCloseable resource && !claim()) {
      closeQuietly(resource);
      completeExceptionally(new CancellationException(resource + " was cancelled, and closed"));
    } else {
      complete(result);
    }
  }

  /** Decides between a result that somebody has to close and a cancellation. */
  private synchronized boolean claim() {
    claimed = !cancelRequested;
    return claimed;
  }

  private static void closeQuietly(AutoCloseable unwanted) {
    try {
      unwanted.close();
    } catch (Exception e) {
      // Nobody is left to be told.
    }
  }

  /** Starts operations that this future's cancellation covers. What clears away is started without. */
  <U> CompletableFuture<U> step(Supplier<CompletableFuture<U>> operation) {
    return outer == null
        ? scope.call(operation::get)
        : OperationScope.call(outer, () -> scope.call(operation::get));
  }

  boolean isCancelRequested() {
    return scope.isCancelled();
  }

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
    scope.cancel();
    return true;
  }

  EventLoop loop() {
    return loop;
  }

  // ---- for those who write the bodies

  /** Tells a handler on the loop's thread, where what it throws is reported, how a call has ended. */
  static <T, A> void tell(
      EventLoop loop,
      Supplier<CompletableFuture<T>> call,
      A attachment,
      CompletionHandler<T, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var _ = // the handler is told of failures
        call.get()
            .whenComplete(
                (result, failure) -> {
                  Runnable outcome =
                      failure == null
                          ? () -> handler.completed(result, attachment)
                          : () -> handler.failed(unwrap(failure), attachment);
                  try {
                    loop.execute(outcome);
                  } catch (ShutdownChannelGroupException e) {
                    outcome.run(); // the loop has ended; whoever waits must be told all the same
                  }
                });
  }

  /** Repeats an operation while it says true. A loop of {@code thenCompose} would keep each round until the last. */
  static CompletableFuture<Void> repeat(Supplier<CompletableFuture<Boolean>> round) {
    var done = new CompletableFuture<Void>();
    next(round, done);
    return done;
  }

  private static void next(
      Supplier<CompletableFuture<Boolean>> round, CompletableFuture<Void> done) {
    CompletableFuture<Boolean> started;
    try {
      started = round.get();
    } catch (Throwable t) { // whatever it is, somebody waits
      done.completeExceptionally(t);
      return;
    }
    var _ = // as done is
        started.whenComplete(
            (more, failure) -> {
              if (failure != null) {
                done.completeExceptionally(unwrap(failure));
              } else if (more) {
                next(round, done);
              } else {
                done.complete(null);
              }
            });
  }

  /** Does something after another, however that ended, whose failure is the one that counts. */
  static <T> CompletableFuture<T> andFinally(
      CompletableFuture<T> body, Supplier<? extends CompletionStage<?>> last) {
    return andFinally(body, failure -> last.get());
  }

  /** Does something after another, told how that ended: with null where it succeeded. */
  static <T> CompletableFuture<T> andFinally(
      CompletableFuture<T> body, Function<Throwable, ? extends CompletionStage<?>> last) {
    return andThen(
        body,
        (result, failure) ->
            apply(last, failure)
                .handle((nothing, also) -> join(result, failure, also))
                .toCompletableFuture());
  }

  /** Goes on after something, however that ended: with its result, or with what it failed with. */
  static <T, U> CompletableFuture<U> andThen(
      CompletableFuture<T> first, BiFunction<T, Throwable, CompletableFuture<U>> next) {
    var last = new CompletableFuture<U>();
    var _ = // as last is
        first.whenComplete(
            (result, failure) -> {
              try {
                var _ =
                    next.apply(result, unwrap(failure))
                        .whenComplete((value, cause) -> settle(last, value, cause));
              } catch (Throwable t) { // whatever it is, somebody waits
                last.completeExceptionally(t);
              }
            });
    return last;
  }

  private static <U> void settle(CompletableFuture<U> future, U value, Throwable failure) {
    if (failure == null) {
      future.complete(value);
    } else {
      future.completeExceptionally(unwrap(failure));
    }
  }

  private static CompletionStage<?> apply(
      Function<Throwable, ? extends CompletionStage<?>> last, Throwable failure) {
    try {
      return last.apply(failure);
    } catch (Throwable t) { // such as the end of the runtime
      return failedFuture(t);
    }
  }

  private static <T> T join(T result, Throwable failure, Throwable also) {
    if (failure == null && also == null) {
      return result;
    }
    var first = unwrap(failure != null ? failure : also);
    if (failure != null && also != null && !unwrap(also).equals(first)) {
      first.addSuppressed(unwrap(also));
    }
    throw new CompletionException(first);
  }

  /** What a stage failed with, without what other stages have wrapped around it; null if it did not. */
  static Throwable unwrap(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
