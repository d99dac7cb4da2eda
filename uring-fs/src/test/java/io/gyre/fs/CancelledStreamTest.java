package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.driver.OpCode;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** After {@code cancelAll} a stream starts no further transfer, whatever those in flight came to. */
class CancelledStreamTest {
  private static final int BLOCK = 4096;

  @TempDir Path dir;

  private static DelayedOperations delaying(TestRuntime driver, OpCode code) {
    return new DelayedOperations(
        driver.configuration().driver(), operation -> operation.code() == code);
  }

  private static final class Reading implements BlockReadHandler<Object> {
    final CompletableFuture<Throwable> end = new CompletableFuture<>();
    private final boolean pauses;
    volatile int bytes;

    Reading(boolean pauses) {
      this.pauses = pauses;
    }

    @Override
    public Next block(Buffer block, Object attachment) {
      int before = bytes;
      bytes = before + block.byteBuffer().remaining();
      block.release();
      return pauses ? Next.PAUSE : Next.CONTINUE;
    }

    @Override
    public void ended(Object attachment) {
      end.completeExceptionally(new AssertionError("the file is longer"));
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      end.complete(cause);
    }
  }

  @DriverTest
  void aReadThatWasQuickerThanItsCancellationIsTheLast(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), new byte[10 * BLOCK]);
    for (int depth = 1; depth <= 2; depth++) {
      for (int bytes : new int[] {100, BLOCK}) {
        var disk = delaying(driver, OpCode.READ);
        try (var runtime = driver.startOn(disk, b -> b);
            var file = AsyncFile.open(runtime, path, READ)) {
          var loop = runtime.loop();
          var reading = new Reading(false);
          int asked = depth;
          file.readBlocks(ReadAhead.DEFAULT.blockBytes(BLOCK).depth(depth), null, reading);
          disk.awaitAsked(loop, asked);
          Waits.onLoop(
              loop,
              () -> {
                for (int i = 0; i < asked; i++) {
                  disk.endSoon(i, bytes);
                }
                file.cancelAll();
                return null;
              });
          assertInstanceOf(
              CancellationException.class, Waits.get(reading.end, "the end of the stream"));
          assertEquals(asked, disk.asked(loop));
          assertEquals(bytes < BLOCK ? bytes : asked * BLOCK, reading.bytes);
        }
      }
    }
  }

  @DriverTest
  void aStreamWhoseTimeIsOverSaysSo(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), new byte[10 * BLOCK]);
    var disk = delaying(driver, OpCode.READ);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ)) {
      var loop = runtime.loop();
      var options = ReadAhead.DEFAULT.blockBytes(BLOCK).depth(1);
      Reading reading;
      var time = Duration.ofMillis(50);
      do { // until it is enough for the first read to begin in, on whatever machine
        reading = new Reading(false);
        var scope = CancelScope.withTimeout(time);
        var one = reading;
        scope.run(() -> file.readBlocks(options, null, one));
        Waits.until("the end of its time", scope::isCancelled);
        time = time.multipliedBy(2);
      } while (disk.asked(loop) == 0);
      // The read was quicker than its cancellation.
      Waits.onLoop(
          loop,
          () -> {
            disk.endSoon(0, BLOCK);
            return null;
          });
      assertInstanceOf(
          InterruptedIOException.class, Waits.get(reading.end, "the end of the stream"));
    }
  }

  @DriverTest
  void aReaderWithNothingInFlightDeliversWhatItHasAndEnds(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), new byte[10 * BLOCK]);
    var disk = delaying(driver, OpCode.READ);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ)) {
      var loop = runtime.loop();
      var reading = new Reading(true);
      var reader = file.readBlocks(ReadAhead.DEFAULT.blockBytes(BLOCK).depth(1), null, reading);
      disk.awaitAsked(loop, 1);
      loop.execute(() -> disk.endSoon(0, BLOCK));
      disk.awaitAsked(loop, 2);
      loop.execute(() -> disk.endSoon(1, BLOCK)); // it pauses with one block ahead
      Waits.until("its end", () -> Waits.onLoop(loop, loop.dispatcher()::inFlight) == 0);
      file.cancelAll();
      reader.resume();
      assertInstanceOf(
          CancellationException.class, Waits.get(reading.end, "the end of the stream"));
      assertEquals(2 * BLOCK, reading.bytes);
      assertEquals(2, disk.asked(loop));
    }
  }

  private static final class Writing implements BlockWriteHandler<Object> {
    final CompletableFuture<Throwable> end = new CompletableFuture<>();
    volatile long written;

    @Override
    public void drained(Object attachment) {}

    @Override
    public void ended(long bytes, Object attachment) {
      end.completeExceptionally(new AssertionError("nobody said that this is all"));
    }

    @Override
    public void failed(Throwable cause, long bytes, Object attachment) {
      written = bytes;
      end.complete(cause);
    }
  }

  @DriverTest
  void aWriteThatWasQuickerThanItsCancellationIsTheLast(TestRuntime driver) throws Exception {
    for (int bytes : new int[] {100, BLOCK}) {
      var disk = delaying(driver, OpCode.WRITE);
      try (var runtime = driver.startOn(disk, b -> b);
          var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
        var loop = runtime.loop();
        var writing = new Writing();
        var writer =
            file.writeBlocks(WriteBehind.DEFAULT.blockBytes(BLOCK).depth(2), null, writing);
        Waits.onLoop(loop, () -> writer.offer(block(loop)));
        disk.awaitAsked(loop, 1);
        Waits.onLoop(
            loop,
            () -> {
              disk.endSoon(0, bytes);
              file.cancelAll();
              return writer.offer(block(loop));
            });
        assertInstanceOf(
            CancellationException.class, Waits.get(writing.end, "the end of the stream"));
        assertEquals(1, disk.asked(loop));
        assertEquals(bytes, writing.written);
      }
    }
  }

  @DriverTest
  void aWriterWithNothingInFlightEnds(TestRuntime driver) throws Exception {
    try (var runtime = driver.start();
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var writing = new Writing();
      var loop = runtime.loop();
      var writer = file.writeBlocks(WriteBehind.DEFAULT.blockBytes(BLOCK), null, writing);
      Waits.onLoop(loop, () -> writer.offer(block(loop)));
      Waits.until("the block to be written", () -> writer.written() == BLOCK);
      file.cancelAll();
      assertInstanceOf(
          CancellationException.class, Waits.get(writing.end, "the end of the stream"));
    }
  }

  private static Buffer block(EventLoop loop) {
    var block = loop.buffers().acquire(BLOCK);
    block.byteBuffer().limit(BLOCK);
    return block;
  }
}
