package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.Readiness;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.RawHandler;
import io.gyre.driver.RawOperation;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** Polls of channels that are the user's own, and what this driver can't poll or do. */
class ChannelPollTest {
  private static Pipe pipe(TestRuntime driver) throws IOException {
    var pipe = Pipe.open();
    driver.own(pipe.source());
    driver.own(pipe.sink());
    pipe.source().configureBlocking(false);
    pipe.sink().configureBlocking(false);
    return pipe;
  }

  private static void turn(EventLoop loop) {
    for (int i = 0; i < 3; i++) {
      var turned = new CompletableFuture<Integer>();
      loop.nop(turned, FutureHandler.INTEGER);
      Waits.get(turned, "a turn");
    }
  }

  private static void send(Pipe pipe, int value) throws IOException {
    assertEquals(1, pipe.sink().write(ByteBuffer.wrap(new byte[] {(byte) value})));
  }

  @DriverTest(drivers = "nio")
  void oneShotFiresOnceAndAgainWhenAskedAgain(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var source = loop.source(pipe.source());
    var recorder = new Recorder<String>();
    source.poll(Interest.READABLE, "token", recorder);
    turn(loop);
    assertEquals(0, recorder.count());
    send(pipe, 1);
    assertEquals(Readiness.READABLE, recorder.awaitOne().result());
    turn(loop);
    assertEquals(1, recorder.count());
    assertEquals(
        Readiness.READABLE, (int) Waits.get(source.pollAsync(Interest.READABLE), "the same byte"));
    assertEquals(
        Readiness.WRITABLE,
        (int) Waits.get(loop.source(pipe.sink()).pollAsync(Interest.WRITABLE), "room"));
  }

  @DriverTest(drivers = "nio")
  void multishotGoesOnWhileItIsReadyAndRestsWhenItIsNot(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var recorder = new Recorder<String>();
    var registration =
        loop.source(pipe.source())
            .pollMultishot(
                Interest.READABLE,
                "token",
                new IoHandler<String>() {
                  private final ByteBuffer into = ByteBuffer.allocate(16);

                  @Override
                  public void completed(int result, String attachment) {
                    try {
                      pipe.source().read(into.clear());
                    } catch (IOException e) {
                      throw new UncheckedIOException(e);
                    }
                    recorder.completed(into.flip().hasRemaining() ? into.get() : 0, attachment);
                  }

                  @Override
                  public void failed(Throwable cause, String attachment) {
                    recorder.failed(cause, attachment);
                  }
                });
    for (int i = 1; i <= 50; i++) {
      send(pipe, i);
      assertEquals(i, recorder.await(i).getLast().result());
      turn(loop);
      assertEquals(i, recorder.count(), "all was read");
    }
    registration.cancel();
    assertInstanceOf(CancellationException.class, recorder.await(51).getLast().cause());
    send(pipe, 99);
    turn(loop);
    assertEquals(51, recorder.count());
  }

  @DriverTest(drivers = "nio")
  void aHandlerThatReadsNothingIsToldAgain(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var recorder = new Recorder<String>();
    var registration =
        loop.source(pipe.source()).pollMultishot(Interest.READABLE, "token", recorder);
    send(pipe, 1);
    recorder.await(10);
    var nops = new Recorder<String>();
    loop.nop("others get their turn", nops);
    nops.await(1);
    registration.cancel();
    Waits.until("the end", () -> recorder.outcomes().getLast().cause() != null);
  }

  @DriverTest(drivers = "nio")
  void aSocketThatConnectsBecomesWritableAndThenReadable(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var server = driver.own(ServerSocketChannel.open());
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    server.configureBlocking(false);
    var accepts = loop.source(server).pollAsync(Interest.READABLE);
    var client = driver.own(SocketChannel.open());
    client.configureBlocking(false);
    boolean connected = client.connect(server.getLocalAddress());
    var masks = new CopyOnWriteArrayList<Integer>();
    var recorder = new Recorder<String>();
    var registration =
        loop.source(client)
            .pollMultishot(
                Interest.WRITABLE.add(Interest.READABLE),
                "token",
                new IoHandler<String>() {
                  @Override
                  public void completed(int result, String attachment) {
                    masks.add(result);
                    try {
                      client.finishConnect();
                    } catch (IOException e) {
                      throw new UncheckedIOException(e);
                    }
                  }

                  @Override
                  public void failed(Throwable cause, String attachment) {
                    recorder.failed(cause, attachment);
                  }
                });
    Waits.until("the connection", () -> connected || client.isConnected());
    assertEquals(Readiness.READABLE, (int) Waits.get(accepts, "somebody who waits"));
    var accepted = driver.own(server.accept());
    int before = masks.size();
    Waits.until("room to write, again", () -> masks.size() > before + 1);
    assertTrue(masks.stream().noneMatch(Readiness::isReadable));
    accepted.write(ByteBuffer.wrap(new byte[1]));
    Waits.until("a byte", () -> Readiness.isReadable(masks.getLast()));
    registration.cancel();
    recorder.await(1);
  }

  @DriverTest(drivers = "nio")
  void manyPollsOfOneChannelAreAllTold(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var recorder = new Recorder<Integer>();
    int many = 500;
    for (int i = 0; i < many; i++) {
      loop.source(pipe.source()).poll(Interest.READABLE, i, recorder);
    }
    turn(loop);
    assertEquals(0, recorder.count());
    send(pipe, 1);
    recorder.await(many);
    recorder.checkExactlyOnce(many);
  }

  @DriverTest(drivers = "nio")
  void aChannelThatIsClosedWhilePolledHangsNothing(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var first = pipe(driver);
    var second = pipe(driver);
    var recorder = new Recorder<String>();
    var registration =
        loop.source(first.source()).pollMultishot(Interest.READABLE, "first", recorder);
    var other = new Recorder<String>();
    loop.source(second.source()).poll(Interest.READABLE, "second", other);
    turn(loop);
    first.source().close();
    second.source().close();
    turn(loop);
    registration.cancel();
    assertInstanceOf(CancellationException.class, recorder.awaitOne().cause());
    Waits.failure(
        loop.source(first.source()).pollAsync(Interest.READABLE), "a poll of what is closed");
    driver.closeAndWait(runtime);
    assertInstanceOf(CancellationException.class, other.awaitOne().cause());
  }

  @DriverTest(drivers = "nio")
  void whatCannotBePolledHereIsNamedWithTheRemedy(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    unsupported("by its number", loop.source(0).pollAsync(Interest.READABLE));
    unsupported("PRIORITY", loop.source(pipe.source()).pollAsync(Interest.PRIORITY));
    pipe.source().configureBlocking(true);
    assertInstanceOf(
        IllegalBlockingModeException.class,
        Waits.failure(
            loop.source(pipe.source()).pollAsync(Interest.READABLE), "a poll of what blocks"));
    pipe.source().configureBlocking(false);
    var later = loop.source(pipe.source()).pollAsync(Interest.READABLE);
    send(pipe, 1);
    Waits.get(later, "readiness, after the failure");
    assertFalse(loop.capabilities().uses("poll on any descriptor"));
  }

  private static void unsupported(String what, CompletableFuture<Integer> poll) {
    var failure =
        assertInstanceOf(UnsupportedOperationException.class, Waits.failure(poll, "a poll"));
    assertTrue(failure.getMessage().contains(what), failure::getMessage);
    assertTrue(failure.getMessage().contains("nio driver"), failure::getMessage);
    assertTrue(failure.getMessage().contains("io_uring"), failure::getMessage);
  }

  @DriverTest(drivers = "nio")
  void rawOperationsAndChainsFailOneByOne(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var causes = new CopyOnWriteArrayList<Throwable>();
    var handler =
        new RawHandler<String>() {
          @Override
          public void completed(int result, int completionFlags, String attachment) {
            throw new AssertionError("there is no ring");
          }

          @Override
          public void failed(Throwable cause, int errno, String attachment) {
            assertEquals(0, errno);
            causes.add(cause);
          }
        };
    var nop = RawOperation.of(0).build();
    var single = loop.submitRaw(nop, "single", handler);
    var _ = loop.chain().then(nop, "first", handler).then(nop, "second", handler).submit();
    Waits.until("three failures", () -> causes.size() == 3);
    for (var cause : causes) {
      assertInstanceOf(UnsupportedOperationException.class, cause);
      assertTrue(cause.getMessage().contains("IORING_OP_NOP"), cause::getMessage);
      assertTrue(cause.getMessage().contains("nio driver"), cause::getMessage);
    }
    single.cancel();
    turn(loop);
    assertEquals(3, causes.size());
  }
}
