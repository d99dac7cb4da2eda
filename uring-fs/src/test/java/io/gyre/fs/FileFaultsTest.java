package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** Files that are not what one expects of files, and faults of the disk. */
class FileFaultsTest {
  private static final int PAGE = 4096;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  @DriverTest
  void offsetsBeyondFourGigabytesWorkForEverything(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    long far = (5L << 32) + 12_345;
    try (var file = AsyncFile.open(runtime, dir.resolve("sparse"), READ, WRITE, CREATE);
        var other = AsyncFile.open(runtime, dir.resolve("other"), READ, WRITE, CREATE)) {
      var buffers =
          new ByteBuffer[] {
            pattern.fill(ByteBuffer.allocate(100), 0), pattern.fill(ByteBuffer.allocate(50), 100)
          };
      assertEquals(150, file.write(buffers, far));
      assertEquals(far + 150, file.size());
      assertEquals(far + 150, file.status().size());
      assertEquals(far + 50, file.seekData(far + 50));
      assertEquals(150, file.copyRange(far, other, far + 1, 1000));
      var read = ByteBuffer.allocate(200);
      assertEquals(150, other.read(new ByteBuffer[] {read}, far + 1));
      pattern.check(read, 0, 150, 0);
      file.punchHole(far + 10, 20);
      var bytes = ByteBuffer.allocate(150);
      assertEquals(150, file.read(bytes, far));
      pattern.check(bytes, 0, 10, 0);
      pattern.check(bytes, 30, 150, 30);
      assertEquals(0, bytes.get(29));
      file.advise(far, 5L << 32, Advice.WILL_NEED);
      try (var lock = file.lock(far, 5L << 32, false)) {
        assertEquals(5L << 32, lock.size());
      }
      file.truncate(far + 10);
      assertEquals(far + 10, file.size());
      assertEquals(-1, file.read(ByteBuffer.allocate(1), far + 10));
    }
  }

  @DriverTest
  void filesOfProcSayThatTheyAreEmptyAndAreReadAllTheSame(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/proc/self/cmdline"), READ)) {
      assertEquals(0, file.size());
      assertEquals(0, file.status().size());
      var content = new ByteArrayOutputStream();
      var buffer = ByteBuffer.allocate(7);
      for (int count = file.read(buffer, 0); count > 0; ) {
        content.write(buffer.array(), 0, count);
        buffer.clear();
        count = file.read(buffer, content.size());
      }
      assertArrayEquals(Files.readAllBytes(Path.of("/proc/self/cmdline")), content.toByteArray());
    }
  }

  @DriverTest
  void aDirectoryCanBeOpenedButNotRead(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var directory = AsyncFile.open(runtime, dir, READ)) {
      assertTrue(directory.status().isDirectory());
      for (var read :
          new CompletableFuture<?>[] {
            directory.readAsync(ByteBuffer.allocateDirect(1), 0),
            directory.readAsync(new ByteBuffer[] {ByteBuffer.allocate(1)}, 0),
          }) {
        var failure = Waits.failure(FileSystemException.class, read, "a read of a directory");
        assertTrue(failure.getMessage().contains("EISDIR"), failure::getMessage);
        assertEquals(dir.toString(), failure.getFile());
      }
    }
    var failure =
        Waits.failure(
            FileSystemException.class, AsyncFile.openAsync(runtime, dir, WRITE), "an open");
    assertTrue(failure.getMessage().contains("EISDIR"), failure::getMessage);
  }

  @DriverTest
  void aFifoIsReadWhateverTheOffset(TestRuntime driver) throws Exception {
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (var end = AsyncFile.open(driver.start(), pipe, READ, WRITE)) {
      var content = pattern.fill(ByteBuffer.allocateDirect(10), 0);
      if (!driver.isUring()) { // a channel of java.nio that waits in a read takes no writes
        assertEquals(10, end.write(content, 5));
      }
      var waiting = end.readAsync(ByteBuffer.allocateDirect(100), 77);
      if (driver.isUring()) {
        assertEquals(10, end.write(content, 5));
      }
      assertEquals(10, Waits.get(waiting, "a read of a pipe"));
      assertEquals(20, end.write(pattern.fill(ByteBuffer.allocate(20), 10), 0));
      var parts = new ByteBuffer[] {ByteBuffer.allocate(4), ByteBuffer.allocate(16)};
      assertEquals(20, end.read(parts, 0));
      pattern.check(parts[1], 0, 16, 14);
    }
  }

  @DriverTest
  void aFifoThatNobodyReadsIsOpenedForWritingOnceSomebodyDoes(TestRuntime driver) throws Exception {
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    var opening = AsyncFile.openAsync(driver.start(), pipe, WRITE);
    try (var reader = Files.newInputStream(pipe); // waits for the writer
        var writer = Waits.get(opening, "an open of a pipe")) {
      assertEquals(1, writer.write(ByteBuffer.wrap(new byte[] {42}), 0));
      assertEquals(42, reader.read());
    }
  }

  @DriverTest
  void anOpenThatWaitsForAReaderCanBeCancelled(TestRuntime driver) throws Exception {
    if (!driver.isUring()) {
      return; // a thread that waits in open(2) for java.nio can't be interrupted
    }
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    var runtime = driver.start();
    var loop = runtime.loop();
    var opening = AsyncFile.openAsync(runtime, pipe, WRITE);
    opening.cancel(false);
    try (var file = AsyncFile.open(runtime, dir.resolve("other"), WRITE, CREATE)) {
      assertEquals(1, file.write(ByteBuffer.allocate(1), 0), "the loop goes on");
    }
    Waits.until("the open to end", () -> loop.stats().inFlight() == 0);
  }

  @DriverTest
  void aFullDiskIsNamedAndTakesNothing(TestRuntime driver) throws Exception {
    try (var full = AsyncFile.open(driver.start(), Path.of("/dev/full"), READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(100);
      var buffers = new ByteBuffer[] {ByteBuffer.allocate(10), ByteBuffer.allocateDirect(10)};
      var durable = Set.of(TransferOption.DSYNC);
      for (var write :
          new CompletableFuture<?>[] {
            full.writeAsync(buffer, 0),
            full.writeAsync(buffers, 0),
            full.writeAsync(ByteBuffer.allocate(1), 0, durable)
          }) {
        var failure = Waits.failure(FileSystemException.class, write, "a write to a full disk");
        assertTrue(failure.getMessage().contains("write"), failure::getMessage);
        assertTrue(failure.getMessage().contains("ENOSPC"), failure::getMessage);
      }
      assertEquals(0, buffer.position());
      assertEquals(0, buffers[0].position());
    }
  }

  @DriverTest
  void readsOfAFileThatIsTruncatedAndRemovedMeanwhileSeeItsEnd(TestRuntime driver)
      throws Exception {
    int length = 64 * PAGE;
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, length));
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var buffers = new ArrayList<ByteBuffer>();
      var reads = new ArrayList<CompletableFuture<Integer>>();
      for (int i = 0; i < 64; i++) {
        var buffer = ByteBuffer.allocateDirect(PAGE);
        buffers.add(buffer);
        reads.add(file.readAsync(buffer, (long) i * PAGE));
        if (i == 32) {
          file.truncate(10L * PAGE + 100);
          Files.delete(path);
        }
      }
      for (int i = 0; i < 64; i++) {
        int count = Waits.get(reads.get(i), "read " + i);
        boolean whole = count == PAGE;
        boolean atTheEnd = i > 32 || i >= 10;
        assertTrue(whole || atTheEnd, count + " bytes of page " + i);
        assertTrue(i <= 32 || count == -1, count + " bytes of page " + i + " after the truncation");
        // Of what goes, a read that comes just then may see zeros.
        int lasting = Math.clamp(10L * PAGE + 100 - (long) i * PAGE, 0, Math.max(0, count));
        pattern.check(buffers.get(i), 0, lasting, (long) i * PAGE);
      }
      assertEquals(10 * PAGE + 100, file.size());
      file.force(true);
      if (driver.isUring()) {
        assertEquals(0, file.status().links());
      } else {
        Waits.failure(
            UnsupportedOperationException.class, file.statusAsync(), "the status of no path");
      }
    }
  }
}
