package io.gyre.driver;

import io.gyre.EventLoop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

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
   * Waits for an operation. A virtual thread parks. An interrupt cancels the operation, and the wait goes on until it has
   * ended: only then is its buffer the caller's again. What is thrown has the caller's frames, as of {@link #withCaller}.
   *
   * @param future an operation's
   * @param <T> the result's type
   * @return the result, also when the operation was quicker than the interrupt, which stays set
   * @throws IOException what the operation failed with; {@link InterruptedIOException} when the caller was interrupted
   * @throws IllegalStateException on a loop's thread, which would wait for itself
   */
  public static <T> T await(CompletableFuture<T> future) throws IOException {
    requireMayWait();
    InterruptedException interrupt = null;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupt = e;
          future.cancel(true);
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw withCaller(io);
        case RuntimeException r -> throw withCaller(r);
        case Error error -> throw withCaller(error);
        case Throwable t -> throw new IOException(t);
      }
    } catch (CancellationException e) {
      // Wrapped in one that says only "get".
      var cancelled = e.getCause() instanceof CancellationException named ? withCaller(named) : e;
      if (interrupt == null) {
        throw cancelled;
      }
      throw (IOException)
          new InterruptedIOException("interrupted while waiting: " + cancelled.getMessage())
              .initCause(interrupt);
    } finally {
      if (interrupt != null) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Makes an exception that a loop made fit to be thrown by who waited for it: with the caller's frames. Of those types that
   * the JDK has it is a new one, with the same fields, whose cause is the one given; else the same, with the caller's stack as
   * a suppressed exception.
   *
   * @param failure what an operation has failed with
   * @param <X> its type
   * @return what to throw, of the same class
   */
  public static <X extends Throwable> X withCaller(X failure) {
    return CallerFrames.added(failure);
  }

  /**
   * Starts a close that anybody may ask for at any time.
   *
   * @param start starts it, and completes what it is given when that is done
   * @return that; complete when the runtime has ended, which has closed everything
   */
  public static CompletableFuture<Void> closing(Consumer<CompletableFuture<Void>> start) {
    var future = new LoopFuture<Void>();
    try {
      start.accept(future);
    } catch (ShutdownChannelGroupException e) {
      future.complete(null);
    }
    return future;
  }

  /**
   * Waits for a close, which a loop's thread may start, but not wait for.
   *
   * @param close under way
   * @throws IOException what it failed with
   */
  public static void awaitUnlessInLoop(CompletableFuture<Void> close) throws IOException {
    if (EventLoop.current() == null) {
      await(close);
    }
  }
}
