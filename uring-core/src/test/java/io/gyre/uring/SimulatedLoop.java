package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.BufferPool;
import io.gyre.BufferPools;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.uring.SimulatedFile.Regular;
import io.gyre.uring.SimulatedFile.Socket;
import java.io.IOException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A production driver over a {@link SimulatedKernel}, and the parts of an event loop that it needs, turned by hand on
 * the test's own thread.
 */
final class SimulatedLoop {
  private static final int MOST_TURNS = 20_000;
  static final Completion COMPLETION = (o, r) -> ((Asked) o.handler()).told(o, r);

  final SimulatedKernel kernel;
  final OperationDispatcher dispatcher;
  final UringDriver driver;
  final BufferPool pool = BufferPools.create(1 << 20);

  SimulatedLoop(SimulatedKernel kernel, DriverConfig config, Consumer<Throwable> exceptionHandler)
      throws IOException {
    this.kernel = kernel;
    dispatcher = new OperationDispatcher(exceptionHandler);
    driver = UringDriver.open(kernel, config, dispatcher);
    dispatcher.attach(driver);
    driver.register(pool);
  }

  /** An operation, and what its handler was told. */
  static final class Asked {
    Operation operation;
    Consumer<Asked> whenTold = a -> {};
    int result;
    int times;
    Throwable failure;
    Descriptor brought;

    boolean ended() {
      return times > 0;
    }

    private void told(Operation o, int outcome) {
      if (o.received() != null) {
        o.received().release();
      }
      if (o.hasMore()) {
        return;
      }
      times++;
      require(times == 1, "told twice");
      result = outcome;
      failure = outcome < 0 ? o.failure(outcome) : null;
      brought = o.newDescriptor();
      whenTold.accept(this);
    }
  }

  Asked ask(OpCode code, Descriptor descriptor, Consumer<Operation> fill) {
    var asked = new Asked();
    asked.operation = dispatcher.acquire(code, descriptor, COMPLETION, asked, null);
    fill.accept(asked.operation);
    dispatcher.submit(asked.operation);
    return asked;
  }

  Asked ask(OpCode code, Descriptor descriptor) {
    return ask(code, descriptor, o -> {});
  }

  Asked close(Descriptor descriptor) {
    var asked = new Asked();
    dispatcher.close(descriptor, true, COMPLETION, asked, null);
    return asked;
  }

  UringDescriptor socket(Socket socket) {
    return driver.newDescriptor("a socket", kernel.operations().open(socket));
  }

  UringDescriptor file(String path) {
    var content = kernel.operations().content(path);
    return driver.newDescriptor(path, kernel.operations().open(new Regular(content)));
  }

  void turn() throws IOException {
    turn(1_000_000, 1024);
  }

  void turn(long timeoutNanos, int budget) throws IOException {
    dispatcher.resolveDeferred();
    driver.turn(dispatcher.hasDeferred() ? 0 : timeoutNanos, budget);
  }

  void turnUntil(BooleanSupplier condition) throws IOException {
    for (int i = 0; !condition.getAsBoolean(); i++) {
      require(i < MOST_TURNS, "nothing comes of it: " + kernel.inFlight());
      turn();
    }
  }

  /** What the end of an event loop does; then everything must be where it was. */
  void end() throws IOException {
    dispatcher.stop();
    turnUntil(
        () -> {
          if (dispatcher.inFlight() == 0 && dispatcher.hasOpen()) {
            dispatcher.stop(); // what was accepted or opened meanwhile
          }
          return dispatcher.inFlight() == 0;
        });
    closeDrained();
  }

  /** Closes the driver, for which nothing may be left. */
  void closeDrained() throws IOException {
    turn(0, 1024);
    var provided = kernel.operations().provided();
    require(
        provided == null || provided.available() == provided.buffers(),
        "receive buffers are missing");
    var buffers = driver.receiveBuffers();
    require(buffers.available() == buffers.count(), "receive buffers are lent still");
    require(pool.lentBytes() == 0, "pooled memory is lent still");
    require(driver.counters().get(Counter.STALE) == 0, "stale outcomes");
    dispatcher.detach();
    driver.close(true);
    kernel.checkClosed();
  }
}
