package io.gyre.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoRuntime;
import io.gyre.Readiness;
import io.gyre.Scheduler;
import io.gyre.driver.Capabilities;
import io.gyre.driver.Capabilities.Status;
import io.gyre.net.ListenOptions;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import io.gyre.uring.KernelFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Features of the kernel that are switched off, one by one: nobody who uses Gyre sees a difference. */
class SwitchedOffTest {
  private static final int STREAM_BYTES = 200_000;

  @ParameterizedTest
  @EnumSource(KernelFeature.class)
  void whatIsSwitchedOffIsNotMissed(KernelFeature feature) throws Exception {
    var name = feature.configurationName();
    try (var driver = new TestRuntime(DriverConfiguration.URING)) {
      var runtime = driver.start(b -> b.disable(name).scheduler(Scheduler.threadPerCore(2)));
      for (var loop : runtime.loops()) {
        var became = loop.capabilities().feature(name).orElseThrow();
        assertSame(Status.SWITCHED_OFF, became.status(), became::toString);
        assertFalse(became.detail().isEmpty(), "what is done in its place is said");
        CheckedWork.run(loop);
      }
      var loop = runtime.loops().getFirst();
      aStreamInBothDirections(loop);
      whatIsCancelledEndsAndTheRestGoesOn(loop);
      timersAndOtherLoops(runtime);
      shutdownEndsWhatWaits(driver, runtime);
    }
  }

  @DriverTest(drivers = "uring")
  void eachFeatureIsNamedWithItsReason(TestRuntime driver) throws Exception {
    var capabilities = driver.start().loop().capabilities();

    for (var feature : KernelFeature.values()) {
      var became = capabilities.feature(feature.configurationName()).orElseThrow();
      assertTrue(
          became.status() == Status.USED || !became.detail().isEmpty(),
          () -> "no reason is given for " + became);
    }
    if (driver.configuration() == DriverConfiguration.URING_BARE) {
      assertTrue(all(capabilities, Status.SWITCHED_OFF), capabilities::toString);
    }
  }

  private static boolean all(Capabilities capabilities, Status status) {
    return Arrays.stream(KernelFeature.values())
        .map(f -> capabilities.feature(f.configurationName()).orElseThrow().status())
        .allMatch(s -> s == status);
  }

  private record Connected(TcpStream stream, Socket peer) {}

  private static Connected connect(EventLoop loop) throws IOException {
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      var connecting =
          CompletableFuture.completedFuture(address)
              .thenComposeAsync(a -> TcpStream.connectAsync(loop.runtime(), a), loop);
      var peer = server.accept();
      peer.setSoTimeout((int) Waits.PATIENCE.toMillis());
      return new Connected(Waits.get(connecting, "connection"), peer);
    }
  }

  /** Our end is told of the end of the stream by a half-close, and can still answer. */
  private static void aStreamInBothDirections(EventLoop loop) throws IOException {
    var pattern = new Pattern(Seeds.SEED);
    var connected = connect(loop);
    try (var peer = connected.peer) {
      var all = new CompletableFuture<byte[]>();
      connected.stream.receiveEach(new ByteArrayOutputStream(), new Collector(all));
      peer.getOutputStream().write(pattern.bytes(0, STREAM_BYTES));
      peer.shutdownOutput();
      var received = Waits.get(all, "the end of the stream");
      assertEquals(STREAM_BYTES, received.length);
      pattern.check(received, 0, STREAM_BYTES, 0);

      var writing = connected.stream.writeAsync(ByteBuffer.wrap(pattern.bytes(7, STREAM_BYTES)));
      var answer = peer.getInputStream().readNBytes(STREAM_BYTES);
      pattern.check(answer, 0, STREAM_BYTES, 7);
      assertEquals(STREAM_BYTES, Waits.get(writing, "write"));
      connected.stream.shutdownOutput();
      assertEquals(-1, peer.getInputStream().read());
      connected.stream.close();
    }
  }

  private record Collector(CompletableFuture<byte[]> all)
      implements ReceiveHandler<ByteArrayOutputStream> {
    @Override
    public void received(Buffer buffer, ByteArrayOutputStream bytes) {
      while (buffer.byteBuffer().hasRemaining()) {
        bytes.write(buffer.byteBuffer().get());
      }
      buffer.release();
    }

    @Override
    public void ended(ByteArrayOutputStream bytes) {
      all.complete(bytes.toByteArray());
    }

    @Override
    public void failed(Throwable cause, ByteArrayOutputStream bytes) {
      all.completeExceptionally(cause);
    }
  }

  private static void whatIsCancelledEndsAndTheRestGoesOn(EventLoop loop) throws IOException {
    var first = connect(loop);
    var second = connect(loop);
    try (var peer = first.peer;
        var other = second.peer) {
      var reading = first.stream.readAsync(ByteBuffer.allocate(10));
      var polling = first.stream.pollAsync(Interest.READABLE);
      var spared = second.stream.readAsync(ByteBuffer.allocate(10));
      var events = new Recorder<String>();
      var registration = second.stream.pollMultishot(Interest.READABLE, "poll", events);
      first.stream.cancelAll();
      Waits.settled(reading, "a read that was cancelled");
      Waits.settled(polling, "a poll that was cancelled");
      assertTrue(reading.isCancelled() && polling.isCancelled());
      assertFalse(spared.isDone());

      other.getOutputStream().write(1);
      assertEquals(1, Waits.get(spared, "a read that was not cancelled"));
      assertTrue(Readiness.isReadable(events.await(1).getFirst().result()));
      registration.cancel();
      Waits.until("the end of the poll", () -> !events.outcomes().getLast().succeeded());

      peer.getOutputStream().write(2);
      var again = ByteBuffer.allocate(10);
      assertEquals(1, Waits.get(first.stream.readAsync(again), "a read after all that"));
      assertEquals(2, again.get(0));
      first.stream.close();
      second.stream.close();
    }
  }

  private static void timersAndOtherLoops(IoRuntime runtime) {
    var first = runtime.loops().get(0);
    var second = runtime.loops().get(1);
    long began = System.nanoTime();
    var fired = new CompletableFuture<Thread>();
    var delay = Duration.ofMillis(20);
    var _ = first.schedule(delay, () -> fired.complete(Thread.currentThread()));
    assertSame(first.thread(), Waits.get(fired, "a timer"));
    assertTrue(System.nanoTime() - began >= delay.toNanos());
    for (int i = 0; i < 100; i++) {
      var there = CompletableFuture.supplyAsync(Thread::currentThread, first);
      var andBack = there.thenApplyAsync(t -> Thread.currentThread(), second);
      assertSame(second.thread(), Waits.get(andBack, "a task of the other loop"));
      assertSame(first.thread(), Waits.get(there, "a task"));
    }
  }

  private static void shutdownEndsWhatWaits(TestRuntime driver, IoRuntime runtime)
      throws IOException {
    var loop = runtime.loops().getFirst();
    var anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var listener = TcpListener.bind(loop, anyPort, ListenOptions.DEFAULT);
    listener.acceptEach(null, new CheckedWork.Echo());
    var connected = connect(loop);
    var ended = new CompletableFuture<byte[]>();
    connected.stream.receiveEach(new ByteArrayOutputStream(), new Collector(ended));
    var polls = new Recorder<String>();
    var _ = connected.stream.pollMultishot(Interest.READABLE, "poll", polls);
    driver.closeAndWait(runtime);
    assertInstanceOf(IOException.class, Waits.failure(ended, "a receive at shutdown"));
    assertFalse(polls.awaitOne().succeeded());
    connected.peer.close();
  }
}
