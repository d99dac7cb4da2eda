package io.gyre.testing;

import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;

/** A real driver whose turn throws when a test says so, which ends the first loop's thread. */
public final class DyingDriver extends ProviderUnderTest {
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile Throwable death;
  private volatile Driver first;
  private volatile Boolean closedDrained;

  /** Of a driver's name. */
  public DyingDriver(String name) {
    super(name);
  }

  /** Has the next turn of the first loop throw, or the one that waits now. */
  public void die(Throwable cause) {
    death = cause;
    first.wakeUp();
  }

  /** Waits until the loop has closed its driver; gives what it said of what is in flight. */
  public boolean awaitClosedDrained() {
    Waits.await(closed, "the driver of the dead loop to be closed");
    return closedDrained;
  }

  @Override
  protected Driver wrap(Driver opened, DriverConfig config, OperationDispatcher dispatcher) {
    if (config.loopIndex() > 0) {
      return opened;
    }
    first = new Dying(opened);
    return first;
  }

  private final class Dying extends DriverUnderTest {
    Dying(Driver actual) {
      super(actual);
    }

    @Override
    public int turn(long timeoutNanos, int budget) throws IOException {
      int count = super.turn(timeoutNanos, budget);
      if (death != null) {
        DyingDriver.<RuntimeException>rethrow(death);
      }
      return count;
    }

    @Override
    public void close(boolean drained) {
      closedDrained = drained;
      try {
        super.close(drained);
      } finally {
        closed.countDown();
      }
    }
  }

  @SuppressWarnings("unchecked") // the compiler is not to know what is thrown: that may be anything
  private static <X extends Throwable> void rethrow(Throwable cause) throws X {
    throw (X) cause;
  }
}
