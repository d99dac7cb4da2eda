package io.gyre.fs;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

/** Plain reads: those that the calling thread does by itself, and those that it leaves to an operation. */
class WaitingReadTest {
  private static final int PAGE = 4096;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(String name, int length) throws IOException {
    return Files.write(dir.resolve(name), pattern.bytes(0, length));
  }

  /** Whether this file system can tell what is in the cache, asked in another way. */
  private static boolean canTell(AsyncFile file) {
    var read = file.readAsync(ByteBuffer.allocateDirect(1), 0, Set.of(TransferOption.NOWAIT));
    Waits.settled(read, "a read that does not wait");
    return !read.isCompletedExceptionally();
  }

  private static long inline(EventLoop loop) {
    return loop.stats().inlineReads();
  }

  @DriverTest
  void whatIsInTheCacheIsReadWithoutTheLoop(TestRuntime driver) throws Exception {
    int length = 3 * PAGE;
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      boolean canTell = canTell(file);
      assertTrue(driver.isUring() || !canTell);
      var loop = file.loop();
      file.size(); // so that nothing of what was before is under way
      var before = loop.stats();
      var buffer = ByteBuffer.allocateDirect(PAGE);
      for (int i = 0; i < 10; i++) {
        assertEquals(PAGE, file.read(buffer.clear(), i));
        pattern.check(buffer, 0, PAGE, i);
        file.readFully(buffer.clear(), PAGE + i);
        pattern.check(buffer, 0, PAGE, PAGE + i);
        assertEquals(PAGE, file.position(i).read(buffer.clear()));
        pattern.check(buffer, 0, PAGE, i);
        assertEquals(-1, file.read(buffer.clear(), length));
        var pooled = loop.buffers().acquire(100);
        pooled.byteBuffer().limit(100);
        file.readFully(pooled, i);
        pattern.check(pooled.byteBuffer(), 0, 100, i);
        pooled.release();
      }
      var after = loop.stats();
      assertEquals(canTell ? 50 : 0, after.inlineReads() - before.inlineReads());
      if (canTell) {
        assertEquals(before.tasks(), after.tasks());
        assertEquals(before.wakeUpsSent(), after.wakeUpsSent());
      }
    }
  }

  @DriverTest
  void everyKindOfMemoryIsFilledAsByAnOperation(TestRuntime driver) throws Exception {
    int length = 300_000;
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ);
        var shared = Arena.ofShared()) {
      var buffers =
          List.of(
              ByteBuffer.allocate(200_000),
              ByteBuffer.allocateDirect(200_000),
              ByteBuffer.allocate(200_100).slice(50, 200_000),
              ByteBuffer.allocateDirect(200_100).slice(50, 200_000),
              shared.allocate(200_000).asByteBuffer());
      for (var buffer : buffers) {
        for (int offset : new int[] {0, 1, PAGE - 1, length - 150_000, length - 1, length}) {
          for (int begin : new int[] {0, 7, 199_999, 200_000}) {
            buffer.clear().position(begin);
            int expected = Math.min(200_000 - begin, length - offset);
            int count = file.read(buffer, offset);
            var what = count + " bytes at " + offset + " into " + buffer;
            assertEquals(expected == 0 && begin < 200_000 ? -1 : expected, count, what);
            assertEquals(begin + expected, buffer.position(), what);
            assertEquals(200_000, buffer.limit(), what);
            pattern.check(buffer, begin, begin + expected, offset);
          }
        }
        assertThrows(EOFException.class, () -> file.readFully(buffer.clear(), length - 10));
        assertEquals(10, buffer.position());
      }
    }
  }

  @DriverTest
  void whatIsOnlyInPartInTheCacheIsReadAsAWhole(TestRuntime driver) throws Exception {
    int length = 64 * PAGE;
    var path = write("file", length);
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(length);
      for (int cached = 0; cached <= 4; cached++) {
        file.force(true); // what is dirty stays in the cache
        file.advise(0, 0, Advice.DONT_NEED);
        file.advise(0, 0, Advice.RANDOM); // no reading ahead
        if (cached > 0) {
          file.read(ByteBuffer.allocate(cached * PAGE), 0);
        }
        assertEquals(length, file.read(buffer.clear(), 0));
        pattern.check(buffer, 0, length, 0);
        file.advise(0, 0, Advice.DONT_NEED);
        file.readFully(buffer.clear(), 0);
        pattern.check(buffer, 0, length, 0);
      }
    }
  }

  @DriverTest
  void virtualThreadsReadByThemselves(TestRuntime driver) throws Exception {
    var path = write("file", 100 * PAGE);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      boolean canTell = canTell(file);
      long before = inline(file.loop());
      var reads = new ArrayList<CompletableFuture<Void>>();
      for (int i = 0; i < 50; i++) {
        int thread = i;
        var done = new CompletableFuture<Void>();
        reads.add(done);
        Thread.startVirtualThread(
            () -> {
              try {
                var buffer = ByteBuffer.allocate(PAGE);
                for (int k = 0; k < 100; k++) {
                  int at = (thread + k) % 100 * PAGE;
                  file.readFully(buffer.clear(), at);
                  pattern.check(buffer, 0, PAGE, at);
                }
                done.complete(null);
              } catch (Throwable t) {
                done.completeExceptionally(t);
              }
            });
      }
      for (var read : reads) {
        Waits.get(read, "the reads of a virtual thread");
      }
      assertEquals(canTell ? 5000 : 0, inline(file.loop()) - before);
    }
  }

  @DriverTest
  void aCloseWaitsForReadersAndNoneReadsAnothersFile(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var mine = write("mine", PAGE);
    var others = new Pattern(Seeds.SEED + 1);
    var other = Files.write(dir.resolve("other"), others.bytes(0, PAGE));
    for (int round = 0; round < 50; round++) {
      var file = AsyncFile.open(runtime, mine, READ);
      var begun = new CountDownLatch(2);
      var readers = new ArrayList<CompletableFuture<Void>>();
      for (int i = 0; i < 2; i++) {
        readers.add(
            CompletableFuture.runAsync(
                () -> readUntilClosed(file, begun), Thread::startVirtualThread));
      }
      Waits.await(begun, "two readers");
      file.close();
      // The number is free again: whoever still used it would now read this.
      try (var next = AsyncFile.open(runtime, other, READ)) {
        for (var reader : readers) {
          Waits.get(reader, "the end of a reader");
        }
        var buffer = ByteBuffer.allocate(10);
        next.readFully(buffer, 0);
        others.check(buffer, 0, 10, 0);
      }
    }
  }

  private void readUntilClosed(AsyncFile file, CountDownLatch begun) {
    var buffer = ByteBuffer.allocateDirect(PAGE);
    try {
      for (int i = 0; ; i++) {
        file.readFully(buffer.clear(), 0);
        pattern.check(buffer, 0, PAGE, 0);
        if (i == 3) {
          begun.countDown();
        }
      }
    } catch (ClosedChannelException e) {
      // as it should be
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @DriverTest
  void whatWasClosedIsReportedAsByAnOperation(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var path = write("file", 10);
    var file = AsyncFile.open(runtime, path, READ);
    var last = AsyncFile.open(runtime, path, READ);
    var buffer = ByteBuffer.allocate(10);
    assertEquals(10, file.read(buffer, 0));
    file.close();
    assertThrows(ClosedChannelException.class, () -> file.read(buffer.clear(), 0));
    assertThrows(ClosedChannelException.class, () -> file.readFully(buffer.clear(), 0));
    assertThrows(ClosedChannelException.class, () -> file.read(buffer.clear()));
    driver.closeAndWait(runtime);
    assertThrows(ShutdownChannelGroupException.class, () -> last.read(buffer.clear(), 0));
  }

  @DriverTest
  void whoHasAskedForTheCloseReadsNoMoreBeforeTheLoopHasHeardOfIt(TestRuntime driver)
      throws Exception {
    var file = AsyncFile.open(driver.start(), write("file", 10), READ);
    file.read(ByteBuffer.allocate(10), 0);
    var held = new CountDownLatch(1);
    file.loop().execute(() -> Waits.await(held, "the end of the reader's attempt"));
    var read = new CompletableFuture<Integer>();
    var reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    var _ = file.closeAsync();
                    read.complete(file.read(ByteBuffer.allocate(10), 0));
                  } catch (Throwable t) {
                    read.completeExceptionally(t);
                  }
                });
    Waits.until(
        "it has read, or waits for the loop",
        () -> read.isDone() || reader.getState() == Thread.State.WAITING);
    held.countDown();
    Waits.failure(ClosedChannelException.class, read, "a read behind the close");
    Waits.join(reader);
  }

  @DriverTest
  void anEndedScopeOrAnInterruptIsRespectedAlsoForWhatIsInTheCache(TestRuntime driver)
      throws Exception {
    var path = write("file", 10);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var buffer = ByteBuffer.allocate(10);
      boolean canTell = canTell(file);
      long before = inline(file.loop());
      var scope = CancelScope.withTimeout(Duration.ofHours(1));
      assertEquals(10, (int) scope.call(() -> file.read(buffer.clear(), 0)));
      assertEquals(canTell ? 1 : 0, inline(file.loop()) - before);
      scope.cancel();
      assertThrows(
          CancellationException.class, () -> scope.call(() -> file.read(buffer.clear(), 0)));
      assertThrows(
          CancellationException.class,
          () -> new CancelScope().call(() -> scope.call(() -> file.read(buffer.clear(), 0))));
      var late = CancelScope.withTimeout(Duration.ZERO);
      assertThrows(
          InterruptedIOException.class, () -> late.call(() -> file.read(buffer.clear(), 0)));

      var ends = new AtomicInteger();
      var interrupted =
          Thread.ofPlatform()
              .start(
                  () -> {
                    Thread.currentThread().interrupt();
                    try {
                      file.read(buffer.clear(), 0);
                    } catch (IOException e) {
                      // one of two outcomes
                    }
                    ends.set(Thread.currentThread().isInterrupted() ? 1 : 2);
                  });
      Waits.join(interrupted);
      assertEquals(1, ends.get());
      assertEquals(canTell ? 1 : 0, inline(file.loop()) - before);
      assertEquals(10, file.read(buffer.clear(), 0)); // it is open still
    }
  }

  @DriverTest
  void withoutACacheNothingIsTriedInline(TestRuntime driver) throws Exception {
    var path = write("file", 2 * PAGE);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, AsyncFile.DIRECT)) {
      long before = inline(file.loop());
      var buffer = file.loop().buffers().acquire(PAGE);
      file.readFully(buffer, PAGE);
      pattern.check(buffer.byteBuffer(), 0, PAGE, PAGE);
      buffer.release();
      assertEquals(0, inline(file.loop()) - before);
    }
    try (var file = AsyncFile.open(runtime, Path.of("/proc/self/cmdline"), READ)) {
      assertTrue(file.read(ByteBuffer.allocate(10), 0) > 0);
    }
  }

  @DriverTest
  void aLoopsThreadMayNotWaitForWhatIsInTheCacheEither(TestRuntime driver) throws Exception {
    var path = write("file", 10);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var refused = new CompletableFuture<Throwable>();
      file.loop()
          .execute(
              () ->
                  refused.complete(
                      assertThrows(
                          IllegalStateException.class,
                          () -> file.read(ByteBuffer.allocate(1), 0))));
      Waits.get(refused, "the refusal");
    }
  }
}
