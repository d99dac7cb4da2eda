package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.FileType;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** What is done to a file besides reading and writing: its size, its space, what is said of it, copies. */
class FileSpaceTest {
  private static final int PAGE = 4096;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private AsyncFile open(TestRuntime driver, String name, OpenOption... options) throws Exception {
    var file = AsyncFile.open(driver.start(), dir.resolve(name), options);
    driver.own(file::close);
    return file;
  }

  private AsyncFile filled(TestRuntime driver, int length) throws Exception {
    Files.write(dir.resolve("file"), pattern.bytes(0, length));
    return open(driver, "file", READ, WRITE);
  }

  private static void checkZeros(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      assertEquals(0, bytes[i], "byte " + i);
    }
  }

  @DriverTest
  void truncateMakesFilesShorterAndLonger(TestRuntime driver) throws Exception {
    var file = filled(driver, 1000);
    file.truncate(400);
    assertEquals(400, file.size());
    file.truncate(5000);
    assertEquals(5000, file.size());
    var bytes = Files.readAllBytes(file.path());
    pattern.check(bytes, 0, 400, 0);
    checkZeros(bytes, 400, 5000);
    file.truncate(0);
    assertEquals(0, file.size());
    long huge = 5L << 30;
    file.truncate(huge);
    assertEquals(huge, Files.size(file.path()));
    assertThrows(IllegalArgumentException.class, () -> file.truncateAsync(-1));

    try (var appending = AsyncFile.open(driver.start(), file.path(), APPEND)) {
      appending.truncate(10);
      appending.truncate(20);
      assertEquals(20, appending.size());
    }
    try (var reading = AsyncFile.open(driver.start(), file.path(), READ)) {
      assertThrows(NonWritableChannelException.class, () -> reading.truncateAsync(1));
      assertThrows(NonWritableChannelException.class, () -> reading.punchHoleAsync(0, 1));
    }
  }

  @DriverTest
  void aCopyOfAFileOntoItsOwnEndStopsWhereTheFileEndedBefore(TestRuntime driver) throws Exception {
    var file = filled(driver, 10_000);
    assertEquals(10_000, file.copyRange(0, file, 20_000, Long.MAX_VALUE));
    assertEquals(30_000, file.size());
  }

  @DriverTest
  void adviceThatIsNoneIsRefusedAtOnce(TestRuntime driver) throws Exception {
    var file = filled(driver, 1);
    assertThrows(NullPointerException.class, () -> file.adviseAsync(0, 10, null));
  }

  @DriverTest
  void allocateLengthensUnlessItIsToKeepTheSize(TestRuntime driver) throws Exception {
    var file = filled(driver, 100);
    file.allocate(0, 10_000, true);
    assertEquals(100, file.size());
    file.allocate(50, 10_000, false);
    assertEquals(10_050, file.size());
    var bytes = Files.readAllBytes(file.path());
    pattern.check(bytes, 0, 100, 0);
    checkZeros(bytes, 100, 10_050);
    if (driver.isUring()) {
      assertTrue(file.status().blocks() * 512 >= 10_000, file.status()::toString);
    }
    var failure =
        Waits.failure(
            FileSystemException.class, file.allocateAsync(0, 0, false), "an allocation of nothing");
    assertTrue(failure.getMessage().contains("allocate: EINVAL"), failure::getMessage);
    assertThrows(
        IllegalArgumentException.class, () -> file.allocateAsync(1, Long.MAX_VALUE, false));
  }

  @DriverTest
  void holesAndZeroedRangesReadAsZerosAndTouchNothingElse(TestRuntime driver) throws Exception {
    var file = filled(driver, 5 * PAGE);
    file.punchHole(PAGE, 2 * PAGE);
    file.zeroRange(4 * PAGE, 100, true);
    assertEquals(5 * PAGE, file.size());
    var bytes = Files.readAllBytes(file.path());
    pattern.check(bytes, 0, PAGE, 0);
    checkZeros(bytes, PAGE, 3 * PAGE);
    pattern.check(bytes, 3 * PAGE, 4 * PAGE, 3 * PAGE);
    checkZeros(bytes, 4 * PAGE, 4 * PAGE + 100);
    pattern.check(bytes, 4 * PAGE + 100, 5 * PAGE, 4 * PAGE + 100);
    file.punchHole(4 * PAGE, 100 * PAGE); // beyond the end
    assertEquals(5 * PAGE, file.size());
    file.zeroRange(4 * PAGE, 2 * PAGE, false);
    assertEquals(6 * PAGE, file.size());
    checkZeros(Files.readAllBytes(file.path()), 4 * PAGE, 6 * PAGE);
  }

  @DriverTest
  void seekFindsDataAndHoles(TestRuntime driver) throws Exception {
    var file = open(driver, "sparse", READ, WRITE, CREATE);
    file.truncate(64 * PAGE);
    file.write(ByteBuffer.allocate(PAGE), 32 * PAGE);
    file.force(true);
    assertEquals(32 * PAGE, file.seekData(32 * PAGE));
    if (driver.isUring()) {
      assertEquals(32 * PAGE, file.seekData(0));
      assertEquals(0, file.seekHole(0));
      assertEquals(33 * PAGE, file.seekHole(32 * PAGE));
      assertEquals(-1, file.seekData(40 * PAGE));
    } else {
      assertEquals(0, file.seekData(0));
      assertEquals(64 * PAGE, file.seekHole(0));
    }
    assertEquals(-1, file.seekData(64 * PAGE));
    assertEquals(-1, file.seekHole(65 * PAGE));
  }

  @DriverTest
  void adviceAndSyncedRangesChangeNothing(TestRuntime driver) throws Exception {
    var file = filled(driver, 3 * PAGE);
    for (var advice : Advice.values()) {
      file.advise(0, 0, advice);
      file.advise(PAGE, PAGE, advice);
    }
    file.write(pattern.fill(ByteBuffer.allocate(PAGE), PAGE), PAGE);
    file.syncRange(PAGE, PAGE);
    file.syncRange(0, 0);
    file.syncRange(0, 6L << 30);
    pattern.check(Files.readAllBytes(file.path()), 0, 3 * PAGE, 0);
  }

  @DriverTest
  void statusSaysWhatJavaNioSaysAndMore(TestRuntime driver) throws Exception {
    var file = filled(driver, 5000);
    var path = file.path();
    Files.createLink(dir.resolve("second name"), path);
    var accessed = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 123_456_789));
    var modified = FileTime.from(Instant.ofEpochSecond(1_500_000_000, 987_654_321));
    Files.setAttribute(path, "lastAccessTime", accessed);
    Files.setLastModifiedTime(path, modified);
    var permissions = EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.GROUP_WRITE);
    Files.setPosixFilePermissions(path, permissions);

    var status = file.status();
    Map<String, Object> expected = Files.readAttributes(path, "unix:*");
    assertEquals(5000, status.size());
    assertEquals(FileType.REGULAR, status.type());
    assertTrue(status.isRegularFile() && !status.isDirectory() && !status.isOther());
    assertEquals(permissions, status.permissions());
    assertEquals(expected.get("mode"), status.mode());
    assertEquals(expected.get("uid"), status.uid());
    assertEquals(expected.get("gid"), status.gid());
    assertEquals(2, status.links());
    assertEquals(expected.get("ino"), status.inode());
    assertEquals(expected.get("dev"), status.device());
    assertEquals(accessed, status.lastAccessTime());
    assertEquals(modified, status.lastModifiedTime());
    assertEquals(expected.get("ctime"), status.lastChangeTime());
    assertEquals(expected.get("creationTime"), status.creationTime());
    assertEquals(PAGE, status.blockSize());
    assertTrue(driver.isUring() ? status.blocks() >= 10 : status.blocks() == -1);
  }

  @DriverTest
  void attributesAreChangedOfTheOpenFileAndNotOfWhatHasItsName(TestRuntime driver)
      throws Exception {
    var file = filled(driver, 10);
    var path = file.path();
    var time = FileTime.from(Instant.ofEpochSecond(1_234_567_890, 123_456_789));
    var permissions = EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.GROUP_READ);
    file.setAttributes(AttributeChange.NONE.withPermissions(permissions).withTimes(time, time));
    assertEquals(permissions, Files.getPosixFilePermissions(path));
    assertEquals(time, Files.getLastModifiedTime(path));

    var moved = Files.move(path, dir.resolve("moved"));
    Files.createFile(path);
    var earlier = FileTime.from(Instant.ofEpochSecond(1_000_000_000));
    var change = AttributeChange.NONE.withTimes(earlier, null);
    if (driver.isUring()) {
      file.setAttributes(change);
      assertEquals(earlier, Files.getLastModifiedTime(moved));
    } else {
      assertThrows(UnsupportedOperationException.class, () -> file.setAttributes(change));
    }
    assertTrue(Files.getLastModifiedTime(path).compareTo(time) > 0, "another file's");

    file.close();
    assertThrows(ClosedChannelException.class, () -> file.setAttributes(change));
  }

  @DriverTest
  void directTransfersWorkWithTheAlignmentThatTheStatusTells(TestRuntime driver) throws Exception {
    Files.write(dir.resolve("file"), pattern.bytes(0, 8 * PAGE));
    var file = open(driver, "file", READ, AsyncFile.DIRECT);
    var status = file.status();
    int memory = status.directMemoryAlignment();
    int offset = status.directOffsetAlignment();
    assertTrue(memory > 0 && offset > 0, status::toString);
    var buffer = ByteBuffer.allocateDirect(offset + memory).alignedSlice(memory).limit(offset);
    assertEquals(offset, file.read(buffer, offset));
    pattern.check(buffer, 0, offset, offset);

    var failure =
        Waits.failure(
            FileSystemException.class,
            file.readAsync(ByteBuffer.allocateDirect(offset + 1), 1),
            "a read that is not aligned");
    assertTrue(failure.getMessage().contains("EINVAL"), failure::getMessage);
    assertTrue(failure.getMessage().contains("O_DIRECT"), failure::getMessage);
    assertTrue(failure.getMessage().contains(String.valueOf(offset)), failure::getMessage);
  }

  @DriverTest
  void transfersCanBeDoneInSpecialWays(TestRuntime driver) throws Exception {
    var file = filled(driver, PAGE);
    for (var option : EnumSet.of(TransferOption.DSYNC, TransferOption.SYNC)) {
      assertEquals(8, file.write(pattern.fill(ByteBuffer.allocate(8), 64), 64, Set.of(option)));
    }
    // A hint, which the file system may not know.
    var hint = Set.of(TransferOption.DONTCACHE);
    assertEquals(8, file.write(pattern.fill(ByteBuffer.allocateDirect(8), 72), 72, hint));
    var buffer = ByteBuffer.allocate(PAGE);
    assertEquals(PAGE, file.read(buffer, 0, hint));
    pattern.check(buffer, 0, PAGE, 0);

    var append = Set.of(TransferOption.APPEND);
    assertEquals(10, file.write(pattern.fill(ByteBuffer.allocate(10), PAGE), 0, append));
    assertEquals(PAGE + 10, file.size());
    pattern.check(Files.readAllBytes(file.path()), 0, PAGE + 10, 0);
    assertThrows(
        IllegalArgumentException.class, () -> file.readAsync(ByteBuffer.allocate(1), 0, append));

    var noWait = file.readAsync(ByteBuffer.allocateDirect(8), 0, Set.of(TransferOption.NOWAIT));
    var atomic = file.writeAsync(ByteBuffer.allocateDirect(8), 0, Set.of(TransferOption.ATOMIC));
    if (driver.isUring()) {
      assertEquals(8, Waits.get(noWait, "a read of what is cached"));
      // Not opened with O_DIRECT: the kernel refuses; one without the flag, too.
      assertFalse(Waits.failure(atomic, "an atomic write").getMessage().isEmpty());
    } else {
      var failure =
          Waits.failure(UnsupportedOperationException.class, noWait, "a read without waiting");
      assertTrue(failure.getMessage().contains("NOWAIT"), failure::getMessage);
      failure = Waits.failure(UnsupportedOperationException.class, atomic, "an atomic write");
      assertTrue(failure.getMessage().contains("ATOMIC"), failure::getMessage);
    }
  }

  @DriverTest
  void rangesAreCopiedBetweenFiles(TestRuntime driver) throws Exception {
    int length = 300_000;
    Files.write(dir.resolve("file"), pattern.bytes(0, length));
    var runtime = driver.start();
    try (var from = AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE);
        var to = AsyncFile.open(runtime, dir.resolve("copy"), READ, WRITE, CREATE)) {
      int done = 0;
      while (done < length) {
        int count = from.copyRange(done, to, done + 7L, length);
        assertTrue(count > 0, "nothing was copied at " + done);
        done += count;
      }
      assertEquals(length, done);
      assertEquals(0, from.copyRange(length, to, 0, 10));
      pattern.check(Files.readAllBytes(to.path()), 7, length + 7, 0);

      var overlapping =
          Waits.failure(
              FileSystemException.class, from.copyRangeAsync(0, from, 10, 100), "an overlap");
      assertTrue(overlapping.getMessage().contains("EINVAL"), overlapping::getMessage);
      try (var readOnly = AsyncFile.open(runtime, from.path(), READ);
          var writeOnly = AsyncFile.open(runtime, from.path(), WRITE)) {
        assertThrows(
            NonWritableChannelException.class, () -> from.copyRangeAsync(0, readOnly, 0, 1));
        assertThrows(
            NonReadableChannelException.class, () -> writeOnly.copyRangeAsync(0, to, 0, 1));
      }
      // Both are in use until it has ended: closes wait for it.
      var last = from.copyRangeAsync(0, to, 0, length);
      Waits.get(to.closeAsync(), "the close of the target");
      assertTrue(Waits.get(last, "a copy into a file that is being closed") > 0);
    }
  }

  @DriverTest
  void bytesAreSplicedThroughAPipe(TestRuntime driver) throws Exception {
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    Files.write(dir.resolve("file"), pattern.bytes(0, 1000));
    var runtime = driver.start();
    try (var source = AsyncFile.open(runtime, dir.resolve("file"), READ);
        var end = AsyncFile.open(runtime, pipe, READ, WRITE);
        var target = AsyncFile.open(runtime, dir.resolve("target"), WRITE, CREATE)) {
      assertEquals(600, source.splice(100, end, -1, 600));
      int done = 0;
      while (done < 600) {
        int count = end.splice(-1, target, 50 + done, 600 - done);
        assertTrue(count > 0);
        done += count;
      }
      pattern.check(Files.readAllBytes(target.path()), 50, 650, 100);
      var noPipe =
          Waits.failure(
              FileSystemException.class, source.spliceAsync(0, target, 0, 10), "without a pipe");
      assertTrue(noPipe.getMessage().contains("EINVAL"), noPipe::getMessage);
      var withOffset =
          Waits.failure(
              FileSystemException.class, source.spliceAsync(0, end, 0, 10), "a pipe's offset");
      assertTrue(withOffset.getMessage().contains("ESPIPE"), withOffset::getMessage);
    }
  }
}
