package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.BlockingPool;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/** A driver whose loop is the test's thread: the test says when it turns. */
final class Rig implements AutoCloseable {
  static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

  final List<Throwable> thrown = new ArrayList<>();
  final OperationDispatcher dispatcher = new OperationDispatcher(thrown::add);
  final NioDriver driver;

  Rig() throws IOException {
    this(16, 4096);
  }

  Rig(int receiveBuffers, int receiveBufferBytes) throws IOException {
    this(receiveBuffers, receiveBufferBytes, BlockingPool.acquireShared());
  }

  Rig(int receiveBuffers, int receiveBufferBytes, BlockingPool pool) throws IOException {
    var config = new DriverConfig(0, 64, 256, receiveBuffers, receiveBufferBytes, 0);
    driver = new NioDriver(config, dispatcher, pool);
    dispatcher.attach(driver);
  }

  /** Submits an operation without memory or argument. */
  Outcome submit(OpCode code, Descriptor descriptor) {
    return submit(code, descriptor, operation -> operation);
  }

  /** Submits an operation that the test fills in. */
  Outcome submit(OpCode code, Descriptor descriptor, UnaryOperator<Operation> fill) {
    var outcome = new Outcome();
    submit(code, descriptor, fill, outcome);
    return outcome;
  }

  /** Submits an operation whose outcome goes to one that is there already. */
  void submit(OpCode code, Descriptor descriptor, UnaryOperator<Operation> fill, Outcome outcome) {
    var operation = fill.apply(dispatcher.acquire(code, descriptor, outcome, null, null));
    outcome.operation = operation;
    boolean wasDone = outcome.isDone();
    dispatcher.submit(operation);
    assertEquals(wasDone, outcome.isDone(), "nothing resolves inside submit");
  }

  Outcome send(Descriptor socket, byte[] bytes) {
    return submit(OpCode.SEND, socket, operation -> operation.memory(ByteBuffer.wrap(bytes)));
  }

  Outcome receive(Descriptor socket, ByteBuffer into) {
    return submit(OpCode.RECEIVE, socket, operation -> operation.memory(into));
  }

  Outcome open(Path path, OpenOption... options) {
    var request = new OpenRequest(path, Set.of(options));
    return submit(OpCode.OPEN, null, operation -> operation.argument(request));
  }

  Descriptor openFile(Path path, OpenOption... options) throws IOException {
    var opened = open(path, options);
    assertEquals(0, await(opened));
    return opened.descriptors.getFirst();
  }

  Outcome close(Descriptor descriptor) {
    var outcome = new Outcome();
    dispatcher.close(descriptor, true, outcome, null, null);
    return outcome;
  }

  Descriptor listen() throws IOException {
    return driver.listen(new ListenRequest(new InetSocketAddress(LOOPBACK, 0), 128, false));
  }

  /** Two ends of one connection, the accepting one first. */
  record Pair(Descriptor server, Descriptor client) {}

  Pair connect(Descriptor listener) throws IOException {
    var address = driver.localAddress(listener);
    var accepted = submit(OpCode.ACCEPT, listener);
    var client = driver.socket(address);
    var connected = submit(OpCode.CONNECT, client, operation -> operation.argument(address));
    assertEquals(0, await(connected));
    assertEquals(0, await(accepted));
    return new Pair(accepted.descriptors.getFirst(), client);
  }

  Pair connect() throws IOException {
    var listener = listen();
    var pair = connect(listener);
    assertEquals(0, await(close(listener)));
    return pair;
  }

  /** Turns until an operation has come to its end; returns its result. */
  int await(Outcome outcome) throws IOException {
    turnUntil("the end of " + outcome.operation, outcome::isDone);
    return outcome.result();
  }

  void turnUntil(String what, BooleanSupplier condition) throws IOException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() - deadline < 0, "waited in vain: " + what);
      dispatcher.resolveDeferred();
      if (!condition.getAsBoolean()) {
        driver.turn(TimeUnit.MILLISECONDS.toNanos(50), 1024);
      }
    }
  }

  long count(Counter counter) {
    return driver.counters().get(counter);
  }

  /** Shuts down as a loop does. */
  @Override
  public void close() throws IOException {
    dispatcher.stop();
    turnUntil("nothing is in flight", () -> dispatcher.inFlight() == 0);
    driver.close(true);
    assertEquals(List.of(), thrown, "what handlers threw");
  }
}
