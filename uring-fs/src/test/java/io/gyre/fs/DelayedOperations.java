package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.TransferFlags;
import io.gyre.testing.ProviderUnderTest;
import io.gyre.testing.RefusingDriver;
import io.gyre.testing.Waits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A real driver that takes its time for some operations, and ends them when a test says, and as it says. For runtimes of one
 * loop.
 */
final class DelayedOperations extends ProviderUnderTest {
  private final Predicate<Operation> which;
  private volatile Delaying driver;

  /** Of a driver's name. */
  DelayedOperations(String name, Predicate<Operation> which) {
    super(name);
    this.which = which;
  }

  /** A disk that takes its time for each sync, and for each write that is one as well. */
  static DelayedOperations syncs(String name) {
    return new DelayedOperations(name, DelayedOperations::isSync);
  }

  private static boolean isSync(Operation operation) {
    return operation.code() == OpCode.FSYNC
        || operation.code() == OpCode.SYNC_RANGE
        || (operation.code() == OpCode.WRITE
            && (operation.flags() & (TransferFlags.DSYNC | TransferFlags.SYNC)) != 0);
  }

  @Override
  protected Driver wrap(Driver opened, DriverConfig config, OperationDispatcher dispatcher) {
    driver = new Delaying(opened, dispatcher);
    return driver;
  }

  /** Waits until so many have been asked for. */
  void awaitAsked(EventLoop loop, int count) {
    Waits.until(count + " syncs", () -> asked(loop) == count);
  }

  /** How many have been asked for. */
  int asked(EventLoop loop) {
    return Waits.onLoop(loop, driver.asked::size);
  }

  /** Has one end with this result at the next turn. The loop's thread only. */
  void endSoon(int index, int result) {
    driver.endSoon(driver.asked.get(index), result);
  }

  /** Lets one do its work, counted in the order of the asking, and waits until its end was seen. */
  void succeed(EventLoop loop, int index) {
    end(loop, () -> driver.pass(driver.asked.get(index)));
  }

  /** Lets one fail, and waits until that was seen. */
  void fail(EventLoop loop, int index, Errno errno) {
    end(loop, () -> driver.refuseNow(driver.asked.get(index), errno));
  }

  private void end(EventLoop loop, Runnable ending) {
    int before =
        Waits.onLoop(
            loop,
            () -> {
              ending.run();
              return loop.dispatcher().inFlight();
            });
    Waits.until("its end", () -> Waits.onLoop(loop, loop.dispatcher()::inFlight) < before);
  }

  private final class Delaying extends RefusingDriver {
    // The loop's thread only.
    private final List<Operation> asked = new ArrayList<>();
    private final List<Operation> delayed = new ArrayList<>();

    Delaying(Driver actual, OperationDispatcher dispatcher) {
      super(actual, dispatcher);
    }

    @Override
    public void submit(Operation operation) {
      if (which.test(operation)) {
        asked.add(operation);
        delayed.add(operation);
      } else {
        super.submit(operation);
      }
    }

    void pass(Operation operation) {
      delayed.remove(operation);
      super.submit(operation);
    }

    void refuseNow(Operation operation, Errno errno) {
      delayed.remove(operation);
      refuse(operation, errno);
    }

    void endSoon(Operation operation, int result) {
      refuseNow(operation, Errno.EIO);
      operation.setResult(result);
    }

    /** The end of the loop: a test that has failed leaves some behind. */
    @Override
    public void cancelAll() {
      delayed.forEach(operation -> refuse(operation, Errno.ECANCELED));
      delayed.clear();
      super.cancelAll();
    }
  }
}
