package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.Descriptor;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A wait for something of the user's, which may end on any thread, or never. It is an operation that no driver carries out,
 * so that whatever ends operations ends it as well: the call's cancellation, the scope around it, the end of the loop.
 * Confined to the loop's thread.
 */
final class UserStage {
  private final EventLoop loop;
  private final Descriptor place;
  private final String what;
  private final CompletableFuture<Void> end = new CompletableFuture<>();
  private Operation parked; // null before and after
  private Throwable theirFailure;

  /**
   * Makes a wait.
   *
   * @param place open while it lasts, and known to nobody who could close it meanwhile but the loop, at its end
   * @param what is waited for, as messages name it
   */
  UserStage(EventLoop loop, Descriptor place, String what) {
    this.loop = loop;
    this.place = place;
    this.what = what;
  }

  /** Begins, in the scope that is set now; what follows goes on in none, wherever the stage has ended. */
  CompletableFuture<Void> await(CompletionStage<?> theirs) {
    Objects.requireNonNull(theirs, "stage");
    var dispatcher = loop.dispatcher();
    var operation = dispatcher.acquire(OpCode.NOP, place, this::completed, null, null);
    if (dispatcher.park(operation)) {
      parked = operation;
    }
    var _ = theirs.whenComplete((result, failure) -> onLoop(() -> goOn(failure))); // as ours is
    return end;
  }

  private void onLoop(Runnable task) {
    if (loop.inLoop()) {
      task.run();
      return;
    }
    try {
      loop.execute(task);
    } catch (ShutdownChannelGroupException e) {
      // The loop has ended, and the operation with it.
    }
  }

  private void goOn(Throwable failure) {
    if (parked != null) {
      theirFailure = failure;
      loop.dispatcher().unpark(parked);
    }
  }

  private void completed(Operation operation, int result) {
    parked = null; // its slot is about to be another's
    if (result < 0) {
      end.completeExceptionally(named(operation.failure(result)));
    } else if (theirFailure != null) {
      end.completeExceptionally(CompositeFuture.unwrap(theirFailure));
    } else {
      end.complete(null);
    }
  }

  /** Why it has ended early, in the words of the call that it is a part of. */
  private Throwable named(Throwable failure) {
    return switch (failure) {
      case InterruptedIOException e -> new InterruptedIOException(what + ": timed out");
      case CancellationException e -> new CancellationException(what + " was cancelled");
      case ClosedChannelException e -> new ShutdownChannelGroupException();
      default -> failure;
    };
  }
}
