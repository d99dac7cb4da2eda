package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.CompletionHandler;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

class AsyncFileTransferTest {
  private static final int PAGE = 4096;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(String name, int length) throws IOException {
    return Files.write(dir.resolve(name), pattern.bytes(0, length));
  }

  /** Reads until all is there or the file ends. */
  private static int readFully(AsyncFile file, ByteBuffer buffer, long position)
      throws IOException {
    int start = buffer.position();
    while (buffer.hasRemaining()) {
      if (file.read(buffer, position + buffer.position() - start) < 0) {
        break;
      }
    }
    return buffer.position() - start;
  }

  private static void writeFully(AsyncFile file, ByteBuffer buffer, long position)
      throws IOException {
    int start = buffer.position();
    while (buffer.hasRemaining()) {
      file.write(buffer, position + buffer.position() - start);
    }
  }

  @DriverTest
  void readsAtEveryOffsetAndLength(TestRuntime driver) throws Exception {
    int length = 131;
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var reads = new ArrayList<CompletableFuture<Integer>>();
      var buffers = new ArrayList<ByteBuffer>();
      for (int offset = 0; offset <= length + 1; offset++) {
        for (int size = 0; size <= 40; size += 5) {
          var buffer = size % 2 == 0 ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
          buffers.add(buffer);
          reads.add(file.readAsync(buffer, offset));
        }
      }
      int i = 0;
      for (int offset = 0; offset <= length + 1; offset++) {
        for (int size = 0; size <= 40; size += 5) {
          int expected = size == 0 ? 0 : offset >= length ? -1 : Math.min(size, length - offset);
          var what = "read of " + size + " at " + offset;
          assertEquals(expected, Waits.get(reads.get(i), what), what);
          var buffer = buffers.get(i++);
          assertEquals(Math.max(0, expected), buffer.position(), what);
          assertEquals(size, buffer.limit(), what);
          pattern.check(buffer, 0, buffer.position(), offset);
        }
      }
    }
  }

  @DriverTest
  void theOutcomeMovesThePositionAndTouchesNothingElse(TestRuntime driver) throws Exception {
    var path = write("file", 1000);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      for (var buffer :
          new ByteBuffer[] {ByteBuffer.allocate(200), ByteBuffer.allocateDirect(200)}) {
        for (int i = 0; i < 200; i++) {
          buffer.put(i, (byte) 99);
        }
        buffer.position(50).limit(150);
        assertEquals(100, file.read(buffer, 300));
        assertEquals(150, buffer.position());
        assertEquals(150, buffer.limit());
        pattern.check(buffer, 50, 150, 300);
        buffer.clear();
        for (int i = 0; i < 200; i++) {
          if (i < 50 || i >= 150) {
            assertEquals(99, buffer.get(i), "index " + i + " is outside of what was read");
          }
        }
      }
    }
  }

  @DriverTest
  void writesLandWhereTheyShouldFromEveryKindOfBuffer(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE)) {
      var bytes = pattern.bytes(0, 6 * 1000);
      int at = 0;
      var heap = ByteBuffer.wrap(bytes, at, 1000);
      assertEquals(1000, file.write(heap, at));
      assertEquals(1000, heap.position());
      at += 1000;
      var direct = ByteBuffer.allocateDirect(1500).put(300, bytes, at, 1000);
      direct.position(300).limit(1300);
      assertEquals(1000, file.write(direct, at));
      assertEquals(1300, direct.position());
      assertEquals(1300, direct.limit());
      at += 1000;
      assertEquals(1000, file.write(ByteBuffer.wrap(bytes).slice(at, 1000), at));
      at += 1000;
      assertEquals(1000, file.write(direct.clear().put(7, bytes, at, 1000).slice(7, 1000), at));
      at += 1000;
      assertEquals(1000, file.write(ByteBuffer.wrap(bytes, at, 1000).asReadOnlyBuffer(), at));
      at += 1000;
      assertEquals(
          1000,
          file.write(direct.clear().put(0, bytes, at, 1000).limit(1000).asReadOnlyBuffer(), at));
    }
    assertArrayEquals(pattern.bytes(0, 6000), Files.readAllBytes(path));
  }

  @DriverTest
  void readsFillSlicesAndDuplicates(TestRuntime driver) throws Exception {
    var path = write("file", 1000);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      for (var whole :
          new ByteBuffer[] {ByteBuffer.allocate(300), ByteBuffer.allocateDirect(300)}) {
        assertEquals(100, file.read(whole.slice(100, 100), 40));
        assertEquals(100, file.read(whole.duplicate().position(200), 140));
        pattern.check(whole, 100, 300, 40);
        assertEquals(0, whole.position());
      }
    }
  }

  @DriverTest
  void zeroLengthTransfersGiveZero(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      assertEquals(0, file.read(ByteBuffer.allocate(0), 0));
      assertEquals(0, file.read(ByteBuffer.allocateDirect(0), 5));
      assertEquals(0, file.read(ByteBuffer.allocateDirect(8).position(8), 1000));
      assertEquals(0, file.write(ByteBuffer.allocate(0), 0));
      assertEquals(0, file.write(ByteBuffer.allocateDirect(3).position(3), 1000));
      assertEquals(10, file.size());
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var buffer = ByteBuffer.allocate(1);
      assertThrows(IllegalArgumentException.class, () -> file.readAsync(buffer, -1));
      assertThrows(IllegalArgumentException.class, () -> file.writeAsync(buffer, -1));
      assertThrows(IllegalArgumentException.class, () -> file.readAsync(buffer, Long.MIN_VALUE));
      assertThrows(
          ReadOnlyBufferException.class, () -> file.readAsync(buffer.asReadOnlyBuffer(), 0));
      assertThrows(NullPointerException.class, () -> file.readAsync((ByteBuffer) null, 0));
      assertThrows(NullPointerException.class, () -> file.writeAsync((ByteBuffer) null, 0));
      assertThrows(NullPointerException.class, () -> file.readAsync((Buffer) null, 0));
      assertThrows(NullPointerException.class, () -> file.writeAsync((Buffer) null, 0));
      assertThrows(NullPointerException.class, () -> file.read(buffer, 0, "x", null));
      assertThrows(NullPointerException.class, () -> file.write(buffer, 0, "x", null));
      assertThrows(NullPointerException.class, () -> file.force(true, "x", null));
    }
  }

  @DriverTest
  void badArgumentsOnTheLoopsThreadTakeNoSlotForEver(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    var runtime = driver.start(b -> b.shutdownTimeout(java.time.Duration.ofSeconds(1)));
    var file = AsyncFile.open(runtime, path, READ, WRITE);
    var inFlight = new CompletableFuture<Integer>();
    file.loop()
        .execute(
            () -> {
              int before = file.loop().dispatcher().inFlight();
              assertThrows(NullPointerException.class, () -> file.readAsync((ByteBuffer) null, 0));
              assertThrows(NullPointerException.class, () -> file.writeAsync((ByteBuffer) null, 0));
              assertThrows(NullPointerException.class, () -> file.readAsync((Buffer) null, 0));
              assertThrows(NullPointerException.class, () -> file.writeAsync((Buffer) null, 0));
              inFlight.complete(file.loop().dispatcher().inFlight() - before);
            });
    assertEquals(0, Waits.get(inFlight, "a task"), "operations that will never end");
  }

  @DriverTest
  void offsetsBeyondFourGibibytes(TestRuntime driver) throws Exception {
    var path = dir.resolve("sparse");
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE_NEW, SPARSE)) {
      long[] offsets = {
        Integer.MAX_VALUE - 5L, (1L << 32) - 5, (1L << 32) + 12_345, 5L << 32, (1L << 40) + 1
      };
      for (long offset : offsets) {
        for (boolean heap : new boolean[] {true, false}) {
          long at = offset + (heap ? 0 : 1000);
          var out = heap ? ByteBuffer.allocate(100) : ByteBuffer.allocateDirect(100);
          assertEquals(100, file.write(pattern.fill(out, at), at));
          var in = heap ? ByteBuffer.allocate(100) : ByteBuffer.allocateDirect(100);
          assertEquals(100, file.read(in, at));
          pattern.check(in, 0, 100, at);
        }
        assertEquals(offset + 1100, file.size());
        assertEquals(-1, file.read(ByteBuffer.allocate(10), offset + 1100));
      }
      var hole = ByteBuffer.allocate(10);
      assertEquals(10, file.read(hole, 100));
      assertArrayEquals(new byte[10], hole.array());
    }
  }

  @DriverTest
  void theLargestOffsetIsAnEndOfFileOrAnErrorButNothingWorse(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var read = file.readAsync(ByteBuffer.allocateDirect(10), Long.MAX_VALUE);
      Waits.settled(read, "a read at the largest offset");
      var write = file.writeAsync(ByteBuffer.allocateDirect(10), Long.MAX_VALUE);
      var failure = Waits.failure(IOException.class, write, "a write at the largest offset");
      assertTrue(failure.getMessage().contains("E"), failure::getMessage);
      assertEquals(10, file.size());
      assertEquals(10, file.read(ByteBuffer.allocate(10), 0));
    }
  }

  @DriverTest
  void buffersLargerThanThePoolsLargest(TestRuntime driver) throws Exception {
    int length = 5 * (1 << 20) + 123;
    var path = dir.resolve("large");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE_NEW)) {
      for (boolean heap : new boolean[] {true, false}) {
        var out = heap ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
        int salt = heap ? 3 : 7;
        writeFully(file, pattern.fill(out, salt), 0);
        var in = heap ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
        assertEquals(length, readFully(file, in, 0));
        pattern.check(in, 0, length, salt);
      }
      assertEquals(length, file.size());
    }
  }

  @DriverTest
  void manyLargeHeapBuffersAtOnceWaitForRoom(TestRuntime driver) throws Exception {
    int length = 1 << 20;
    int count = 12; // the pool of the tests has 4 MiB
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var buffers = new ArrayList<ByteBuffer>();
      var reads = new ArrayList<CompletableFuture<Integer>>();
      for (int i = 0; i < count; i++) {
        var buffer = ByteBuffer.allocate(length);
        buffers.add(buffer);
        reads.add(file.readAsync(buffer, 0));
      }
      for (int i = 0; i < count; i++) {
        int n = Waits.get(reads.get(i), "read " + i);
        assertEquals(n, buffers.get(i).position());
        assertTrue(n > 0);
        pattern.check(buffers.get(i), 0, n, 0);
      }
    }
  }

  @DriverTest
  void heapBuffersWorkWhenThePoolIsLentOut(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start();
    var lent = new ArrayList<Buffer>();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      for (var b = file.loop().buffers().tryAcquire(1); b != null; ) {
        lent.add(b);
        b = file.loop().buffers().tryAcquire(1);
      }
      var buffer = ByteBuffer.allocate(100);
      assertEquals(100, file.read(buffer, 0));
      pattern.check(buffer, 0, 100, 0);
      assertEquals(100, file.write(ByteBuffer.wrap(pattern.bytes(100, 100)), 100));
      assertArrayEquals(pattern.bytes(0, 200), Files.readAllBytes(path));
    } finally {
      lent.forEach(Buffer::release);
    }
  }

  @DriverTest
  void pooledBuffersReadAndWrite(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE_NEW)) {
      for (var loop : runtime.loops()) { // the file's own, and another's
        try (var buffer = loop.buffers().acquire(10_000)) {
          pattern.fill(buffer.byteBuffer(), 77);
          assertEquals(10_000, Waits.get(file.writeAsync(buffer, 0), "a write"));
          assertEquals(10_000, buffer.byteBuffer().position());
          for (int i = 0; i < 10_000; i++) {
            buffer.byteBuffer().put(i, (byte) 0);
          }
          buffer.byteBuffer().position(16).limit(5_016);
          assertEquals(5_000, Waits.get(file.readAsync(buffer, 1_000), "a read"));
          assertEquals(5_016, buffer.byteBuffer().position());
          assertEquals(5_016, buffer.byteBuffer().limit());
          pattern.check(buffer.byteBuffer(), 16, 5_016, 1_077);
          assertEquals(0, buffer.byteBuffer().get(15));
          assertEquals(0, buffer.byteBuffer().clear().get(5_016));
          buffer.byteBuffer().position(0);
          assertEquals(-1, Waits.get(file.readAsync(buffer, 10_000), "a read at the end"));
        }
      }
    }
  }

  @DriverTest
  void aPooledBufferReleasedDuringItsOperationGoesHomeOnlyAfterwards(TestRuntime driver)
      throws Exception {
    var path = write("file", PAGE);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      var pool = file.loop().buffers();
      var done = new CompletableFuture<Integer>();
      file.loop()
          .execute(
              () -> {
                var buffer = pool.acquire(PAGE);
                var read = file.readAsync(buffer, 0);
                buffer.release();
                var other = pool.acquire(PAGE);
                if (other == buffer) {
                  done.completeExceptionally(new AssertionError("lent while being read into"));
                }
                other.release();
                var _ =
                    read.whenComplete(
                        (n, failure) -> {
                          if (failure == null) {
                            done.complete(n);
                          } else {
                            done.completeExceptionally(failure);
                          }
                        });
              });
      assertEquals(PAGE, Waits.get(done, "the read"));
      assertEquals(0, pool.lentBytes());
    }
  }

  @DriverTest
  void aReleasedBufferIsRefused(TestRuntime driver) throws Exception {
    var path = write("file", PAGE);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var buffer = file.loop().buffers().acquire(PAGE);
      buffer.release();
      assertThrows(IllegalStateException.class, () -> file.readAsync(buffer, 0));
      assertThrows(IllegalStateException.class, () -> file.writeAsync(buffer, 0));
      var onLoop = new CompletableFuture<Throwable>();
      file.loop()
          .execute(
              () ->
                  onLoop.complete(assertThrows(Throwable.class, () -> file.readAsync(buffer, 0))));
      assertSame(IllegalStateException.class, Waits.get(onLoop, "the refusal").getClass());
    }
  }

  @DriverTest
  void manyPooledReadsAreRightWhenEachBufferIsReusedAtOnce(TestRuntime driver) throws Exception {
    int blocks = 256;
    var path = write("file", blocks * PAGE);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      int total = 3_000;
      var random = Seeds.random(11);
      var left = new AtomicInteger(total);
      var done = new CompletableFuture<Void>();
      var loop = file.loop();
      var reader =
          new io.gyre.IoHandler<Buffer>() {
            private int started;

            void next() {
              if (started == total) {
                return;
              }
              started++;
              var buffer = loop.buffers().acquire(PAGE);
              int block = random.nextInt(blocks);
              buffer.byteBuffer().putLong(0, -1);
              file.read(buffer, (long) block * PAGE, buffer, new Check(block, this));
            }

            @Override
            public void completed(int result, Buffer buffer) {
              buffer.release();
              if (left.decrementAndGet() == 0) {
                done.complete(null);
              }
              next();
            }

            @Override
            public void failed(Throwable cause, Buffer buffer) {
              done.completeExceptionally(cause);
            }
          };
      loop.execute(
          () -> {
            for (int i = 0; i < 32; i++) {
              reader.next();
            }
          });
      Waits.get(done, total + " reads");
    }
  }

  /** Checks a block and passes it on. */
  private final class Check implements io.gyre.IoHandler<Buffer> {
    private final int block;
    private final io.gyre.IoHandler<Buffer> next;

    Check(int block, io.gyre.IoHandler<Buffer> next) {
      this.block = block;
      this.next = next;
    }

    @Override
    public void completed(int result, Buffer buffer) {
      try {
        assertEquals(PAGE, result);
        pattern.check(buffer.byteBuffer(), 0, PAGE, (long) block * PAGE);
        next.completed(result, buffer);
      } catch (AssertionError e) {
        next.failed(e, buffer);
      }
    }

    @Override
    public void failed(Throwable cause, Buffer buffer) {
      next.failed(cause, buffer);
    }
  }

  @DriverTest
  void manyConcurrentRandomReadsFromManyThreads(TestRuntime driver) throws Exception {
    int length = 1 << 20;
    var path = write("file", length);
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var files = new ArrayList<AsyncFile>();
    for (int i = 0; i < 3; i++) {
      files.add(AsyncFile.open(runtime, path, READ));
    }
    var failures = new java.util.concurrent.ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Thread>();
    for (int t = 0; t < 4; t++) {
      int salt = t;
      Runnable work = () -> randomReads(files, length, salt, failures);
      threads.add(t < 2 ? Thread.ofPlatform().start(work) : Thread.ofVirtual().start(work));
    }
    threads.forEach(Waits::join);
    assertTrue(failures.isEmpty(), () -> "seed " + Seeds.SEED + ": " + failures);
    for (var file : files) {
      file.close();
    }
  }

  private void randomReads(
      List<AsyncFile> files, int length, int salt, java.util.Collection<Throwable> failures) {
    var random = Seeds.random(salt);
    try {
      for (int i = 0; i < 30; i++) {
        var reads = new ArrayList<CompletableFuture<Integer>>();
        var buffers = new ArrayList<ByteBuffer>();
        var offsets = new ArrayList<Integer>();
        for (int k = 0; k < 16; k++) {
          int size = 1 + random.nextInt(9_000);
          var buffer =
              random.nextBoolean() ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
          int offset = random.nextInt(length);
          buffers.add(buffer);
          offsets.add(offset);
          reads.add(files.get(random.nextInt(files.size())).readAsync(buffer, offset));
        }
        for (int k = 0; k < 16; k++) {
          int n = Waits.get(reads.get(k), "a read");
          assertEquals(Math.min(buffers.get(k).capacity(), length - offsets.get(k)), n);
          pattern.check(buffers.get(k), 0, n, offsets.get(k));
        }
      }
    } catch (Throwable e) {
      failures.add(e);
    }
  }

  @DriverTest
  void manyConcurrentWritesLandEachInItsPlace(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    int block = 1_000;
    int count = 500;
    try (var file = AsyncFile.open(driver.start(), path, WRITE, CREATE_NEW)) {
      var order = new ArrayList<Integer>();
      for (int i = 0; i < count; i++) {
        order.add(i);
      }
      java.util.Collections.shuffle(order, Seeds.random(5));
      var recorder = new Recorder<Integer>();
      for (int i : order) {
        long at = (long) i * block;
        var buffer = i % 2 == 0 ? ByteBuffer.allocate(block) : ByteBuffer.allocateDirect(block);
        file.write(pattern.fill(buffer, at), at, i, recorder);
      }
      recorder.await(count);
      recorder.checkExactlyOnce(count);
      for (var outcome : recorder.outcomes()) {
        assertEquals(block, outcome.result(), () -> outcome.toString());
        assertSame(file.loop().thread(), outcome.thread());
      }
    }
    assertArrayEquals(pattern.bytes(0, block * count), Files.readAllBytes(path));
  }

  @DriverTest
  void appendWritesAtTheEndWhateverThePosition(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    try (var file = AsyncFile.open(driver.start(), path, APPEND)) {
      assertEquals(5, file.write(ByteBuffer.wrap(pattern.bytes(10, 5)), 0));
      var direct = ByteBuffer.allocateDirect(5).put(pattern.bytes(15, 5)).flip();
      assertEquals(5, file.write(direct, 3));
      try (var buffer = file.loop().buffers().acquire(5)) {
        pattern.fill(buffer.byteBuffer(), 20);
        assertEquals(5, Waits.get(file.writeAsync(buffer, 1_000_000), "a pooled write"));
      }
      assertEquals(25, file.size());
    }
    assertArrayEquals(pattern.bytes(0, 25), Files.readAllBytes(path));
  }

  @DriverTest
  void writingBeyondTheEndLeavesAHoleOfZeroes(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, WRITE, CREATE)) {
      assertEquals(1, file.write(ByteBuffer.wrap(new byte[] {7}), 100));
      assertEquals(101, file.size());
    }
    var expected = new byte[101];
    expected[100] = 7;
    assertArrayEquals(expected, Files.readAllBytes(path));
  }

  @DriverTest
  void sizeFollowsWhatIsWrittenAndTruncated(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE)) {
      assertEquals(0, file.size());
      file.write(ByteBuffer.allocate(1234), 0);
      assertEquals(1234L, Waits.get(file.sizeAsync(), "the size"));
      try (var channel = java.nio.channels.FileChannel.open(path, WRITE)) {
        channel.truncate(99);
      }
      assertEquals(99, file.size());
      assertEquals(-1, file.read(ByteBuffer.allocate(10), 99), "the end has moved");
      Files.delete(path);
      assertEquals(99, file.size(), "an unlinked file lives on");
      assertEquals(10, file.read(ByteBuffer.allocate(10), 0));
    }
  }

  @DriverTest
  void forceWorksWithAndWithoutMetadataInEachStyle(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, WRITE, CREATE)) {
      file.write(ByteBuffer.allocate(1234), 0);
      file.force(true);
      file.force(false);
      Waits.get(file.forceAsync(true), "fsync");
      var recorder = new Recorder<String>();
      file.force(false, "x", recorder);
      assertEquals(0, recorder.awaitOne().result());
    }
  }

  @DriverTest
  void aFailingForceNamesOperationPathAndErrno(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/proc/self/stat"), READ)) {
      var failure = assertThrows(FileSystemException.class, () -> file.force(true));
      assertTrue(failure.getMessage().contains("/proc/self/stat"), failure::getMessage);
      assertTrue(failure.getMessage().contains("fsync"), failure::getMessage);
      assertTrue(failure.getMessage().contains("EINVAL"), failure::getMessage);
    }
  }

  @DriverTest
  void filesOfProcAreReadToTheirEnd(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/proc/self/cmdline"), READ)) {
      var buffer = ByteBuffer.allocate(1 << 17);
      int n = readFully(file, buffer, 0);
      var expected = Files.readAllBytes(Path.of("/proc/self/cmdline"));
      assertArrayEquals(expected, java.util.Arrays.copyOf(buffer.array(), n));
    }
  }

  @DriverTest
  void directAccessWorksWhenAligned(TestRuntime driver) throws Exception {
    var path = dir.resolve("direct");
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE_NEW, AsyncFile.DIRECT)) {
      try (var buffer = file.loop().buffers().acquire(2 * PAGE)) {
        pattern.fill(buffer.byteBuffer(), 0);
        assertEquals(2 * PAGE, Waits.get(file.writeAsync(buffer, 0), "a pooled write"));
        buffer.byteBuffer().clear();
        pattern.fill(buffer.byteBuffer(), 1);
        buffer.byteBuffer().limit(PAGE);
        assertEquals(PAGE, Waits.get(file.readAsync(buffer, PAGE), "a pooled read"));
        pattern.check(buffer.byteBuffer(), 0, PAGE, PAGE);
      }
      var aligned = ByteBuffer.allocateDirect(3 * PAGE).alignedSlice(PAGE).limit(PAGE);
      assertEquals(PAGE, file.read(aligned, 0));
      pattern.check(aligned, 0, PAGE, 0);
      var heap = ByteBuffer.allocate(PAGE);
      assertEquals(PAGE, file.read(heap, 0), "a heap buffer is copied through aligned memory");
      pattern.check(heap, 0, PAGE, 0);
      assertEquals(-1, file.read(aligned.clear().limit(PAGE), 2 * PAGE));
    }
  }

  @DriverTest
  void misalignedDirectAccessFailsAndIsExplained(TestRuntime driver) throws Exception {
    var path = write("direct", 3 * PAGE);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE, AsyncFile.DIRECT)) {
      var aligned = ByteBuffer.allocateDirect(3 * PAGE).alignedSlice(PAGE);
      var failures =
          new Throwable[] {
            Waits.failure(file.readAsync(aligned.limit(PAGE).duplicate(), 100), "odd offset"),
            Waits.failure(file.readAsync(aligned.slice(0, 100), 0), "odd length"),
            Waits.failure(file.writeAsync(aligned.slice(0, 100), 0), "odd length written")
          };
      for (var failure : failures) {
        assertTrue(failure instanceof FileSystemException, failure::toString);
        assertTrue(failure.getMessage().contains(path.toString()), failure::getMessage);
        assertTrue(failure.getMessage().contains("EINVAL"), failure::getMessage);
        assertTrue(failure.getMessage().contains("O_DIRECT"), failure::getMessage);
      }
    }
  }

  @DriverTest
  void theThreeStylesGiveTheSame(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      assertEquals(100, file.read(ByteBuffer.allocate(200), 0));
      assertEquals(100, Waits.get(file.readAsync(ByteBuffer.allocate(200), 0), "a future"));
      var recorder = new Recorder<String>();
      file.read(ByteBuffer.allocate(200), 0, "callback", recorder);
      var outcome = recorder.awaitOne();
      assertEquals(100, outcome.result());
      assertEquals("callback", outcome.attachment());
      assertSame(file.loop().thread(), outcome.thread());
      var virtual = new CompletableFuture<Integer>();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  virtual.complete(file.read(ByteBuffer.allocate(200), 0));
                } catch (IOException e) {
                  virtual.completeExceptionally(e);
                }
              });
      assertEquals(100, Waits.get(virtual, "a virtual thread"));
    }
  }

  @DriverTest
  void waitingOnTheLoopsThreadIsRefusedBeforeAnythingStarts(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var refused = new CompletableFuture<Integer>();
      file.loop()
          .execute(
              () -> {
                int before = file.loop().dispatcher().inFlight();
                var buffer = ByteBuffer.wrap(new byte[] {1, 2, 3});
                assertThrows(IllegalStateException.class, () -> file.read(buffer, 0));
                assertThrows(IllegalStateException.class, () -> file.write(buffer, 0));
                assertThrows(IllegalStateException.class, file::size);
                assertThrows(IllegalStateException.class, () -> file.force(true));
                refused.complete(file.loop().dispatcher().inFlight() - before);
              });
      int started = Waits.get(refused, "four refusals");
      assertEquals(100, file.size());
      assertArrayEquals(pattern.bytes(0, 100), Files.readAllBytes(path), "the refused write wrote");
      assertEquals(0, started, "operations that were started by calls that were refused");
    }
  }

  @DriverTest
  void handlersMayReadAgain(TestRuntime driver) throws Exception {
    int length = 5_000;
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var whole = ByteBuffer.allocate(length + 10);
      var done = new CompletableFuture<Integer>();
      file.read(
          whole.slice(0, 7),
          0,
          0,
          new io.gyre.IoHandler<Integer>() {
            @Override
            public void completed(int n, Integer at) {
              if (n < 0) {
                done.complete(at);
              } else {
                file.read(whole.slice(at + n, 7), at + n, at + n, this);
              }
            }

            @Override
            public void failed(Throwable cause, Integer at) {
              done.completeExceptionally(cause);
            }
          });
      assertEquals(length, Waits.get(done, "a chain of reads"));
      pattern.check(whole, 0, length, 0);
    }
  }

  @DriverTest
  void sizeInTheCallbackStyle(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      var size = new CompletableFuture<Long>();
      file.size(
          "attachment",
          new CompletionHandler<Long, String>() {
            @Override
            public void completed(Long result, String attachment) {
              size.complete(file.loop().inLoop() ? result : Long.valueOf(-1));
            }

            @Override
            public void failed(Throwable cause, String attachment) {
              size.completeExceptionally(cause);
            }
          });
      assertEquals(100L, Waits.get(size, "the size"));
    }
  }

  @DriverTest
  void buffersOfAPoolOfAnotherRuntimeWork(TestRuntime driver) throws Exception {
    var path = write("file", BufferPool.MAX_BUFFER_BYTES);
    IoRuntime runtime = driver.start();
    IoRuntime other = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ);
        var buffer = other.loop().buffers().acquire(BufferPool.MAX_BUFFER_BYTES)) {
      int n = Waits.get(file.readAsync(buffer, 0), "a read");
      pattern.check(buffer.byteBuffer(), 0, n, 0);
      assertTrue(n > 0);
    }
  }
}
