package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.SeedReport;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.ExtendWith;

/** Operations that are ended by a scope, a time limit, their future, an interrupt, or all of a descriptor. */
@ExtendWith(SeedReport.class)
class CancellationTest {
  private static final Duration LONG = Duration.ofDays(1);

  /** More than any socket takes that nobody reads from. */
  private static final ByteBuffer LARGE = ByteBuffer.allocateDirect(1 << 20);

  /** One of our streams, whose peer neither sends nor receives unless told to. */
  private record Pair(TcpStream stream, Socket peer) implements Closeable {
    static Pair open(IoRuntime runtime) throws IOException {
      try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        server.setSoTimeout(Peers.TIMEOUT_MS);
        var stream =
            TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
        var peer = server.accept();
        peer.setSoTimeout(Peers.TIMEOUT_MS);
        return new Pair(Waits.get(stream, "a connection"), peer);
      }
    }

    @Override
    public void close() throws IOException {
      peer.close();
      stream.close();
    }
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  @DriverTest
  void aScopeCancelsWhatWasStartedInItAndNothingElse(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var inside = Pair.open(runtime);
        var outside = Pair.open(runtime)) {
      var scope = new CancelScope();
      var cancelled = new Recorder<String>();
      var untouched = new Recorder<String>();
      scope.run(() -> inside.stream.read(ByteBuffer.allocateDirect(8), "in", cancelled));
      outside.stream.read(ByteBuffer.allocateDirect(8), "out", untouched);

      scope.cancel();

      assertInstanceOf(CancellationException.class, cancelled.awaitOne().cause());
      assertTrue(scope.isCancelled());
      outside.peer.getOutputStream().write(7);
      assertEquals(1, untouched.awaitOne().result());
      // The stream is as good as before.
      var again = inside.stream.readAsync(ByteBuffer.allocateDirect(8));
      inside.peer.getOutputStream().write(1);
      assertEquals(1, Waits.get(again, "a read after the cancelled one"));
    }
  }

  @DriverTest
  void aCancelledScopeRefusesWhatIsStartedLater(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var scope = new CancelScope();
    scope.cancel();
    scope.cancel();
    var handler = new Recorder<String>();
    scope.run(() -> runtime.loop().nop("late", handler));
    assertInstanceOf(CancellationException.class, handler.awaitOne().cause());
    runtime.loop().nop("free", handler);
    assertTrue(handler.await(2).getLast().succeeded());
  }

  @DriverTest
  void aReadThatIsNotAnsweredInTimeFailsWithATimeout(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var scope = CancelScope.withTimeout(Duration.ofMillis(20));
      var future = scope.call(() -> pair.stream.readAsync(ByteBuffer.allocateDirect(8)));
      var failure = Waits.failure(SocketTimeoutException.class, future, "a read without an answer");
      assertTrue(
          failure.getMessage().contains("127.0.0.1:") && failure.getMessage().contains("timed out"),
          failure.getMessage());
      assertTrue(scope.isCancelled());
    }
  }

  @DriverTest
  void whatEndsInTimeIsLeftAlone(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var scope = CancelScope.withTimeout(LONG);
      pair.peer.getOutputStream().write(new byte[] {1, 2});
      int count = scope.call(() -> pair.stream.read(ByteBuffer.allocateDirect(8)));
      assertTrue(count > 0);
      assertFalse(scope.isCancelled());
    }
  }

  @DriverTest
  void aTimeThatIsOverBeforeTheStartRefuses(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      for (var timeout : List.of(Duration.ZERO, Duration.ofSeconds(Long.MIN_VALUE))) {
        var scope = CancelScope.withTimeout(timeout);
        var failure =
            assertThrows(
                SocketTimeoutException.class,
                () ->
                    scope.<Integer, IOException>call(
                        () -> pair.stream.read(ByteBuffer.allocateDirect(8))));
        assertTrue(failure.getMessage().contains("timed out"), failure.getMessage());
      }
      assertFalse(CancelScope.withTimeout(Duration.ofSeconds(Long.MAX_VALUE)).isCancelled());
    }
  }

  @DriverTest
  void anAcceptTimesOutAndTheListenerGoesOn(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, anyPort())) {
      var scope = CancelScope.withTimeout(Duration.ofMillis(20));
      var late = scope.call(listener::acceptAsync);
      Waits.failure(SocketTimeoutException.class, late, "an accept that nobody connects to");
      var accepted = listener.acceptAsync();
      try (var client =
              new Socket(InetAddress.getLoopbackAddress(), listener.localAddress().getPort());
          var stream = Waits.get(accepted, "a connection")) {
        assertEquals(client.getLocalPort(), stream.remoteAddress().getPort());
      }
    }
  }

  @DriverTest
  void receivingStaysInItsScopeWhenItIsPausedAndResumed(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var scope = new CancelScope();
      var receiver = new Receiver();
      scope.run(() -> pair.stream.receiveEach("scope", receiver));
      pair.peer.getOutputStream().write(1);
      receiver.awaitBytes(1);
      pair.stream.pauseReceiving();
      pair.stream.resumeReceiving();
      pair.peer.getOutputStream().write(2);
      receiver.awaitBytes(2);
      scope.cancel();
      assertInstanceOf(CancellationException.class, receiver.awaitFailure());
    }
  }

  @DriverTest
  void cancelAllEndsEverythingOnAStreamAndLeavesItOpen(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    // Many times: while the peer's system still takes data, the kernel's cancellation does not find
    // a write that it is just about to try again.
    for (int round = 0; round < 15; round++) {
      try (var pair = Pair.open(runtime)) {
        var reads = new Recorder<Integer>();
        pair.stream.read(ByteBuffer.allocateDirect(8), 0, reads);
        var writes = fill(pair, 4);
        pair.stream.cancelAll();
        assertInstanceOf(CancellationException.class, reads.awaitOne().cause());
        for (var outcome : writes.await(4)) {
          assertInstanceOf(CancellationException.class, outcome.cause());
        }
        writes.checkExactlyOnce(4);
        var again = pair.stream.readAsync(ByteBuffer.allocateDirect(8));
        pair.peer.getOutputStream().write(9);
        assertEquals(1, Waits.get(again, "a read after cancelAll"));
      }
    }
  }

  @DriverTest
  void cancelAllEndsReceivingThatIsPaused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var receiver = new Receiver();
      pair.stream.receiveEach("paused", receiver);
      pair.peer.getOutputStream().write(1);
      receiver.awaitBytes(1);
      pair.stream.pauseReceiving();
      pair.stream.cancelAll();
      assertInstanceOf(CancellationException.class, receiver.awaitFailure());
    }
  }

  @DriverTest
  void aWriteThatWaitsForItsTurnCanBeCancelledByItself(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var writes = new Recorder<Integer>();
      var first = LARGE.duplicate();
      var middle = ByteBuffer.allocateDirect(1000);
      var last = ByteBuffer.allocateDirect(100);
      var scope = new CancelScope();
      Waits.get(
          pair.stream.setOption(StandardSocketOptions.SO_SNDBUF, 4096), "a small send buffer");
      pair.stream.write(first, 0, writes);
      scope.run(() -> pair.stream.write(middle, 1, writes));
      pair.stream.write(last, 2, writes);

      scope.cancel(); // while the first cannot go on: the peer does not read yet

      var outcome = writes.awaitOne();
      assertEquals(1, outcome.attachment());
      assertInstanceOf(CancellationException.class, outcome.cause());
      assertEquals(0, middle.position(), "none of it went out");
      long received = 0;
      var in = pair.peer.getInputStream();
      var bytes = new byte[1 << 16];
      while (received < first.capacity() + last.capacity()) {
        int n = in.read(bytes);
        assertTrue(n > 0, "the stream ended after " + received);
        received += n;
      }
      writes.await(3);
      writes.checkExactlyOnce(3);
    }
  }

  @DriverTest
  void aCancelledWriteTellsByItsPositionHowMuchWentOut(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      Waits.get(
          pair.stream.setOption(StandardSocketOptions.SO_SNDBUF, 4096), "a small send buffer");
      var scope = CancelScope.withTimeout(Duration.ofMillis(50));
      var large = LARGE.duplicate();
      var future = scope.call(() -> pair.stream.writeAsync(large));
      Waits.failure(SocketTimeoutException.class, future, "a write that nobody reads");
      Waits.get(pair.stream.shutdownOutputAsync(), "the end of output");
      long received =
          pair.peer.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
      assertEquals(large.position(), received);
    }
  }

  /** Starts writes of which the first fills the socket, so that none of them ends. */
  private static Recorder<Integer> fill(Pair pair, int count) {
    Waits.get(pair.stream.setOption(StandardSocketOptions.SO_SNDBUF, 4096), "a small send buffer");
    var writes = new Recorder<Integer>();
    pair.stream.write(LARGE.duplicate(), 0, writes);
    for (int i = 1; i < count; i++) {
      pair.stream.write(ByteBuffer.allocateDirect(100), i, writes);
    }
    return writes;
  }

  @DriverTest
  void cancellingAFutureCancelsItsOperation(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var read = pair.stream.readAsync(ByteBuffer.allocateDirect(8));
      assertTrue(read.cancel(true));
      Waits.settled(read, "the end of a cancelled read");
      assertTrue(read.isCancelled());
      assertTrue(read.cancel(true), "cancelled is cancelled");
      // The data that comes now goes to whoever reads now.
      var next = pair.stream.readAsync(ByteBuffer.allocateDirect(8));
      pair.peer.getOutputStream().write(5);
      assertEquals(1, Waits.get(next, "the next read"));
      assertFalse(next.cancel(true), "it has ended");
    }
  }

  @DriverTest
  void cancellingAConnectClosesItsSocket(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // Either it is cancelled, or the connection was quicker, and is closed.
      for (int i = 0; i < 50; i++) {
        var connect =
            TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
        boolean asked = connect.cancel(true);
        Waits.settled(connect, "the end of a cancelled connect");
        assertEquals(asked, connect.isCancelled());
        if (!asked) {
          connect.join().close();
        }
      }
    } // the oracle looks for descriptors that are left
  }

  @DriverTest
  void anInterruptCancelsTheOperationThatAThreadWaitsFor(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      for (var kind : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
        var failure = new AtomicReference<Throwable>();
        var stillSet = new CompletableFuture<Boolean>();
        var thread =
            kind.start(
                () -> {
                  try {
                    pair.stream.read(ByteBuffer.allocateDirect(8));
                  } catch (IOException e) {
                    failure.set(e);
                  }
                  stillSet.complete(Thread.currentThread().isInterrupted());
                });
        Waits.until("a thread that waits", () -> thread.getState() == Thread.State.WAITING);
        thread.interrupt();
        assertTrue(Waits.get(stillSet, "the end of the wait"));
        assertInstanceOf(InterruptedIOException.class, failure.get());
        // The read is really over: another may begin.
        var next = pair.stream.readAsync(ByteBuffer.allocateDirect(8));
        pair.peer.getOutputStream().write(5);
        assertEquals(1, Waits.get(next, "the next read"));
      }
    }
  }

  @DriverTest
  void scopesNestAndTheFirstToEndCancels(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var outer = CancelScope.withTimeout(Duration.ofMillis(20));
      var inner = new CancelScope();
      var future =
          outer.call(() -> inner.call(() -> pair.stream.readAsync(ByteBuffer.allocateDirect(8))));
      Waits.failure(SocketTimeoutException.class, future, "a read in two scopes");
      assertFalse(inner.isCancelled());

      var outer2 = new CancelScope();
      var future2 =
          outer2.call(() -> inner.call(() -> pair.stream.readAsync(ByteBuffer.allocateDirect(8))));
      inner.cancel();
      Waits.settled(future2, "a read in two scopes");
      assertTrue(future2.isCancelled());
      assertFalse(outer2.isCancelled());
    }
  }

  @DriverTest
  void aScopeCoversSeveralLoopsAndMayEndOnAnyThread(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    int count = 20;
    var scope = new CancelScope();
    var handler = new Recorder<Integer>();
    try (var server = new ServerSocket(0, count, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < count; i++) {
        var connected = new CompletableFuture<TcpStream>();
        TcpStream.connect(
            runtime.loops().get(i % 2),
            (InetSocketAddress) server.getLocalSocketAddress(),
            connected,
            FutureHandler.of());
        var stream = Waits.get(connected, "a connection");
        int id = i;
        scope.run(() -> stream.read(ByteBuffer.allocateDirect(8), id, handler));
      }
      // From a loop's thread: its own operations at once, the other's by way of its inbox.
      runtime.loops().getFirst().execute(scope::cancel);
      for (var outcome : handler.await(count)) {
        assertInstanceOf(CancellationException.class, outcome.cause());
      }
      handler.checkExactlyOnce(count);
    }
  }

  @DriverTest
  void closingWinsOverATimeout(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var pair = driver.own(Pair.open(runtime));
    var scope = CancelScope.withTimeout(LONG);
    var read = scope.call(() -> pair.stream.readAsync(ByteBuffer.allocateDirect(8)));
    pair.stream.close();
    var failure = Waits.failure(read, "a read on a closed stream");
    assertInstanceOf(AsynchronousCloseException.class, failure);
  }

  @DriverTest
  void aCancellationThatRacesTheDataEndsEachReadOnceAndLosesNoByte(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var random = new Random(Seeds.SEED);
    try (var pair = Pair.open(runtime)) {
      var out = pair.peer.getOutputStream();
      int sent = 0;
      int received = 0;
      for (int i = 0; i < 500; i++) {
        var buffer = ByteBuffer.allocateDirect(1);
        var read = pair.stream.readAsync(buffer);
        boolean cancelFirst = random.nextBoolean();
        if (cancelFirst) {
          read.cancel(true);
        }
        if (sent - received == 0) {
          out.write(sent++);
        }
        if (!cancelFirst) {
          for (int spin = random.nextInt(2000); spin > 0; spin--) {
            Thread.onSpinWait();
          }
          read.cancel(true);
        }
        Waits.settled(read, "the end of a read");
        if (!read.isCompletedExceptionally()) {
          assertEquals((byte) received++, buffer.get(0), "bytes in order");
        }
      }
      while (received < sent) {
        var buffer = ByteBuffer.allocateDirect(1);
        assertEquals(1, Waits.get(pair.stream.readAsync(buffer), "what was not read yet"));
        assertEquals((byte) received++, buffer.get(0), "bytes in order");
      }
    }
  }

  /** Counts what it receives. */
  private static final class Receiver implements ReceiveHandler<String> {
    private final java.util.concurrent.atomic.AtomicInteger bytes =
        new java.util.concurrent.atomic.AtomicInteger();
    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    void awaitBytes(int count) {
      Waits.until(() -> count + " bytes, got " + bytes, () -> bytes.get() >= count);
    }

    Throwable awaitFailure() {
      return Waits.get(failure, "the receiver's end");
    }

    @Override
    public void received(Buffer buffer, String attachment) {
      bytes.addAndGet(buffer.byteBuffer().remaining());
      buffer.release();
    }

    @Override
    public void ended(String attachment) {
      failure.complete(new AssertionError("the stream ended"));
    }

    @Override
    public void failed(Throwable cause, String attachment) {
      failure.complete(cause);
    }
  }
}
