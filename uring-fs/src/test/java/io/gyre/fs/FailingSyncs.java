package io.gyre.fs;

import io.gyre.Runtimes;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.testing.DriverUnderTest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** A real driver on a disk that fails to take what is written back, when a test says so. */
final class FailingSyncs implements DriverProvider {
  private static final Set<OpCode> SYNCS = EnumSet.of(OpCode.FSYNC, OpCode.SYNC_RANGE);

  private final DriverProvider actual;
  private final AtomicInteger asked = new AtomicInteger();
  private volatile Errno next;

  FailingSyncs(String name) {
    actual = Runtimes.provider(name);
  }

  /** Has the next one fail, and none after it: so does the kernel. */
  void failNext(Errno errno) {
    next = errno;
  }

  /** How often the driver was asked to sync. */
  int asked() {
    return asked.get();
  }

  @Override
  public String name() {
    return actual.name();
  }

  @Override
  public int priority() {
    return actual.priority();
  }

  @Override
  public Availability probe() {
    return actual.probe();
  }

  @Override
  public Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
    return new Failing(actual.open(config, dispatcher), dispatcher);
  }

  private final class Failing extends DriverUnderTest {
    private final OperationDispatcher dispatcher;
    private final ArrayDeque<Operation> failed = new ArrayDeque<>();

    Failing(Driver actual, OperationDispatcher dispatcher) {
      super(actual);
      this.dispatcher = dispatcher;
    }

    @Override
    public void submit(Operation operation) {
      if (SYNCS.contains(operation.code())) {
        asked.incrementAndGet();
        if (next != null) {
          operation.setResult(-next.number());
          next = null;
          failed.add(operation);
          return;
        }
      }
      super.submit(operation);
    }

    @Override
    public int turn(long timeoutNanos, int budget) throws IOException {
      int count = failed.size();
      for (int i = 0; i < count; i++) {
        var operation = failed.remove();
        dispatcher.resolve(operation, operation.result());
      }
      return count + super.turn(count > 0 ? 0 : timeoutNanos, budget);
    }

    @Override
    public boolean poll() throws IOException {
      return !failed.isEmpty() || super.poll();
    }
  }
}
