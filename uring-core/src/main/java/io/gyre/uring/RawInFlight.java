package io.gyre.uring;

import io.gyre.driver.Descriptor;
import io.gyre.driver.Operation;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The raw operations that the kernel has, and the cancelling of them. A cancellation does not find what is between two
 * states: a link of a chain whose predecessor has ended but that has not begun, a multishot timeout that is about to be
 * set again. So it is repeated, after a pause, until the operation has ended.
 */
final class RawInFlight {
  private static final long PAUSE_NANOS = 1_000_000;

  private final LongSupplier clock;
  private final Set<Operation> operations = new LinkedHashSet<>();
  private boolean cancelling;
  private long nextNanos;

  RawInFlight(LongSupplier clock) {
    this.clock = clock;
  }

  void add(Operation operation) {
    operations.add(operation);
  }

  void remove(Operation operation) {
    operations.remove(operation);
  }

  /** Asks for some that were marked with {@link Operation#requestCancel}. */
  void cancelMarked() {
    cancelling = true;
    nextNanos = clock.getAsLong();
  }

  /** Marks all, or those of one descriptor. */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  void cancelAll(Descriptor descriptor) {
    for (var operation : operations) {
      if (descriptor == null || operation.descriptor() == descriptor) {
        operation.requestCancel();
        cancelMarked();
      }
    }
  }

  boolean isCancelling() {
    return cancelling;
  }

  /** Gives those that are to be cancelled now, if it is time. */
  void cancelDue(Consumer<Operation> cancel) {
    long now = clock.getAsLong();
    if (now - nextNanos < 0) {
      return;
    }
    cancelling = false;
    nextNanos = now + PAUSE_NANOS;
    for (var operation : operations) {
      if (operation.isCancelRequested()) {
        cancelling = true;
        cancel.accept(operation);
      }
    }
  }

  /** How long the loop may wait: not past the next repetition. */
  long limit(long timeoutNanos) {
    return timeoutNanos < 0 ? PAUSE_NANOS : Math.min(timeoutNanos, PAUSE_NANOS);
  }
}
