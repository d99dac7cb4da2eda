package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

class OrderlyCloseTest {
  private static final Duration LONG = Duration.ofMinutes(10);

  /** More than the buffers between two ends take that hold little. */
  private static final int MUCH = 2 << 20;

  private final Pattern pattern = new Pattern(Seeds.SEED);

  @DriverTest
  void whatWasQueuedGoesOutThenTheEndThenItIsClosed(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var recorder = new Recorder<Integer>();
      long position = 0;
      for (int i = 0; i < 50; i++) {
        stream.write(pattern.fill(ByteBuffer.allocate(4_000), position), i, recorder);
        position += 4_000;
      }
      var closed = stream.closeOnceWrittenAsync(LONG);
      var late = stream.writeAsync(ByteBuffer.allocate(1));
      Waits.failure(ClosedChannelException.class, late, "a write after it");
      assertEquals(position, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      assertFalse(closed.isDone(), "it waits for the peer's end");
      pair.peer().close();
      Waits.get(closed, "the close");
      recorder.await(50);
      recorder.checkExactlyOnce(50);
      assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
      Waits.failure(
          ClosedChannelException.class, stream.readAsync(ByteBuffer.allocate(1)), "a later read");
    }
  }

  /** A socket that is closed with input that nobody read resets the connection: the peer would lose what it has not read. */
  @DriverTest
  void inputThatNobodyReadsDoesNotCostThePeerWhatItHasNotRead(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      pair.peer().getOutputStream().write(new byte[1_000]);
      var written = pair.stream().writeAsync(pattern.fill(ByteBuffer.allocate(200_000), 0));
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      pair.awaitInput();
      var more = CompletableFuture.runAsync(() -> writeQuietly(pair, new byte[100_000]));
      assertEquals(200_000, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      Waits.get(more, "what the peer writes meanwhile is taken");
      pair.peer().shutdownOutput();
      Waits.get(closed, "the close");
      assertEquals(200_000, Waits.get(written, "the write"));
    }
  }

  private static void writeQuietly(StreamPair pair, byte[] bytes) {
    try {
      pair.peer().getOutputStream().write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @DriverTest
  void whatIsBeingReceivedGoesOnToItsEnd(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream().receiveEach(null, receiver);
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      assertEquals(-1, pair.peer().getInputStream().read());
      pair.peer().getOutputStream().write(pattern.bytes(0, 50_000));
      pair.peer().shutdownOutput();
      assertEquals(50_000, Waits.get(receiver.end, "the end of the input"));
      Waits.get(closed, "the close");
    }
  }

  @DriverTest
  void aReadUnderWayGetsItsDataAndTheRestIsThrownAway(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var buffer = ByteBuffer.allocate(10);
      var read = pair.stream().readAsync(buffer);
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      assertEquals(-1, pair.peer().getInputStream().read());
      pair.peer().getOutputStream().write(pattern.bytes(0, 10));
      assertTrue(Waits.get(read, "a read") > 0);
      pattern.check(buffer, 0, buffer.position(), 0);
      pair.peer().getOutputStream().write(new byte[30_000]);
      pair.peer().shutdownOutput();
      Waits.get(closed, "the close");
    }
  }

  @DriverTest
  void nothingMoreIsReadOnceItHasBegun(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      assertEquals(-1, pair.peer().getInputStream().read());
      var receiver = new Peers.Checking(pattern);
      var read = pair.stream().readAsync(ByteBuffer.allocate(1));
      Waits.failure(ClosedChannelException.class, read, "a read");
      pair.stream().receiveEach(null, receiver);
      Waits.failure(ClosedChannelException.class, receiver.end, "receiving");
      assertFalse(closed.isDone());
      pair.peer().close();
      Waits.get(closed, "the close");
    }
  }

  @DriverTest
  void aPausedReceiverIsToldAndThePeerIsNotWaitedFor(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream().receiveEach(null, receiver);
      pair.stream().pauseReceiving();
      pair.stream().closeOnceWritten(LONG);
      Waits.failure(AsynchronousCloseException.class, receiver.end, "receiving");
      assertEquals(-1, pair.peer().getInputStream().read());
    }
  }

  @DriverTest
  void aPeerThatHasEndedBeforeIsNotWaitedFor(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      pair.peer().shutdownOutput();
      assertEquals(-1, pair.stream().read(ByteBuffer.allocate(1)));
      pair.stream().write(pattern.fill(ByteBuffer.allocate(100), 0));
      pair.stream().closeOnceWritten(LONG);
      assertEquals(100, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
    }
  }

  @DriverTest
  void aPeerThatNeverEndsIsWaitedForUntilTheLimit(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      pair.stream().write(pattern.fill(ByteBuffer.allocate(100), 0));
      pair.stream().closeOnceWritten(Duration.ofMillis(100)); // no failure: all was written
      assertEquals(100, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
    }
  }

  @DriverTest
  void aPeerThatReadsNothingIsWaitedForUntilTheLimitAndTheLossIsTold(TestRuntime driver)
      throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      var failure =
          assertThrows(
              SocketTimeoutException.class,
              () -> pair.stream().closeOnceWritten(Duration.ofMillis(100)));
      assertTrue(failure.getMessage().contains(MUCH + " bytes"), failure::getMessage);
      Waits.failure(ClosedChannelException.class, write, "the write");
    }
  }

  @DriverTest
  void aResetWhileItWritesIsTold(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      pair.awaitInput();
      Peers.reset(pair.peer());
      Waits.failure(SocketException.class, write, "the write");
      Waits.failure(SocketException.class, closed, "the close");
      Waits.failure(
          ClosedChannelException.class, pair.stream().writeAsync(ByteBuffer.allocate(1)), "after");
    }
  }

  @DriverTest
  void aResetThatEndedAWriteBeforeIsToldWhoClosesLater(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      pair.awaitInput();
      Peers.reset(pair.peer());
      Waits.failure(SocketException.class, write, "the write");
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      Waits.failure(SocketException.class, closed, "a close behind the write");
    }
  }

  @DriverTest
  void askingTwiceTellsBoth(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var asks = new ArrayList<CompletableFuture<Void>>();
      for (int i = 0; i < 5; i++) {
        asks.add(pair.stream().closeOnceWrittenAsync(LONG));
      }
      pair.peer().shutdownOutput();
      for (var ask : asks) {
        Waits.get(ask, "the close");
      }
      pair.stream().closeOnceWritten(LONG); // closed already
    }
  }

  @DriverTest
  void anotherCloseNeedNotWait(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      pair.stream().close();
      Waits.failure(ClosedChannelException.class, write, "the write");
      Waits.failure(ClosedChannelException.class, closed, "the orderly close");
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsIt(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMillis(500)));
    try (var pair = StreamPair.openTiny(runtime)) {
      pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH)).exceptionally(e -> 0);
      var closed = pair.stream().closeOnceWrittenAsync(LONG);
      driver.closeAndWait(runtime);
      Waits.settled(closed, "the close");
      assertTrue(closed.isCompletedExceptionally());
      Waits.get(pair.stream().closeOnceWrittenAsync(LONG), "after the runtime's end");
    }
  }

  @DriverTest
  void aNegativeLimitIsRefused(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      assertThrows(
          IllegalArgumentException.class,
          () -> pair.stream().closeOnceWrittenAsync(Duration.ofNanos(-1)));
      pair.stream().closeOnceWritten(Duration.ZERO);
    }
  }
}
