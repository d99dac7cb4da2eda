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
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

class AsyncFileLifecycleTest {
  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(String name, int length) throws IOException {
    return Files.write(dir.resolve(name), pattern.bytes(0, length));
  }

  /**
   * A pipe with a name: reading it takes until somebody writes, which is when the test wants it.
   */
  private Path fifo() throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    return path;
  }

  @DriverTest
  void operationsAfterCloseFailAsClosed(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var file = AsyncFile.open(driver.start(), path, READ, WRITE);
    file.close();

    var failures =
        new Throwable[] {
          Waits.failure(file.readAsync(ByteBuffer.allocate(1), 0), "read"),
          Waits.failure(file.readAsync(ByteBuffer.allocateDirect(0), 0), "empty read"),
          Waits.failure(file.writeAsync(ByteBuffer.allocate(1), 0), "write"),
          Waits.failure(file.sizeAsync(), "size"),
          Waits.failure(file.forceAsync(true), "force")
        };
    for (var failure : failures) {
      assertInstanceOf(ClosedChannelException.class, failure);
      assertTrue(failure.getMessage().contains(path.toString()), failure::getMessage);
    }
    assertThrows(ClosedChannelException.class, () -> file.read(ByteBuffer.allocate(1), 0));
    assertArrayEquals(pattern.bytes(0, 100), Files.readAllBytes(path));
  }

  @DriverTest
  void aPooledBufferGivenToAClosedFileComesBack(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var file = AsyncFile.open(driver.start(), path, READ);
    file.close();
    var buffer = file.loop().buffers().acquire(10);
    var read = file.readAsync(buffer, 0);
    buffer.release();
    Waits.failure(ClosedChannelException.class, read, "a read of a closed file");
    assertEquals(0, file.loop().buffers().lentBytes());
  }

  @DriverTest
  void closingTwiceIsHarmlessInEveryStyleAndFromEveryThread(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write("file", 100), READ);
    var recorder = new Recorder<String>();
    var onLoop = new CompletableFuture<Void>();
    file.loop()
        .execute(
            () -> {
              try {
                file.close();
                file.close();
                file.close("on the loop", recorder);
                onLoop.complete(null);
              } catch (IOException e) {
                onLoop.completeExceptionally(e);
              }
            });
    Waits.get(onLoop, "three closes on the loop");
    file.close();
    Waits.get(file.closeAsync(), "a close");
    file.close("outside", recorder);
    recorder.await(2);
    assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded() && o.result() == 0));
    driver.closeAndWait(runtime);
    file.close();
    Waits.get(file.closeAsync(), "a close after the end");
  }

  @DriverTest
  void closeLetsWhatIsInFlightEnd(TestRuntime driver) throws Exception {
    int count = 200;
    var path = dir.resolve("file");
    var file = AsyncFile.open(driver.start(), path, WRITE, CREATE);
    var recorder = new Recorder<Integer>();
    var closed = new Recorder<String>();
    file.loop()
        .execute(
            () -> {
              for (int i = 0; i < count; i++) {
                file.write(
                    pattern.fill(ByteBuffer.allocateDirect(100), i * 100L), i * 100L, i, recorder);
              }
              file.close("close", closed);
              file.write(ByteBuffer.allocate(1), 0, -1, recorder);
            });

    assertTrue(closed.awaitOne().succeeded());
    recorder.await(count + 1);
    recorder.checkExactlyOnce(count + 1);
    for (var outcome : recorder.outcomes()) {
      if (outcome.attachment() < 0) {
        assertInstanceOf(ClosedChannelException.class, outcome.cause());
      } else {
        assertEquals(100, outcome.result(), outcome::toString);
      }
    }
    assertArrayEquals(pattern.bytes(0, count * 100), Files.readAllBytes(path));
  }

  @DriverTest
  void filesOpenedAndClosedInAHurryLeaveNoDescriptor(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start();
    for (int round = 0; round < 20; round++) {
      var closes = new ArrayList<CompletableFuture<?>>();
      for (int i = 0; i < 25; i++) {
        closes.add(
            AsyncFile.openAsync(runtime, path, READ)
                .thenCompose(
                    file -> {
                      var read = file.readAsync(ByteBuffer.allocate(10), 0);
                      return file.closeAsync().thenCombine(read, (_, n) -> n);
                    }));
      }
      for (var close : closes) {
        assertEquals(10, Waits.get(close, "open, read and close"));
      }
    }
    assertTrue(
        driver.heldSinceStart().stream().noneMatch(held -> held.equals(path.toString())),
        () -> "" + driver.heldSinceStart());
  }

  @DriverTest
  void moreFilesThanTheFixedTableHoldsWork(TestRuntime driver) throws Exception {
    var path = write("file", 100);
    var runtime = driver.start(b -> b.fixedFiles(4));
    var files = new ArrayList<AsyncFile>();
    for (int i = 0; i < 12; i++) {
      files.add(AsyncFile.open(runtime, path, READ));
    }
    for (int round = 0; round < 2; round++) {
      for (var file : files) {
        var buffer = ByteBuffer.allocateDirect(50);
        assertEquals(50, file.read(buffer, 25));
        pattern.check(buffer, 0, 50, 25);
      }
      files.removeFirst().close(); // frees a place in the table
      files.add(AsyncFile.open(runtime, path, READ));
    }
    for (var file : files) {
      file.close();
    }
  }

  @DriverTest
  void afterTheEndOfTheRuntimeEverythingIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write("file", 100), READ, WRITE);
    var buffer = file.loop().buffers().acquire(10);
    driver.closeAndWait(runtime);

    assertThrows(
        ShutdownChannelGroupException.class, () -> file.readAsync(ByteBuffer.allocate(1), 0));
    assertThrows(ShutdownChannelGroupException.class, () -> file.readAsync(buffer, 0));
    assertThrows(
        ShutdownChannelGroupException.class, () -> file.writeAsync(ByteBuffer.allocate(1), 0));
    assertThrows(ShutdownChannelGroupException.class, () -> file.writeAsync(buffer, 0));
    assertThrows(ShutdownChannelGroupException.class, file::sizeAsync);
    assertThrows(ShutdownChannelGroupException.class, () -> file.forceAsync(true));
    assertThrows(
        ShutdownChannelGroupException.class,
        () -> AsyncFile.open(runtime, dir.resolve("file"), READ));
    buffer.release(); // and its refused operations have left no pin: the oracle looks
  }

  @DriverTest
  void theEndOfTheRuntimeResolvesThousandsOfReadsOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write("file", 1 << 16), READ);
    int count = 3_000;
    var recorder = new Recorder<Integer>();
    for (int i = 0; i < count; i++) {
      var buffer = i % 2 == 0 ? ByteBuffer.allocate(500) : ByteBuffer.allocateDirect(500);
      file.read(buffer, i, i, recorder);
    }
    driver.closeAndWait(runtime);

    recorder.checkExactlyOnce(count);
    for (var outcome : recorder.outcomes()) {
      assertTrue(
          outcome.succeeded()
              || outcome.cause() instanceof ClosedChannelException
              || outcome.cause() instanceof CancellationException,
          outcome::toString);
    }
  }

  @DriverTest
  void readsFromOtherThreadsThatRaceWithCloseEndOnceEach(TestRuntime driver) throws Exception {
    var path = write("file", 1000);
    var runtime = driver.start();
    for (int round = 0; round < 50; round++) {
      var file = AsyncFile.open(runtime, path, READ);
      var recorder = new Recorder<Integer>();
      var reader =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 100; i++) {
                      file.read(ByteBuffer.allocate(10), i, i, recorder);
                    }
                  });
      file.close();
      Waits.join(reader);
      recorder.await(100);
      recorder.checkExactlyOnce(100);
      for (var outcome : recorder.outcomes()) {
        assertTrue(
            outcome.result() == 10 || outcome.cause() instanceof ClosedChannelException,
            outcome::toString);
      }
    }
  }

  @DriverTest(drivers = "uring")
  void closeWaitsForAReadThatTakesItsTime(TestRuntime driver) throws Exception {
    var path = fifo();
    var file = AsyncFile.open(driver.start(), path, READ, WRITE);
    var buffer = ByteBuffer.allocateDirect(10);
    var read = file.readAsync(buffer, 0);
    var close = file.closeAsync();
    var refused = file.readAsync(ByteBuffer.allocate(1), 0);
    Waits.failure(ClosedChannelException.class, refused, "a read after close");
    assertFalse(read.isDone());
    assertFalse(close.isDone());

    try (var writer = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
      writer.write(ByteBuffer.wrap(pattern.bytes(0, 10)));
    }

    assertEquals(10, Waits.get(read, "the read"));
    pattern.check(buffer, 0, 10, 0);
    Waits.get(close, "the close");
  }

  @DriverTest(drivers = "uring")
  void theEndOfTheRuntimeCancelsAReadThatWouldTakeForEver(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, fifo(), READ, WRITE);
    var buffer = file.loop().buffers().acquire(10);
    var reads = new ArrayList<CompletableFuture<Integer>>();
    reads.add(file.readAsync(buffer, 0));
    reads.add(file.readAsync(ByteBuffer.allocateDirect(10), 0));
    reads.add(file.readAsync(ByteBuffer.allocate(10), 0));
    buffer.release();
    var close = file.closeAsync();

    long before = System.nanoTime();
    driver.closeAndWait(runtime);

    assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
    for (var read : reads) {
      var cause = Waits.failure(read, "a read of an empty pipe");
      assertTrue(
          cause instanceof ClosedChannelException || cause instanceof CancellationException,
          cause::toString);
    }
    Waits.settled(close, "the close");
  }

  @DriverTest(drivers = "uring")
  void aThreadInterruptedWhileItWaitsCancelsTheOperation(TestRuntime driver) throws Exception {
    var path = fifo();
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(10);
      var outcome = new CompletableFuture<Throwable>();
      var waiter =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      file.read(buffer, 0);
                      outcome.complete(new AssertionError("read something"));
                    } catch (Throwable e) {
                      outcome.complete(e);
                    }
                  });
      var inFlight = new CompletableFuture<Integer>();
      file.loop().execute(() -> inFlight.complete(file.loop().dispatcher().inFlight()));
      Waits.get(inFlight, "a task");
      waiter.interrupt();
      assertInstanceOf(InterruptedIOException.class, Waits.get(outcome, "the interruption"));

      try (var writer = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
        writer.write(ByteBuffer.wrap(pattern.bytes(0, 10)));
      }
      assertEquals(0, buffer.position(), "nobody reads into it any more");
      var next = ByteBuffer.allocateDirect(10);
      assertEquals(10, file.read(next, 0));
      pattern.check(next, 0, 10, 0);
    }
  }

  @DriverTest(drivers = "uring") // on NIO a read that has begun runs to its end
  void aReadThatRunsOutOfTimeFailsAndTheFileGoesOn(TestRuntime driver) throws Exception {
    var path = fifo();
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var scope = CancelScope.withTimeout(Duration.ofMillis(20));
      var failure =
          assertThrows(
              InterruptedIOException.class,
              () -> scope.<Integer, IOException>call(() -> file.read(ByteBuffer.allocate(10), 0)));
      assertEquals("read " + path + ": timed out", failure.getMessage());
      checkReads(file, path);
    }
  }

  @DriverTest(drivers = "uring")
  void cancelAllEndsReadsAndLeavesTheFileOpen(TestRuntime driver) throws Exception {
    var path = fifo();
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var reads = new Recorder<Integer>();
      for (int i = 0; i < 20; i++) {
        file.read(ByteBuffer.allocateDirect(10), 0, i, reads);
      }
      file.cancelAll();
      for (var outcome : reads.await(20)) {
        assertInstanceOf(CancellationException.class, outcome.cause());
      }
      reads.checkExactlyOnce(20);
      checkReads(file, path);
    }
  }

  @DriverTest
  void cancellingReadsOfAFileEndsEachOnceAndTheirMemoryIsWholeOrUntouched(TestRuntime driver)
      throws Exception {
    var path = write("file", 1 << 16);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      for (int round = 0; round < 50; round++) {
        var scope = new CancelScope();
        var reads = new Recorder<ByteBuffer>();
        scope.run(
            () -> {
              for (int i = 0; i < 16; i++) {
                var buffer = ByteBuffer.allocateDirect(4096);
                buffer.putInt(0, i); // so that no two are equal
                file.read(buffer, i * 4096L, buffer, reads);
              }
            });
        scope.cancel();
        reads.await(16);
        for (var outcome : reads.outcomes()) {
          if (outcome.succeeded()) {
            assertEquals(4096, outcome.result());
          } else {
            assertInstanceOf(CancellationException.class, outcome.cause());
            assertEquals(0, outcome.attachment().position());
          }
        }
        assertEquals(16, reads.count());
      }
    }
  }

  private void checkReads(AsyncFile file, Path path) throws IOException {
    try (var writer = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
      writer.write(ByteBuffer.wrap(pattern.bytes(0, 10)));
    }
    var next = ByteBuffer.allocateDirect(10);
    assertEquals(10, file.read(next, 0));
    pattern.check(next, 0, 10, 0);
  }

  @DriverTest
  void memoryOfEveryKindOfArenaWorks(TestRuntime driver) throws Exception {
    var path = write("file", 10_000);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE);
        var shared = Arena.ofShared()) {
      for (var arena : new Arena[] {Arena.ofAuto(), Arena.global(), shared}) {
        var buffer = arena.allocate(5_000, 64).asByteBuffer();
        buffer.position(10);
        assertEquals(4_990, file.read(buffer, 100));
        pattern.check(buffer, 10, 5_000, 100);
        buffer.flip();
        assertEquals(5_000, file.write(pattern.fill(buffer, 20_000), 20_000));
      }
      var onHeap = MemorySegment.ofArray(new byte[300]).asSlice(100, 100).asByteBuffer();
      assertEquals(100, file.read(onHeap, 5));
      pattern.check(onHeap, 0, 100, 5);
    }
    var after = ByteBuffer.wrap(Files.readAllBytes(path));
    pattern.check(after, 20_000, 25_000, 20_000);
  }

  @DriverTest
  void memoryOfAConfinedArenaEndsInDataOrInAnErrorAndHurtsNobody(TestRuntime driver)
      throws Exception {
    var path = write("file", 10_000);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ, WRITE);
        var confined = Arena.ofConfined()) {
      var buffer = confined.allocate(100).asByteBuffer();
      var read = file.readAsync(buffer, 50);
      Waits.settled(read, "a read into another thread's confined memory");
      if (!read.isCompletedExceptionally()) {
        pattern.check(buffer, 0, 100, 50);
      }
      var write = file.writeAsync(confined.allocate(100).asByteBuffer(), 20_000);
      Waits.settled(write, "a write from another thread's confined memory");
      assertEquals(100, file.read(ByteBuffer.allocate(100), 0), "the loop goes on");
    }
  }

  @DriverTest
  @SuppressWarnings("MustBeClosed") // closed by the handler
  void confinedMemoryOfTheLoopsOwnThreadWorks(TestRuntime driver) throws Exception {
    var path = write("file", 10_000);
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var done = new CompletableFuture<Integer>();
      file.loop()
          .execute(
              () -> {
                var arena = Arena.ofConfined();
                var buffer = arena.allocate(100).asByteBuffer();
                var _ =
                    file.readAsync(buffer, 50)
                        .whenComplete(
                            (n, failure) -> {
                              try {
                                if (failure != null) {
                                  done.completeExceptionally(failure);
                                } else {
                                  pattern.check(buffer, 0, 100, 50);
                                  done.complete(n);
                                }
                              } catch (AssertionError e) {
                                done.completeExceptionally(e);
                              } finally {
                                arena.close();
                              }
                            });
              });
      assertEquals(100, Waits.get(done, "the read"));
    }
  }

  @DriverTest
  void memoryThatIsFreedAlreadyIsRefusedAndHurtsNobody(TestRuntime driver) throws Exception {
    var path = write("file", 1_000);
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      ByteBuffer buffer;
      try (var arena = Arena.ofShared()) {
        buffer = arena.allocate(100).asByteBuffer();
      }
      Waits.failure(file.readAsync(buffer, 0), "a read into freed memory");
      Waits.failure(file.writeAsync(buffer, 0), "a write from freed memory");
      assertArrayEquals(pattern.bytes(0, 1_000), Files.readAllBytes(path));
      assertEquals(100, file.read(ByteBuffer.allocate(100), 0), "the loop goes on");
    }
  }

  @DriverTest(drivers = "uring")
  @SuppressWarnings("MustBeClosed") // when it closes is what is tested
  void closingASharedArenaDuringAReadNeverLetsTheKernelWriteFreedMemory(TestRuntime driver)
      throws Exception {
    var path = fifo();
    int size = 1 << 16; // what a pipe holds
    long mapped = 64L << 20; // freed to the system at once, not kept by malloc
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var arena = Arena.ofShared();
      var segment = arena.allocate(mapped);
      long address = segment.address();
      var buffer = segment.asByteBuffer().limit(size);
      var read = file.readAsync(buffer, 0);
      var started = new CompletableFuture<Void>();
      file.loop().execute(() -> started.complete(null));
      Waits.get(started, "a task after the read");
      boolean freed;
      try {
        arena.close();
        freed = true;
      } catch (IllegalStateException e) {
        freed = false; // held by the operation: as good
      }
      try (var next = Arena.ofShared()) {
        // The same size most likely comes to lie where the freed memory was.
        var reused = next.allocate(mapped).fill((byte) 0x5A);
        try (var writer = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
          writer.write(ByteBuffer.wrap(pattern.bytes(0, size)));
        }
        Waits.settled(read, "the read");
        if (reused.address() == address) {
          for (long i = 0; i < size; i++) {
            assertEquals(0x5A, reused.get(ValueLayout.JAVA_BYTE, i), "written after it was freed");
          }
        }
      }
      if (read.isCompletedExceptionally()) {
        var cause = Waits.failure(read, "the read");
        assertTrue(freed, "a read into memory that is there must not fail: " + cause);
        assertFalse(
            String.valueOf(cause.getMessage()).contains("EFAULT"),
            "the kernel was given the memory that was freed");
      }
      if (!freed) {
        arena.close();
      }
      var again = file.readAsync(ByteBuffer.allocate(4), 0);
      try (var writer = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
        writer.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
      }
      assertTrue(Waits.get(again, "another read: the loop goes on") > 0);
    }
  }

  @DriverTest
  void aBufferTouchedDuringItsReadHurtsOnlyItself(TestRuntime driver) throws Exception {
    var path = write("file", 1_000);
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, path, READ)) {
      var touched = new CompletableFuture<CompletableFuture<Integer>>();
      var others = new Recorder<Integer>();
      file.loop()
          .execute(
              () -> {
                var buffer = ByteBuffer.allocateDirect(500);
                var read = file.readAsync(buffer, 0);
                buffer.limit(3);
                for (int i = 0; i < 20; i++) {
                  file.read(ByteBuffer.allocateDirect(10), i, i, others);
                }
                touched.complete(read);
              });
      Waits.settled(Waits.get(touched, "a task"), "the read whose buffer was touched");
      others.await(20);
      assertTrue(others.outcomes().stream().allMatch(o -> o.result() == 10));
    }
  }

  @DriverTest
  void aHandlerThatThrowsIsReportedAndTheFileGoesOn(TestRuntime driver) throws Exception {
    var path = write("file", 1_000);
    var thrown = driver.expectThrown();
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      file.read(
          ByteBuffer.allocate(10),
          0,
          null,
          new io.gyre.IoHandler<Object>() {
            @Override
            public void completed(int result, Object attachment) {
              throw new IllegalStateException("thrown");
            }

            @Override
            public void failed(Throwable cause, Object attachment) {}
          });
      Waits.until("the report", () -> thrown.size() == 1);
      assertEquals("thrown", thrown.element().getMessage());
      assertEquals(10, file.read(ByteBuffer.allocate(10), 0));
    }
  }
}
