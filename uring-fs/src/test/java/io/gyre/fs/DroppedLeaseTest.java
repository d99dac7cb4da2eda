package io.gyre.fs;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.LeakDetection;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** A pooled buffer that the user forgets, or releases, while the kernel has yet to write to it. */
class DroppedLeaseTest {
  private static final int BYTES = 4096;
  private static final byte CANARY = 0x5A;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** Reading it takes until somebody writes, which is when the test wants it. */
  private Path fifo() throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    return path;
  }

  /** All that the pool has left, marked. */
  private static List<Buffer> takeTheRest(BufferPool pool) {
    var rest = new ArrayList<Buffer>();
    for (var b = pool.tryAcquire(BYTES); b != null; b = pool.tryAcquire(BYTES)) {
      while (b.byteBuffer().hasRemaining()) {
        b.byteBuffer().put(CANARY);
      }
      rest.add(b);
    }
    return rest;
  }

  private static void checkAndRelease(List<Buffer> canaries) {
    for (var canary : canaries) {
      for (int i = 0; i < BYTES; i++) {
        assertEquals(CANARY, canary.byteBuffer().get(i), () -> "written by the kernel: " + canary);
      }
      canary.release();
    }
  }

  private static CompletableFuture<Integer> readAndForget(AsyncFile file) {
    return file.readAsync(file.loop().buffers().acquire(BYTES), 0);
  }

  private void write(Path fifo) throws Exception {
    try (var writer = Files.newByteChannel(fifo, WRITE)) {
      writer.write(ByteBuffer.wrap(pattern.bytes(0, BYTES)));
    }
  }

  @DriverTest(drivers = "uring")
  void aLeaseForgottenDuringItsReadIsTakenBackOnlyAfterwards(TestRuntime driver) throws Exception {
    var path = fifo();
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20).leakDetection(LeakDetection.FULL));
    var pool = runtime.loop().buffers();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var read = readAndForget(file);
      for (int i = 0; i < 5; i++) {
        System.gc();
      }
      var canaries = takeTheRest(pool);
      assertEquals((1 << 20) / BYTES - 1, canaries.size(), "all but the one that is read into");
      assertEquals(0, pool.leaks());

      write(path);
      assertEquals(BYTES, Waits.get(read, "the read"));

      checkAndRelease(canaries);
      Waits.until(
          "the forgotten one is taken back",
          () -> {
            System.gc();
            return pool.leaks() == 1 && pool.lentBytes() == 0;
          });
    }
  }

  @DriverTest(drivers = "uring")
  void aLeaseReleasedDuringItsReadIsLentToNobodyAndTheWaitingGetItAfterwards(TestRuntime driver)
      throws Exception {
    var path = fifo();
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    var pool = runtime.loop().buffers();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var buffer = pool.acquire(BYTES);
      int generation = buffer.generation();
      var read = file.readAsync(buffer, 0);
      buffer.release(generation);
      var canaries = takeTheRest(pool);
      assertEquals((1 << 20) / BYTES - 1, canaries.size(), "all but the one that is read into");
      var waiting = pool.acquireAsync(BYTES);

      write(path);
      assertEquals(BYTES, Waits.get(read, "the read"));

      try (var again = Waits.get(waiting, "the buffer, home from its read")) {
        assertEquals(buffer.address(), again.address());
        pattern.check(again.byteBuffer(), 0, BYTES, 0);
      }
      checkAndRelease(canaries);
    }
  }

  @DriverTest(drivers = "uring")
  void theEndOfTheRuntimeGivesBackWhatWasReleasedDuringItsRead(TestRuntime driver)
      throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    var pool = runtime.loop().buffers();
    var file = AsyncFile.open(runtime, fifo(), READ, WRITE);
    var buffer = pool.acquire(BYTES);
    var read = file.readAsync(buffer, 0);
    buffer.release();
    assertEquals(BYTES, pool.lentBytes());
    driver.closeAndWait(runtime);
    Waits.failure(read, "a read that was cancelled");
    assertEquals(0, pool.lentBytes());
  }
}
