package io.gyre.testing;

import io.gyre.driver.Driver;
import io.gyre.driver.Errno;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.util.ArrayDeque;

/** A driver that lets some operations fail, at its next turn as the kernel would, and does what another one does. */
public class RefusingDriver extends DriverUnderTest {
  private final OperationDispatcher dispatcher;
  private final ArrayDeque<Operation> refused = new ArrayDeque<>();

  /** Has everything else done by this one. */
  protected RefusingDriver(Driver actual, OperationDispatcher dispatcher) {
    super(actual);
    this.dispatcher = dispatcher;
  }

  /** Called instead of submitting: the operation is to fail. */
  protected final void refuse(Operation operation, Errno errno) {
    operation.setResult(-errno.number());
    refused.add(operation);
  }

  @Override
  public final int turn(long timeoutNanos, int budget) throws IOException {
    int count = refused.size(); // those that follow from these are the next turn's
    for (int i = 0; i < count; i++) {
      var operation = refused.remove();
      dispatcher.resolve(operation, operation.result());
    }
    return count + super.turn(count > 0 ? 0 : timeoutNanos, budget);
  }

  @Override
  public final boolean poll() throws IOException {
    return !refused.isEmpty() || super.poll();
  }
}
