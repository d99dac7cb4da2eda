package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.driver.Errno;
import io.gyre.driver.ShortTransfers;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** Reads and writes that go on until all is transferred. */
class FullTransferTest {
  private static final int LENGTH = 24;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private static IoRuntime start(TestRuntime driver, ShortTransfers shortening) throws IOException {
    var runtime = driver.startOn(shortening, builder -> builder);
    driver.own((Closeable) runtime::close);
    return runtime;
  }

  private static ShortTransfers shortening(TestRuntime driver) {
    return new ShortTransfers(driver.configuration().driver());
  }

  private List<ByteBuffer> buffers(int length) {
    return List.of(
        ByteBuffer.allocate(length),
        ByteBuffer.allocateDirect(length),
        ByteBuffer.allocate(length + 9).slice(5, length));
  }

  @DriverTest
  void shortTransfersOfEveryLengthAreGoneOnWith(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    var runtime = start(driver, shortening);
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE)) {
      for (int most = 1; most <= LENGTH + 1; most++) {
        shortening.mostBytes(most);
        for (var buffer : buffers(LENGTH)) {
          int parts = shortening.count();
          file.writeFully(pattern.fill(buffer, most), 7);
          assertEquals((LENGTH + most - 1) / most, shortening.count() - parts, "writes of " + most);
          assertEquals(LENGTH, buffer.position());
          byte[] written = Files.readAllBytes(path);
          pattern.check(written, 7, 7 + LENGTH, most);

          parts = shortening.count();
          Waits.get(file.readFullyAsync(buffer.clear().position(2), 9), "a read");
          assertEquals(
              (LENGTH - 2 + most - 1) / most, shortening.count() - parts, "reads of " + most);
          assertEquals(LENGTH, buffer.position());
          pattern.check(buffer, 2, LENGTH, most + 2);
        }
      }
    }
  }

  @DriverTest
  void shortTransfersOfSeveralBuffersAreGoneOnWith(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(start(driver, shortening), path, READ, WRITE, CREATE)) {
      for (int most = 1; most <= LENGTH + 1; most++) {
        shortening.mostBytes(most);
        var buffers =
            new ByteBuffer[] {
              ByteBuffer.allocate(5),
              ByteBuffer.allocateDirect(0),
              ByteBuffer.allocateDirect(LENGTH - 8),
              ByteBuffer.allocate(3)
            };
        pattern.fill(buffers[0], most);
        pattern.fill(buffers[2], most + 5);
        pattern.fill(buffers[3], most + LENGTH - 3);
        int parts = shortening.count();
        file.writeFully(buffers, 7);
        assertEquals((LENGTH + most - 1) / most, shortening.count() - parts, "writes of " + most);
        pattern.check(Files.readAllBytes(path), 7, 7 + LENGTH, most);

        Arrays.stream(buffers)
            .forEach(buffer -> buffer.clear().put(0, new byte[buffer.capacity()]));
        parts = shortening.count();
        file.readFully(buffers, 7);
        assertEquals((LENGTH + most - 1) / most, shortening.count() - parts, "reads of " + most);
        pattern.check(buffers[0], 0, 5, most);
        pattern.check(buffers[2], 0, LENGTH - 8, most + 5);
        pattern.check(buffers[3], 0, 3, most + LENGTH - 3);
      }
    }
  }

  @DriverTest
  void theEndOfAFileThatBypassesTheCacheIsReportedWhereverItIs(TestRuntime driver)
      throws Exception {
    for (int length : new int[] {0, 1, 4095, 4096, 5000, 8191}) {
      var path = Files.write(dir.resolve("file" + length), pattern.bytes(0, length));
      try (var file = AsyncFile.open(driver.start(), path, READ, AsyncFile.DIRECT);
          var buffer = file.loop().buffers().acquire(8192)) {
        var end = assertThrows(EOFException.class, () -> file.readFully(buffer, 0));
        assertTrue(
            end.getMessage().contains("after " + length + " of 8192 bytes"), end::getMessage);
        assertEquals(length, buffer.byteBuffer().position());
        pattern.check(buffer.byteBuffer(), 0, length, 0);
      }
    }
  }

  @DriverTest
  void aFileThatIsTruncatedMeanwhileEndsWhereItDoesNow(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    shortening.mostBytes(1);
    int length = 1 << 20;
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, length));
    try (var file = AsyncFile.open(start(driver, shortening), path, READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(length);
      var read = file.readFullyAsync(buffer, 0);
      Waits.until("some parts", () -> shortening.count() > 10);
      file.truncate(5);
      Files.delete(path);
      var end = Waits.failure(EOFException.class, read, "a read of what was truncated");
      int done = buffer.position();
      assertTrue(done >= 5 && done < length, buffer::toString);
      assertTrue(end.getMessage().contains("after " + done + " of " + length), end::getMessage);
      pattern.check(buffer, 0, done, 0);
    }
  }

  @DriverTest
  void pooledBuffersAreFilledAndWrittenFromEveryThread(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    shortening.mostBytes(5);
    try (var file =
        AsyncFile.open(start(driver, shortening), dir.resolve("file"), READ, WRITE, CREATE)) {
      var buffer = file.loop().buffers().acquire(LENGTH);
      pattern.fill(buffer.byteBuffer().limit(LENGTH), 0);
      var outcomes = new Recorder<String>();
      file.writeFully(buffer, 0, "write", outcomes);
      assertEquals(LENGTH, outcomes.awaitOne().result());
      file.loop()
          .execute(
              () -> {
                buffer.byteBuffer().position(0);
                file.readFully(buffer, 0, "read", outcomes);
              });
      assertEquals(LENGTH, outcomes.await(2).get(1).result());
      pattern.check(buffer.byteBuffer(), 0, LENGTH, 0);
      buffer.byteBuffer().position(0);
      file.readFully(buffer, 0);
      buffer.byteBuffer().position(0);
      file.writeFully(buffer, LENGTH);
      buffer.release();
    }
    assertEquals(2 * LENGTH, Files.size(dir.resolve("file")));
  }

  @DriverTest
  void theEndOfTheFileIsReportedAtEveryOffset(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, LENGTH));
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      for (int offset = 0; offset <= LENGTH + 1; offset++) {
        for (int size = 0; size <= 9; size += 3) {
          for (var buffer : buffers(size)) {
            int there = Math.clamp(LENGTH - offset, 0, size);
            if (there == size) {
              file.readFully(buffer, offset);
            } else {
              int at = offset;
              var end = assertThrows(EOFException.class, () -> file.readFully(buffer, at));
              assertEquals(
                  "read "
                      + path
                      + ": end of file at offset "
                      + Math.max(LENGTH, offset)
                      + ", after "
                      + there
                      + " of "
                      + size
                      + " bytes from offset "
                      + offset,
                  end.getMessage());
            }
            assertEquals(there, buffer.position());
            pattern.check(buffer, 0, there, offset);
          }
        }
      }
    }
  }

  /** Every file system has a largest file: a write across its end is short, and the next fails. */
  private static long largestFile(Path path) throws IOException {
    long possible = 0;
    try (var file = new RandomAccessFile(path.toFile(), "rw")) {
      for (long step = 1L << 62; step > 0; step >>= 1) {
        try {
          file.setLength(possible + step);
          possible += step;
        } catch (IOException e) {
          // too large
        }
      }
      file.setLength(0);
    }
    return possible;
  }

  @DriverTest
  void aWriteThatStopsHalfwayTellsExactlyWhatIsThere(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    long end = largestFile(path);
    assertTrue(end < Long.MAX_VALUE - 100, "a file system without a largest file: " + end);
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      for (int fits = 0; fits <= LENGTH; fits += 6) {
        for (var buffer : buffers(LENGTH)) {
          pattern.fill(buffer, fits);
          long at = end - fits;
          if (fits == LENGTH) {
            file.writeFully(buffer, at);
          } else {
            var stop =
                assertThrows(PartialTransferException.class, () -> file.writeFully(buffer, at));
            assertEquals(fits, stop.bytesTransferred());
            assertEquals(path.toString(), stop.getFile());
            var reason =
                "write: EFBIG (File too large), after "
                    + fits
                    + " of "
                    + LENGTH
                    + " bytes from offset "
                    + at;
            assertEquals(reason, stop.getReason());
            assertInstanceOf(FileSystemException.class, stop.getCause());
          }
          assertEquals(fits, buffer.position());
          var read = ByteBuffer.allocate(fits);
          file.readFully(read, at);
          pattern.check(read, 0, fits, fits);
        }
      }
      file.truncate(0);
    }
  }

  @DriverTest
  void aWriteThatAnyErrorStopsHalfwayTellsExactlyWhatIsThere(TestRuntime driver) throws Exception {
    for (var errno : new Errno[] {Errno.EDQUOT, Errno.ENOSPC, Errno.EIO}) {
      var disk = new ShortTransfers(driver.configuration().driver());
      disk.mostBytes(7);
      var path = dir.resolve("file-" + errno);
      try (var runtime = driver.startOn(disk, b -> b);
          var file = AsyncFile.open(runtime, path, CREATE, WRITE)) {
        for (int fits = 0; fits < LENGTH; fits++) {
          disk.room(fits, errno);
          var buffer = pattern.fill(ByteBuffer.allocateDirect(LENGTH), fits);
          var stop = assertThrows(PartialTransferException.class, () -> file.writeFully(buffer, 0));
          assertEquals(fits, stop.bytesTransferred());
          assertEquals(fits, buffer.position());
          assertTrue(stop.getReason().contains(errno.name()), stop::getReason);
          var there = Files.readAllBytes(path);
          assertEquals(fits, there.length);
          assertArrayEquals(pattern.bytes(fits, fits), there);
        }
      }
    }
  }

  @DriverTest
  void aFullDiskIsNamedAlsoWhenNothingWasWritten(TestRuntime driver) throws Exception {
    try (var full = AsyncFile.open(driver.start(), Path.of("/dev/full"), READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(100);
      var stop = assertThrows(PartialTransferException.class, () -> full.writeFully(buffer, 0));
      assertEquals(0, stop.bytesTransferred());
      assertTrue(stop.getMessage().contains("ENOSPC"), stop::getMessage);
      assertEquals(0, buffer.position());
    }
  }

  @DriverTest
  void arraysOfAnyLengthAreTransferredInOrder(TestRuntime driver) throws Exception {
    int count = 2500; // more than twice what one operation takes
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE)) {
      var buffers = new ByteBuffer[count];
      for (int i = 0; i < count; i++) {
        buffers[i] = pattern.fill(ByteBuffer.allocateDirect(i % 4), 10L * i);
      }
      file.writeFully(buffers, 3);
      long bytes = Arrays.stream(buffers).mapToLong(ByteBuffer::limit).sum();
      assertEquals(3 + bytes, Files.size(path));
      var read = new ByteBuffer[count];
      Arrays.setAll(read, i -> ByteBuffer.allocate(i % 4));
      file.readFully(read, 3);
      for (int i = 0; i < count; i++) {
        assertEquals(i % 4, read[i].position());
        pattern.check(read[i], 0, i % 4, 10L * i);
      }
      Arrays.stream(read).forEach(ByteBuffer::rewind);
      var end = assertThrows(EOFException.class, () -> file.readFully(read, 4));
      assertTrue(
          end.getMessage().contains("after " + (bytes - 1) + " of " + bytes), end::getMessage);

      var pool = file.loop().buffers();
      var pooled = new Buffer[] {pool.acquire(64), pool.acquire(64)};
      file.readFully(pooled, 0);
      assertArrayEquals(
          Arrays.copyOfRange(Files.readAllBytes(path), 64, 128), bytes(pooled[1], 64));
      for (var buffer : pooled) {
        buffer.byteBuffer().flip();
      }
      file.writeFully(pooled, 0);
      for (var buffer : pooled) {
        assertEquals(64, buffer.byteBuffer().position());
        buffer.release();
      }
    }
  }

  private static byte[] bytes(Buffer buffer, int length) {
    var bytes = new byte[length];
    buffer.byteBuffer().get(0, bytes);
    return bytes;
  }

  @DriverTest
  void aBufferThatIsReleasedMeanwhileIsNobodyElsesBeforeTheEnd(TestRuntime driver)
      throws Exception {
    var shortening = shortening(driver);
    shortening.mostBytes(1);
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(start(driver, shortening), path, READ, WRITE, CREATE)) {
      var pool = file.loop().buffers();
      var outcomes = new Recorder<String>();
      file.loop()
          .execute(
              () -> {
                var buffer = pool.acquire(64);
                pattern.fill(buffer.byteBuffer().limit(64), 0);
                file.writeFully(buffer, 0, "write", outcomes);
                buffer.release();
              });
      Waits.until(
          "the end of the write",
          () -> {
            try (var other = pool.acquire(64)) { // takes what is free, and spoils it
              other.byteBuffer().put(0, new byte[64]);
            }
            return outcomes.count() > 0;
          });
      assertEquals(64, outcomes.awaitOne().result());
    }
    assertArrayEquals(pattern.bytes(0, 64), Files.readAllBytes(path));
  }

  @DriverTest
  void cancellingReachesWhatIsBetweenTwoParts(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    shortening.mostBytes(1);
    shortening.quickerThanCancels(); // so that only what follows can be kept from beginning
    int length = 1 << 20;
    var path = dir.resolve("file");
    var runtime = start(driver, shortening);
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE)) {
      var buffer = ByteBuffer.allocateDirect(length);
      var scope = new CancelScope();
      var inScope = scope.call(() -> file.writeFullyAsync(buffer, 0));
      Waits.until("some parts", () -> shortening.count() > 10);
      scope.cancel();
      Waits.settled(inScope, "a write in a scope that was cancelled");
      assertTrue(inScope.isCancelled(), inScope::toString);
      assertTrue(buffer.position() > 0 && buffer.position() < length, buffer::toString);
      assertEquals(buffer.position(), file.size());

      int before = shortening.count();
      var future = file.writeFullyAsync(buffer.clear(), 0);
      Waits.until("some parts", () -> shortening.count() > before + 10);
      assertTrue(future.cancel(true));
      Waits.settled(future, "a write that was cancelled");
      assertTrue(future.isCancelled(), future::toString);
      assertTrue(buffer.position() < length, buffer::toString);

      int then = shortening.count();
      var last = file.writeFullyAsync(buffer.clear(), 0);
      Waits.until("some parts", () -> shortening.count() > then + 10);
      file.cancelAll();
      Waits.settled(last, "a write of a file whose all is cancelled");
      assertTrue(last.isCancelled(), last::toString);
      assertTrue(buffer.position() < length, buffer::toString);
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), new byte[10]);
    var runtime = driver.start();
    var one = ByteBuffer.allocate(1);
    try (var reader = AsyncFile.open(runtime, path, READ);
        var writer = AsyncFile.open(runtime, path, WRITE)) {
      assertThrows(IllegalArgumentException.class, () -> reader.readFullyAsync(one, -1));
      assertThrows(IllegalArgumentException.class, () -> writer.writeFullyAsync(one, -1));
      assertThrows(NonReadableChannelException.class, () -> writer.readFullyAsync(one, 0));
      assertThrows(NonWritableChannelException.class, () -> reader.writeFullyAsync(one, 0));
      assertThrows(NullPointerException.class, () -> reader.readFully(one, 0, "x", null));
      assertThrows(
          NullPointerException.class, () -> reader.readFullyAsync(new ByteBuffer[] {null}, 0));
      var buffer = reader.loop().buffers().acquire(1);
      buffer.release();
      assertThrows(IllegalStateException.class, () -> reader.readFullyAsync(buffer, 0));
      var refused = new CompletableFuture<Throwable>();
      reader
          .loop()
          .execute(
              () ->
                  refused.complete(
                      assertThrows(IllegalStateException.class, () -> reader.readFully(one, 0))));
      Waits.get(refused, "a wait on the loop's thread");
      reader.readFully(one, 0);
    }
  }

  @DriverTest(drivers = "uring")
  void withPooledBuffersNothingIsAllocated(TestRuntime driver) throws Exception {
    var shortening = shortening(driver);
    shortening.mostBytes(100);
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 400));
    try (var file = AsyncFile.open(start(driver, shortening), path, READ)) {
      var buffer = file.loop().buffers().acquire(400);
      buffer.byteBuffer().limit(400);
      var counting = new Counting(file, buffer);
      file.loop().execute(() -> counting.completed(400, null));
      long bytes = Waits.get(counting.bytes, "many reads");
      buffer.release();
      assertTrue(bytes < Counting.MEASURED, bytes + " bytes for " + Counting.MEASURED + " reads");
    }
  }

  /** Reads again and again, and measures what the loop's thread allocates once it is warm. */
  private static final class Counting implements IoHandler<Object> {
    static final int WARM_UP = 5_000;
    static final int MEASURED = 5_000;
    private static final com.sun.management.ThreadMXBean THREADS =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> bytes = new CompletableFuture<>();
    private final AsyncFile file;
    private final Buffer buffer;
    private int count;
    private long before;

    Counting(AsyncFile file, Buffer buffer) {
      this.file = file;
      this.buffer = buffer;
    }

    @Override
    public void completed(int result, Object attachment) {
      if (result != 400) {
        bytes.completeExceptionally(new AssertionError("read " + result));
        return;
      }
      if (++count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        bytes.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
        return;
      }
      buffer.byteBuffer().position(0);
      file.readFully(buffer, 0, null, this);
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      bytes.completeExceptionally(cause);
    }
  }
}
