package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.OperationScope;
import io.gyre.driver.TimerWheel;
import java.io.InterruptedIOException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A wait for something of the user's, which may end on any thread, or never: so it ends as well when the call is cancelled
 * that it is a part of, the scope around that call ends, or the loop does.
 *
 * <p>A scope knows operations only, and this is none. So where there is one, it is asked from time to time. The entry in the
 * wheel is for that, and for the loop's end, which drops it. Confined to the loop's thread.
 */
final class UserStage extends TimerWheel.Entry {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(64);

  private final EventLoop loop;
  private final OperationScope outer; // the caller's, or null
  private final String what;
  private final Supplier<CompletableFuture<Integer>> probe;
  private final CompletableFuture<Void> end = new CompletableFuture<>();

  /**
   * Makes a wait.
   *
   * @param what is waited for, as messages name it
   * @param probe starts an operation that does nothing in all scopes that matter: they tell it whether they have ended
   */
  UserStage(
      EventLoop loop,
      OperationScope outer,
      String what,
      Supplier<CompletableFuture<Integer>> probe) {
    this.loop = loop;
    this.outer = outer;
    this.what = what;
    this.probe = probe;
  }

  CompletableFuture<Void> await(CompletionStage<?> theirs) {
    var _ = // as ours is
        theirs.whenComplete((result, failure) -> onLoop(() -> settle(failure)));
    if (!end.isDone()) {
      lookLater();
    }
    return end;
  }

  /** Any thread. */
  void cancel() {
    onLoop(() -> settle(cancelled()));
  }

  private void onLoop(Runnable outcome) {
    if (loop.inLoop()) {
      inNoScope(outcome);
      return;
    }
    try {
      loop.execute(() -> inNoScope(outcome));
    } catch (ShutdownChannelGroupException e) {
      outcome.run(); // here, since there is no loop any more
    }
  }

  /** What follows is the replacement's own, and not of the scope in which the user's stage happened to complete. */
  private void inNoScope(Runnable outcome) {
    var dispatcher = loop.dispatcher();
    var theirs = dispatcher.scope();
    dispatcher.setScope(null);
    try {
      outcome.run();
    } finally {
      dispatcher.setScope(theirs);
    }
  }

  private void settle(Throwable failure) {
    if (isScheduled()) {
      loop.timers().cancel(this);
    }
    if (failure == null) {
      end.complete(null);
    } else {
      end.completeExceptionally(CompositeFuture.unwrap(failure));
    }
  }

  private void lookLater() {
    loop.timers().schedule(this, outer == null ? Long.MAX_VALUE : LOOK_NANOS);
  }

  @Override
  protected void expired() {
    if (outer == null || !outer.mayRefuse()) {
      lookLater();
      return;
    }
    var _ = // whose failure is the answer
        probe
            .get()
            .whenComplete(
                (nothing, refusal) -> {
                  if (refusal != null) {
                    settle(named(CompositeFuture.unwrap(refusal)));
                  } else if (!end.isDone()) {
                    lookLater();
                  }
                });
  }

  /** Not from inside this call: what follows may schedule something. */
  @Override
  protected void dropped() {
    Runnable outcome = () -> settle(new ShutdownChannelGroupException());
    try {
      loop.execute(outcome);
    } catch (ShutdownChannelGroupException e) {
      outcome.run(); // nothing can be scheduled any more
    }
  }

  private Throwable named(Throwable refusal) {
    return refusal instanceof InterruptedIOException
        ? new InterruptedIOException(what + ": timed out")
        : cancelled();
  }

  private CancellationException cancelled() {
    return new CancellationException(what + " was cancelled");
  }
}
