package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.Errno;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.testing.ChildJvm;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data that could not be written back: reported, and never taken for durable afterwards. */
class FailedSyncTest {
  @TempDir Path dir;

  @DriverTest
  void aFailedForceIsReportedAndNeverForgotten(TestRuntime driver) throws Exception {
    for (var errno : new Errno[] {Errno.EIO, Errno.ENOSPC, Errno.EDQUOT}) {
      var disk = new FailingSyncs(driver.configuration().driver());
      var path = dir.resolve("file-" + errno);
      try (var runtime = driver.startOn(disk, b -> b);
          var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE)) {
        file.write(ByteBuffer.allocate(10), 0);
        file.force(true);
        disk.failNext(errno);
        var first = assertThrows(FileSystemException.class, () -> file.force(false));
        assertTrue(first.getMessage().contains(errno.name()), first::getMessage);
        assertEquals(path.toString(), first.getFile());
        assertEquals(2, disk.asked());

        for (boolean metaData : new boolean[] {true, false}) {
          var later =
              Waits.failure(
                  FileSystemException.class, file.forceAsync(metaData), "a force after that");
          assertTrue(later.getMessage().contains("may be lost"), later::getMessage);
          assertTrue(later.getMessage().contains(errno.name()), later::getMessage);
          assertEquals(path.toString(), later.getFile());
          assertEquals(first.getMessage(), later.getCause().getMessage());
        }
        Waits.failure(FileSystemException.class, file.syncRangeAsync(0, 10), "a range after that");
        assertEquals(2, disk.asked(), "nothing is tried again in silence");

        // Reads and writes go on, for who wants to save what there is.
        assertEquals(10, file.write(ByteBuffer.allocate(10), 10));
        assertEquals(20, file.read(ByteBuffer.allocate(100), 0));
        try (var again = AsyncFile.open(runtime, path, READ, WRITE)) {
          again.force(true); // has lost nothing that was written by way of it
        }
      }
    }
  }

  @DriverTest
  void aForceUnderWayBesideTheOneThatFailsIsNoSuccess(TestRuntime driver) throws Exception {
    var disk = new FailingSyncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      disk.failNext(Errno.EIO);
      var both = new CompletableFuture<List<CompletableFuture<Void>>>();
      file.loop()
          .execute(() -> both.complete(List.of(file.forceAsync(true), file.forceAsync(false))));
      var forces = Waits.get(both, "two that are in flight together");
      Waits.failure(FileSystemException.class, forces.getFirst(), "the one that failed");
      var beside = Waits.failure(FileSystemException.class, forces.getLast(), "the one beside it");
      assertTrue(beside.getMessage().contains("may be lost"), beside::getMessage);
      assertEquals(2, disk.asked());
    }
  }

  @DriverTest
  void aForceSeenToEndBeforeTheOneThatFailsIsNoSuccess(TestRuntime driver) throws Exception {
    var disk = DelayedOperations.syncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      // Whichever of them began first, the other may have been told what was lost of both.
      for (int bad = 0; bad < 2; bad++) {
        try (var again = AsyncFile.open(runtime, file.path(), WRITE)) {
          var forces = List.of(again.forceAsync(true), again.forceAsync(true));
          disk.awaitAsked(file.loop(), 2 * bad + 2);
          disk.succeed(file.loop(), 2 * bad + (1 - bad));
          assertFalse(forces.get(1 - bad).isDone(), "told before the other has ended");
          disk.fail(file.loop(), 2 * bad + bad, Errno.EIO);
          Waits.failure(FileSystemException.class, forces.get(bad), "the one that failed");
          var good = Waits.failure(FileSystemException.class, forces.get(1 - bad), "the other");
          assertTrue(good.getMessage().contains("may be lost"), good::getMessage);
        }
      }
    }
  }

  @DriverTest
  void aForceWaitsForThoseBesideItAndForNoOthers(TestRuntime driver) throws Exception {
    var disk = DelayedOperations.syncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var loop = file.loop();
      var first = file.forceAsync(true);
      var second = file.forceAsync(true);
      disk.awaitAsked(loop, 2);
      disk.succeed(loop, 1);
      var third = file.forceAsync(true); // began when the second had ended
      disk.awaitAsked(loop, 3);
      assertFalse(second.isDone(), "told before the first has ended");
      disk.fail(loop, 0, Errno.EINVAL); // which is no loss
      Waits.failure(FileSystemException.class, first, "the first");
      Waits.get(second, "the second");
      var fourth = file.forceAsync(true);
      disk.awaitAsked(loop, 4);
      disk.succeed(loop, 3);
      disk.succeed(loop, 2);
      Waits.get(third, "the third");
      Waits.get(fourth, "the fourth");
    }
  }

  @DriverTest
  void whatOneHandlerThrowsKeepsNobodyFromBeingTold(TestRuntime driver) throws Exception {
    var disk = DelayedOperations.syncs(driver.configuration().driver());
    var reported = new ConcurrentLinkedQueue<Throwable>();
    try (var runtime = driver.startOn(disk, b -> b.exceptionHandler(reported::add));
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var loop = file.loop();
      var held = new ArrayList<CompletableFuture<Void>>();
      var thrown = new IllegalStateException("the handler's");
      held.add(file.forceAsync(true));
      var throwing =
          new IoHandler<Void>() {
            @Override
            public void completed(int result, Void attachment) {
              throw thrown;
            }

            @Override
            public void failed(Throwable cause, Void attachment) {}
          };
      file.force(true, null, throwing);
      file.force(true, null, throwing); // the same object, as the JVM throws some of its own
      held.add(file.forceAsync(true));
      disk.awaitAsked(loop, 4);
      disk.succeed(loop, 1);
      disk.succeed(loop, 2);
      disk.succeed(loop, 3);
      disk.succeed(loop, 0);
      for (var force : held) {
        Waits.get(force, "one beside the handler that throws");
      }
      assertEquals(List.of(thrown), List.copyOf(reported));
    }
  }

  @DriverTest
  void aDurableWriteThatFailsIsNeverForgotten(TestRuntime driver) throws Exception {
    for (var option : List.of(TransferOption.DSYNC, TransferOption.SYNC)) {
      var disk = DelayedOperations.syncs(driver.configuration().driver());
      try (var runtime = driver.startOn(disk, b -> b);
          var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE);
          var pooled = new Lease(file)) {
        var loop = file.loop();
        var durably = Set.of(option);
        var write = file.writeAsync(ByteBuffer.allocate(10), 0, durably);
        disk.awaitAsked(loop, 1);
        disk.succeed(loop, 0);
        assertEquals(10, Waits.get(write, "a durable write"));
        var second = file.writeAsync(pooled.buffer, 0, durably);
        disk.awaitAsked(loop, 2);
        disk.fail(loop, 1, Errno.EIO);
        var first = Waits.failure(FileSystemException.class, second, "the write");
        assertTrue(first.getMessage().contains("EIO"), first::getMessage);
        var later =
            List.of(
                file.forceAsync(true),
                file.writeAsync(ByteBuffer.allocate(10), 0, durably),
                file.writeAsync(pooled.buffer, 0, durably));
        for (var after : later) {
          var failure = Waits.failure(FileSystemException.class, after, "what comes later");
          assertTrue(failure.getMessage().contains("may be lost"), failure::getMessage);
        }
        disk.awaitAsked(loop, 2);
        assertEquals(10, file.write(ByteBuffer.allocate(10), 10), "one that is not durable");
      }
    }
  }

  /** A pooled buffer of 100 bytes. */
  private static final class Lease implements AutoCloseable {
    final Buffer buffer;

    Lease(AsyncFile file) {
      buffer = file.loop().buffers().acquire(100);
      buffer.byteBuffer().limit(100);
    }

    @Override
    public void close() {
      buffer.release();
    }
  }

  @DriverTest
  void aForceBesideADurableWriteThatFailsIsNoSuccess(TestRuntime driver) throws Exception {
    var disk = DelayedOperations.syncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var loop = file.loop();
      var write = file.writeAsync(ByteBuffer.allocate(10), 0, Set.of(TransferOption.DSYNC));
      var force = file.forceAsync(false);
      disk.awaitAsked(loop, 2);
      disk.succeed(loop, 1);
      assertFalse(force.isDone(), "told before the write has ended");
      disk.fail(loop, 0, Errno.EIO);
      Waits.failure(FileSystemException.class, write, "the write");
      Waits.failure(FileSystemException.class, force, "the force");
    }
  }

  @DriverTest
  void aDurableWriteOfAReleasedBufferHoldsNothingUp(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), WRITE, CREATE)) {
      var refused = new CompletableFuture<CompletableFuture<Void>>();
      file.loop()
          .execute(
              () -> {
                var released = file.loop().buffers().acquire(100);
                released.release();
                var durably = Set.of(TransferOption.DSYNC);
                assertThrows(
                    IllegalStateException.class,
                    () -> file.write(released, 0, durably, null, FutureHandler.INTEGER));
                refused.complete(file.forceAsync(true));
              });
      Waits.get(Waits.get(refused, "the refusal"), "the force");
    }
  }

  @DriverTest
  void aFailedWriteOfAFileOpenedForDurableOnesIsNeverForgotten(TestRuntime driver)
      throws Exception {
    interface Writing {
      void to(AsyncFile file) throws IOException;
    }
    var writes =
        List.<Writing>of(
            file -> file.write(ByteBuffer.allocate(10), 0),
            file -> file.write(new ByteBuffer[] {ByteBuffer.allocate(10)}, 0),
            file -> file.write(ByteBuffer.allocate(10)),
            file -> file.writeFully(ByteBuffer.allocate(10), 0),
            file -> {
              try (var stream = file.outputStream(WriteBehind.DEFAULT)) {
                stream.write(1);
              }
            });
    for (var option : List.of(DSYNC, SYNC)) {
      for (var writing : writes) {
        var failing = new FailingDriver(driver.configuration().driver());
        var runtime = driver.startOn(failing, b -> b);
        try (var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE, option)) {
          writing.to(file);
          failing.failNext(runtime.loop(), EnumSet.of(OpCode.WRITE, OpCode.WRITEV), Errno.EIO);
          assertThrows(FileSystemException.class, () -> writing.to(file));
          var forced = assertThrows(FileSystemException.class, () -> file.force(true));
          assertTrue(forced.getMessage().contains("may be lost"), forced::getMessage);
        } finally {
          driver.closeAndWait(runtime);
        }
      }
    }
  }

  /** Begins to write ten bytes to a file each of whose writes is a sync as well. */
  private interface Write {
    CompletableFuture<?> to(AsyncFile file) throws IOException;
  }

  private static Map<String, Write> forms() {
    var forms = new LinkedHashMap<String, Write>();
    forms.put("single", file -> file.writeAsync(tenBytes(), 0));
    forms.put("vectored", file -> file.writeAsync(new ByteBuffer[] {tenBytes()}, 0));
    forms.put(
        "vectored pooled", file -> withLease(file, b -> file.writeAsync(new Buffer[] {b}, 0)));
    forms.put("sequential", file -> file.writeAsync(tenBytes()));
    forms.put("sequential pooled", file -> withLease(file, file::writeAsync));
    forms.put("full", file -> file.writeFullyAsync(tenBytes(), 0));
    forms.put("full pooled", file -> withLease(file, b -> file.writeFullyAsync(b, 0)));
    forms.put("full vectored", file -> file.writeFullyAsync(new ByteBuffer[] {tenBytes()}, 0));
    forms.put("stream", FailedSyncTest::writeBlock);
    forms.put("copy", FailedSyncTest::copyHere);
    return forms;
  }

  private static ByteBuffer tenBytes() {
    return ByteBuffer.allocate(10);
  }

  private static <T> T withLease(AsyncFile file, Function<Buffer, T> write) {
    try (var lease = new Lease(file)) { // pinned until the outcome
      lease.buffer.byteBuffer().limit(10);
      return write.apply(lease.buffer);
    }
  }

  private static CompletableFuture<Long> writeBlock(AsyncFile file) {
    var ended = new CompletableFuture<Long>();
    var handler =
        new BlockWriteHandler<CompletableFuture<Long>>() {
          @Override
          public void drained(CompletableFuture<Long> future) {}

          @Override
          public void ended(long written, CompletableFuture<Long> future) {
            future.complete(written);
          }

          @Override
          public void failed(Throwable cause, long written, CompletableFuture<Long> future) {
            future.completeExceptionally(cause);
            if (written != 0) {
              future.obtrudeException(
                  new AssertionError(written + " bytes told as written", cause));
            }
          }
        };
    file.loop()
        .execute(
            () -> {
              var writer = file.writeBlocks(WriteBehind.DEFAULT, ended, handler);
              var block = file.loop().buffers().acquire(10);
              block.byteBuffer().limit(10);
              writer.offer(block);
              writer.finish();
            });
    return ended;
  }

  private static CompletableFuture<Integer> copyHere(AsyncFile file) throws IOException {
    var source = Files.write(file.path().resolveSibling("source"), new byte[10]);
    // Closed by the runtime, as are all.
    return AsyncFile.open(file.loop().runtime(), source, READ).copyRangeAsync(0, file, 0, 10);
  }

  private static boolean isWriteOrSync(Operation operation) {
    return switch (operation.code()) {
      case FSYNC, WRITE, WRITEV, COPY_RANGE -> true;
      default -> false;
    };
  }

  /** A file each of whose writes and syncs ends when the test says. */
  private interface OnDisk {
    void test(String form, Write write, AsyncFile file, DelayedOperations disk) throws Exception;
  }

  private void eachForm(TestRuntime driver, OnDisk body) throws Exception {
    for (var option : List.of(DSYNC, SYNC)) {
      for (var form : forms().entrySet()) {
        var disk =
            new DelayedOperations(driver.configuration().driver(), FailedSyncTest::isWriteOrSync);
        var runtime = driver.startOn(disk, b -> b);
        try (var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE, option)) {
          body.test(form.getKey() + " " + option, form.getValue(), file, disk);
        } finally {
          driver.closeAndWait(runtime);
        }
      }
    }
  }

  @DriverTest
  void noFormOfADurableWriteIsASuccessBesideASyncThatFails(TestRuntime driver) throws Exception {
    eachForm(
        driver,
        (form, write, file, disk) -> {
          var written = write.to(file);
          disk.awaitAsked(file.loop(), 1);
          var force = file.forceAsync(true);
          disk.awaitAsked(file.loop(), 2);
          disk.succeed(file.loop(), 0);
          assertFalse(written.isDone(), form + " is told before the force has ended");
          disk.fail(file.loop(), 1, Errno.EIO);
          Waits.failure(FileSystemException.class, force, "the force");
          var beside = Waits.failure(FileSystemException.class, written, form);
          assertTrue(beside.getMessage().contains("may be lost"), beside::getMessage);
          var later = Waits.failure(FileSystemException.class, write.to(file), form + ", later");
          assertTrue(later.getMessage().contains("may be lost"), later::getMessage);
          assertEquals(2, disk.asked(file.loop()), form + " was asked for after the loss");
        });
  }

  @DriverTest
  void aForceBesideAnyFormOfADurableWriteThatFailsIsNoSuccess(TestRuntime driver) throws Exception {
    eachForm(
        driver,
        (form, write, file, disk) -> {
          var written = write.to(file);
          disk.awaitAsked(file.loop(), 1);
          var force = file.forceAsync(true);
          disk.awaitAsked(file.loop(), 2);
          disk.succeed(file.loop(), 1);
          assertFalse(force.isDone(), "told before the end of " + form);
          disk.fail(file.loop(), 0, Errno.EIO);
          Waits.failure(FileSystemException.class, written, form);
          var beside = Waits.failure(FileSystemException.class, force, "the force");
          assertTrue(beside.getMessage().contains("may be lost"), beside::getMessage);
        });
  }

  @DriverTest
  void everyFormOfADurableWriteIsASuccessOnceAllBesideItHaveEnded(TestRuntime driver)
      throws Exception {
    eachForm(
        driver,
        (form, write, file, disk) -> {
          for (int round = 0; round < 2; round++) { // the second where the first has left off
            var written = write.to(file);
            disk.awaitAsked(file.loop(), 2 * round + 1);
            var force = file.forceAsync(true);
            disk.awaitAsked(file.loop(), 2 * round + 2);
            disk.succeed(file.loop(), 2 * round);
            assertFalse(written.isDone(), form + " is told before the force has ended");
            disk.succeed(file.loop(), 2 * round + 1);
            Waits.get(force, "the force");
            Waits.get(written, form);
          }
          if (form.startsWith("sequential")) {
            assertEquals(20, file.position());
          }
        });
  }

  @DriverTest
  void aWriteOfSeveralPartsIsOneBesideASyncThatFails(TestRuntime driver) throws Exception {
    var writes = List.<Write>of(f -> f.writeFullyAsync(tenBytes(), 0), FailedSyncTest::writeBlock);
    for (var write : writes) {
      var disk =
          new DelayedOperations(driver.configuration().driver(), FailedSyncTest::isWriteOrSync);
      try (var runtime = driver.startOn(disk, b -> b);
          var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE, DSYNC)) {
        var loop = file.loop();
        var written = write.to(file);
        disk.awaitAsked(loop, 1);
        var force = file.forceAsync(true);
        disk.awaitAsked(loop, 2);
        loop.execute(() -> disk.endSoon(0, 4));
        disk.awaitAsked(loop, 3); // the rest
        disk.fail(loop, 1, Errno.EIO);
        Waits.failure(FileSystemException.class, force, "the force");
        assertFalse(written.isDone(), "told before its last part has ended");
        disk.succeed(loop, 2);
        var failure = Waits.failure(FileSystemException.class, written, "the write");
        assertTrue(failure.getMessage().contains("may be lost"), failure::getMessage);
      }
    }
  }

  @DriverTest(drivers = "uring")
  void syncsBesideEachOtherAllocateNothing(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), WRITE, CREATE)) {
      var counting = new Counting(file);
      file.loop().execute(counting::begin);
      long bytes = Waits.get(counting.bytes, "many syncs");
      assertTrue(bytes < Counting.MEASURED, bytes + " bytes for " + Counting.MEASURED + " syncs");
    }
  }

  /** Syncs again and again, several at a time, and measures what the loop's thread allocates once it is warm. */
  private static final class Counting implements IoHandler<Object> {
    static final int AT_A_TIME = 4;
    static final int WARM_UP = 5_000;
    static final int MEASURED = 5_000;
    private static final com.sun.management.ThreadMXBean THREADS =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> bytes = new CompletableFuture<>();
    private final AsyncFile file;
    private int count;
    private long before;

    Counting(AsyncFile file) {
      this.file = file;
    }

    void begin() {
      for (int i = 0; i < AT_A_TIME; i++) {
        file.force(false, null, this);
      }
    }

    @Override
    public void completed(int result, Object attachment) {
      count++;
      if (count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        bytes.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
      }
      if (count < WARM_UP + MEASURED) {
        file.force(false, null, this);
      }
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      bytes.completeExceptionally(cause);
    }
  }

  @DriverTest
  void whatADirectoryHasLostIsNotForgottenEither(TestRuntime driver) throws Exception {
    var disk = new FailingSyncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var directory = AsyncDirectory.open(runtime, dir)) {
      directory.force();
      disk.failNext(Errno.EIO);
      assertThrows(FileSystemException.class, directory::force);
      var later = assertThrows(FileSystemException.class, directory::force);
      assertTrue(later.getMessage().contains("may be lost"), later::getMessage);
      assertEquals(dir.toString(), later.getFile());
      assertEquals(2, disk.asked());
    }
  }

  @DriverTest
  void theSyncAtTheEndOfAStreamIsNeverForgottenEither(TestRuntime driver) throws Exception {
    var disk = new FailingSyncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var durably = WriteBehind.DEFAULT.blockBytes(4096).sync(WriteBehind.Sync.DATA);
      disk.failNext(Errno.EIO);
      var first = file.outputStream(durably);
      first.write(1);
      assertThrows(FileSystemException.class, first::close);
      var forced = assertThrows(FileSystemException.class, () -> file.force(true));
      assertTrue(forced.getMessage().contains("may be lost"), forced::getMessage);
      var second = file.outputStream(durably);
      second.write(1);
      var closed = assertThrows(FileSystemException.class, second::close);
      assertTrue(closed.getMessage().contains("may be lost"), closed::getMessage);
      assertEquals(1, disk.asked());
    }
  }

  @DriverTest
  void aFailedRangeMakesALaterForceFailToo(TestRuntime driver) throws Exception {
    var disk = new FailingSyncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      disk.failNext(Errno.EIO);
      assertThrows(FileSystemException.class, () -> file.syncRange(0, 10));
      assertThrows(FileSystemException.class, () -> file.force(true));
      assertEquals(1, disk.asked());
    }
  }

  @DriverTest
  void whatIsNoLossIsForgotten(TestRuntime driver) throws Exception {
    var disk = new FailingSyncs(driver.configuration().driver());
    try (var runtime = driver.startOn(disk, b -> b)) {
      var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE);
      disk.failNext(Errno.EINVAL);
      assertThrows(FileSystemException.class, () -> file.force(true));
      file.force(true);
      disk.failNext(Errno.EIO);
      assertThrows(FileSystemException.class, () -> file.force(true));
      file.close();
      assertThrows(ClosedChannelException.class, () -> file.force(true));
    }
  }

  /** The system call itself fails, where it is one: io_uring's takes place within the kernel. */
  @Test
  void aSystemCallThatFailsIsReportedOnThreads() throws Exception {
    var log = dir.resolve("strace.log");
    ChildJvm.of(SyncOnce.class, Files.createFile(dir.resolve("file")).toString())
        .injecting(log, "fsync:error=EIO:when=1", "fdatasync:error=EIO:when=1")
        .run()
        .checkSucceeded()
        .checkSaid("EIO")
        .checkSaid("may be lost");
    try (var lines = Files.lines(log)) {
      assertEquals(
          1,
          lines.filter(line -> line.contains("sync(")).count(),
          "it is asked once, and not again in silence");
    }
  }
}
