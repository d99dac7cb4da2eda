package io.gyre.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;

/** The file system by plain paths, held against what java.nio.file.Files does. */
class AsyncFilesTest {
  @TempDir Path dir;

  private AsyncFiles files(TestRuntime driver) throws IOException {
    return AsyncFiles.of(driver.start());
  }

  @DriverTest
  void wholeFilesAreWrittenAndRead(TestRuntime driver) throws Exception {
    var files = files(driver);
    var pattern = new Pattern(Seeds.SEED);
    for (int size : new int[] {0, 1, 4096, 300_000, 9 << 20}) {
      var path = dir.resolve("file-" + size);
      var content = pattern.bytes(0, size);
      files.write(path, ByteBuffer.wrap(content));
      assertArrayEquals(content, Files.readAllBytes(path));
      assertArrayEquals(content, files.readAllBytes(path));
      assertEquals(size, files.size(path));
    }
    var path = dir.resolve("text");
    files.writeString(path, "Grüße, 世界");
    assertEquals("Grüße, 世界", files.readString(path));
    files.writeString(path, "!", StandardOpenOption.APPEND);
    assertEquals("Grüße, 世界!", Files.readString(path));
    files.writeString(path, "short");
    assertEquals("short", Files.readString(path));
    assertThrows(
        FileAlreadyExistsException.class,
        () -> files.writeString(path, "new", StandardOpenOption.CREATE_NEW));
    Files.write(path, new byte[] {(byte) 0xFF});
    assertThrows(CharacterCodingException.class, () -> files.readString(path));
    assertThrows(CharacterCodingException.class, () -> files.writeString(path, "\uD800"));
    var missing =
        assertThrows(NoSuchFileException.class, () -> files.readAllBytes(dir.resolve("missing")));
    assertEquals(dir.resolve("missing").toString(), missing.getFile());
    assertEquals(
        Files.readString(Path.of("/proc/version")), files.readString(Path.of("/proc/version")));
  }

  @DriverTest
  void eachStyleDoesTheSame(TestRuntime driver) throws Exception {
    var files = files(driver);
    var path = Files.writeString(dir.resolve("file"), "content");
    var told = new CompletableFuture<String>();
    var thread = new CompletableFuture<Thread>();
    files.readString(
        path,
        told,
        new CompletionHandler<>() {
          @Override
          public void completed(String result, CompletableFuture<String> attachment) {
            thread.complete(Thread.currentThread());
            attachment.complete(result);
          }

          @Override
          public void failed(Throwable cause, CompletableFuture<String> attachment) {
            attachment.completeExceptionally(cause);
          }
        });
    assertEquals("content", Waits.get(told, "the callback"));
    assertSame(files.loop().thread(), Waits.get(thread, "its thread"));
    assertEquals("content", Waits.get(files.readStringAsync(path), "the future"));
    assertEquals("content", files.readString(path));
    var refused = new CompletableFuture<Void>();
    files
        .loop()
        .execute(
            () -> {
              try {
                assertThrows(IllegalStateException.class, () -> files.readString(path));
                refused.complete(null);
              } catch (AssertionError e) {
                refused.completeExceptionally(e);
              }
            });
    Waits.get(refused, "the refusal");
  }

  @DriverTest
  void whatACallbackThrowsIsReported(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    var files = files(driver);
    var mine = new IllegalStateException("mine");
    files.exists(
        dir,
        null,
        new CompletionHandler<Boolean, Void>() {
          @Override
          public void completed(Boolean result, Void attachment) {
            throw mine;
          }

          @Override
          public void failed(Throwable cause, Void attachment) {}
        });
    Waits.until("the exception is reported", () -> thrown.contains(mine));
  }

  @DriverTest
  void directoriesAreCreatedWithThoseTheyAreIn(TestRuntime driver) throws Exception {
    var files = files(driver);
    var path = dir.resolve("a/b/c/d");
    files.createDirectories(path);
    assertTrue(Files.isDirectory(path));
    files.createDirectories(path);
    var file = Files.createFile(dir.resolve("file"));
    var there = assertThrows(FileAlreadyExistsException.class, () -> files.createDirectories(file));
    assertEquals(file.toString(), there.getFile());
    var below =
        assertThrows(FileSystemException.class, () -> files.createDirectories(file.resolve("x/y")));
    assertTrue(below.getMessage().contains("ENOTDIR"), below::getMessage);
    var dangling = Files.createSymbolicLink(dir.resolve("dangling"), Path.of("nowhere"));
    var taken =
        Waits.failure(
            FileAlreadyExistsException.class,
            files.createDirectoriesAsync(dangling),
            "a directory of a link's name");
    assertEquals(dangling.toString(), taken.getFile());
    Files.createSymbolicLink(dir.resolve("link"), Path.of("a"));
    files.createDirectories(dir.resolve("link/e"));
    assertTrue(Files.isDirectory(dir.resolve("a/e")));
  }

  @DriverTest
  void whatIsThereIsTold(TestRuntime driver) throws Exception {
    var files = files(driver);
    var path = Files.createFile(dir.resolve("file"));
    var dangling = Files.createSymbolicLink(dir.resolve("dangling"), Path.of("nowhere"));
    assertTrue(files.exists(path));
    assertFalse(files.exists(dangling));
    assertTrue(files.exists(dangling, LinkOption.NOFOLLOW_LINKS));
    assertFalse(files.exists(path.resolve("below")));
    assertEquals(
        Set.of(path.getFileName(), dangling.getFileName()),
        files.list(dir).stream().map(DirectoryEntry::name).collect(Collectors.toSet()));
    assertTrue(files.deleteIfExists(path));
    assertFalse(files.deleteIfExists(path));
    files.delete(dangling);
    assertThrows(NoSuchFileException.class, () -> files.delete(dangling));
    Files.createDirectories(dir.resolve("full/sub"));
    assertThrows(DirectoryNotEmptyException.class, () -> files.deleteIfExists(dir.resolve("full")));
    files.delete(dir.resolve("full/sub"));
    assertThrows(FileSystemException.class, () -> files.list(path.resolve("x")));
  }

  @DriverTest
  void temporaryFilesAndDirectoriesHaveNewNames(TestRuntime driver) throws Exception {
    var files = files(driver);
    var one = files.createTempFile(dir, "pre", ".post");
    var other = files.createTempFile(dir, "pre", ".post");
    assertNotEquals(one, other);
    assertTrue(one.getFileName().toString().matches("pre.+\\.post"), one::toString);
    assertEquals(PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(one));
    var directory = files.createTempDirectory(dir, "directory");
    assertEquals(dir, directory.getParent());
    assertEquals(
        PosixFilePermissions.fromString("rwx------"), Files.getPosixFilePermissions(directory));
    var standard = files.createTempFile(null, null, null);
    assertEquals(Path.of(System.getProperty("java.io.tmpdir")), standard.getParent());
    files.delete(standard);
    assertThrows(
        IllegalArgumentException.class, () -> files.createTempFileAsync(dir, "../x", null));
  }

  @DriverTest
  void copiesAreThoseOfTheJdk(TestRuntime driver) throws Exception {
    var files = files(driver);
    var source = Files.writeString(dir.resolve("source"), "content");
    var old = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 5));
    Files.setLastModifiedTime(source, old);
    Files.setPosixFilePermissions(source, PosixFilePermissions.fromString("rwx-----x"));
    var target = dir.resolve("target");
    files.copy(source, target);
    assertEquals("content", Files.readString(target));
    assertNotEquals(old, Files.getLastModifiedTime(target));
    assertThrows(FileAlreadyExistsException.class, () -> files.copy(source, target));
    files.copy(
        source, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    assertEquals(old, Files.getLastModifiedTime(target));
    assertEquals(
        PosixFilePermissions.fromString("rwx-----x"), Files.getPosixFilePermissions(target));
    var twice =
        new CopyOption[] {StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.REPLACE_EXISTING};
    files.copy(source, target, twice); // as the JDK has it
    files.move(target, dir.resolve("moved"), twice);
    var link = Files.createSymbolicLink(dir.resolve("link"), Path.of("source"));
    files.copy(link, dir.resolve("followed"));
    assertTrue(Files.isRegularFile(dir.resolve("followed"), LinkOption.NOFOLLOW_LINKS));
    files.copy(link, dir.resolve("copied-link"), LinkOption.NOFOLLOW_LINKS);
    assertEquals(Path.of("source"), Files.readSymbolicLink(dir.resolve("copied-link")));
    Files.createDirectories(dir.resolve("directory/sub"));
    files.copy(dir.resolve("directory"), dir.resolve("directory-copy"));
    try (var names = Files.list(dir.resolve("directory-copy"))) {
      assertEquals(0, names.count(), "what is in it is not copied");
    }
    assertThrows(
        UnsupportedOperationException.class,
        () -> files.copyAsync(source, target, StandardCopyOption.ATOMIC_MOVE));
    assertThrows(
        NoSuchFileException.class, () -> files.copy(dir.resolve("none"), dir.resolve("x")));
    assertFalse(Files.exists(dir.resolve("x")));
  }

  @DriverTest
  void movesRenameOrReplace(TestRuntime driver) throws Exception {
    var files = files(driver);
    var source = Files.writeString(dir.resolve("source"), "content");
    var target = Files.writeString(dir.resolve("target"), "old");
    var there = assertThrows(FileAlreadyExistsException.class, () -> files.move(source, target));
    assertEquals(target.toString(), there.getFile());
    assertEquals("old", Files.readString(target));
    files.move(source, target, StandardCopyOption.REPLACE_EXISTING);
    assertEquals("content", Files.readString(target));
    assertFalse(Files.exists(source));
    files.move(target, source);
    Files.writeString(target, "old");
    files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    assertEquals("content", Files.readString(target));
    assertThrows(
        UnsupportedOperationException.class,
        () -> files.moveAsync(source, target, StandardCopyOption.COPY_ATTRIBUTES));
    assertThrows(NoSuchFileException.class, () -> files.move(source, dir.resolve("x")));
  }

  @DriverTest
  void aMoveToAnotherFileSystemCopiesOrSaysThatItIsNotAtomic(TestRuntime driver) throws Exception {
    var files = files(driver);
    var elsewhere = Files.createTempDirectory(Path.of("/dev/shm"), "gyre-test-");
    try {
      assertNotEquals(
          Files.getAttribute(dir, "unix:dev"),
          Files.getAttribute(elsewhere, "unix:dev"),
          "the test needs two file systems");
      var source = Files.createDirectory(dir.resolve("source"));
      var old = FileTime.from(Instant.ofEpochSecond(1_000_000_000));
      Files.writeString(source.resolve("file"), "content");
      Files.setLastModifiedTime(source.resolve("file"), old);
      var target = elsewhere.resolve("target");
      var failure =
          assertThrows(
              AtomicMoveNotSupportedException.class,
              () -> files.move(source, target, StandardCopyOption.ATOMIC_MOVE));
      assertTrue(failure.getMessage().contains("EXDEV"), failure::getMessage);
      files.move(source, target);
      assertFalse(Files.exists(source));
      assertEquals("content", Files.readString(target.resolve("file")));
      assertEquals(old, Files.getLastModifiedTime(target.resolve("file")));
    } finally {
      files.deleteIfExists(elsewhere.resolve("target/file"));
      files.deleteIfExists(elsewhere.resolve("target"));
      files.deleteIfExists(elsewhere);
    }
  }

  @DriverTest
  void aMoveToAnotherFileSystemMakesNothingWhereTheDirectoryCantBeOpened(TestRuntime driver)
      throws Exception {
    var source = Files.writeString(dir.resolve("source"), "content");
    var elsewhere = Files.createTempDirectory(Path.of("/dev/shm"), "gyre-test-");
    var disk =
        new DelayedOperations(
            driver.configuration().driver(),
            operation ->
                operation.code() == OpCode.OPEN
                    && operation.subject().equals(elsewhere.toString()));
    try (var runtime = driver.startOn(disk, b -> b)) {
      var moving = AsyncFiles.of(runtime).moveAsync(source, elsewhere.resolve("target"));
      disk.awaitAsked(runtime.loop(), 1);
      assertEquals(List.of(), entries(elsewhere), "made before the directory is open");
      disk.fail(runtime.loop(), 0, Errno.EACCES);
      var refused = Waits.failure(AccessDeniedException.class, moving, "the move");
      assertEquals(elsewhere.toString(), refused.getFile());
      assertEquals(List.of(), entries(elsewhere));
      assertEquals("content", Files.readString(source));
    } finally {
      Files.delete(elsewhere);
    }
  }

  @DriverTest
  void aMoveToAnotherFileSystemRemovesNothingBeforeTheCopyIsDurable(TestRuntime driver)
      throws Exception {
    var elsewhere = Files.createTempDirectory(Path.of("/dev/shm"), "gyre-test-");
    var failing = new FailingDriver(driver.configuration().driver());
    var runtime = driver.startOn(failing, b -> b);
    var files = AsyncFiles.of(runtime);
    try {
      var source = Files.createDirectory(dir.resolve("source"));
      Files.writeString(source.resolve("file"), "content");
      failing.fail(runtime.loop(), -1, Errno.EIO);
      files.move(source, elsewhere.resolve("target"));
      var asked = failing.asked(runtime.loop());
      var syncs = IntStream.range(0, asked.size()).filter(i -> asked.get(i) == OpCode.FSYNC);
      int[] steps = syncs.toArray();
      assertEquals(3, steps.length, "the file, the directory, and its name: " + asked);
      assertTrue(steps[2] < asked.indexOf(OpCode.REMOVE), asked::toString);

      for (int step : steps) {
        Files.createDirectory(source);
        Files.writeString(source.resolve("file"), "content");
        var target = elsewhere.resolve("target-" + step);
        failing.fail(runtime.loop(), step, Errno.EIO);
        var failure = assertThrows(IOException.class, () -> files.move(source, target));
        assertTrue(failure.getMessage().contains("EIO"), failure::getMessage);
        assertEquals("content", Files.readString(source.resolve("file")));
        FileTree.on(runtime).delete(source, TreeOptions.DEFAULT, TreeProgress.NONE);
      }
    } finally {
      FileTree.on(runtime).delete(elsewhere, TreeOptions.DEFAULT, TreeProgress.NONE);
    }
  }

  @DriverTest
  void namesThatAreNotUtf8Work(TestRuntime driver) throws Exception {
    var files = files(driver);
    var odd = Path.of(URI.create("file://" + dir.toUri().getRawPath() + "%FF%FE"));
    files.createDirectories(odd.resolve("sub"));
    files.writeString(odd.resolve("sub/file"), "content");
    assertEquals("content", Files.readString(odd.resolve("sub/file")));
    files.copy(odd.resolve("sub/file"), odd.resolve("copy"));
    files.replace(odd.resolve("copy"), ByteBuffer.wrap(new byte[] {65}));
    assertEquals("A", files.readString(odd.resolve("copy")));
    files.move(odd.resolve("copy"), odd.resolve("moved"));
    assertEquals(
        Set.of(Path.of("sub"), Path.of("moved")),
        files.list(odd).stream().map(DirectoryEntry::name).collect(Collectors.toSet()));
    FileTree.on(files.loop()).delete(odd, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertFalse(Files.exists(odd));
  }

  @DriverTest
  void cancellingEndsASequence(TestRuntime driver) throws Exception {
    var files = files(driver);
    var path = Files.write(dir.resolve("file"), new byte[1 << 20]);
    for (int i = 0; i < 50; i++) {
      var reading = files.readAllBytesAsync(path);
      reading.cancel(true);
      Waits.settled(reading, "a read");
    } // what is left open fails the test when it ends
  }

  @DriverTest
  void anEndedRuntimeTakesNothing(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var files = AsyncFiles.of(runtime);
    driver.closeAndWait(runtime);
    assertThrows(ShutdownChannelGroupException.class, () -> files.existsAsync(dir));
    assertThrows(ShutdownChannelGroupException.class, () -> files.statusAsync(dir));
    assertThrows(ShutdownChannelGroupException.class, () -> files.readAllBytesAsync(dir));
    assertThrows(
        ShutdownChannelGroupException.class,
        () -> FileTree.on(files.loop()).deleteAsync(dir, TreeOptions.DEFAULT, TreeProgress.NONE));
    assertTrue(Files.exists(dir));
  }

  @DriverTest
  void whatCanBeNoDirectoryIsToldAndNotTriedForEver(TestRuntime driver) throws Exception {
    var files = files(driver);
    var link = Files.createSymbolicLink(dir.resolve("dangling"), Path.of("nowhere"));
    var there =
        Waits.failure(
            FileAlreadyExistsException.class,
            files.createDirectoriesAsync(link),
            "a directory in place of a link");
    assertEquals(link.toString(), there.getFile());
    Waits.failure(
        FileSystemException.class,
        files.createDirectoriesAsync(link.resolve("below")),
        "a directory behind a link that leads nowhere");
    Waits.failure(
        FileSystemException.class,
        files.createDirectoriesAsync(Path.of("/proc/gyre/below")),
        "a directory in /proc");
  }

  @DriverTest
  void anOptionMayBeGivenTwice(TestRuntime driver) throws Exception {
    var files = files(driver);
    var one = Files.writeString(dir.resolve("one"), "one");
    var two = Files.writeString(dir.resolve("two"), "two");
    var twice =
        new CopyOption[] {StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.REPLACE_EXISTING};
    files.copy(one, two, twice);
    files.move(two, one, twice);
    assertEquals("one", Files.readString(one));
    files.openDirectory(dir, LinkOption.NOFOLLOW_LINKS, LinkOption.NOFOLLOW_LINKS).close();
  }

  @DriverTest
  void badArgumentsOfSequencesAreThrownAtOnce(TestRuntime driver) throws Exception {
    var files = files(driver);
    FileAttribute<?>[] none = null;
    LinkOption[] noOptions = null;
    var other = PosixFilePermissions.asFileAttribute(Set.of());
    assertThrows(
        NullPointerException.class, () -> files.createDirectoriesAsync(dir.resolve("d"), none));
    assertThrows(NullPointerException.class, () -> files.existsAsync(dir, noOptions));
    assertThrows(NullPointerException.class, () -> files.createTempFileAsync(dir, "a", "b", none));
    assertThrows(NullPointerException.class, () -> files.createTempDirectoryAsync(dir, "a", none));
    for (var bad : List.of("a/b", "/")) {
      assertThrows(
          IllegalArgumentException.class, () -> files.createTempFileAsync(dir, bad, null, other));
      assertThrows(IllegalArgumentException.class, () -> files.createTempFileAsync(dir, null, bad));
      assertThrows(IllegalArgumentException.class, () -> files.createTempDirectoryAsync(dir, bad));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> files.replaceAsync(Path.of("/"), ByteBuffer.allocate(1)));
  }

  private static List<Path> entries(Path directory) throws IOException {
    try (var all = Files.list(directory)) {
      return all.toList();
    }
  }
}
