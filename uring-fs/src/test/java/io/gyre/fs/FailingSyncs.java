package io.gyre.fs;

import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.testing.ProviderUnderTest;
import io.gyre.testing.RefusingDriver;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** A real driver on a disk that fails to take what is written back, when a test says so. */
final class FailingSyncs extends ProviderUnderTest {
  private static final Set<OpCode> SYNCS = EnumSet.of(OpCode.FSYNC, OpCode.SYNC_RANGE);

  private final AtomicInteger asked = new AtomicInteger();
  private volatile Errno next;

  FailingSyncs(String name) {
    super(name);
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
  protected Driver wrap(Driver opened, DriverConfig config, OperationDispatcher dispatcher) {
    return new Failing(opened, dispatcher);
  }

  private final class Failing extends RefusingDriver {
    Failing(Driver actual, OperationDispatcher dispatcher) {
      super(actual, dispatcher);
    }

    @Override
    public void submit(Operation operation) {
      if (SYNCS.contains(operation.code())) {
        asked.incrementAndGet();
        var errno = next;
        if (errno != null) {
          next = null;
          refuse(operation, errno);
          return;
        }
      }
      super.submit(operation);
    }
  }
}
