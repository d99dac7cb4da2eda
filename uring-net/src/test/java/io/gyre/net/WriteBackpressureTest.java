package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class WriteBackpressureTest {
  /** More than the buffers between two ends take that hold little. */
  private static final int MUCH = 2 << 20;

  private final Pattern pattern = new Pattern(Seeds.SEED);

  @Test
  void marksOutOfOrderAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new WriteBufferWaterMark(-1, 5));
    assertThrows(IllegalArgumentException.class, () -> new WriteBufferWaterMark(6, 5));
    assertEquals(
        new WriteBufferWaterMark(1, 2),
        new WriteBufferWaterMark(0, 9).withHighBytes(2).withLowBytes(1));
  }

  @DriverTest
  void aStreamIsWritableUntilTheHighMarkIsPassedAndAgainAtTheLowOne(TestRuntime driver)
      throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      assertEquals(WriteBufferWaterMark.DEFAULT, stream.writeBufferWaterMark());
      assertTrue(stream.isWritable());
      assertEquals(0, stream.queuedBytes());
      var mark = new WriteBufferWaterMark(1_000, MUCH);
      stream.setWriteBufferWaterMark(mark);
      // What another thread has called for counts from its call on.
      var first = pattern.fill(ByteBuffer.allocateDirect(MUCH), 0);
      var firstWrite = stream.writeAsync(first);
      assertTrue(stream.queuedBytes() >= MUCH, "counted");
      Waits.until("counted once", () -> stream.queuedBytes() == MUCH);
      assertEquals(mark, stream.writeBufferWaterMark());
      assertTrue(stream.isWritable(), "at the mark, not beyond it");
      var second = pattern.fill(ByteBuffer.allocateDirect(2_000), MUCH);
      var secondWrite = stream.writeAsync(second);
      assertFalse(stream.isWritable(), "beyond it");
      var writable = stream.writableAsync();
      Waits.until("counted once", () -> stream.queuedBytes() == MUCH + 2_000);
      assertFalse(writable.isDone());
      var shutdown = stream.shutdownOutputAsync();
      assertEquals(MUCH + 2_000, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      Waits.get(shutdown, "the shutdown");
      assertEquals(MUCH, Waits.get(firstWrite, "the first write"));
      assertEquals(2_000, Waits.get(secondWrite, "the second write"));
      assertTrue(Waits.get(writable, "writable") >= MUCH - 1_000, "room up to the high mark");
      assertTrue(stream.isWritable());
      assertEquals(0, stream.queuedBytes());
    }
  }

  @DriverTest
  void betweenTheMarksItStaysWhatItWas(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      stream.setWriteBufferWaterMark(new WriteBufferWaterMark(0, MUCH + 10));
      stream.writeAsync(ByteBuffer.allocateDirect(MUCH)).exceptionally(e -> 0);
      stream.writeAsync(ByteBuffer.allocateDirect(5)).exceptionally(e -> 0);
      assertTrue(stream.isWritable(), "between the marks, coming from below");
      stream.writeAsync(ByteBuffer.allocateDirect(6)).exceptionally(e -> 0);
      assertFalse(stream.isWritable(), "above");
      var writable = stream.writableAsync();
      var in = pair.peer().getInputStream();
      in.readNBytes(MUCH);
      Waits.until("the first has gone out", () -> stream.queuedBytes() <= 11);
      in.readNBytes(11);
      Waits.get(writable, "writable again, with nothing queued");
      assertEquals(0, stream.queuedBytes());
    }
  }

  @DriverTest
  void loweringTheHighMarkAndRaisingTheLowOneTakeEffectAtOnce(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      stream.setWriteBufferWaterMark(new WriteBufferWaterMark(0, 2L * MUCH));
      stream.writeAsync(ByteBuffer.allocateDirect(MUCH)).exceptionally(e -> 0);
      assertTrue(stream.isWritable());
      stream.setWriteBufferWaterMark(new WriteBufferWaterMark(0, 10));
      Waits.until("no longer writable", () -> !stream.isWritable());
      var writable = stream.writableAsync();
      stream.setWriteBufferWaterMark(new WriteBufferWaterMark(MUCH, 2L * MUCH));
      assertEquals(MUCH, Waits.get(writable, "writable by the new marks"));
    }
  }

  @DriverTest
  void onAWritableStreamTheHandlerIsToldAtALaterTurn(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      var inside = new AtomicBoolean();
      var told = new CompletableFuture<Boolean>();
      stream
          .loop()
          .execute(
              () -> {
                inside.set(true);
                stream.writable(
                    "token",
                    new IoHandler<String>() {
                      @Override
                      public void completed(int room, String attachment) {
                        assertSame(stream.loop().thread(), Thread.currentThread());
                        assertEquals("token", attachment);
                        assertEquals(WriteBufferWaterMark.DEFAULT.highBytes(), room);
                        told.complete(inside.get());
                      }

                      @Override
                      public void failed(Throwable cause, String attachment) {
                        told.completeExceptionally(cause);
                      }
                    });
                inside.set(false);
              });
      assertFalse(Waits.get(told, "the handler"), "called from inside the call");
      assertEquals(WriteBufferWaterMark.DEFAULT.highBytes(), stream.writable());
    }
  }

  @DriverTest
  void allWhoWaitAreToldInOrder(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var recorder = new Recorder<Integer>();
      stream.write(ByteBuffer.allocateDirect(MUCH), -1, recorder);
      for (int i = 0; i < 10; i++) {
        stream.writable(i, recorder);
      }
      assertEquals(0, recorder.count());
      pair.peer().getInputStream().readNBytes(MUCH);
      recorder.await(11);
      recorder.checkExactlyOnce(11);
      for (int i = 0; i < 11; i++) {
        assertEquals(i - 1, recorder.outcomes().get(i).attachment());
        assertTrue(recorder.outcomes().get(i).succeeded());
      }
    }
  }

  @DriverTest
  void aWaitIsCancelledAloneTimedOutAndInterrupted(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var write = stream.writeAsync(ByteBuffer.allocateDirect(MUCH));
      var stays = stream.writableAsync();
      var cancelled = stream.writableAsync();
      cancelled.cancel(true);
      assertThrows(CancellationException.class, () -> Waits.get(cancelled, "a wait"));
      var timeout = CancelScope.withTimeout(Duration.ofMillis(30));
      assertThrows(SocketTimeoutException.class, () -> timeout.call(stream::writable));
      var interrupted = new CompletableFuture<Throwable>();
      var thread =
          Thread.ofVirtual()
              .start(
                  () -> {
                    Thread.currentThread().interrupt();
                    interrupted.complete(
                        assertThrows(InterruptedIOException.class, stream::writable));
                  });
      Waits.get(interrupted, "the interrupted thread");
      Waits.join(thread);
      assertFalse(stays.isDone(), "the others wait on");
      assertFalse(write.isDone());
      pair.peer().getInputStream().readNBytes(MUCH);
      Waits.get(stays, "writable");
      Waits.get(write, "the write");
    }
  }

  @DriverTest
  void cancellingAllWritesMakesItWritable(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var write = stream.writeAsync(ByteBuffer.allocateDirect(MUCH));
      var waits = new ArrayList<CompletableFuture<Integer>>();
      for (int i = 0; i < 5; i++) {
        waits.add(stream.writableAsync());
      }
      stream.cancelAll();
      assertThrows(CancellationException.class, () -> Waits.get(write, "a write"));
      for (var wait : waits) {
        Waits.settled(wait, "a wait, cancelled or told");
      }
      Waits.get(stream.writableAsync(), "a wait that began later");
      assertEquals(0, stream.queuedBytes());
    }
  }

  @DriverTest
  void aCloseEndsTheWait(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var write = stream.writeAsync(ByteBuffer.allocateDirect(MUCH));
      var wait = stream.writableAsync();
      stream.close();
      Waits.failure(ClosedChannelException.class, write, "a write");
      var failure = Waits.failure(ClosedChannelException.class, wait, "a wait");
      assertTrue(failure.getMessage().contains("await writable"), failure::getMessage);
      Waits.failure(
          ClosedChannelException.class, stream.writableAsync(), "a wait on a closed stream");
      assertEquals(0, stream.queuedBytes());
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsTheWait(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMillis(500)));
    try (var pair = StreamPair.openTiny(runtime)) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      var wait = pair.stream().writableAsync();
      driver.closeAndWait(runtime);
      Waits.settled(write, "a write");
      Waits.settled(wait, "a wait");
      assertTrue(wait.isCompletedExceptionally());
    }
  }

  @DriverTest
  void aResetMakesItWritableSinceNothingIsLeftToWrite(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(ByteBuffer.allocateDirect(MUCH));
      var wait = pair.stream().writableAsync();
      pair.awaitInput();
      Peers.reset(pair.peer());
      Waits.failure(SocketException.class, write, "a write");
      Waits.get(wait, "the wait");
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  /** The marks, obeyed, bound what is queued, whatever the peer does. */
  @DriverTest
  void aProducerThatAsksNeverQueuesMoreThanTheMarkAndOneWrite(TestRuntime driver) throws Exception {
    int piece = 3_000;
    int total = 400 * piece;
    try (var pair = StreamPair.openTiny(driver.start())) {
      var producer = new Producer(pair.stream(), piece, total);
      pair.stream().loop().execute(() -> producer.completed(0, null));
      assertEquals(total, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      Waits.get(producer.done, "the producer");
      long bound = WriteBufferWaterMark.DEFAULT.highBytes() + piece;
      assertTrue(producer.most <= bound, () -> producer.most + " bytes were queued");
      assertTrue(
          producer.most > WriteBufferWaterMark.DEFAULT.highBytes(), "it was never held back");
    }
  }

  private static final IoHandler<Void> WRITTEN =
      new IoHandler<>() {
        @Override
        public void completed(int bytes, Void none) {}

        @Override
        public void failed(Throwable cause, Void none) {
          throw new AssertionError("a write failed", cause);
        }
      };

  /** Writes while it may, and waits while it may not. */
  private final class Producer implements IoHandler<Void> {
    final CompletableFuture<Void> done = new CompletableFuture<>();
    private final TcpStream stream;
    private final int piece;
    private final int total;
    private int position;
    private long most;

    Producer(TcpStream stream, int piece, int total) {
      this.stream = stream;
      this.piece = piece;
      this.total = total;
    }

    @Override
    public void completed(int room, Void none) {
      while (position < total && stream.isWritable()) {
        var buffer = pattern.fill(ByteBuffer.allocateDirect(piece), position);
        position += piece;
        stream.write(buffer, null, WRITTEN);
        most = Math.max(most, stream.queuedBytes());
      }
      if (position < total) {
        stream.writable(null, this);
      } else {
        stream.shutdownOutput(done, FutureHandler.VOID);
      }
    }

    @Override
    public void failed(Throwable cause, Void none) {
      done.completeExceptionally(cause);
    }
  }
}
