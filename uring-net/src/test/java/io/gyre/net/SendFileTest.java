package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.driver.FutureHandler;
import io.gyre.fs.AsyncFile;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.NonReadableChannelException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

class SendFileTest {
  private static final int FILE_BYTES = 1_000_003; // several blocks, and a piece

  private final Pattern pattern = new Pattern(Seeds.SEED);

  @TempDir Path directory;

  private Path file(int bytes) throws IOException {
    return Files.write(directory.resolve("content"), pattern.bytes(0, bytes));
  }

  private static AsyncFile open(EventLoop loop, Path path, OpenOption... options) {
    var opened = new CompletableFuture<AsyncFile>();
    AsyncFile.open(loop, path, Set.of(options), opened, FutureHandler.of());
    return Waits.get(opened, "a file");
  }

  private static AsyncFile open(StreamPair pair, Path path, OpenOption... options) {
    return open(pair.stream().loop(), path, options);
  }

  @DriverTest
  void allOfAFileArrivesAsItIs(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start());
        var file = open(pair, file(FILE_BYTES))) {
      var sent = pair.stream().sendFileAsync(file, 0, FILE_BYTES);
      Peers.check(pair.peer().getInputStream(), pattern, 0, FILE_BYTES);
      assertEquals(FILE_BYTES, Waits.get(sent, "a file"));
      assertEquals(0, pair.stream().sendFile(file, 5, 0));
      assertEquals(9, pair.stream().sendFile(file, 5, 9));
      Peers.check(pair.peer().getInputStream(), pattern, 5, 9);
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void filesAndWritesKeepTheirOrderUnderATinySendBuffer(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(FILE_BYTES))) {
      var random = Seeds.random(51);
      var recorder = new Recorder<Integer>();
      var files = new ArrayList<CompletableFuture<Long>>();
      int position = 0;
      int writes = 0;
      while (position < FILE_BYTES) {
        int size =
            Math.min(
                FILE_BYTES - position, random.nextInt(random.nextInt(4) == 0 ? 300_000 : 9_000));
        switch (random.nextInt(3)) {
          case 0 -> files.add(pair.stream().sendFileAsync(file, position, size));
          case 1 ->
              pair.stream()
                  .write(pattern.fill(ByteBuffer.allocate(size), position), writes++, recorder);
          default -> {
            int half = size / 2;
            var both =
                new ByteBuffer[] {
                  ByteBuffer.allocateDirect(half), ByteBuffer.allocate(size - half)
                };
            pattern.fill(both[0], position);
            pattern.fill(both[1], position + half);
            pair.stream().write(both, writes++, recorder);
          }
        }
        position += size;
      }
      pair.stream().shutdownOutput(-1, recorder);
      assertEquals(position, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      for (var sent : files) {
        Waits.get(sent, "a file");
      }
      recorder.await(writes + 1);
      recorder.checkExactlyOnce(writes + 1);
      for (int i = 0; i < writes; i++) {
        assertEquals(i, recorder.outcomes().get(i).attachment(), "writes end in order");
        assertTrue(recorder.outcomes().get(i).succeeded());
      }
      assertFalse(files.isEmpty());
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void aPooledBufferWrittenBehindAFileMayBeReleasedMeanwhile(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime);
        var file = open(pair, file(FILE_BYTES))) {
      var sent = pair.stream().sendFileAsync(file, 0, FILE_BYTES);
      var buffer = runtime.loop().buffers().acquire(1_000);
      pattern.fill(buffer.byteBuffer(), FILE_BYTES);
      var written = pair.stream().writeAsync(buffer);
      buffer.release();
      Peers.check(pair.peer().getInputStream(), pattern, 0, FILE_BYTES + 1_000);
      Waits.get(sent, "a file");
      assertEquals(1_000, Waits.get(written, "a write"));
    }
  }

  @DriverTest
  void aFileThatIsTooShortIsTypedAndTellsWhatWentOutAndTheRestFollows(TestRuntime driver)
      throws Exception {
    try (var pair = StreamPair.open(driver.start());
        var file = open(pair, file(300_000))) {
      var sent = pair.stream().sendFileAsync(file, 100, 400_000);
      var written = pair.stream().writeAsync(pattern.fill(ByteBuffer.allocate(50), 300_000));
      Peers.check(pair.peer().getInputStream(), pattern, 100, 299_950);
      var failure = Waits.failure(FileTransferException.class, sent, "a file");
      assertEquals(299_900, failure.bytesSent());
      assertTrue(failure.getMessage().contains("ends at offset 300000"), failure::getMessage);
      assertTrue(failure.getMessage().contains("after 299900 of 400000"), failure::getMessage);
      assertTrue(failure.getMessage().contains("content"), failure::getMessage);
      assertEquals(50, Waits.get(written, "what was written behind it"));
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void aFileThatIsCutShortUnderItTellsWhatWentOut(TestRuntime driver) throws Exception {
    int bytes = 8 << 20; // more than is on the way at a time
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(bytes))) {
      var sent = pair.stream().sendFileAsync(file, 0, bytes);
      pair.awaitInput();
      try (var other =
          Files.newByteChannel(directory.resolve("content"), StandardOpenOption.WRITE)) {
        other.truncate(4 << 20);
      }
      var shutdown = pair.stream().shutdownOutputAsync();
      long arrived = Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      var failure = Waits.failure(FileTransferException.class, sent, "a file");
      assertEquals(4 << 20, arrived);
      assertEquals(arrived, failure.bytesSent());
      Waits.get(shutdown, "the shutdown");
    }
  }

  @DriverTest
  void aFileThatIsClosedUnderItTellsWhatWentOut(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    try (var pair = StreamPair.openTiny(driver.start())) {
      var file = open(pair, file(bytes));
      var sent = pair.stream().sendFileAsync(file, 0, bytes);
      pair.awaitInput();
      file.close();
      var shutdown = pair.stream().shutdownOutputAsync();
      long arrived = Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      var failure = Waits.failure(FileTransferException.class, sent, "a file");
      assertEquals(arrived, failure.bytesSent());
      assertInstanceOf(AsynchronousCloseException.class, failure.getCause());
      Waits.get(shutdown, "the shutdown");
    }
  }

  @DriverTest
  void cancellingOneLetsWhatIsBehindItGo(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(bytes))) {
      var first = pair.stream().sendFileAsync(file, 0, bytes);
      var second = pair.stream().sendFileAsync(file, 0, bytes);
      var third = pair.stream().sendFileAsync(file, 0, 10);
      var cancelledWrite = pair.stream().writeAsync(ByteBuffer.allocate(1_000));
      var lastWrite = pair.stream().writeAsync(pattern.fill(ByteBuffer.allocate(5), 10));
      pair.awaitInput();
      second.cancel(true); // while it waits for its turn
      cancelledWrite.cancel(true); // likewise
      assertThrows(CancellationException.class, () -> Waits.get(second, "the second"));
      assertThrows(CancellationException.class, () -> Waits.get(cancelledWrite, "the write"));
      assertFalse(third.isDone());
      first.cancel(true);
      assertThrows(CancellationException.class, () -> Waits.get(first, "the first"));
      var shutdown = pair.stream().shutdownOutputAsync();
      var in = pair.peer().getInputStream();
      var all = in.readAllBytes();
      assertTrue(all.length < bytes, "cancelled under way");
      pattern.check(all, 0, all.length - 15, 0);
      pattern.check(all, all.length - 15, all.length, 0);
      assertEquals(10, Waits.get(third, "the third"));
      assertEquals(5, Waits.get(lastWrite, "the last write"));
      Waits.get(shutdown, "the shutdown");
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void aScopesTimeEndsItAndTellsWhatWentOut(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(bytes))) {
      var scope = CancelScope.withTimeout(Duration.ofMillis(100));
      var failure =
          assertThrows(
              SocketTimeoutException.class,
              () -> scope.call(() -> pair.stream().sendFile(file, 0, bytes)));
      var shutdown = pair.stream().shutdownOutputAsync();
      long arrived = Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      assertEquals(arrived, failure.bytesTransferred);
      Waits.get(shutdown, "the shutdown");
    }
  }

  @DriverTest
  void aCloseFailsThemAll(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(bytes))) {
      var first = pair.stream().sendFileAsync(file, 0, bytes);
      var second = pair.stream().sendFileAsync(file, 0, bytes);
      var write = pair.stream().writeAsync(ByteBuffer.allocate(1));
      pair.awaitInput();
      pair.stream().close();
      Waits.failure(ClosedChannelException.class, first, "the first");
      Waits.failure(ClosedChannelException.class, second, "the second");
      Waits.failure(ClosedChannelException.class, write, "the write");
      Waits.failure(
          ClosedChannelException.class, pair.stream().sendFileAsync(file, 0, 1), "a later one");
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void cancellingAllFailsThemAllAndTheStreamGoesOn(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(bytes))) {
      var first = pair.stream().sendFileAsync(file, 0, bytes);
      var second = pair.stream().sendFileAsync(file, 0, bytes);
      var write = pair.stream().writeAsync(ByteBuffer.allocate(1));
      pair.awaitInput();
      pair.stream().cancelAll();
      assertThrows(CancellationException.class, () -> Waits.get(first, "the first"));
      assertThrows(CancellationException.class, () -> Waits.get(second, "the second"));
      assertThrows(CancellationException.class, () -> Waits.get(write, "the write"));
      assertEquals(0, pair.stream().queuedBytes());
      var closed = pair.stream().closeOnceWrittenAsync(Duration.ofMinutes(1));
      Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      pair.peer().close();
      Waits.get(closed, "the close");
    }
  }

  @DriverTest
  void cancellingAllReachesOneWhoseTurnHasJustCome(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start());
        var file = open(pair, file(100))) {
      var future = new CompletableFuture<Long>();
      pair.stream()
          .loop()
          .execute(
              () -> {
                pair.stream().sendFile(file, 0, 100, null, completing(future));
                pair.stream().cancelAll();
              });
      assertThrows(CancellationException.class, () -> Waits.get(future, "the file"));
      assertEquals(0, pair.stream().queuedBytes());
      assertEquals(3, pair.stream().write(pattern.fill(ByteBuffer.allocate(3), 7)));
      pattern.check(pair.peer().getInputStream().readNBytes(3), 0, 3, 7);
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsThemAll(TestRuntime driver) throws Exception {
    int bytes = 8 << 20;
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMillis(500)));
    try (var pair = StreamPair.openTiny(runtime)) {
      var file = open(pair, file(bytes));
      var first = pair.stream().sendFileAsync(file, 0, bytes);
      var second = pair.stream().sendFileAsync(file, 0, bytes);
      pair.awaitInput();
      driver.closeAndWait(runtime);
      Waits.settled(first, "the first");
      Waits.settled(second, "the second");
      assertTrue(first.isCompletedExceptionally() && second.isCompletedExceptionally());
    }
  }

  @DriverTest
  void anOrderlyCloseLetsItGoOut(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start());
        var file = open(pair, file(FILE_BYTES))) {
      var sent = pair.stream().sendFileAsync(file, 0, FILE_BYTES);
      var closed = pair.stream().closeOnceWrittenAsync(Duration.ofMinutes(10));
      Waits.failure(
          ClosedChannelException.class, pair.stream().sendFileAsync(file, 0, 1), "a later one");
      assertEquals(FILE_BYTES, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      pair.peer().close();
      Waits.get(closed, "the close");
      assertEquals(FILE_BYTES, Waits.get(sent, "the file"));
    }
  }

  @DriverTest
  void withNoPooledMemoryLeftItGoesOutAllTheSame(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    try (var pair = StreamPair.open(runtime);
        var file = open(pair, file(FILE_BYTES))) {
      var held = new ArrayList<Buffer>();
      var pool = runtime.loop().buffers();
      for (var b = pool.tryAcquire(BufferPool.MAX_BUFFER_BYTES);
          b != null;
          b = pool.tryAcquire(BufferPool.MAX_BUFFER_BYTES)) {
        held.add(b);
      }
      var sent = pair.stream().sendFileAsync(file, 0, FILE_BYTES);
      Peers.check(pair.peer().getInputStream(), pattern, 0, FILE_BYTES);
      assertEquals(FILE_BYTES, Waits.get(sent, "a file"));
      held.forEach(Buffer::release);
    }
  }

  @DriverTest
  void whatCannotBeSentIsRefusedAtOnce(TestRuntime driver) throws Exception {
    IoRuntime runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore()));
    try (var pair = StreamPair.open(runtime);
        var file = open(pair, file(10));
        var writeOnly = open(pair, directory.resolve("content"), StandardOpenOption.WRITE)) {
      var stream = pair.stream();
      assertThrows(IllegalArgumentException.class, () -> stream.sendFileAsync(file, -1, 1));
      assertThrows(IllegalArgumentException.class, () -> stream.sendFileAsync(file, 1, -1));
      assertThrows(
          IllegalArgumentException.class, () -> stream.sendFileAsync(file, 2, Long.MAX_VALUE));
      assertThrows(NonReadableChannelException.class, () -> stream.sendFileAsync(writeOnly, 0, 1));
      for (var loop : runtime.loops()) {
        if (!loop.equals(stream.loop())) {
          try (var foreign = open(loop, directory.resolve("content"))) {
            var failure =
                assertThrows(
                    IllegalArgumentException.class, () -> stream.sendFileAsync(foreign, 0, 1));
            assertTrue(failure.getMessage().contains("another loop"), failure::getMessage);
          }
        }
      }
      assertEquals(0, stream.queuedBytes());
    }
  }

  private static CompletionHandler<Long, Void> completing(CompletableFuture<Long> future) {
    return new CompletionHandler<>() {
      @Override
      public void completed(Long bytes, Void none) {
        future.complete(bytes);
      }

      @Override
      public void failed(Throwable cause, Void none) {
        future.completeExceptionally(cause);
      }
    };
  }
}
