package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.testing.ProviderUnderTest;
import io.gyre.testing.RefusingDriver;
import io.gyre.testing.Waits;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A real driver that lets one operation fail, and knows what it was asked for. For runtimes of one loop. */
final class FailingDriver extends ProviderUnderTest {

  // The loop's thread only.
  private final List<OpCode> asked = new ArrayList<>();
  private int failing = -1;
  private Set<OpCode> failingCodes = Set.of();
  private Errno errno = Errno.EIO;

  /** Of a driver's name. */
  FailingDriver(String name) {
    super(name);
  }

  /** Has an operation fail that is started from now on: 0 is the first, -1 none. */
  void fail(EventLoop loop, int number, Errno with) {
    Waits.onLoop(
        loop,
        () -> {
          asked.clear();
          failing = number;
          errno = with;
          return null;
        });
  }

  /** Has the next one of these fail. */
  void failNext(EventLoop loop, Set<OpCode> codes, Errno with) {
    Waits.onLoop(
        loop,
        () -> {
          failingCodes = codes;
          errno = with;
          return null;
        });
  }

  /** What was asked for since then. */
  List<OpCode> asked(EventLoop loop) {
    return Waits.onLoop(loop, () -> List.copyOf(asked));
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
      int number = asked.size();
      asked.add(operation.code());
      if (number == failing || failingCodes.contains(operation.code())) {
        failingCodes = Set.of();
        refuse(operation, errno);
      } else {
        super.submit(operation);
      }
    }
  }
}
