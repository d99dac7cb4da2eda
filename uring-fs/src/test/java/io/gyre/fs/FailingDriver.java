package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.Runtimes;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.testing.DriverUnderTest;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A real driver that lets one operation fail, and knows what it was asked for. For runtimes of one loop. */
final class FailingDriver implements DriverProvider {
  private final DriverProvider actual;

  // The loop's thread only.
  private final List<OpCode> asked = new ArrayList<>();
  private int failing = -1;
  private Errno errno = Errno.EIO;

  /** Of a driver's name. */
  FailingDriver(String name) {
    actual = Runtimes.provider(name);
  }

  /** Has an operation fail that is started from now on: 0 is the first, -1 none. */
  void fail(EventLoop loop, int number, Errno with) {
    onLoop(
        loop,
        () -> {
          asked.clear();
          failing = number;
          errno = with;
          return null;
        });
  }

  /** What was asked for since then. */
  List<OpCode> asked(EventLoop loop) {
    return onLoop(loop, () -> List.copyOf(asked));
  }

  private static <T> T onLoop(EventLoop loop, java.util.function.Supplier<T> task) {
    var done = new CompletableFuture<T>();
    loop.execute(() -> done.complete(task.get()));
    return Waits.get(done, "a task on the loop");
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
    private final List<Operation> failed = new ArrayList<>();

    Failing(Driver actual, OperationDispatcher dispatcher) {
      super(actual);
      this.dispatcher = dispatcher;
    }

    @Override
    public void submit(Operation operation) {
      int number = asked.size();
      asked.add(operation.code());
      if (number == failing) {
        failed.add(operation);
      } else {
        super.submit(operation);
      }
    }

    @Override
    public int turn(long timeoutNanos, int budget) throws IOException {
      if (failed.isEmpty()) {
        return super.turn(timeoutNanos, budget);
      }
      var now = List.copyOf(failed);
      failed.clear();
      now.forEach(operation -> dispatcher.resolve(operation, -errno.number()));
      return now.size() + super.turn(0, budget);
    }

    @Override
    public boolean poll() throws IOException {
      return !failed.isEmpty() || super.poll();
    }
  }
}
