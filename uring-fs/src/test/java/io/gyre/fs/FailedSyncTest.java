package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Errno;
import io.gyre.testing.ChildJvm;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
