package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.driver.BlockingPool;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

class FileLockTest {
  @TempDir Path dir;

  private AsyncFile open(TestRuntime driver, IoRuntime runtime) throws IOException {
    var file = AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE, CREATE);
    driver.own(file::close);
    return file;
  }

  @DriverTest
  void rangesAreLockedAgainstOtherOpenFiles(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var mine = open(driver, runtime);
    var yours = open(driver, runtime);
    var lock = mine.lock(10, 10, false);
    assertFalse(lock.isShared());
    assertEquals(10, lock.position());
    assertEquals(10, lock.size());
    assertNull(yours.tryLock(0, 11, false));
    assertNull(yours.tryLock(19, 1, true));
    try (var before = yours.tryLock(0, 10, false);
        var after = yours.tryLock(20, Long.MAX_VALUE - 20, false)) {
      assertNotNull(before);
      assertNotNull(after);
    }
    lock.release();
    try (var all = yours.tryLock(0, Long.MAX_VALUE, false)) {
      assertNotNull(all);
      assertNull(mine.tryLock(1L << 40, 1, false));
    }
  }

  @DriverTest
  void aRangeThatIsTakenWhileItsLockEndsStaysLocked(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var mine = open(driver, runtime);
    var yours = open(driver, runtime);
    for (int i = 0; i < 2000; i++) {
      var ending = mine.lock(0, 10, false).releaseAsync();
      var next = lockOnceItIsFree(mine);
      Waits.get(ending, "the release");
      assertNull(yours.tryLock(0, 10, false));
      next.release();
    }
  }

  private static FileRangeLock lockOnceItIsFree(AsyncFile file) throws IOException {
    while (true) {
      try {
        return file.lock(0, 10, false);
      } catch (OverlappingFileLockException e) {
        Thread.onSpinWait();
      }
    }
  }

  @DriverTest
  void releasingTwiceLeavesTheNextLockAlone(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var mine = open(driver, runtime);
    var yours = open(driver, runtime);
    var first = mine.lock(0, 10, false);
    first.release();
    first.release();
    try (var second = mine.lock(0, 10, false)) {
      first.release();
      first.close();
      assertNotNull(second);
      assertNull(yours.tryLock(0, 10, false));
    }
  }

  @DriverTest
  void whoWaitsGetsTheLockWhenItIsFreeAndNoThreadIsHeld(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var holder = open(driver, runtime);
    var lock = holder.lock(0, 1, false);
    var waiters = new ArrayList<AsyncFile>();
    var waiting = new ArrayList<CompletableFuture<FileRangeLock>>();
    for (int i = 0; i < BlockingPool.configuredThreads() + 8; i++) {
      var file = open(driver, runtime);
      waiters.add(file);
      waiting.add(file.lockAsync(0, 1, false));
    }
    assertNull(open(driver, runtime).tryLock(0, 1, false)); // which needs a thread
    assertEquals(0, waiting.stream().filter(CompletableFuture::isDone).count());
    lock.release();
    for (int i = 0; i < waiters.size(); i++) { // whichever order they get it in
      var next = CompletableFuture.anyOf(waiting.toArray(CompletableFuture<?>[]::new));
      var got = (FileRangeLock) Waits.get(next, "the next to hold the lock");
      assertEquals(1, waiting.stream().filter(CompletableFuture::isDone).count());
      waiting.removeIf(CompletableFuture::isDone);
      got.release();
    }
  }

  @DriverTest
  void waitingEndsWithItsCancellationItsFileOrItsRuntime(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var holder = open(driver, runtime);
    var lock = holder.lock(0, 1, false);
    var waiter = open(driver, runtime);
    var cancelled = waiter.lockAsync(0, 1, false);
    assertTrue(cancelled.cancel(true));
    assertInstanceOf(CancellationException.class, causeOf(cancelled));
    var overtaken = waiter.lockAsync(0, 1, false); // nothing is left of the first
    waiter.cancelAll();
    assertInstanceOf(CancellationException.class, causeOf(overtaken));
    var left = waiter.lockAsync(0, 1, false);
    driver.closeAndWait(runtime);
    var cause = causeOf(left);
    assertTrue(
        cause instanceof ClosedChannelException || cause instanceof CancellationException,
        cause::toString);
    assertNotNull(lock);
  }

  private static Throwable causeOf(CompletableFuture<?> future) {
    Waits.settled(future, "the end of the wait");
    return future.handle((value, failure) -> failure).join();
  }

  @DriverTest
  void aFileDoesNotLockARangeTwice(TestRuntime driver) throws Exception {
    var file = open(driver, driver.start());
    try (var lock = file.lock(0, 10, true)) {
      assertTrue(lock.isShared());
      assertThrows(OverlappingFileLockException.class, () -> file.lock(9, 1, true));
      assertThrows(OverlappingFileLockException.class, () -> file.tryLock(0, 10, false));
    }
    file.lock(0, 10, false).close();
    assertThrows(IllegalArgumentException.class, () -> file.lockAsync(-1, 1, true));
    assertThrows(IllegalArgumentException.class, () -> file.lockAsync(0, 0, true));
  }

  @DriverTest
  void anExclusiveLockNeedsAFileThatCanBeWritten(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    open(driver, runtime);
    try (var file = AsyncFile.open(runtime, dir.resolve("file"), READ)) {
      var failure = assertThrows(FileSystemException.class, () -> file.lock(0, 1, false));
      assertTrue(failure.getMessage().contains("EBADF"), failure::getMessage);
      file.lock(0, 1, true).release(); // the failed attempt holds nothing
    }
  }

  @DriverTest
  void closingTheFileEndsItsLocks(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var other = open(driver, runtime);
    var file = open(driver, runtime);
    var lock = file.lock(0, 1, false);
    file.close();
    lock.close(); // harmless
    try (var now = other.tryLock(0, 1, false)) {
      assertNotNull(now);
    }
  }

  @DriverTest(drivers = "uring")
  void sharedLocksAreShared(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var mine = open(driver, runtime);
    var yours = open(driver, runtime);
    try (var one = mine.lock(0, 1, true);
        var two = yours.tryLock(0, 1, true)) {
      assertNotNull(one);
      assertNotNull(two);
      assertNull(open(driver, runtime).tryLock(0, 1, false));
    }
  }
}
