package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
import io.gyre.fs.WriteBehind.Sync;
import io.gyre.testing.ChildJvm;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockWriterTest {
  private static final int PAGE = 4096;
  private static final List<Sync> SYNCS = List.of(Sync.values());

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private AsyncFile create(IoRuntime runtime) throws IOException {
    return AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE, CREATE);
  }

  private Path fifo() throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    return path;
  }

  /** Offers the pattern, as long as there is room, and again when it is called for more. */
  private class Feeding implements BlockWriteHandler<Object> {
    final CompletableFuture<Long> end = new CompletableFuture<>();
    final CompletableFuture<BlockWriter<Object>> writer = new CompletableFuture<>();
    private final EventLoop loop;
    private final long total;
    private final IntSupplier sizes;
    private long offered;
    volatile long progress;
    volatile long reported = -1;
    volatile int drains;

    Feeding(AsyncFile file, WriteBehind how, long total, IntSupplier sizes) {
      this.loop = file.loop();
      this.total = total;
      this.sizes = sizes;
      Waits.onLoop(
          loop,
          () -> {
            writer.complete(file.writeBlocks(how, null, this));
            feed();
            return null;
          });
    }

    final void feed() {
      boolean room = true;
      while (room && offered < total) {
        int bytes = (int) Math.min(sizes.getAsInt(), total - offered);
        var block = loop.buffers().tryAcquire(Math.max(1, bytes));
        assertFalse(block == null, "the pool is too small for this test");
        block.byteBuffer().limit(bytes);
        pattern.fill(block.byteBuffer(), offered);
        offered += bytes;
        room = writer.join().offer(block);
      }
      if (offered == total) {
        writer.join().finish();
      }
    }

    @Override
    public void drained(Object attachment) {
      int before = drains;
      drains = before + 1;
      feed();
    }

    @Override
    public void written(long bytes, Object attachment) {
      assertTrue(bytes > progress, "what is written grows");
      progress = bytes;
    }

    @Override
    public void ended(long bytes, Object attachment) {
      reported = bytes;
      if (!end.complete(bytes)) {
        throw new AssertionError("told the end twice");
      }
    }

    @Override
    public void failed(Throwable cause, long bytes, Object attachment) {
      reported = bytes;
      if (!end.completeExceptionally(cause)) {
        throw new AssertionError("told the end twice", cause);
      }
    }

    Throwable awaitFailure() {
      Waits.settled(end, "the failure");
      return end.handle((bytes, failure) -> failure).join();
    }
  }

  private static final BlockWriteHandler<Object> IGNORING =
      new BlockWriteHandler<>() {
        @Override
        public void drained(Object attachment) {
          // offers nothing
        }

        @Override
        public void ended(long bytes, Object attachment) {
          throw new AssertionError("nobody said that this is all");
        }

        @Override
        public void failed(Throwable cause, long bytes, Object attachment) {
          // the file was closed
        }
      };

  private static void awaitNothingLent(EventLoop loop) {
    Waits.until(() -> loop.buffers() + " gets all back", () -> loop.buffers().lentBytes() == 0);
  }

  private void check(long length) throws IOException {
    var bytes = Files.readAllBytes(dir.resolve("file"));
    assertEquals(length, bytes.length);
    pattern.check(bytes, 0, bytes.length, 0);
  }

  @DriverTest
  void blocksOfRandomSizesLandOneBehindTheOther(TestRuntime driver) throws Exception {
    var random = Seeds.random(5);
    var runtime = driver.start();
    for (int round = 0; round < 20; round++) {
      long total = random.nextInt(300_000);
      var how =
          WriteBehind.DEFAULT
              .depth(1 + random.nextInt(8))
              .sync(SYNCS.get(random.nextInt(SYNCS.size())));
      Files.deleteIfExists(dir.resolve("file"));
      try (var file = create(runtime)) {
        var sizes = Seeds.random(round);
        int most = 1 + random.nextInt(60_000);
        var feeding = new Feeding(file, how, total, () -> sizes.nextInt(most + 1));
        assertEquals(total, Waits.get(feeding.end, how.toString()));
        assertEquals(total, feeding.writer.join().written());
        assertEquals(total, feeding.progress);
        check(total);
        awaitNothingLent(file.loop());
      }
    }
  }

  @DriverTest
  void whoIsToldThatThereIsNoRoomIsCalledWhenThereIs(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT.depth(4), 40 * PAGE, () -> PAGE);
      assertEquals(40L * PAGE, Waits.get(feeding.end, "the end"));
      assertTrue(feeding.drains >= 9, () -> feeding.drains + " calls for at most 4 blocks each");
      check(40 * PAGE);
    }
  }

  @DriverTest
  void offersOutOfPlaceAreRefusedAndLeaveTheBlockToTheCaller(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var loop = file.loop();
      var feeding = new Feeding(file, WriteBehind.DEFAULT.depth(1), 10, () -> 10);
      var writer = feeding.writer.join();
      try (var block = loop.buffers().acquireAsync(10).join()) {
        assertThrows(IllegalStateException.class, () -> writer.offer(block));
        Waits.get(feeding.end, "the end");
        var failure =
            Waits.onLoop(
                loop, () -> assertThrows(IllegalStateException.class, () -> writer.offer(block)));
        assertTrue(failure.getMessage().contains("after the last"), failure::getMessage);
      }
      Waits.onLoop(
          loop,
          () -> {
            var other = file.writeBlocks(WriteBehind.DEFAULT.depth(1).at(10), null, IGNORING);
            var block = loop.buffers().acquire(10);
            assertFalse(other.offer(pattern(block, 10)));
            var second = loop.buffers().acquire(10);
            assertThrows(IllegalStateException.class, () -> other.offer(second));
            second.release();
            return null;
          });
      awaitNothingLent(loop);
    }
  }

  private Buffer pattern(Buffer block, long position) {
    pattern.fill(block.byteBuffer(), position);
    return block;
  }

  @DriverTest
  void filesOpenedToAppendAndPipesAreWrittenInOrder(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var path = Files.write(dir.resolve("file"), new byte[0]);
    try (var file = AsyncFile.open(runtime, path, APPEND)) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT.depth(8), 300_000, () -> 1000);
      assertEquals(300_000, Waits.get(feeding.end, "the end"));
      check(300_000);
    }
    var pipe = fifo();
    var reader =
        CompletableFuture.supplyAsync(() -> readAll(pipe), r -> Thread.ofPlatform().start(r));
    // Also to read, so that the open waits for nobody.
    try (var file = AsyncFile.open(runtime, pipe, READ, WRITE)) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT.depth(8), 300_000, () -> 30_000);
      assertEquals(300_000, Waits.get(feeding.end, "the end"));
    }
    assertArrayEquals(pattern.bytes(0, 300_000), Waits.get(reader, "what came out"));
  }

  private static byte[] readAll(Path path) {
    try {
      return Files.readAllBytes(path);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @DriverTest
  void aFileWithoutANameIsWrittenToo(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      Files.delete(dir.resolve("file"));
      var feeding = new Feeding(file, WriteBehind.DEFAULT, 100_000, () -> 1000);
      assertEquals(100_000, Waits.get(feeding.end, "the end"));
      var bytes = ByteBuffer.allocate(100_000);
      while (bytes.hasRemaining()) {
        assertTrue(file.read(bytes, bytes.position()) > 0);
      }
      pattern.check(bytes, 0, 100_000, 0);
    }
  }

  @DriverTest
  void offsetsBeyondFourGibibytesAreExact(TestRuntime driver) throws Exception {
    long far = (5L << 30) + 7;
    try (var file = create(driver.start())) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT.at(far), 50_000, () -> 7000);
      assertEquals(50_000, Waits.get(feeding.end, "the end"));
      assertEquals(far + 50_000, file.size());
      try (var in = file.inputStream(ReadAhead.DEFAULT.from(far))) {
        assertArrayEquals(pattern.bytes(0, 50_000), in.readAllBytes());
      }
    }
  }

  @DriverTest
  void aFullDiskIsNamedAndSoIsWhatWentIn(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/dev/full"), WRITE)) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT, 100_000, () -> 1000);
      var cause = assertInstanceOf(FileSystemException.class, feeding.awaitFailure());
      assertTrue(cause.getMessage().contains("ENOSPC"), cause::getMessage);
      assertEquals(0, feeding.reported);
      awaitNothingLent(file.loop());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLimitInTheMiddleOfABlockIsReportedToTheByte(DriverConfiguration configuration)
      throws Exception {
    int limit = 123_456;
    ChildJvm.of(
            LimitedWrites.class, configuration.name(), dir.resolve("file").toString(), "" + limit)
        .under("prlimit", "--fsize=" + limit)
        .run()
        .checkSucceeded()
        .checkSaid("checked");
  }

  @DriverTest
  void anAbortEndsTheWritingAndGivesEverythingBack(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var feeding = new Feeding(file, WriteBehind.DEFAULT, Long.MAX_VALUE >> 10, () -> PAGE);
      Waits.until("some progress", () -> feeding.progress > 10 * PAGE);
      feeding.writer.join().abort();
      feeding.writer.join().abort();
      assertInstanceOf(CancellationException.class, feeding.awaitFailure());
      awaitNothingLent(file.loop());
      assertTrue(feeding.reported >= feeding.progress);
      assertTrue(file.size() >= feeding.reported);
      try (var in = file.inputStream(ReadAhead.DEFAULT.length(feeding.reported))) {
        var bytes = in.readAllBytes();
        assertEquals(feeding.reported, bytes.length);
        pattern.check(bytes, 0, bytes.length, 0);
      }
      file.loop().execute(() -> assertFalse(feeding.writer.join().offer(one(file.loop()))));
      awaitNothingLent(file.loop());
    }
  }

  private static Buffer one(EventLoop loop) {
    return loop.buffers().acquire(1);
  }

  @DriverTest
  void aCloseOfTheFileIsToldToAWriterWithNothingInFlight(TestRuntime driver) throws Exception {
    var file = create(driver.start());
    var idle =
        new Feeding(file, WriteBehind.DEFAULT, 1000, () -> 10) {
          @Override
          public void drained(Object attachment) {
            // offers nothing more
          }
        };
    Waits.until("the first blocks", () -> idle.progress == 40);
    file.close();
    assertInstanceOf(ClosedChannelException.class, idle.awaitFailure());
    assertEquals(40, idle.reported);
    awaitNothingLent(file.loop());

    var late = new Feeding(file, WriteBehind.DEFAULT, 1000, () -> 10);
    assertInstanceOf(ClosedChannelException.class, late.awaitFailure());
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void theEndOfTheRuntimeIsToldOnceAndNothingIsLeft(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = create(runtime);
    var feeding = new Feeding(file, WriteBehind.DEFAULT, Long.MAX_VALUE >> 10, () -> PAGE);
    Waits.until("some progress", () -> feeding.progress > 10 * PAGE);
    driver.closeAndWait(runtime);
    feeding.awaitFailure();
    assertEquals(0, runtime.loop().buffers().lentBytes());
    feeding.writer.join().abort();
    feeding.writer.join().finish();
  }

  @DriverTest(drivers = "uring") // on NIO a write that has begun runs to its end
  void aCloseDoesNotWaitForAPipeThatNobodyReads(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), fifo(), READ, WRITE);
    var feeding = new Feeding(file, WriteBehind.DEFAULT, 10_000_000, () -> 60_000);
    Waits.until("a pipe that is full", () -> feeding.progress >= 60_000);
    file.close();
    assertInstanceOf(ClosedChannelException.class, feeding.awaitFailure());
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void aScopeCoversTheWriterThatWasBegunInIt(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var scope = new CancelScope();
      var feeding = new CompletableFuture<Feeding>();
      scope.run(
          () ->
              feeding.complete(
                  new Feeding(file, WriteBehind.DEFAULT, Long.MAX_VALUE >> 10, () -> PAGE)));
      Waits.until("some progress", () -> feeding.join().progress > 10 * PAGE);
      scope.cancel();
      assertInstanceOf(CancellationException.class, feeding.join().awaitFailure());
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aHandlerThatThrowsEndsTheWritingAndNotTheLoop(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    try (var file = create(driver.start())) {
      var meant = new IllegalStateException("meant");
      var feeding =
          new Feeding(file, WriteBehind.DEFAULT, 100 * PAGE, () -> PAGE) {
            @Override
            public void drained(Object attachment) {
              throw meant;
            }
          };
      assertEquals(meant, feeding.awaitFailure());
      Waits.until("the exception", () -> thrown.contains(meant));
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var whole = WriteBehind.DEFAULT;
    assertThrows(IllegalArgumentException.class, () -> whole.at(-1));
    assertThrows(IllegalArgumentException.class, () -> whole.blockBytes(0));
    assertThrows(IllegalArgumentException.class, () -> whole.depth(0));
    assertThrows(NullPointerException.class, () -> whole.sync(null));
    var path = Files.write(dir.resolve("file"), new byte[1]);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      assertThrows(NonWritableChannelException.class, () -> file.outputStream(whole));
      assertThrows(NonWritableChannelException.class, () -> file.subscriber(whole));
      assertThrows(NullPointerException.class, () -> file.writeBlocks(whole, null, null));
    }
  }

  /** Offers blocks of a byte, and looks at what the loop's thread has allocated. */
  private static final class Measuring implements BlockWriteHandler<Object> {
    private static final int WARM_UP = 30_000;
    private static final int MEASURED = 10_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> allocated = new CompletableFuture<>();
    BlockWriter<Object> writer;
    EventLoop loop;
    private int offered;
    private long before;
    private long bytes;

    @Override
    public void drained(Object attachment) {
      boolean room = true;
      while (room && offered < WARM_UP + MEASURED) {
        room = writer.offer(loop.buffers().acquire(1));
        offered++;
        if (offered == WARM_UP) {
          before = THREADS.getCurrentThreadAllocatedBytes();
        }
      }
      if (offered == WARM_UP + MEASURED) {
        bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
        writer.finish();
      }
    }

    @Override
    public void ended(long written, Object attachment) {
      allocated.complete(bytes);
    }

    @Override
    public void failed(Throwable cause, long written, Object attachment) {
      allocated.completeExceptionally(cause);
    }
  }

  @DriverTest(drivers = "uring")
  void blocksAllocateNothing(TestRuntime driver) throws Exception {
    try (var file = create(driver.start(b -> b.leakDetection(LeakDetection.OFF)))) {
      var measuring = new Measuring();
      measuring.loop = file.loop();
      file.loop()
          .execute(
              () -> {
                measuring.writer = file.writeBlocks(WriteBehind.DEFAULT, null, measuring);
                measuring.drained(null);
              });
      long bytes = Waits.get(measuring.allocated, "many blocks");
      // Not a byte for each; the JVM itself may take some now and then.
      assertTrue(bytes < Measuring.MEASURED, bytes + " bytes for " + Measuring.MEASURED);
    }
  }

  @DriverTest
  void aBlockThatIsReleasedAfterItWasOfferedIsWrittenAllTheSame(TestRuntime driver)
      throws Exception {
    try (var file = create(driver.start())) {
      var end = new CompletableFuture<Long>();
      Waits.onLoop(
          file.loop(),
          () -> {
            var writer =
                file.writeBlocks(
                    WriteBehind.DEFAULT,
                    end,
                    new BlockWriteHandler<CompletableFuture<Long>>() {
                      @Override
                      public void drained(CompletableFuture<Long> told) {}

                      @Override
                      public void ended(long bytes, CompletableFuture<Long> told) {
                        told.complete(bytes);
                      }

                      @Override
                      public void failed(
                          Throwable cause, long bytes, CompletableFuture<Long> told) {
                        told.completeExceptionally(cause);
                      }
                    });
            var block = file.loop().buffers().acquire(PAGE);
            pattern.fill(block.byteBuffer(), 0);
            writer.offer(block);
            assertThrows(IllegalStateException.class, block::release, "it is the writer's");
            writer.finish();
            return null;
          });
      assertEquals(PAGE, Waits.get(end, "the end"));
      pattern.check(Files.readAllBytes(dir.resolve("file")), 0, PAGE, 0);
    }
  }
}
