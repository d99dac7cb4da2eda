package io.gyre.fs;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** Many reads that are started together. */
class ReadBatchTest {
  private static final int LENGTH = 4096;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write() throws IOException {
    return Files.write(dir.resolve("file"), pattern.bytes(0, LENGTH));
  }

  @DriverTest
  void everyReadHasItsResultInItsBuffer(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(), READ)) {
      var batch = new ReadBatch();
      var pooled = new ArrayList<Buffer>();
      var memory = new ArrayList<ByteBuffer>();
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40 + round; i++) {
          var buffer = file.loop().buffers().acquire(64);
          buffer.byteBuffer().limit(64);
          pooled.add(buffer);
          memory.add(buffer.byteBuffer());
          batch.add(buffer, 50L * i);
          var plain = i % 2 == 0 ? ByteBuffer.allocate(30) : ByteBuffer.allocateDirect(30);
          memory.add(plain);
          batch.add(plain.position(3), 50L * i + 7);
        }
        int count = 40 + round;
        assertEquals(2 * count, batch.size());
        assertEquals(count * (64 + 27), file.readBatch(batch));
        for (int i = 0; i < count; i++) {
          assertEquals(64, batch.result(2 * i));
          assertEquals(27, batch.result(2 * i + 1));
          assertNull(batch.failure(2 * i));
          pattern.check(memory.get(2 * i), 0, 64, 50L * i);
          pattern.check(memory.get(2 * i + 1), 3, 30, 50L * i + 7);
          assertEquals(30, memory.get(2 * i + 1).position());
        }
        batch.clear();
        memory.clear();
        pooled.forEach(Buffer::release);
        pooled.clear();
      }
      assertEquals(0, batch.size());
      assertEquals(0, file.readBatch(batch));
      var none = new Recorder<String>();
      file.loop().execute(() -> file.readBatch(batch, "none", none));
      assertEquals(0, none.awaitOne().result());
    }
  }

  @DriverTest
  void aReadThatFailsDoesNotHideTheOthers(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(), READ)) {
      var batch = new ReadBatch(1);
      var buffers = new ByteBuffer[5];
      long[] positions = {0, Long.MAX_VALUE, LENGTH, LENGTH - 10, 100};
      for (int i = 0; i < 5; i++) {
        buffers[i] = ByteBuffer.allocateDirect(20);
        batch.add(buffers[i], positions[i]);
      }
      var failure = assertThrows(IOException.class, () -> file.readBatch(batch));
      assertSame(batch.failure(1), failure.getCause()); // made again, with this thread's frames
      assertTrue(failure.getMessage().contains("EINVAL"), failure::getMessage);
      assertSame(
          batch.failure(1),
          assertThrows(IllegalStateException.class, () -> batch.result(1)).getCause());
      assertEquals(20, batch.result(0));
      assertEquals(-1, batch.result(2));
      assertEquals(10, batch.result(3));
      assertEquals(20, batch.result(4));
      pattern.check(buffers[4], 0, 20, 100);

      var told = new Each();
      for (var buffer : buffers) {
        buffer.clear();
      }
      file.readEach(batch, "each", told);
      Waits.get(told.ended, "the end of the batch");
      Collections.sort(told.outcomes);
      assertEquals(
          List.of("0: 20", "1: FileSystemException", "2: -1", "3: 10", "4: 20"), told.outcomes);
      assertSame(file.loop().thread(), told.thread);
    }
  }

  /** What is told of each read. */
  private static final class Each implements ReadBatchHandler<String> {
    final List<String> outcomes = new ArrayList<>();
    final CompletableFuture<String> ended = new CompletableFuture<>();
    Thread thread;

    @Override
    public void completed(int index, int bytes, String attachment) {
      outcomes.add(index + ": " + bytes);
    }

    @Override
    public void failed(int index, Throwable cause, String attachment) {
      outcomes.add(index + ": " + cause.getClass().getSimpleName());
    }

    @Override
    public void ended(String attachment) {
      thread = Thread.currentThread();
      ended.complete(attachment);
    }
  }

  @DriverTest(drivers = "uring")
  void aBatchIsOneSystemCallAndOneHop(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.ringEntries(256).completionEntries(1024));
    try (var file = AsyncFile.open(runtime, write(), READ)) {
      var counters = file.loop().counters();
      var batch = new ReadBatch();
      for (int i = 0; i < 100; i++) {
        batch.add(ByteBuffer.allocateDirect(16), 16L * i);
      }
      var enters = new CompletableFuture<Long>();
      file.loop()
          .execute(
              () -> {
                long before = counters.get(Counter.ENTERS);
                file.readBatch(
                    batch,
                    "batch",
                    new IoHandler<String>() {
                      @Override
                      public void completed(int bytes, String attachment) {
                        enters.complete(counters.get(Counter.ENTERS) - before);
                      }

                      @Override
                      public void failed(Throwable cause, String attachment) {
                        enters.completeExceptionally(cause);
                      }
                    });
              });
      long calls = Waits.get(enters, "a batch that the loop started");
      if (driver.configuration() == DriverConfiguration.URING_SQPOLL) {
        // The kernel's own thread takes them, and the loop waits as often as that gets ahead of it.
        assertTrue(calls <= 100, calls + " calls");
      } else {
        assertEquals(1, calls);
      }

      batch.clear();
      for (int i = 0; i < 100; i++) {
        batch.add(ByteBuffer.allocateDirect(16), 16L * i);
      }
      long tasks = counters.get(Counter.TASKS);
      long submitted = counters.get(Counter.SUBMITTED);
      assertEquals(1600, file.readBatch(batch));
      assertEquals(1, counters.get(Counter.TASKS) - tasks);
      assertTrue(counters.get(Counter.SUBMITTED) - submitted >= 100);
    }
  }

  @DriverTest
  void aBatchThatIsBeingReadIsNotToBeTouched(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(), READ)) {
      var batch = new ReadBatch().add(ByteBuffer.allocateDirect(10), 0);
      assertThrows(IllegalStateException.class, () -> batch.result(0));
      assertThrows(IllegalStateException.class, () -> batch.failure(0));
      var again = new CompletableFuture<Integer>();
      var refused = new CompletableFuture<Void>();
      file.loop()
          .execute(
              () -> {
                file.readBatch(
                    batch,
                    "first",
                    new IoHandler<String>() {
                      @Override
                      public void completed(int bytes, String attachment) {
                        if (attachment.equals("second")) {
                          again.complete(bytes);
                          return;
                        }
                        batch.clear();
                        batch.add(ByteBuffer.allocate(7), 3);
                        file.readBatch(batch, "second", this); // from the handler
                      }

                      @Override
                      public void failed(Throwable cause, String attachment) {
                        again.completeExceptionally(cause);
                      }
                    });
                try {
                  var one = ByteBuffer.allocate(1);
                  assertThrows(IllegalStateException.class, () -> batch.add(one, 0));
                  assertThrows(IllegalStateException.class, batch::clear);
                  assertThrows(IllegalStateException.class, () -> file.readBatchAsync(batch));
                  refused.complete(null);
                } catch (Throwable t) {
                  refused.completeExceptionally(t);
                }
              });
      Waits.get(refused, "the checks");
      assertEquals(7, Waits.get(again, "the second reading"));
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnceAndNothingIsRead(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var path = write();
    try (var file = AsyncFile.open(runtime, path, READ);
        var writer = AsyncFile.open(runtime, path, WRITE)) {
      var batch = new ReadBatch();
      var one = ByteBuffer.allocate(1);
      assertThrows(IllegalArgumentException.class, () -> new ReadBatch(-1));
      assertThrows(IllegalArgumentException.class, () -> batch.add(one, -1));
      assertThrows(ReadOnlyBufferException.class, () -> batch.add(one.asReadOnlyBuffer(), 0));
      assertThrows(NullPointerException.class, () -> batch.add((ByteBuffer) null, 0));
      assertThrows(NullPointerException.class, () -> batch.add((Buffer) null, 0));
      assertThrows(IndexOutOfBoundsException.class, () -> batch.result(0));
      batch.add(one, 0);
      assertThrows(NonReadableChannelException.class, () -> writer.readBatchAsync(batch));
      assertThrows(NullPointerException.class, () -> file.readBatch(batch, "x", null));
      assertThrows(NullPointerException.class, () -> file.readEach(batch, "x", null));
      var pooled = file.loop().buffers().acquire(10);
      batch.add(pooled, 0);
      pooled.release();
      assertThrows(IllegalStateException.class, () -> file.readBatchAsync(batch));
      assertEquals(0, one.position());
      batch.clear();
      batch.add(one, 0);
      assertEquals(1, file.readBatch(batch));
    }
  }

  @DriverTest
  void pooledBuffersThatAreReleasedMeanwhileComeHomeAtTheEnd(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(), READ)) {
      var pool = file.loop().buffers();
      var batch = new ReadBatch();
      var buffers = new ArrayList<Buffer>();
      for (int i = 0; i < 20; i++) {
        var buffer = pool.acquire(64);
        buffers.add(buffer);
        batch.add(buffer, 0);
      }
      var read = file.readBatchAsync(batch);
      buffers.forEach(Buffer::release);
      Waits.get(read, "the batch");
      assertEquals(0, pool.lentBytes());
    }
  }

  @DriverTest
  void aClosedFileFailsEachOfItsReads(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), write(), READ);
    file.close();
    var batch = new ReadBatch();
    for (int i = 0; i < 3; i++) {
      batch.add(ByteBuffer.allocate(1), i);
    }
    assertThrows(ClosedChannelException.class, () -> file.readBatch(batch));
    for (int i = 0; i < 3; i++) {
      assertInstanceOf(ClosedChannelException.class, batch.failure(i));
    }
  }

  @DriverTest(drivers = "uring") // what a thread of NIO has begun to wait for can't be cancelled
  void cancellingTheFutureCancelsAllThatWait(TestRuntime driver) throws Exception {
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (var file = AsyncFile.open(driver.start(), pipe, READ, WRITE)) {
      var batch = new ReadBatch();
      for (int i = 0; i < 3; i++) {
        batch.add(ByteBuffer.allocate(4), 0);
      }
      var future = file.readBatchAsync(batch);
      assertTrue(future.cancel(true));
      Waits.settled(future, "a batch that was cancelled");
      assertTrue(future.isCancelled());
      for (int i = 0; i < 3; i++) {
        assertInstanceOf(CancellationException.class, batch.failure(i));
      }
      var next = file.readBatchAsync(batch);
      assertTrue(future.cancel(true)); // says that it was, and means not this one
      for (int i = 0; i < 3; i++) {
        file.write(ByteBuffer.allocate(4), 0);
      }
      assertEquals(12, Waits.get(next, "the batch when there is something to read"));
    }
  }

  @DriverTest(drivers = "uring")
  void withPooledBuffersNothingIsAllocated(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(), READ)) {
      var counting = new Counting(file);
      file.loop().execute(counting::next);
      long bytes = Waits.get(counting.bytes, "many batches");
      for (var buffer : counting.buffers) {
        buffer.release();
      }
      assertTrue(bytes < Counting.MEASURED, bytes + " bytes for " + Counting.MEASURED + " batches");
    }
  }

  /** Reads again and again, and measures what the loop's thread allocates once it is warm. */
  private static final class Counting implements IoHandler<Object> {
    static final int WARM_UP = 5_000;
    static final int MEASURED = 5_000;
    private static final com.sun.management.ThreadMXBean THREADS =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> bytes = new CompletableFuture<>();
    final Buffer[] buffers = new Buffer[4];
    private final AsyncFile file;
    private final ReadBatch batch = new ReadBatch();
    private int count;
    private long before;

    Counting(AsyncFile file) {
      this.file = file;
      for (int i = 0; i < buffers.length; i++) {
        buffers[i] = file.loop().buffers().acquire(64);
      }
    }

    void next() {
      batch.clear();
      for (var buffer : buffers) {
        buffer.byteBuffer().clear();
        batch.add(buffer, 100);
      }
      file.readBatch(batch, null, this);
    }

    @Override
    public void completed(int result, Object attachment) {
      if (++count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        bytes.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
        return;
      }
      next();
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      bytes.completeExceptionally(cause);
    }
  }
}
