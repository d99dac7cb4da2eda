package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

class TcpStreamTest {
  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** One of our streams, connected to a plain socket. */
  private record Pair(TcpStream stream, Socket peer) implements Closeable {
    static Pair open(IoRuntime runtime) throws IOException {
      try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
        return open(runtime, server);
      }
    }

    static Pair open(IoRuntime runtime, ServerSocket server) throws IOException {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var stream =
          TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
      var peer = server.accept();
      peer.setSoTimeout(Peers.TIMEOUT_MS);
      return new Pair(Waits.get(stream, "a connection"), peer);
    }

    @Override
    public void close() throws IOException {
      peer.close();
      stream.close();
    }
  }

  @DriverTest
  void connectGivesBothAddresses(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      assertEquals(pair.peer.getLocalSocketAddress(), pair.stream.remoteAddress());
      assertEquals(pair.peer.getRemoteSocketAddress(), pair.stream.localAddress());
      assertSame(runtime.loops().getFirst(), pair.stream.loop());
    }
  }

  @DriverTest
  void aRefusedConnectIsAConnectExceptionThatNamesTheAddress(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    InetSocketAddress nobody;
    try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      nobody = (InetSocketAddress) server.getLocalSocketAddress();
    }
    for (int i = 0; i < 20; i++) {
      var failure = assertThrows(ConnectException.class, () -> TcpStream.connect(runtime, nobody));
      assertTrue(failure.getMessage().contains("connect"), failure::getMessage);
      assertTrue(failure.getMessage().contains("127.0.0.1"), failure::getMessage);
      assertTrue(failure.getMessage().contains(":" + nobody.getPort()), failure::getMessage);
      assertTrue(failure.getMessage().contains("ECONNREFUSED"), failure::getMessage);
    }
    Waits.until(
        () -> "the sockets of failed connects closed: " + driver.heldSinceStart(),
        () -> driver.heldSinceStart().stream().noneMatch(held -> held.startsWith("socket:")));
  }

  @DriverTest
  void aConnectThatNobodyAnswersIsCancelledByTheEndOfTheRuntime(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    // A listener whose backlog is full: the system drops further requests.
    try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      var connects = new ArrayList<CompletableFuture<TcpStream>>();
      for (int i = 0; i < 8; i++) {
        connects.add(TcpStream.connectAsync(runtime, address));
      }
      Waits.until("some connections", () -> connects.stream().anyMatch(c -> c.isDone()));
      assertTrue(connects.stream().anyMatch(c -> !c.isDone()), "the backlog never fills");
      long before = System.nanoTime();
      driver.closeAndWait(runtime);
      assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
      for (var connect : connects) {
        Waits.settled(connect, "a connect");
        if (connect.isCompletedExceptionally()) {
          var cause = Waits.failure(connect, "a connect");
          assertTrue(
              cause instanceof ClosedChannelException || cause instanceof CancellationException,
              cause::toString);
        }
      }
    }
  }

  @DriverTest
  void readGivesWhatIsThereThenTheEnd(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      pair.peer.getOutputStream().write(pattern.bytes(0, 10));
      var buffer = ByteBuffer.allocateDirect(100).position(20).limit(90);
      int n = pair.stream.read(buffer);
      assertEquals(20 + n, buffer.position());
      assertEquals(90, buffer.limit());
      while (buffer.position() < 30) {
        assertTrue(pair.stream.read(buffer) > 0);
      }
      pattern.check(buffer, 20, 30, 0);
      pair.peer.shutdownOutput();
      assertEquals(-1, pair.stream.read(buffer));
      assertEquals(30, buffer.position());
      assertEquals(-1, pair.stream.read(ByteBuffer.allocate(1)), "and so it stays");
    }
  }

  @DriverTest
  void readIntoSmallHeapAndDirectSlicesKeepsTheStreamsOrder(TestRuntime driver) throws Exception {
    int total = 20_000;
    try (var pair = Pair.open(driver.start())) {
      var writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      pair.peer.getOutputStream().write(pattern.bytes(0, total));
                      pair.peer.shutdownOutput();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      var random = Seeds.random(2);
      long position = 0;
      while (true) {
        int size = 1 + random.nextInt(700);
        var whole =
            random.nextBoolean()
                ? ByteBuffer.allocate(size + 20)
                : ByteBuffer.allocateDirect(size + 20);
        var slice = whole.slice(10, size);
        int n = pair.stream.read(slice);
        if (n < 0) {
          break;
        }
        assertTrue(n > 0 && n <= size);
        pattern.check(whole, 10, 10 + n, position);
        position += n;
      }
      assertEquals(total, position);
      Waits.join(writer);
    }
  }

  @DriverTest
  void aReadWithNothingRemainingGivesZeroAtOnce(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      assertEquals(0, pair.stream.read(ByteBuffer.allocate(0)));
      assertEquals(0, pair.stream.read(ByteBuffer.allocateDirect(5).position(5)));
      assertEquals(0, pair.stream.write(ByteBuffer.allocate(0)));
      pair.peer.getOutputStream().write(7);
      assertEquals(1, pair.stream.read(ByteBuffer.allocate(5)));
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofSeconds(1)));
    try (var pair = Pair.open(runtime)) {
      var stream = pair.stream;
      assertThrows(
          ReadOnlyBufferException.class,
          () -> stream.readAsync(ByteBuffer.allocate(1).asReadOnlyBuffer()));
      assertThrows(NullPointerException.class, () -> stream.readAsync(null));
      assertThrows(NullPointerException.class, () -> stream.writeAsync((ByteBuffer) null));
      assertThrows(NullPointerException.class, () -> stream.receiveEach("x", null));
      assertThrows(
          NullPointerException.class,
          () -> stream.write((Buffer) null, "x", new Recorder<String>()));
      assertThrows(
          NullPointerException.class,
          () -> stream.setOption(StandardSocketOptions.TCP_NODELAY, null));
      var buffer = runtime.loop().buffers().acquire(10);
      buffer.release();
      assertThrows(
          IllegalStateException.class, () -> stream.write(buffer, "x", new Recorder<String>()));
      var inFlight = new CompletableFuture<Integer>();
      stream
          .loop()
          .execute(
              () -> {
                int before = stream.loop().dispatcher().inFlight();
                assertThrows(NullPointerException.class, () -> stream.readAsync(null));
                assertThrows(
                    NullPointerException.class, () -> stream.writeAsync((ByteBuffer) null));
                assertThrows(
                    NullPointerException.class,
                    () -> stream.write((Buffer) null, "x", new Recorder<String>()));
                assertThrows(
                    IllegalStateException.class,
                    () -> stream.write(buffer, "x", new Recorder<String>()));
                inFlight.complete(stream.loop().dispatcher().inFlight() - before);
              });
      assertEquals(0, Waits.get(inFlight, "a task"), "operations that will never end");
      assertEquals(1, stream.write(ByteBuffer.allocate(1)));
      assertEquals(0, pair.peer.getInputStream().read());
    }
  }

  @DriverTest
  void readingTwiceAtATimeIsRefused(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var first = pair.stream.readAsync(ByteBuffer.allocate(1));
      Waits.failure(
          ReadPendingException.class,
          pair.stream.readAsync(ByteBuffer.allocate(1)),
          "a second read");
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      Waits.failure(ReadPendingException.class, receiver.end, "receiving during a read");
      var onLoop = new CompletableFuture<Throwable>();
      pair.stream
          .loop()
          .execute(
              () ->
                  onLoop.complete(
                      assertThrows(
                          Throwable.class, () -> pair.stream.readAsync(ByteBuffer.allocate(1)))));
      assertInstanceOf(ReadPendingException.class, Waits.get(onLoop, "a refusal"));
      pair.peer.getOutputStream().write(pattern.bytes(0, 1));
      assertEquals(1, Waits.get(first, "the first read"));

      var good = new Peers.Checking(new Pattern(pattern.seed()));
      pair.stream.receiveEach(null, good);
      Waits.failure(
          ReadPendingException.class,
          pair.stream.readAsync(ByteBuffer.allocate(1)),
          "a read while receiving");
      pair.peer.getOutputStream().write(pattern.bytes(0, 5));
      good.await(5);
    }
  }

  @DriverTest
  void receiveEachGivesTheWholeStreamInOrder(TestRuntime driver) throws Exception {
    int total = 600_000;
    try (var pair = Pair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      pair.peer.getOutputStream().write(pattern.bytes(0, total));
      pair.peer.shutdownOutput();
      assertEquals(total, Waits.get(receiver.end, "the end of the stream"));
      assertEquals(-1, pair.stream.read(ByteBuffer.allocate(1)));
    }
  }

  @DriverTest
  void dataAndEndThatCameBeforeReceivingAreDelivered(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      pair.peer.getOutputStream().write(pattern.bytes(0, 1_000));
      pair.peer.close();
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      assertEquals(1_000, Waits.get(receiver.end, "the end of the stream"));
    }
  }

  @DriverTest
  void pausingHoldsThePeerBackAndResumingLosesNothing(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      // Else the system makes it larger for a quick receiver, and there is no saying how large.
      Waits.get(pair.stream.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 18), "an option");
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      // Sends for as long as it may: whatever the system's buffers take, it is more.
      var sent = new AtomicLong();
      var enough = new AtomicBoolean();
      var sender = CompletableFuture.runAsync(() -> send(pair.peer, sent, enough), startThread());
      receiver.await(10_000);
      pair.stream.pauseReceiving();

      var heldBack = new CompletableFuture<Long>();
      awaitHeldBack(pair.stream, receiver, sent, -1, -1, heldBack);
      Waits.get(heldBack, "the peer to be held back");

      enough.set(true);
      pair.stream.pauseReceiving(); // twice is as good as once
      pair.stream.resumeReceiving();
      pair.stream.resumeReceiving();
      Waits.get(sender, "the sender");
      assertEquals(sent.get(), Waits.get(receiver.end, "the end of the stream"));
    }
  }

  private static Executor startThread() {
    return task -> Thread.ofPlatform().start(task);
  }

  private void send(Socket peer, AtomicLong sent, AtomicBoolean enough) {
    try {
      while (!enough.get()) {
        peer.getOutputStream().write(pattern.bytes(sent.get(), 4096));
        sent.addAndGet(4096);
      }
      peer.shutdownOutput();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Until something is on the way, but nothing arrives any more and nothing can be sent. */
  private static void awaitHeldBack(
      TcpStream stream,
      Peers.Checking receiver,
      AtomicLong sent,
      long lastReceived,
      long lastSent,
      CompletableFuture<Long> heldBack) {
    long receivedNow = receiver.received.get();
    long sentNow = sent.get();
    if (receivedNow == lastReceived && sentNow == lastSent && sentNow > receivedNow) {
      heldBack.complete(receivedNow);
    } else {
      stream
          .loop()
          .schedule(
              Duration.ofMillis(50),
              () -> awaitHeldBack(stream, receiver, sent, receivedNow, sentNow, heldBack));
    }
  }

  private static void awaitQuiet(
      TcpStream stream, Peers.Checking receiver, long last, CompletableFuture<Long> quiet) {
    long now = receiver.received.get();
    if (now == last) {
      quiet.complete(now);
    } else {
      stream.loop().schedule(Duration.ofMillis(50), () -> awaitQuiet(stream, receiver, now, quiet));
    }
  }

  @DriverTest
  void pausingAndResumingInAHurryLosesNothing(TestRuntime driver) throws Exception {
    int total = 400_000;
    try (var pair = Pair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      var writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int at = 0; at < total; at += 4_000) {
                        pair.peer.getOutputStream().write(pattern.bytes(at, 4_000));
                      }
                      pair.peer.shutdownOutput();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      var random = Seeds.random(4);
      while (!receiver.end.isDone() && receiver.received.get() < total) {
        pair.stream.pauseReceiving();
        if (random.nextBoolean()) {
          pair.stream.resumeReceiving();
          pair.stream.pauseReceiving();
        }
        pair.stream.resumeReceiving();
        java.util.concurrent.locks.LockSupport.parkNanos(random.nextInt(200_000));
      }
      assertEquals(total, Waits.get(receiver.end, "the end of the stream"));
      Waits.join(writer);
    }
  }

  @DriverTest
  void closingWhilePausedTellsTheReceiver(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      pair.stream.pauseReceiving();
      var quiet = new CompletableFuture<Long>();
      awaitQuiet(pair.stream, receiver, -1, quiet);
      Waits.get(quiet, "the pause");
      pair.stream.close();
      Waits.failure(AsynchronousCloseException.class, receiver.end, "the receiver");
      assertEquals(-1, pair.peer.getInputStream().read());
    }
  }

  @DriverTest
  void theEndOfTheRuntimeTellsAPausedReceiver(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      pair.stream.pauseReceiving();
      var quiet = new CompletableFuture<Long>();
      awaitQuiet(pair.stream, receiver, -1, quiet);
      Waits.get(quiet, "the pause");
      driver.closeAndWait(runtime);
      assertTrue(receiver.end.isCompletedExceptionally(), "the receiver was never told");
    }
  }

  @DriverTest
  void closingWithAReceiveArmedFailsItAndClosesTheSocketLast(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      pair.peer.getOutputStream().write(pattern.bytes(0, 1));
      receiver.await(1);

      pair.stream.close();

      var cause =
          Waits.failure(AsynchronousCloseException.class, receiver.end, "the armed receive");
      assertTrue(cause.getMessage().contains("receive"), cause::getMessage);
      assertTrue(cause.getMessage().contains(":" + pair.peer.getLocalPort()), cause::getMessage);
      assertEquals(-1, pair.peer.getInputStream().read());
    }
  }

  @DriverTest
  void closingWithAReadPendingFailsIt(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var direct = pair.stream.readAsync(ByteBuffer.allocateDirect(10));
      pair.stream.close();
      Waits.failure(AsynchronousCloseException.class, direct, "the pending read");
      assertEquals(-1, pair.peer.getInputStream().read());
      Waits.failure(
          ClosedChannelException.class, pair.stream.readAsync(ByteBuffer.allocate(1)), "a read");
      Waits.failure(
          ClosedChannelException.class, pair.stream.readAsync(ByteBuffer.allocate(0)), "empty");
      Waits.failure(
          ClosedChannelException.class, pair.stream.writeAsync(ByteBuffer.allocate(1)), "a write");
      Waits.failure(ClosedChannelException.class, pair.stream.shutdownOutputAsync(), "shutdown");
      Waits.failure(
          ClosedChannelException.class,
          pair.stream.setOption(StandardSocketOptions.TCP_NODELAY, true),
          "an option");
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      Waits.failure(ClosedChannelException.class, receiver.end, "receiving");
      pair.stream.close();
      Waits.get(pair.stream.closeAsync(), "a third close");
    }
  }

  @DriverTest
  void closingWithWritesStuckFailsThemAll(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMillis(500)));
    try (var pair = Pair.open(runtime)) {
      var recorder = new Recorder<Integer>();
      for (int i = 0; i < 20; i++) {
        pair.stream.write(ByteBuffer.allocateDirect(2 << 20), i, recorder);
      }
      pair.stream.shutdownOutput(20, recorder);
      pair.stream.close();
      recorder.await(21);
      recorder.checkExactlyOnce(21);
      assertTrue(
          recorder.outcomes().stream().anyMatch(o -> !o.succeeded()),
          "40 MB that nobody read were taken");
      for (var outcome : recorder.outcomes()) {
        assertTrue(
            outcome.succeeded() || outcome.cause() instanceof ClosedChannelException,
            outcome::toString);
      }
    }
    driver.closeAndWait(runtime);
  }

  @DriverTest
  void halfCloseWorksBothWays(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      assertEquals(100, pair.stream.write(ByteBuffer.wrap(pattern.bytes(0, 100))));
      pair.stream.shutdownOutput();
      assertEquals(100, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      pair.peer.getOutputStream().write(pattern.bytes(0, 200)); // the other direction goes on
      pair.peer.shutdownOutput();
      assertEquals(200, Waits.get(receiver.end, "the end of the stream"));
    }
    try (var pair = Pair.open(driver.start())) {
      pair.peer.shutdownOutput();
      assertEquals(-1, pair.stream.read(ByteBuffer.allocate(1)));
      assertEquals(100, pair.stream.write(ByteBuffer.wrap(pattern.bytes(0, 100))));
      pair.stream.shutdownOutput();
      assertEquals(100, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
    }
  }

  @DriverTest
  void writingAfterShutdownOutputFails(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      pair.stream.shutdownOutput();
      var cause =
          Waits.failure(
              IOException.class, pair.stream.writeAsync(ByteBuffer.allocate(1)), "a write");
      assertTrue(
          cause instanceof ClosedChannelException || cause.getMessage().contains("EPIPE"),
          cause::toString);
      pair.stream.shutdownOutput(); // twice is harmless
    }
  }

  @DriverTest
  void aWriteCalledAfterShutdownOutputIsNotSentEvenIfEarlierOnesStillWait(TestRuntime driver)
      throws Exception {
    int length = 8 << 20;
    try (var pair = Pair.open(driver.start())) {
      var first = pair.stream.writeAsync(pattern.fill(ByteBuffer.allocateDirect(length), 0));
      var shutdown = pair.stream.shutdownOutputAsync();
      var late = pair.stream.writeAsync(ByteBuffer.allocate(1_000));
      assertEquals(length, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      assertEquals(length, Waits.get(first, "the first write"));
      Waits.get(shutdown, "the shutdown");
      Waits.failure(IOException.class, late, "a write after shutdownOutput");
    }
  }

  @DriverTest
  void aWriteThatCannotStartKeepsTheOrderOfTheOthers(TestRuntime driver) throws Exception {
    int length = 8 << 20;
    ByteBuffer freed;
    try (var arena = Arena.ofShared()) {
      freed = arena.allocate(100).asByteBuffer();
    }
    try (var pair = Pair.open(driver.start())) {
      var first = pair.stream.writeAsync(pattern.fill(ByteBuffer.allocateDirect(length), 0));
      var bad = pair.stream.writeAsync(freed);
      var last = pair.stream.writeAsync(pattern.fill(ByteBuffer.allocateDirect(length), length));
      var shutdown = pair.stream.shutdownOutputAsync();
      assertEquals(2L * length, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      assertEquals(length, Waits.get(first, "the first write"));
      Waits.failure(bad, "a write from freed memory");
      assertEquals(length, Waits.get(last, "the last write"));
      Waits.get(shutdown, "the shutdown");
    }
  }

  @DriverTest
  void shuttingDownTwiceDoesNotCutOffWhatIsQueued(TestRuntime driver) throws Exception {
    int length = 3 << 20;
    try (var pair = Pair.open(driver.start())) {
      var recorder = new Recorder<Integer>();
      for (int i = 0; i < 4; i++) {
        long at = (long) i * length;
        pair.stream.write(pattern.fill(ByteBuffer.allocateDirect(length), at), i, recorder);
      }
      pair.stream.shutdownOutput(4, recorder);
      pair.stream.shutdownOutput(5, recorder);
      assertEquals(4L * length, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      recorder.await(6);
      recorder.checkExactlyOnce(6);
      assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
    }
  }

  @DriverTest
  void aResetByThePeerIsASocketExceptionThatNamesIt(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var receiver = new Peers.Checking(pattern);
      pair.stream.receiveEach(null, receiver);
      pair.peer.getOutputStream().write(pattern.bytes(0, 5));
      receiver.await(5);
      Peers.reset(pair.peer);
      reset(Waits.failure(receiver.end, "receiving"), "receive", pair);
    }
    try (var pair = Pair.open(runtime)) {
      var read = pair.stream.readAsync(ByteBuffer.allocate(10));
      Peers.reset(pair.peer);
      reset(Waits.failure(read, "a read"), "receive", pair);
    }
    try (var pair = Pair.open(runtime)) {
      var write = pair.stream.writeAsync(ByteBuffer.allocateDirect(16 << 20));
      pair.peer.getInputStream().readNBytes(1_000);
      Peers.reset(pair.peer);
      // A send that was partly done swallows the reset; what follows it meets a broken pipe.
      reset(Waits.failure(write, "a write"), "send", pair);
    }
  }

  private static void reset(Throwable cause, String operation, Pair pair) {
    assertInstanceOf(SocketException.class, cause);
    assertTrue(cause.getMessage().contains(operation), cause::getMessage);
    assertTrue(
        cause.getMessage().contains("ECONNRESET")
            || (operation.equals("send") && cause.getMessage().contains("EPIPE")),
        cause::getMessage);
    assertTrue(
        cause.getMessage().contains(":" + pair.stream.remoteAddress().getPort()),
        cause::getMessage);
  }

  @DriverTest
  void writesOfEveryKindOfBufferKeepTheirOrderUnderATinySendBuffer(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      Waits.get(pair.stream.setOption(StandardSocketOptions.SO_SNDBUF, 1), "an option");
      var random = Seeds.random(6);
      var recorder = new Recorder<Integer>();
      var sizes = new ArrayList<Integer>();
      long position = 0;
      for (int i = 0; i < 60; i++) {
        int size = 1 + random.nextInt(i % 20 == 0 ? 300_000 : 9_000);
        sizes.add(size);
        if (i % 4 == 3 && size <= 10_000) {
          var buffer = runtime.loop().buffers().acquire(size);
          pattern.fill(buffer.byteBuffer(), position);
          pair.stream.write(buffer, i, recorder);
          buffer.release();
        } else {
          var buffer =
              i % 4 == 0
                  ? ByteBuffer.allocate(size + 7).position(7)
                  : i % 4 == 1
                      ? ByteBuffer.allocateDirect(size + 7).position(7)
                      : ByteBuffer.allocateDirect(size + 20).slice(9, size);
          pattern.fill(buffer, position);
          pair.stream.write(i % 5 == 0 ? buffer.asReadOnlyBuffer() : buffer, i, recorder);
        }
        position += size;
      }
      pair.stream.shutdownOutput(60, recorder);
      assertEquals(position, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      recorder.await(61);
      recorder.checkExactlyOnce(61);
      for (int i = 0; i < 60; i++) {
        assertEquals(i, recorder.outcomes().get(i).attachment(), "writes end in order");
        assertEquals(sizes.get(i), recorder.outcomes().get(i).result(), "all of it is written");
      }
    }
  }

  @DriverTest
  void thousandsOfSmallWritesThenShutdownDeliverAll(TestRuntime driver) throws Exception {
    int count = 5_000;
    try (var pair = Pair.open(driver.start())) {
      var recorder = new Recorder<Integer>();
      pair.stream
          .loop()
          .execute(
              () -> {
                for (int i = 0; i < count; i++) {
                  var buffer =
                      i % 2 == 0 ? ByteBuffer.allocate(100) : ByteBuffer.allocateDirect(100);
                  pair.stream.write(pattern.fill(buffer, i * 100L), i, recorder);
                }
                pair.stream.shutdownOutput(count, recorder);
              });
      assertEquals(count * 100L, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      recorder.await(count + 1);
      recorder.checkExactlyOnce(count + 1);
      assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
    }
  }

  @DriverTest
  void writesFromManyThreadsAreWholeAndInTheOrderOfTheirThread(TestRuntime driver)
      throws Exception {
    int threads = 3;
    int each = 400;
    try (var pair = Pair.open(driver.start())) {
      var writers = new ArrayList<Thread>();
      var recorder = new Recorder<Integer>();
      for (int t = 0; t < threads; t++) {
        int id = t;
        writers.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (int i = 0; i < each; i++) {
                        var record = ByteBuffer.allocate(64).putInt(0, id).putInt(4, i);
                        pattern.fill(record.position(8), i);
                        record.position(0);
                        pair.stream.write(record, id * each + i, recorder);
                      }
                    }));
      }
      var in = pair.peer.getInputStream();
      var next = new int[threads];
      for (int k = 0; k < threads * each; k++) {
        var record = ByteBuffer.wrap(in.readNBytes(64));
        int id = record.getInt(0);
        assertEquals(next[id]++, record.getInt(4), "a record of thread " + id);
        pattern.check(record, 8, 64, record.getInt(4));
      }
      writers.forEach(Waits::join);
      recorder.await(threads * each);
      recorder.checkExactlyOnce(threads * each);
    }
  }

  @DriverTest
  void aPooledBufferReleasedDuringItsWriteGoesHomeOnlyAfterwards(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var pool = runtime.loop().buffers();
    try (var pair = Pair.open(runtime)) {
      var checked = new CompletableFuture<Long>();
      var reader =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      checked.complete(Peers.checkToEnd(pair.peer.getInputStream(), pattern));
                    } catch (IOException | AssertionError e) {
                      checked.completeExceptionally(e);
                    }
                  });
      var recorder = new Recorder<Integer>();
      long position = 0;
      int count = 0;
      while (position < 24 << 20) { // more than the pool holds: buffers come back as writes end
        var taken = new Buffer[1];
        Waits.until("a buffer", () -> (taken[0] = pool.tryAcquire(256 << 10)) != null);
        pattern.fill(taken[0].byteBuffer(), position);
        position += taken[0].byteBuffer().remaining();
        pair.stream.write(taken[0], count++, recorder);
        taken[0].release();
      }
      pair.stream.shutdownOutput(count, recorder);
      assertEquals(position, Waits.get(checked, "the reader"));
      Waits.join(reader);
      recorder.await(count + 1);
      recorder.checkExactlyOnce(count + 1);
    }
  }

  @DriverTest
  void aHandlerMayWriteWhatItReceivedAndTheEchoIsRight(TestRuntime driver) throws Exception {
    int total = 300_000;
    var runtime = driver.start();
    try (var pair = Pair.open(runtime)) {
      var echo = new Echo(pair.stream);
      pair.stream.receiveEach(null, echo);
      var writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      pair.peer.getOutputStream().write(pattern.bytes(0, total));
                      pair.peer.shutdownOutput();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      assertEquals(total, Peers.checkToEnd(pair.peer.getInputStream(), pattern));
      Waits.join(writer);
      Waits.get(echo.done, "the echo");
    }
  }

  /** Writes back what it receives, from the buffer that it came in. */
  private static final class Echo implements ReceiveHandler<Buffer>, IoHandler<Buffer> {
    final TcpStream stream;
    final CompletableFuture<Void> done = new CompletableFuture<>();

    Echo(TcpStream stream) {
      this.stream = stream;
    }

    @Override
    public void received(Buffer buffer, Buffer none) {
      stream.write(buffer, buffer, this);
    }

    @Override
    public void ended(Buffer none) {
      var _ =
          stream
              .shutdownOutputAsync()
              .whenComplete(
                  (_, failure) -> {
                    if (failure == null) {
                      done.complete(null);
                    } else {
                      done.completeExceptionally(failure);
                    }
                  });
    }

    @Override
    public void completed(int result, Buffer buffer) {
      buffer.release();
    }

    @Override
    public void failed(Throwable cause, Buffer written) {
      if (written != null) { // a write failed, not the receiving
        written.release();
      }
      done.completeExceptionally(cause);
    }
  }

  @DriverTest
  void withFourBuffersAndManySendersNoByteIsLostAndAllProgress(TestRuntime driver)
      throws Exception {
    int senders = 24;
    int each = 20_000;
    var runtime = driver.start(b -> b.receiveBuffers(4, 256));
    var pairs = new ArrayList<Pair>();
    var receivers = new ArrayList<Peers.Checking>();
    try (var server = new ServerSocket(0, senders, Peers.LOOPBACK)) {
      for (int i = 0; i < senders; i++) {
        pairs.add(Pair.open(runtime, server));
      }
      for (int i = 0; i < senders; i++) {
        var receiver = new Peers.Checking(new Pattern(pattern.seed() + i));
        receivers.add(receiver);
        pairs.get(i).stream.receiveEach(null, receiver);
        // All of it fits into the system's buffers: one thread sends for all.
        pairs.get(i).peer.getOutputStream().write(receiver.pattern.bytes(0, each));
        pairs.get(i).peer.shutdownOutput();
      }
      for (var receiver : receivers) {
        assertEquals(each, Waits.get(receiver.end, "the end of a stream"));
      }
    } finally {
      for (var pair : pairs) {
        pair.close();
      }
    }
  }

  @DriverTest
  void idleReceiversBeyondTheCompletionQueueDoNotKeepOthersFromProgressing(TestRuntime driver)
      throws Exception {
    int idle = 20; // with a completion queue of 8
    var runtime = driver.start(b -> b.ringEntries(4).completionEntries(8));
    var pairs = new ArrayList<Pair>();
    try (var server = new ServerSocket(0, idle + 1, Peers.LOOPBACK)) {
      for (int i = 0; i < idle; i++) {
        var pair = driver.own(Pair.open(runtime, server));
        pairs.add(pair);
        pair.stream.receiveEach(null, new Peers.Checking(pattern));
      }
      var busy = driver.own(Pair.open(runtime, server));
      assertEquals(3, Waits.get(busy.stream.writeAsync(ByteBuffer.allocate(3)), "a write"));
      for (var pair : pairs) {
        pair.peer.getOutputStream().write(pattern.bytes(0, 10));
      }
    }
  }

  @DriverTest
  void aConsumerThatHoldsAllBuffersStopsReceivingUntilItReleasesThem(TestRuntime driver)
      throws Exception {
    int total = 40_000;
    var runtime = driver.start(b -> b.receiveBuffers(4, 256));
    try (var holding = Pair.open(runtime);
        var other = Pair.open(runtime)) {
      var held = new ConcurrentLinkedQueue<Buffer>();
      var holder =
          new Peers.Checking(pattern) {
            @Override
            public void received(Buffer buffer, Object attachment) {
              held.add(buffer);
            }
          };
      holding.stream.receiveEach(null, holder);
      holding.peer.getOutputStream().write(pattern.bytes(0, total));
      holding.peer.shutdownOutput();
      Waits.until("all 4 buffers held", () -> held.size() == 4);
      var receiver = new Peers.Checking(new Pattern(9));
      other.stream.receiveEach(null, receiver);
      other.peer.getOutputStream().write(new Pattern(9).bytes(0, 1_000));
      Waits.until(
          "the lack of buffers to be counted",
          () -> runtime.loop().counters().get(Counter.OUT_OF_BUFFERS) > 0);
      var recorder = new Recorder<Integer>();
      runtime.loop().nop(1, recorder);
      recorder.await(1); // the loop itself goes on
      assertEquals(4, held.size());
      long position = 0;
      while (position < total) { // released by this thread, not by the loop's
        Waits.until("a buffer", () -> !held.isEmpty());
        var buffer = held.remove();
        var bytes = buffer.byteBuffer();
        pattern.check(bytes, bytes.position(), bytes.limit(), position);
        position += bytes.remaining();
        buffer.release();
      }
      assertEquals(total, position);
      Waits.get(holder.end, "the end of the held stream");
      receiver.await(1_000);
    }
  }

  @DriverTest
  void closingAStreamThatWaitsForABufferEndsIt(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.receiveBuffers(4, 256));
    var held = new ConcurrentLinkedQueue<Buffer>();
    try (var pair = Pair.open(runtime)) {
      var holder =
          new Peers.Checking(pattern) {
            @Override
            public void received(Buffer buffer, Object attachment) {
              held.add(buffer);
            }
          };
      pair.stream.receiveEach(null, holder);
      pair.peer.getOutputStream().write(pattern.bytes(0, 10_000));
      Waits.until("all 4 buffers held", () -> held.size() == 4);
      Waits.until(
          "the lack of buffers to be counted",
          () -> runtime.loop().counters().get(Counter.OUT_OF_BUFFERS) > 0);
      pair.stream.close();
      Waits.failure(AsynchronousCloseException.class, holder.end, "the receiver");
    } finally {
      held.forEach(Buffer::release);
    }
  }

  @DriverTest
  void buffersReleasedAfterTheEndOfTheRuntimeHurtNobody(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var held = new ConcurrentLinkedQueue<Buffer>();
    try (var pair = Pair.open(runtime)) {
      pair.stream.receiveEach(
          null,
          new Peers.Checking(pattern) {
            @Override
            public void received(Buffer buffer, Object attachment) {
              held.add(buffer);
            }
          });
      pair.peer.getOutputStream().write(pattern.bytes(0, 50));
      Waits.until("a buffer", () -> !held.isEmpty());
      driver.closeAndWait(runtime);
    }
    var first = held.element();
    pattern.check(first.byteBuffer(), first.byteBuffer().position(), first.byteBuffer().limit(), 0);
    held.forEach(Buffer::release);
  }

  @DriverTest
  void twoHundredConnectionsComeAndGo(TestRuntime driver) throws Exception {
    int connections = 200;
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      var failures = new ConcurrentLinkedQueue<Throwable>();
      listener.acceptEach(
          null,
          new java.nio.channels.CompletionHandler<TcpStream, Object>() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              var echo = new Echo(stream);
              stream.receiveEach(null, echo);
              var _ =
                  echo.done.whenComplete(
                      (_, failure) -> {
                        if (failure != null) {
                          failures.add(failure);
                        }
                        var _ = stream.closeAsync();
                      });
            }

            @Override
            public void failed(Throwable cause, Object attachment) {}
          });
      var live = new ArrayList<Socket>();
      var random = Seeds.random(8);
      for (int i = 0; i < connections; i++) {
        var peer = Peers.connect(listener.localAddress());
        peer.getOutputStream().write(pattern.bytes(i, 1 + i * 37 % 3_000));
        peer.shutdownOutput();
        live.add(peer);
        if (live.size() > 30) {
          finish(live.remove(random.nextInt(live.size())));
        }
      }
      for (var peer : live) {
        finish(peer);
      }
      assertTrue(failures.isEmpty(), failures::toString);
      Waits.until(
          () -> "all connections closed: " + driver.heldSinceStart(),
          () ->
              driver.heldSinceStart().stream().filter(held -> held.startsWith("socket:")).count()
                  <= 1);
    }
  }

  private static void finish(Socket peer) throws IOException {
    assertTrue(peer.getInputStream().readAllBytes().length > 0);
    peer.close();
  }

  @DriverTest
  void moreConnectionsThanTheFixedTableHoldsWork(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.fixedFiles(4));
    var pairs = new ArrayList<Pair>();
    for (int i = 0; i < 12; i++) {
      pairs.add(Pair.open(runtime));
    }
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      var accepted = new Peers.Accepted();
      listener.acceptEach(null, accepted);
      for (int i = 0; i < 12; i++) {
        var peer = Peers.connect(listener.localAddress());
        pairs.add(new Pair(accepted.next(), peer));
      }
      for (var pair : pairs) {
        var _ = pair.stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, 50)));
        Peers.check(pair.peer.getInputStream(), pattern, 0, 50);
        pair.peer.getOutputStream().write(pattern.bytes(0, 1));
        assertEquals(1, pair.stream.read(ByteBuffer.allocate(10)));
      }
    }
    for (var pair : pairs) {
      pair.close();
    }
  }

  @DriverTest
  void theEndOfTheRuntimeClosesConnectionsAndTellsEveryone(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var pairs = new ArrayList<Pair>();
    var receivers = new ArrayList<Peers.Checking>();
    for (int i = 0; i < 20; i++) {
      var pair = Pair.open(runtime);
      pairs.add(pair);
      if (i % 2 == 0) {
        var receiver = new Peers.Checking(pattern);
        receivers.add(receiver);
        pair.stream.receiveEach(null, receiver);
      }
    }
    long before = System.nanoTime();
    driver.closeAndWait(runtime);
    assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
    for (var pair : pairs) {
      assertEquals(-1, pair.peer.getInputStream().read());
    }
    for (var receiver : receivers) {
      var cause = Waits.failure(receiver.end, "a receiver");
      assertTrue(
          cause instanceof ClosedChannelException || cause instanceof CancellationException,
          cause::toString);
    }
    for (var pair : pairs) {
      pair.stream.close();
      assertThrows(
          ShutdownChannelGroupException.class, () -> pair.stream.readAsync(ByteBuffer.allocate(1)));
      pair.peer.close();
    }
  }

  @DriverTest
  void optionsAreSetOrRefusedByName(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var stream = pair.stream;
      Waits.get(stream.setOption(StandardSocketOptions.TCP_NODELAY, true), "TCP_NODELAY");
      Waits.get(stream.setOption(StandardSocketOptions.TCP_NODELAY, false), "TCP_NODELAY");
      Waits.get(stream.setOption(StandardSocketOptions.SO_KEEPALIVE, true), "SO_KEEPALIVE");
      Waits.get(stream.setOption(StandardSocketOptions.SO_RCVBUF, 20_000), "SO_RCVBUF");
      Waits.get(stream.setOption(StandardSocketOptions.SO_SNDBUF, 20_000), "SO_SNDBUF");
      Waits.get(stream.setOption(StandardSocketOptions.SO_REUSEADDR, true), "SO_REUSEADDR");
      Waits.get(stream.setOption(StandardSocketOptions.SO_LINGER, -1), "SO_LINGER");
      Waits.failure(
          UnsupportedOperationException.class,
          stream.setOption(StandardSocketOptions.SO_BROADCAST, true),
          "SO_BROADCAST");
      assertEquals(1, stream.write(ByteBuffer.allocate(1)));
      assertEquals(0, pair.peer.getInputStream().read());
    }
  }

  @DriverTest
  void lingerZeroMakesCloseAReset(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      Waits.get(pair.stream.setOption(StandardSocketOptions.SO_LINGER, 0), "SO_LINGER");
      pair.stream.close();
      var failure = assertThrows(SocketException.class, () -> pair.peer.getInputStream().read());
      assertTrue(failure.getMessage().contains("reset"), failure::getMessage);
    }
  }

  @DriverTest
  void waitingOnTheLoopsThreadIsRefusedBeforeAnythingStarts(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var refused = new CompletableFuture<Integer>();
      var stream = pair.stream;
      stream
          .loop()
          .execute(
              () -> {
                int before = stream.loop().dispatcher().inFlight();
                assertThrows(
                    IllegalStateException.class,
                    () -> stream.write(ByteBuffer.wrap(new byte[] {9})));
                assertThrows(
                    IllegalStateException.class, () -> stream.read(ByteBuffer.allocate(1)));
                refused.complete(stream.loop().dispatcher().inFlight() - before);
              });
      assertEquals(0, Waits.get(refused, "two refusals"), "operations that were started");
      assertEquals(1, stream.write(ByteBuffer.wrap(new byte[] {1})));
      assertEquals(1, pair.peer.getInputStream().read());
    }
  }

  @DriverTest
  void handlersRunOnTheLoopsThreadAndNotInsideTheCall(TestRuntime driver) throws Exception {
    try (var pair = Pair.open(driver.start())) {
      var stream = pair.stream;
      var events = new ConcurrentLinkedQueue<String>();
      var handler =
          new IoHandler<String>() {
            @Override
            public void completed(int result, String attachment) {
              events.add(attachment + " " + result + " " + stream.loop().inLoop());
            }

            @Override
            public void failed(Throwable cause, String attachment) {
              events.add(attachment + " " + cause);
            }
          };
      pair.peer.getOutputStream().write(1);
      stream
          .loop()
          .execute(
              () -> {
                stream.write(ByteBuffer.allocate(10), "write", handler);
                stream.read(ByteBuffer.allocate(10), "read", handler);
                stream.shutdownOutput("shutdown", handler);
                events.add("returned");
              });
      Waits.until("four events", () -> events.size() == 4);
      assertEquals("returned", events.peek());
      assertEquals(
          List.of("read 1 true", "returned", "shutdown 0 true", "write 10 true"),
          events.stream().sorted().toList());
    }
  }

  @DriverTest
  void theReceiverMayCloseItsStream(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    for (int i = 0; i < 20; i++) {
      try (var pair = Pair.open(runtime)) {
        var pieces = new AtomicInteger();
        var receiver =
            new Peers.Checking(pattern) {
              @Override
              public void received(Buffer buffer, Object attachment) {
                pieces.incrementAndGet();
                super.received(buffer, attachment);
                var _ = pair.stream.closeAsync();
              }
            };
        pair.stream.receiveEach(null, receiver);
        pair.peer.getOutputStream().write(pattern.bytes(0, 3_000));
        Waits.failure(AsynchronousCloseException.class, receiver.end, "the receiver");
        assertTrue(pieces.get() >= 1);
      }
    }
  }

  @DriverTest
  void closesFromManyThreadsThatRaceWithReadsAndWritesEndEachOnce(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 10, Peers.LOOPBACK)) {
      for (int round = 0; round < 30; round++) {
        var pair = Pair.open(runtime, server);
        var recorder = new Recorder<Integer>();
        var receiver = new Peers.Checking(pattern);
        pair.stream.receiveEach(null, receiver);
        var writer =
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (int i = 0; i < 50; i++) {
                        pair.stream.write(ByteBuffer.allocate(100), i, recorder);
                      }
                    });
        pair.peer.getOutputStream().write(pattern.bytes(0, 500));
        var closes = List.of(pair.stream.closeAsync(), pair.stream.closeAsync());
        Waits.join(writer);
        for (var close : closes) {
          Waits.get(close, "a close");
        }
        recorder.await(50);
        recorder.checkExactlyOnce(50);
        for (var outcome : recorder.outcomes()) {
          assertTrue(
              outcome.result() == 100
                  || outcome.cause() instanceof ClosedChannelException
                  || outcome.cause() instanceof SocketException,
              outcome::toString);
        }
        Waits.failure(ClosedChannelException.class, receiver.end, "the receiver");
        pair.close();
      }
    }
  }
}
