package io.gyre.nio;

import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;

/**
 * The way out of the driver. What is known outside a turn's own steps, for instance while an operation is being
 * submitted, is queued here and resolved by a turn: an operation never resolves inside the call that submitted it.
 */
final class Outcomes {
  private static final int CANCELED = -Errno.ECANCELED.number();

  private final OperationQueue ready = new OperationQueue();
  private final OperationDispatcher dispatcher;
  private final DriverCounters counters;

  Outcomes(OperationDispatcher dispatcher, DriverCounters counters) {
    this.dispatcher = dispatcher;
    this.counters = counters;
  }

  boolean isEmpty() {
    return ready.isEmpty();
  }

  /** Keeps an outcome for the turn. */
  void queue(Operation operation, int result) {
    operation.setResult(result);
    ready.add(operation);
  }

  /** Keeps a failure for the turn. */
  void queueFailure(Operation operation, Throwable cause) {
    queue(operation, Failures.resultOf(operation, cause));
  }

  /** Keeps a cancellation of everything in a queue for the turn. */
  void queueCancelled(OperationQueue operations) {
    for (var operation = operations.poll(); operation != null; operation = operations.poll()) {
      queue(operation, CANCELED);
    }
  }

  /** Keeps a cancellation for the turn. */
  void queueCancelled(Operation operation) {
    queue(operation, CANCELED);
  }

  /** Everything of another queue, whose results are in place already. */
  void queueAll(OperationQueue operations) {
    for (var operation = operations.poll(); operation != null; operation = operations.poll()) {
      ready.add(operation);
    }
  }

  /** Resolves the first of what was queued. Turns only. */
  void resolveNext() {
    var operation = ready.poll();
    resolve(operation, operation.result());
  }

  /** Resolves at once. Turns only. */
  void resolve(Operation operation, int result) {
    counters.add(Counter.COMPLETED, 1);
    dispatcher.resolve(operation, result);
  }

  /** Resolves at once. Turns only. */
  void resolveFailure(Operation operation, Throwable cause) {
    resolve(operation, Failures.resultOf(operation, cause));
  }

  /** Delivers an outcome that is not the last. Turns only. The handlers may have cancelled the operation on return. */
  void resolveMore(Operation operation, int result) {
    counters.add(Counter.COMPLETED, 1);
    dispatcher.resolveMore(operation, result);
  }
}
