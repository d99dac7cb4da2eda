package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoRuntime;
import io.gyre.Readiness;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** Readiness of streams and listeners, the same on each driver. */
class PollTest {
  /** A stream of the runtime, and the plain socket at its other end. */
  private record Pair(TcpListener listener, TcpStream stream, Socket peer) {
    static Pair open(TestRuntime driver, IoRuntime runtime) throws IOException {
      var listener = TcpListener.bind(runtime, Peers.anyPort());
      driver.own(listener::close);
      var accepted = listener.acceptAsync();
      var peer = driver.own(Peers.connect(listener.localAddress()));
      var stream = Waits.get(accepted, "a connection");
      driver.own(stream::close);
      return new Pair(listener, stream, peer);
    }

    void send(int... bytes) throws IOException {
      for (int b : bytes) {
        peer.getOutputStream().write(b);
      }
    }
  }

  private static void turn(EventLoop loop) {
    for (int i = 0; i < 3; i++) {
      var turned = new CompletableFuture<Integer>();
      loop.nop(turned, io.gyre.driver.FutureHandler.INTEGER);
      Waits.get(turned, "a turn");
    }
  }

  @DriverTest
  void aStreamIsReadableWhenDataComesAndToldOnce(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var recorder = new Recorder<String>();
    pair.stream.poll(Interest.READABLE, "token", recorder);
    turn(pair.stream.loop());
    assertEquals(0, recorder.count(), "nothing came yet");

    pair.send(1);

    var outcome = recorder.awaitOne();
    assertEquals("token", outcome.attachment());
    assertSame(pair.stream.loop().thread(), outcome.thread());
    assertTrue(Readiness.isReadable(outcome.result()), outcome::toString);
    assertFalse(Readiness.isWritable(outcome.result()), "was not asked for");
    pair.send(2);
    turn(pair.stream.loop());
    assertEquals(1, recorder.count(), "one-shot");
    assertTrue(
        Readiness.isReadable(Waits.get(pair.stream.pollAsync(Interest.READABLE), "what is there")));
  }

  @DriverTest
  void aStreamIsWritableAtOnceUntilItsBuffersAreFull(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    int mask =
        Waits.get(pair.stream.pollAsync(Interest.WRITABLE.add(Interest.READABLE)), "room to write");
    assertTrue(Readiness.isWritable(mask));
    assertFalse(Readiness.isReadable(mask));

    int bytes = 64 << 20; // more than any socket's buffers
    var written = pair.stream.writeAsync(ByteBuffer.allocateDirect(bytes));
    var full = new Recorder<String>();
    Waits.until(
        "the buffers to be full",
        () -> {
          var now = pair.stream.pollAsync(Interest.WRITABLE);
          turn(pair.stream.loop());
          return now.cancel(false);
        });
    pair.stream.poll(Interest.WRITABLE, "full", full);
    assertEquals(bytes, pair.peer.getInputStream().readNBytes(bytes).length);
    assertTrue(Readiness.isWritable(full.awaitOne().result()));
    assertEquals(bytes, Waits.get(written, "the write"));
  }

  @DriverTest
  void multishotTellsOfEachArrivalThatWasReadMeanwhile(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var recorder = new Recorder<String>();
    var registration = pair.stream.pollMultishot(Interest.READABLE, "token", recorder);
    var into = ByteBuffer.allocateDirect(16);
    for (int i = 1; i <= 50; i++) {
      int before = recorder.count();
      pair.send(i);
      var outcome = recorder.await(before + 1).getLast();
      assertTrue(Readiness.isReadable(outcome.result()), outcome::toString);
      assertEquals(1, Waits.get(pair.stream.readAsync(into.clear()), "a byte"));
      assertEquals(i, into.get(0));
      // What was reported before the read may still be on its way.
      turn(pair.stream.loop());
    }
    registration.cancel();
    Waits.until(
        "the cancellation", () -> recorder.outcomes().stream().anyMatch(o -> !o.succeeded()));
    var last = recorder.outcomes().getLast();
    assertInstanceOf(CancellationException.class, last.cause());
    int count = recorder.count();
    pair.send(99);
    assertEquals(1, Waits.get(pair.stream.readAsync(into.clear()), "the last byte"));
    turn(pair.stream.loop());
    assertEquals(count, recorder.count());
  }

  @DriverTest
  void theEndOfTheStreamIsReadable(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var poll = pair.stream.pollAsync(Interest.READABLE);
    pair.peer.shutdownOutput();
    int mask = Waits.get(poll, "the end of the stream");
    assertTrue(Readiness.isReadable(mask), Integer.toHexString(mask));
    if (driver.isUring()) {
      assertTrue(Readiness.isReadClosed(mask), Integer.toHexString(mask));
      assertFalse(Readiness.isWriteClosed(mask), Integer.toHexString(mask));
    }
    assertEquals(-1, Waits.get(pair.stream.readAsync(ByteBuffer.allocate(1)), "the end"));
  }

  @DriverTest
  void aResetIsReportedWhateverWasAskedFor(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var reads = pair.stream.pollAsync(Interest.READABLE);
    turn(pair.stream.loop());
    Peers.reset(pair.peer);
    int mask = Waits.get(reads, "the reset");
    if (driver.isUring()) {
      assertTrue(Readiness.isError(mask), Integer.toHexString(mask));
      assertTrue(Readiness.isReadClosed(mask), Integer.toHexString(mask));
      assertTrue(Readiness.isWriteClosed(mask), Integer.toHexString(mask));
    } else {
      assertTrue(Readiness.isReadable(mask), Integer.toHexString(mask));
    }
    Waits.failure(pair.stream.readAsync(ByteBuffer.allocate(1)), "a read after a reset");
  }

  @DriverTest
  void aListenerIsReadableWhenSomebodyWaits(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    driver.own(listener::close);
    var recorder = new Recorder<String>();
    listener.poll(Interest.READABLE, "token", recorder);
    turn(listener.loop());
    assertEquals(0, recorder.count());
    driver.own(Peers.connect(listener.localAddress()));
    assertTrue(Readiness.isReadable(recorder.awaitOne().result()));
    driver.own(Waits.get(listener.acceptAsync(), "the connection that was announced")::close);

    var each = new Recorder<String>();
    var registration = listener.pollMultishot(Interest.READABLE, "each", each);
    for (int i = 0; i < 10; i++) {
      int before = each.count();
      driver.own(Peers.connect(listener.localAddress()));
      each.await(before + 1);
      driver.own(Waits.get(listener.acceptAsync(), "a connection")::close);
      turn(listener.loop());
    }
    registration.cancel();
    Waits.until("the end", () -> each.outcomes().getLast().cause() != null);
  }

  @DriverTest
  void pollsAndTransfersOfOneStreamDoNotDisturbEachOther(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var received = new Peers.Checking(new Pattern(Seeds.SEED));
    pair.stream.receiveEach("x", received);
    var recorder = new Recorder<String>();
    var registration =
        pair.stream.pollMultishot(
            driver.isUring() ? Interest.READABLE.add(Interest.WRITABLE) : Interest.READABLE,
            "token",
            recorder);
    var oneShots = new Recorder<Integer>();
    int pieces = 200;
    int bytes = 1000;
    for (int i = 0; i < pieces; i++) {
      pair.stream.poll(Interest.WRITABLE, i, oneShots);
      var piece = received.pattern.bytes((long) i * bytes, bytes);
      pair.peer.getOutputStream().write(piece);
      Waits.get(pair.stream.writeAsync(ByteBuffer.wrap(piece)), "a write");
      pair.peer.getInputStream().readNBytes(bytes);
    }
    received.await((long) pieces * bytes);
    oneShots.await(pieces);
    oneShots.checkExactlyOnce(pieces);
    pair.peer.shutdownOutput();
    assertEquals((long) pieces * bytes, Waits.get(received.end, "the end"));
    registration.cancel();
    Waits.until("the end", () -> recorder.outcomes().getLast().cause() != null);
  }

  @DriverTest
  void closingTellsThosePollingAndLaterPollsFail(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var recorder = new Recorder<String>();
    pair.stream.poll(Interest.READABLE, "one-shot", recorder);
    var registration = pair.stream.pollMultishot(Interest.READABLE, "multishot", recorder);
    pair.listener.poll(Interest.READABLE, "listener", recorder);
    turn(pair.stream.loop());
    assertEquals(0, recorder.count());

    pair.stream.close();
    pair.listener.close();

    recorder.await(3);
    recorder.checkExactlyOnce(3);
    for (var outcome : recorder.outcomes()) {
      assertInstanceOf(ClosedChannelException.class, outcome.cause(), outcome::toString);
      assertTrue(outcome.cause().getMessage().contains("poll"), outcome::toString);
    }
    assertInstanceOf(
        ClosedChannelException.class,
        Waits.failure(pair.stream.pollAsync(Interest.READABLE), "a poll after the close"));
    registration.cancel();
  }

  @DriverTest
  void aHandlerThatClosesTheStreamHearsTheEnd(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var recorder = new Recorder<String>();
    var _ =
        pair.stream.pollMultishot(
            Interest.READABLE,
            "token",
            new io.gyre.IoHandler<String>() {
              @Override
              public void completed(int result, String attachment) {
                var _ = pair.stream.closeAsync();
                recorder.completed(result, attachment);
              }

              @Override
              public void failed(Throwable cause, String attachment) {
                recorder.failed(cause, attachment);
              }
            });
    pair.send(1);
    var outcomes = recorder.await(2);
    assertTrue(outcomes.get(0).succeeded());
    assertInstanceOf(ClosedChannelException.class, outcomes.get(1).cause());
  }

  @DriverTest
  void shutdownEndsWhatIsPolled(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var pair = Pair.open(driver, runtime);
    var recorder = new Recorder<String>();
    pair.stream.poll(Interest.READABLE, "one-shot", recorder);
    var _ = pair.stream.pollMultishot(Interest.READABLE, "multishot", recorder);
    turn(pair.stream.loop());
    driver.closeAndWait(runtime);
    assertEquals(2, recorder.count());
    recorder.checkExactlyOnce(2);
    assertTrue(recorder.outcomes().stream().noneMatch(o -> o.succeeded()));
  }

  @DriverTest
  void aCancelledFutureLeavesNothingBehind(TestRuntime driver) throws Exception {
    var pair = Pair.open(driver, driver.start());
    var loop = pair.stream.loop();
    var future = pair.stream.pollAsync(Interest.READABLE);
    turn(loop);
    future.cancel(false);
    Waits.until(
        "the poll to end",
        () ->
            Waits.get(CompletableFuture.supplyAsync(() -> loop.dispatcher().inFlight(), loop), "it")
                == 0);
  }
}
