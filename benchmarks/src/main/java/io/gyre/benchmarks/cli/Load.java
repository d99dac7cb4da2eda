package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import java.util.concurrent.CompletableFuture;

/**
 * A number of operations that are kept in flight on one loop: each is started again from its own completion. Confined to
 * the loop's thread, but for {@link #ended()}; a load whose operations run on other threads puts a lock around it all.
 *
 * <p>An operation that fails is not started again, so that a file that can't be read ends the run and does not spin.
 */
abstract class Load {
  private final EventLoop loop;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private Throwable firstFailure;

  int inFlight;
  long done;
  long errors;
  boolean stopping;

  Load(EventLoop loop) {
    this.loop = loop;
  }

  final EventLoop loop() {
    return loop;
  }

  /** Starts all operations. */
  abstract void begin();

  /** Forgets what the warm-up has recorded. */
  void resetStatistics() {
    errors = 0;
  }

  /** How many have ended well since the start. */
  long completed() {
    return done;
  }

  /** How many have failed since the warm-up. */
  long errors() {
    return errors;
  }

  /** How many fsyncs made operations durable, since the start. */
  long syncs() {
    return 0;
  }

  /** Starts nothing any more. */
  void stop() {
    stopping = true;
    if (inFlight == 0) {
      ended.complete(null);
    }
  }

  /** One of the operations has ended and is not started again. */
  final void retire() {
    if (--inFlight == 0) {
      ended.complete(null);
    }
  }

  final void failed(Throwable cause) {
    errors++;
    if (firstFailure == null) {
      firstFailure = cause;
    }
    retire();
  }

  /** Why the first operation failed that did, or null; safe to ask once {@link #ended()} has completed. */
  final Throwable firstFailure() {
    return firstFailure;
  }

  /** Completes when nothing is in flight and nothing will be. */
  final CompletableFuture<Void> ended() {
    return ended;
  }
}
