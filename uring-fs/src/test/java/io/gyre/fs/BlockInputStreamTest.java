package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

class BlockInputStreamTest {
  private static final int PAGE = 4096;
  private static final ReadAhead PAGES = ReadAhead.DEFAULT.blockBytes(PAGE);

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(int length) throws IOException {
    return Files.write(dir.resolve("file"), pattern.bytes(0, length));
  }

  private Path fifo() throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    return path;
  }

  private static <T> CompletableFuture<T> onVirtualThread(Callable<T> task) {
    var result = new CompletableFuture<T>();
    Thread.startVirtualThread(
        () -> {
          try {
            result.complete(task.call());
          } catch (Throwable t) {
            result.completeExceptionally(t);
          }
        });
    return result;
  }

  private static void awaitNothingLent(EventLoop loop) {
    Waits.until(() -> loop.buffers() + " gets all back", () -> loop.buffers().lentBytes() == 0);
  }

  @DriverTest
  void virtualAndPlatformThreadsReadTheBytesOfTheFile(TestRuntime driver) throws Exception {
    int length = 300_000;
    try (var file = AsyncFile.open(driver.start(), write(length), READ)) {
      var expected = pattern.bytes(0, length);
      try (var in = file.inputStream(PAGES)) {
        assertArrayEquals(expected, in.readAllBytes());
        assertEquals(-1, in.read());
        assertEquals(-1, in.read(new byte[1]));
        assertEquals(0, in.read(new byte[0]));
        assertEquals(0, in.available());
      }
      var read =
          onVirtualThread(
              () -> {
                try (var in = file.inputStream(PAGES.from(1000).length(250_000))) {
                  var out = new ByteArrayOutputStream();
                  assertEquals(250_000, in.transferTo(out));
                  return out.toByteArray();
                }
              });
      var bytes = Waits.get(read, "the bytes");
      pattern.check(bytes, 0, bytes.length, 1000);
      assertEquals(250_000, bytes.length);
    }
  }

  @DriverTest
  void readsAndSkipsOfRandomLengthsSeeEveryByteInItsPlace(TestRuntime driver) throws Exception {
    var random = Seeds.random(11);
    var runtime = driver.start();
    for (int round = 0; round < 20; round++) {
      int length = random.nextInt(150_000);
      var how =
          ReadAhead.DEFAULT.blockBytes(1 + random.nextInt(20_000)).depth(1 + random.nextInt(6));
      try (var file = AsyncFile.open(runtime, write(length), READ);
          var in = file.inputStream(how)) {
        int at = 0;
        while (at < length) {
          switch (random.nextInt(4)) {
            case 0 -> assertEquals(pattern.at(at++) & 0xFF, in.read());
            case 1 -> {
              var bytes = new byte[1 + random.nextInt(9000)];
              int count = in.read(bytes);
              assertTrue(count > 0);
              pattern.check(bytes, 0, count, at);
              at += count;
            }
            case 2 -> {
              long skipped = in.skip(random.nextInt(9000));
              at += (int) skipped;
            }
            default -> {
              int wanted = random.nextInt(30_000);
              var bytes = in.readNBytes(wanted);
              assertEquals(Math.min(wanted, length - at), bytes.length);
              pattern.check(bytes, 0, bytes.length, at);
              at += bytes.length;
            }
          }
        }
        assertEquals(length, at);
        assertEquals(-1, in.read());
        assertEquals(0, in.skip(1));
      }
    }
  }

  @DriverTest
  void noMoreThanWhatIsAheadIsHeld(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(64 * PAGE), READ);
        var in = file.inputStream(PAGES.depth(4))) {
      for (int i = 0; i < 64 * PAGE / 1024; i++) {
        assertEquals(1024, in.readNBytes(1024).length);
        long lent = file.loop().buffers().lentBytes();
        assertTrue(lent <= 4 * PAGE, () -> lent + " bytes are lent");
      }
    }
  }

  @DriverTest
  void availableTellsWhatCanBeReadWithoutWaiting(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(3 * PAGE), READ);
        var in = file.inputStream(PAGES)) {
      Waits.until("all three blocks", () -> available(in) == 3 * PAGE);
      assertTrue(in.read() >= 0);
      assertEquals(3 * PAGE - 1, in.available());
      assertFalse(in.markSupported());
      assertThrows(IOException.class, in::reset);
    }
  }

  private static int available(InputStream in) {
    try {
      return in.available();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @DriverTest
  void aCloseInTheMiddleGivesEverythingBackAndLeavesTheFileOpen(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ)) {
      for (int bytes : new int[] {0, 1, PAGE, 10 * PAGE + 1}) {
        var in = file.inputStream(PAGES);
        assertEquals(bytes, in.readNBytes(bytes).length);
        in.close();
        in.close();
        awaitNothingLent(file.loop());
        assertThrows(ClosedChannelException.class, in::read);
        assertThrows(ClosedChannelException.class, () -> in.read(new byte[1]));
        assertThrows(ClosedChannelException.class, () -> in.skip(1));
        assertThrows(ClosedChannelException.class, in::available);
      }
      assertEquals(1, file.read(ByteBuffer.allocate(1), 0));
    }
  }

  @DriverTest(drivers = "uring") // on NIO a read that has begun runs to its end
  void aCloseEndsAReadThatWaits(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), fifo(), READ, WRITE)) {
      var in = file.inputStream(PAGES);
      var read = onVirtualThread(() -> in.read());
      in.close();
      Waits.failure(ClosedChannelException.class, read, "a read of a stream that was closed");
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aCloseOfTheFileFailsTheStream(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ);
    try (var in = file.inputStream(PAGES)) {
      assertTrue(in.read() >= 0);
      file.close();
      for (int i = 0; i < 2; i++) {
        assertThrows(ClosedChannelException.class, in::readAllBytes);
      }
    }
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void theEndOfTheRuntimeFailsTheStream(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write(100 * PAGE), READ);
    try (var in = file.inputStream(PAGES)) {
      assertTrue(in.read() >= 0);
      driver.closeAndWait(runtime);
      assertThrows(IOException.class, in::readAllBytes);
    }
    assertEquals(0, runtime.loop().buffers().lentBytes());
  }

  @DriverTest(drivers = "uring") // on NIO a read that has begun runs to its end
  void anInterruptEndsTheWaitAndLosesNothing(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), fifo(), READ, WRITE);
        var in = file.inputStream(PAGES)) {
      Thread.currentThread().interrupt();
      assertThrows(InterruptedIOException.class, in::read);
      assertTrue(Thread.interrupted());
      file.write(pattern.fill(ByteBuffer.allocate(10), 0), 0);
      var bytes = in.readNBytes(10);
      pattern.check(bytes, 0, 10, 0);
    }
  }

  @DriverTest
  void aScopeThatEndsInterruptsTheStream(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ)) {
      var scope = new CancelScope();
      try (var in = scope.call(() -> file.inputStream(PAGES))) {
        assertTrue(in.read() >= 0);
        scope.cancel();
        assertThrows(InterruptedIOException.class, in::readAllBytes);
      }
    }
  }

  @DriverTest
  void aDirectoryFailsWithItsName(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir, READ);
        var in = file.inputStream(ReadAhead.DEFAULT)) {
      var failure = assertThrows(FileSystemException.class, in::read);
      assertTrue(failure.getMessage().contains("EISDIR"), failure::getMessage);
    }
  }

  @DriverTest
  void aLoopsThreadIsRefused(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(10), READ);
        var in = file.inputStream(PAGES)) {
      var tried = new CompletableFuture<Integer>();
      file.loop()
          .execute(
              () -> {
                try {
                  tried.complete(in.read());
                } catch (Throwable t) {
                  tried.completeExceptionally(t);
                }
              });
      assertInstanceOf(IllegalStateException.class, Waits.failure(tried, "a read on the loop"));
      assertEquals(10, in.readAllBytes().length);
    }
  }

  @DriverTest
  void offsetsBeyondFourGibibytesAreExact(TestRuntime driver) throws Exception {
    long far = (1L << 33) + 5;
    try (var file = AsyncFile.open(driver.start(), dir.resolve("sparse"), READ, WRITE, CREATE)) {
      file.write(pattern.fill(ByteBuffer.allocate(10_000), far), far);
      try (var in = file.inputStream(PAGES.from(far))) {
        var bytes = in.readAllBytes();
        assertEquals(10_000, bytes.length);
        pattern.check(bytes, 0, bytes.length, far);
      }
    }
  }
}
