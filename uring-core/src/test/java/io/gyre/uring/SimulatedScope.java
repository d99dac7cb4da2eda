package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.LongConsumer;

/**
 * A scope of operations with a deadline on the simulated clock, as a user of the SPI writes one.
 * When it is over it cancels what is in it, and refuses what is new.
 */
final class SimulatedScope implements OperationScope {
  private final OperationDispatcher dispatcher;
  private final LongConsumer cancelled;
  private final Map<Operation, Long> inside = new LinkedHashMap<>(); // in order: seeds replay
  private boolean over;

  /** Told of each operation that it cancels, by its token. */
  SimulatedScope(OperationDispatcher dispatcher, LongConsumer cancelled) {
    this.dispatcher = dispatcher;
    this.cancelled = cancelled;
  }

  void end() {
    over = true;
    for (long token : new ArrayList<>(inside.values())) {
      cancelled.accept(token);
      dispatcher.cancel(token);
    }
  }

  boolean isOver() {
    return over;
  }

  boolean isEmpty() {
    return inside.isEmpty();
  }

  @Override
  public Throwable refusal(Operation operation) {
    return over ? new CancellationException("the scope is over") : null;
  }

  @Override
  public void began(Operation operation) {
    require(!over, "begins in a scope that is over: " + operation);
    require(inside.put(operation, operation.token()) == null, "begins twice: " + operation);
  }

  @Override
  public void ended(Operation operation, int result) {
    var token = inside.remove(operation);
    require(token != null && token == operation.token(), "ends, but never began: " + operation);
  }
}
