package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.BufferVector;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.io.TempDir;

/** Reads and writes of several buffers. */
class VectoredTransferTest {
  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(int length) throws Exception {
    return Files.write(dir.resolve("file"), pattern.bytes(0, length));
  }

  /** One of each kind of memory, of which some must be copied, with positions that are not 0. */
  private static ByteBuffer[] someOfEachKind(Arena arena, int size) {
    return new ByteBuffer[] {
      ByteBuffer.allocate(size + 3).position(3),
      ByteBuffer.allocateDirect(size + 5).position(5),
      ByteBuffer.allocate(0),
      arena.allocate(size + 1).asByteBuffer().position(1),
      ByteBuffer.allocateDirect(size + 9).slice(7, size)
    };
  }

  @DriverTest
  void readsEveryLengthAtEveryOffsetIntoEveryKindOfBuffer(TestRuntime driver) throws Exception {
    int length = 61;
    var path = write(length);
    try (var file = AsyncFile.open(driver.start(), path, READ);
        var arena = Arena.ofShared()) {
      for (int offset = 0; offset <= length + 1; offset++) {
        for (int size = 0; size <= 20; size += 4) {
          var buffers = someOfEachKind(arena, size);
          var starts = new int[buffers.length];
          for (int i = 0; i < buffers.length; i++) {
            starts[i] = buffers[i].position();
          }
          int left = Math.max(0, Math.min(4 * size, length - offset));
          assertEquals(size == 0 ? 0 : left == 0 ? -1 : left, file.read(buffers, offset));
          long at = offset;
          for (int i = 0; i < buffers.length; i++) {
            int part = Math.min(left, buffers[i].limit() - starts[i]);
            assertEquals(starts[i] + part, buffers[i].position());
            pattern.check(buffers[i], starts[i], starts[i] + part, at);
            at += part;
            left -= part;
          }
        }
      }
    }
  }

  @DriverTest
  void writesEveryKindOfBufferInOrder(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, WRITE, CREATE);
        var arena = Arena.ofShared()) {
      var buffers = someOfEachKind(arena, 1000);
      long at = 0;
      for (var buffer : buffers) {
        pattern.fill(buffer, at);
        at += buffer.remaining();
      }
      assertEquals(4000, file.write(buffers, 500));
      for (var buffer : buffers) {
        assertEquals(0, buffer.remaining());
      }
      pattern.check(Files.readAllBytes(path), 500, 4500, 0);
    }
  }

  @DriverTest
  void pooledBuffersGoThereAndBackFromAnyThread(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      var pool = file.loop().buffers();
      var out = new Buffer[] {pool.acquire(4096), pool.acquire(100), pool.acquire(70_000)};
      long at = 0;
      for (var buffer : out) {
        pattern.fill(buffer.byteBuffer(), at);
        at += buffer.byteBuffer().remaining();
      }
      int written = Waits.get(file.writeAsync(out, 0), "the write");
      assertEquals(at, written);
      var in = new Buffer[] {pool.acquire(70_000), pool.acquire(4096), pool.acquire(100)};
      assertEquals(written, Waits.get(file.readAsync(in, 0), "the read"));
      at = 0;
      for (var buffer : in) {
        pattern.check(buffer.byteBuffer(), 0, buffer.byteBuffer().position(), at);
        at += buffer.byteBuffer().position();
        buffer.release();
      }
      for (var buffer : out) {
        buffer.release();
      }
    }
  }

  @DriverTest
  void pooledBuffersGoThereAndBackWithDirectAccess(TestRuntime driver) throws Exception {
    var path = dir.resolve("direct");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE, AsyncFile.DIRECT)) {
      var pool = file.loop().buffers();
      var out = new Buffer[] {pool.acquire(4096), pool.acquire(65_536), pool.acquire(8192)};
      long at = 0;
      for (var buffer : out) {
        pattern.fill(buffer.byteBuffer(), at);
        at += buffer.byteBuffer().remaining();
      }
      int written = Waits.get(file.writeAsync(out, 0), "the write");
      assertEquals(at, written);
      // From the middle of a buffer on, and short at the end of the file.
      var in = new Buffer[] {pool.acquire(8192), pool.acquire(65_536), pool.acquire(8192)};
      in[0].byteBuffer().position(4096);
      int read = Waits.get(file.readAsync(in, 4096), "the read");
      assertEquals(at - 4096, read);
      pattern.check(in[0].byteBuffer(), 4096, 8192, 4096);
      pattern.check(in[1].byteBuffer(), 0, 65_536, 8192);
      pattern.check(in[2].byteBuffer(), 0, 4096, 8192 + 65_536);
      assertEquals(4096, in[2].byteBuffer().position());
      for (int i = 0; i < 3; i++) {
        out[i].release();
        in[i].release();
      }
    }
  }

  @DriverTest
  void aReleasedBufferAmongThemIsRefusedAndTheOthersAreFree(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100), READ)) {
      var pool = file.loop().buffers();
      var good = pool.acquire(64);
      var released = pool.acquire(64);
      released.release();
      var both = new Buffer[] {good, released};
      assertThrows(IllegalStateException.class, () -> file.readAsync(both, 0));
      var onLoop = new CompletableFuture<Throwable>();
      file.loop()
          .execute(
              () -> {
                try {
                  file.read(both, 0, null, new Counting());
                  onLoop.complete(null);
                } catch (IllegalStateException e) {
                  onLoop.complete(e);
                }
              });
      assertTrue(Waits.get(onLoop, "the refusal") instanceof IllegalStateException);
      good.release(); // the oracle finds what is still lent
    }
  }

  @DriverTest
  void moreBuffersThanTheKernelTakesAreLeftForTheNext(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(3000), READ)) {
      var buffers = new ByteBuffer[BufferVector.MAX_COUNT + 10];
      for (int i = 0; i < buffers.length; i++) {
        buffers[i] = ByteBuffer.allocateDirect(2);
      }
      assertEquals(2 * BufferVector.MAX_COUNT, file.read(buffers, 0));
      assertEquals(2, buffers[BufferVector.MAX_COUNT - 1].position());
      assertEquals(0, buffers[BufferVector.MAX_COUNT].position());
      assertEquals(0, file.read(new ByteBuffer[0], 0));
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), write(10), READ);
    var buffers = new ByteBuffer[] {ByteBuffer.allocate(1)};
    assertThrows(IllegalArgumentException.class, () -> file.readAsync(buffers, -1));
    assertThrows(NullPointerException.class, () -> file.readAsync(new ByteBuffer[] {null}, 0));
    assertThrows(
        ReadOnlyBufferException.class,
        () -> file.readAsync(new ByteBuffer[] {buffers[0].asReadOnlyBuffer()}, 0));
    file.close();
    Waits.failure(ClosedChannelException.class, file.readAsync(buffers, 0), "a read when closed");
  }

  @DriverTest
  void theArrayMayChangeAfterTheCall(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      var pool = file.loop().buffers();
      var leases = new Buffer[] {pool.acquire(100), pool.acquire(200)};
      var other = pool.acquire(100);
      var plain = new ByteBuffer[] {ByteBuffer.allocate(100), ByteBuffer.allocate(200)};
      var goOn = new CountDownLatch(1);
      file.loop().execute(() -> Waits.await(goOn, "the loop"));
      var own = leases.clone();
      var written = file.writeAsync(leases, 0);
      var alsoWritten = file.writeAsync(plain, 300);
      leases[0] = null;
      leases[1] = other;
      plain[0] = null;
      goOn.countDown();
      assertEquals(300, Waits.get(written, "the write of pooled buffers"));
      assertEquals(300, Waits.get(alsoWritten, "the write of others"));
      other.release();
      for (var buffer : own) {
        buffer.release();
      }
      assertEquals(0, pool.lentBytes());
    }
  }

  private static final class Counting implements IoHandler<Buffer[]> {
    private static final int WARM_UP = 30_000;
    private static final int MEASURED = 10_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> bytes = new CompletableFuture<>();
    AsyncFile file;
    private int count;
    private long before;

    @Override
    public void completed(int result, Buffer[] buffers) {
      count++;
      if (count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        bytes.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
        return;
      }
      for (var buffer : buffers) {
        buffer.byteBuffer().clear();
      }
      file.read(buffers, 0, buffers, this);
    }

    @Override
    public void failed(Throwable cause, Buffer[] buffers) {
      bytes.completeExceptionally(cause);
    }
  }

  @DriverTest(drivers = "uring")
  void vectoredReadsIntoPooledBuffersAllocateNothing(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(8192), READ)) {
      var pool = file.loop().buffers();
      var buffers = new Buffer[] {pool.acquire(4096), pool.acquire(1024)};
      var counting = new Counting();
      counting.file = file;
      file.loop().execute(() -> file.read(buffers, 0, buffers, counting));
      long bytes = Waits.get(counting.bytes, "many reads");
      for (var buffer : buffers) {
        buffer.release();
      }
      // Not a byte for each; the JVM itself may take some now and then.
      assertTrue(bytes < Counting.MEASURED, bytes + " bytes for " + Counting.MEASURED + " reads");
    }
  }
}
