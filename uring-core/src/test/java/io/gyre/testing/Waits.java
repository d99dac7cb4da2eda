package io.gyre.testing;

import io.gyre.EventLoop;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for conditions, with a deadline. Who waits in vain learns what the loops were doing. */
public final class Waits {
  /** How long a test waits for what should happen at once. */
  public static final Duration PATIENCE = Duration.ofSeconds(20);

  private Waits() {}

  /** Waits until a condition holds. */
  public static void until(String what, BooleanSupplier condition) {
    until(() -> what, condition);
  }

  /** Waits until a condition holds; the message is made when it did not. */
  public static void until(Supplier<String> what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw inVain(what.get());
      }
      LockSupport.parkNanos(100_000);
    }
  }

  /** Waits for a future's value. */
  public static <T> T get(CompletableFuture<T> future, String what) {
    try {
      return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw inVain(what);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + what, e);
    } catch (ExecutionException e) {
      throw new AssertionError(what + " failed: " + e.getCause(), e.getCause());
    }
  }

  /** Runs something on a loop's thread, and waits for what it gives. */
  public static <T> T onLoop(EventLoop loop, Callable<T> task) {
    var done = new CompletableFuture<T>();
    loop.execute(
        () -> {
          try {
            done.complete(task.call());
          } catch (Throwable t) {
            done.completeExceptionally(t);
          }
        });
    return get(done, "a task on the loop");
  }

  /** Waits for a future to fail, and gives the cause. */
  public static Throwable failure(CompletableFuture<?> future, String what) {
    try {
      var value = future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      throw new AssertionError(what + " should have failed, but gave " + value);
    } catch (TimeoutException e) {
      throw inVain(what);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + what, e);
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }

  /** Waits for a future to fail with an exception of a type, and gives that. */
  public static <X extends Throwable> X failure(
      Class<X> type, CompletableFuture<?> future, String what) {
    var cause = failure(future, what);
    if (!type.isInstance(cause)) {
      throw new AssertionError(
          what + " should have failed with " + type.getName() + ", but did with " + cause, cause);
    }
    return type.cast(cause);
  }

  /** Waits for a future to end in whatever way. */
  public static void settled(CompletableFuture<?> future, String what) {
    until(what, future::isDone);
  }

  /** Waits for a latch. */
  public static void await(CountDownLatch latch, String what) {
    try {
      if (!latch.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw inVain(what + " (" + latch.getCount() + " missing)");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + what, e);
    }
  }

  /** Waits for a thread to end. */
  public static void join(Thread thread) {
    try {
      if (!thread.join(PATIENCE)) {
        throw inVain("the end of " + thread.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + thread.getName(), e);
    }
  }

  private static AssertionError inVain(String what) {
    var message = new StringBuilder("waited ").append(PATIENCE).append(" in vain: ").append(what);
    Thread.getAllStackTraces()
        .forEach(
            (thread, frames) -> {
              if (thread.getName().startsWith("gyre") || thread == Thread.currentThread()) {
                message.append("\n  ").append(thread);
                for (var frame : frames) {
                  message.append("\n    at ").append(frame);
                }
              }
            });
    return new AssertionError(message.toString());
  }
}
