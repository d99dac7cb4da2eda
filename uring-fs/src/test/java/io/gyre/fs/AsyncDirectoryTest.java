package io.gyre.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.Scheduler;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.Errno;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.driver.OpCode;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What is done relative to an open directory. */
class AsyncDirectoryTest {
  @TempDir Path dir;

  private AsyncDirectory open(TestRuntime driver) throws IOException {
    var directory = AsyncDirectory.open(driver.start(), dir);
    driver.own(directory::close);
    return directory;
  }

  private static Path p(String name) {
    return Path.of(name);
  }

  /** A path of these bytes, escaped as in a URI. */
  private Path odd(String escaped) {
    return Path.of(URI.create("file://" + dir.toUri().getRawPath() + escaped)).getFileName();
  }

  private static <X extends Throwable> X fails(Class<X> type, String says, Executable call) {
    var failure = assertThrows(type, call);
    assertSame(type, failure.getClass(), failure::toString);
    assertTrue(String.valueOf(failure.getMessage()).contains(says), failure::getMessage);
    return failure;
  }

  /** Keeps what it is told, and where. */
  private static final class Told<T> implements CompletionHandler<T, String> {
    final CompletableFuture<T> result = new CompletableFuture<>();
    final CompletableFuture<Thread> thread = new CompletableFuture<>();
    final CompletableFuture<String> attachment = new CompletableFuture<>();

    @Override
    public void completed(T value, String a) {
      tell(a);
      result.complete(value);
    }

    @Override
    public void failed(Throwable cause, String a) {
      tell(a);
      result.completeExceptionally(cause);
    }

    private void tell(String a) {
      attachment.complete(a);
      thread.complete(Thread.currentThread());
    }
  }

  @DriverTest
  void eachStyleDoesTheSame(TestRuntime driver) throws Exception {
    var directory = open(driver);
    var loop = directory.loop();
    var recorder = new Recorder<String>();
    directory.createDirectory(p("callback"), "attached", recorder);
    Waits.get(directory.createDirectoryAsync(p("future")), "a directory");
    directory.createDirectory(p("plain"));
    var outcome = recorder.awaitOne();
    assertNull(outcome.cause());
    assertEquals("attached", outcome.attachment());
    assertSame(loop.thread(), outcome.thread());

    var status = new Told<FileStatus>();
    directory.status(p("callback"), "attached", status);
    assertTrue(Waits.get(status.result, "the status").isDirectory());
    assertSame(loop.thread(), Waits.get(status.thread, "the thread"));
    assertEquals("attached", Waits.get(status.attachment, "the attachment"));

    var entries = new Told<List<DirectoryEntry>>();
    directory.list("attached", entries);
    var expected = Set.of(p("callback"), p("future"), p("plain"));
    assertEquals(expected, names(Waits.get(entries.result, "the entries")));
    assertEquals(expected, names(Waits.get(directory.listAsync(), "the entries")));
    assertEquals(expected, names(directory.list()));

    var opened = new Told<AsyncDirectory>();
    AsyncDirectory.open(loop, dir.resolve("plain"), "attached", opened);
    Waits.get(opened.result, "the directory").close();
    var onLoop = new CompletableFuture<Throwable>();
    loop.execute(
        () -> {
          try {
            onLoop.complete(assertThrows(IllegalStateException.class, directory::list));
          } catch (AssertionError e) {
            onLoop.completeExceptionally(e);
          }
        });
    Waits.get(onLoop, "a refusal");
  }

  private static Set<Path> names(List<DirectoryEntry> entries) {
    return entries.stream().map(DirectoryEntry::name).collect(Collectors.toSet());
  }

  @DriverTest
  void filesAndDirectoriesAreOpenedCreatedAndRemoved(TestRuntime driver) throws Exception {
    var directory = open(driver);
    var permissions = PosixFilePermissions.fromString("rwx--x---");
    directory.createDirectory(p("sub"), PosixFilePermissions.asFileAttribute(permissions));
    assertEquals(permissions, Files.getPosixFilePermissions(dir.resolve("sub")));
    try (var sub = directory.openDirectory(p("sub"));
        var file =
            sub.openFile(p("file"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      assertEquals(dir.resolve("sub"), sub.path());
      assertEquals(dir.resolve("sub/file"), file.path());
      file.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
      assertEquals(3, sub.status(p("file")).size());
      assertEquals(Files.getAttribute(dir.resolve("sub"), "unix:ino"), sub.status().inode());
      sub.force();
    }
    fails(DirectoryNotEmptyException.class, "sub", () -> directory.deleteDirectory(p("sub")));
    fails(FileSystemException.class, "EISDIR", () -> directory.deleteFile(p("sub")));
    fails(FileSystemException.class, "ENOTDIR", () -> directory.deleteDirectory(p("sub/file")));
    directory.delete(p("sub/file"));
    directory.delete(p("sub"));
    fails(NoSuchFileException.class, "remove: ENOENT", () -> directory.delete(p("sub")));
    assertEquals(List.of(), directory.list());
  }

  @DriverTest
  void anUnnamedFileIsFoundByNobody(TestRuntime driver) throws Exception {
    var directory = open(driver);
    try (var file = directory.openUnnamedFile(p(""))) {
      file.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
      assertEquals(3, file.read(ByteBuffer.allocate(5), 0));
      assertEquals(List.of(), directory.list());
    }
    fails(NoSuchFileException.class, "ENOENT", () -> directory.openUnnamedFile(p("missing")));
  }

  @DriverTest
  void whereTheFileSystemHasNoUnnamedFilesOneLosesItsName(TestRuntime driver) throws Exception {
    var failing = new FailingDriver(driver.configuration().driver());
    var runtime = driver.startOn(failing, builder -> builder);
    try {
      for (var errno : List.of(Errno.EOPNOTSUPP, Errno.EISDIR)) {
        failing.fail(runtime.loop(), 0, errno);
        try (var file = AsyncFiles.of(runtime).openUnnamedFile(dir)) {
          assertEquals(List.of(OpCode.OPEN, OpCode.OPEN), opens(failing.asked(runtime.loop())));
          file.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
          assertEquals(3, file.read(ByteBuffer.allocate(5), 0));
          try (var names = Files.list(dir)) {
            assertEquals(List.of(), names.toList());
          }
        }
      }
    } finally {
      driver.closeAndWait(runtime);
    }
  }

  /** A driver may remove the name by an operation of its own. */
  private static List<OpCode> opens(List<OpCode> asked) {
    return asked.stream().filter(code -> code == OpCode.OPEN).toList();
  }

  @DriverTest(drivers = "uring") // java.nio goes by the path
  void aDirectoryThatIsRenamedOrReplacedIsWorkedInAllTheSame(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    Files.createDirectory(dir.resolve("before"));
    try (var directory = AsyncDirectory.open(runtime, dir.resolve("before"))) {
      Files.move(dir.resolve("before"), dir.resolve("after"));
      Files.createSymbolicLink(dir.resolve("before"), p("/nowhere"));
      directory.createDirectory(p("made"));
      assertTrue(Files.isDirectory(dir.resolve("after/made")));
    }
  }

  @DriverTest
  void renamesReplaceRefuseOrExchange(TestRuntime driver) throws Exception {
    var directory = open(driver);
    directory.createDirectory(p("sub"));
    try (var sub = directory.openDirectory(p("sub"))) {
      Files.writeString(dir.resolve("a"), "a");
      Files.writeString(dir.resolve("sub/b"), "b");
      var there =
          fails(
              FileAlreadyExistsException.class,
              "rename: EEXIST",
              () -> directory.rename(p("a"), sub, p("b"), RenameOption.NO_REPLACE));
      assertEquals(dir.resolve("sub/b").toString(), there.getFile());
      Executable exchange = () -> directory.rename(p("a"), sub, p("b"), RenameOption.EXCHANGE);
      if (driver.isUring()) {
        directory.rename(p("a"), sub, p("b"), RenameOption.EXCHANGE);
        assertEquals("b", Files.readString(dir.resolve("a")));
        directory.rename(p("a"), sub, p("b"), RenameOption.EXCHANGE);
      } else {
        fails(UnsupportedOperationException.class, "exchange", exchange);
      }
      directory.rename(p("a"), sub, p("b"), RenameOption.REPLACE);
      assertEquals("a", Files.readString(dir.resolve("sub/b")));
      sub.rename(p("b"), directory, p("c"), RenameOption.NO_REPLACE);
      assertEquals("a", Files.readString(dir.resolve("c")));
      Files.createDirectory(dir.resolve("empty"));
      Files.createFile(dir.resolve("sub/in-the-way"));
      var full =
          fails(
              DirectoryNotEmptyException.class,
              "sub",
              () -> directory.rename(p("empty"), directory, p("sub"), RenameOption.REPLACE));
      assertEquals(dir.resolve("sub").toString(), full.getFile());
      var missing =
          fails(
              NoSuchFileException.class,
              "ENOENT",
              () -> directory.rename(p("a"), sub, p("b"), RenameOption.REPLACE));
      assertEquals(dir.resolve("sub/b").toString(), missing.getOtherFile());
      var files = AsyncFiles.of(directory.loop());
      directory.rename(p("c"), files, dir.resolve("sub/d"), RenameOption.REPLACE);
      assertEquals("a", Files.readString(dir.resolve("sub/d")));
      fails(
          FileSystemException.class,
          "EXDEV",
          () -> sub.rename(p("d"), files, p("/dev/shm/gyre-never-there"), RenameOption.REPLACE));
    }
  }

  @DriverTest
  void linksAreMadeReadAndRefused(TestRuntime driver) throws Exception {
    var directory = open(driver);
    Files.createDirectory(dir.resolve("sub"));
    Files.writeString(dir.resolve("sub/file"), "content");
    directory.createSymbolicLink(p("link"), p("sub/../sub"));
    assertEquals(p("sub/../sub"), directory.readSymbolicLink(p("link")));
    assertEquals(FileType.DIRECTORY, directory.status(p("link")).type());
    assertEquals(
        FileType.SYMBOLIC_LINK, directory.status(p("link"), LinkOption.NOFOLLOW_LINKS).type());
    directory.openDirectory(p("link")).close();
    assertThrows(
        FileSystemException.class,
        () -> directory.openDirectory(p("link"), LinkOption.NOFOLLOW_LINKS));
    directory.createLink(p("sub/file"), directory, p("hard"));
    assertEquals(2, directory.status(p("hard")).links());
    fails(
        FileAlreadyExistsException.class,
        "hard",
        () -> directory.createLink(p("sub/file"), directory, p("hard")));
    fails(FileSystemException.class, "EINVAL", () -> directory.readSymbolicLink(p("hard")));
    directory.createSymbolicLink(p("loop"), p("loop"));
    fails(FileSystemException.class, "ELOOP", () -> directory.status(p("loop")));
    directory.deleteFile(p("link"));
    assertTrue(Files.exists(dir.resolve("sub/file")));
  }

  @DriverTest
  void attributesAreChangedByNameAndOfTheDirectoryItself(TestRuntime driver) throws Exception {
    var directory = open(driver);
    var path = Files.writeString(dir.resolve("file"), "content");
    Files.createSymbolicLink(dir.resolve("link"), p("file"));
    var time = FileTime.from(Instant.ofEpochSecond(1_234_567_890, 123_456_789));
    var permissions = PosixFilePermissions.fromString("r--r-----");
    directory.setAttributes(
        p("link"), AttributeChange.NONE.withPermissions(permissions).withTimes(time, null));
    assertEquals(permissions, Files.getPosixFilePermissions(path));
    assertEquals(time, Files.getLastModifiedTime(path));
    var link = dir.resolve("link");
    assertNotEquals(time, Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS));
    directory.setAttributes(
        p("link"), AttributeChange.NONE.withTimes(time, time), LinkOption.NOFOLLOW_LINKS);
    assertEquals(time, Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS));
    var status = directory.status(p("file"));
    directory.setAttributes(p("file"), AttributeChange.to(status));
    assertEquals(time, Files.getLastModifiedTime(path));
    directory.setAttributes(AttributeChange.NONE.withTimes(time, time));
    assertEquals(time, directory.status().lastModifiedTime());
    fails(
        NoSuchFileException.class,
        "set attributes: ENOENT",
        () -> directory.setAttributes(p("none"), AttributeChange.NONE.withTimes(time, null)));
  }

  @DriverTest
  void tenThousandEntriesComeInPartsOrAtOnce(TestRuntime driver) throws Exception {
    var directory = open(driver);
    var expected = new HashSet<Path>();
    for (int i = 0; i < 10_000; i++) {
      expected.add(Files.createFile(dir.resolve("file-" + i)).getFileName());
    }
    for (int round = 0; round < 2; round++) {
      var found = new HashSet<Path>();
      int parts = 0;
      for (var part = directory.nextEntries(); !part.isEmpty(); part = directory.nextEntries()) {
        parts++;
        assertTrue(part.size() < 5000, "not a part: " + part.size());
        found.addAll(names(part));
      }
      assertTrue(parts > 2, () -> "no parts");
      assertEquals(expected, found);
      assertEquals(List.of(), directory.nextEntries());
      directory.rewind();
    }
    assertEquals(10_000, directory.list().size());
    assertEquals(List.of(), directory.nextEntries(), "a list goes to the end");
  }

  @DriverTest
  void aRewindIsForWhatIsAskedForAfterIt(TestRuntime driver) throws Exception {
    var directory = open(driver);
    for (int i = 0; i < 2000; i++) {
      Files.createFile(dir.resolve("file-" + i));
    }
    var whole = directory.listAsync();
    directory.rewind(); // while it is being read
    var again = directory.nextEntriesAsync();
    var entries = Waits.get(whole, "a list");
    assertEquals(2000, entries.size(), "none twice");
    assertEquals(2000, names(entries).size());
    assertTrue(!Waits.get(again, "the first part").isEmpty());
  }

  @DriverTest
  void listingsTakeTurnsWhenTheyAreStartedTogether(TestRuntime driver) throws Exception {
    var directory = open(driver);
    for (int i = 0; i < 2000; i++) {
      Files.createFile(dir.resolve("file-" + i));
    }
    var lists = java.util.stream.Stream.generate(directory::listAsync).limit(5).toList();
    for (var list : lists) {
      assertEquals(2000, names(Waits.get(list, "a list")).size());
    }
    var cancelled = directory.listAsync();
    var waiting = directory.listAsync();
    var last = directory.listAsync();
    waiting.cancel(true);
    cancelled.cancel(true);
    Waits.settled(waiting, "the second list");
    Waits.settled(cancelled, "the first list");
    assertEquals(2000, Waits.get(last, "a list behind those").size());
  }

  @DriverTest
  void typesAreThoseOfWhatIsThere(TestRuntime driver) throws Exception {
    var directory = open(driver);
    Files.createFile(dir.resolve("file"));
    Files.createDirectory(dir.resolve("directory"));
    Files.createSymbolicLink(dir.resolve("link"), p("file"));
    var types =
        directory.list().stream()
            .collect(Collectors.toMap(e -> e.name().toString(), DirectoryEntry::type));
    assertEquals(
        Map.of(
            "file",
            FileType.REGULAR,
            "directory",
            FileType.DIRECTORY,
            "link",
            FileType.SYMBOLIC_LINK),
        types);
  }

  @DriverTest
  void namesThatAreNotUtf8Work(TestRuntime driver) throws Exception {
    var directory = open(driver);
    var names = new HashSet<Path>();
    for (var escaped : List.of("%FF%FE", "caf%E9", "%C3%A9t%C3%A9", "a%2520b%20c")) {
      var name = odd(escaped);
      var renamed = odd(escaped + "-renamed");
      names.add(renamed);
      directory.openFile(name, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
      assertTrue(Files.exists(dir.resolve(name)), name::toString);
      directory.rename(name, directory, renamed, RenameOption.NO_REPLACE);
      directory.createSymbolicLink(p("link"), renamed);
      assertEquals(renamed, directory.readSymbolicLink(p("link")));
      assertEquals(0, directory.status(p("link")).size());
      directory.delete(p("link"));
    }
    assertEquals(names, names(directory.list()));
    for (var name : names) {
      directory.delete(name);
    }
    assertEquals(List.of(), directory.list());
  }

  @DriverTest
  void badPathsAreNamed(TestRuntime driver) throws Exception {
    var directory = open(driver);
    Files.createFile(dir.resolve("file"));
    var tooLong = p("x".repeat(300));
    for (Executable call :
        List.<Executable>of(
            () -> directory.createDirectory(tooLong),
            () -> directory.openFile(tooLong),
            () -> directory.openDirectory(tooLong),
            () -> directory.delete(tooLong),
            () -> directory.status(tooLong),
            () -> directory.createSymbolicLink(tooLong, p("a")),
            () -> directory.rename(p("file"), directory, tooLong, RenameOption.REPLACE))) {
      fails(FileSystemException.class, "ENAMETOOLONG", call);
    }
    var below = p("file/below");
    for (Executable call :
        List.<Executable>of(
            () -> directory.createDirectory(below),
            () -> directory.openFile(below),
            () -> directory.openDirectory(p("file")))) {
      var failure = assertThrows(FileSystemException.class, call);
      assertTrue(failure.getMessage().contains("ENOTDIR"), failure::getMessage);
    }
    // The JDK's lstat takes a file on the way for nothing at the end of it.
    var onTheWay = driver.isUring() ? "ENOTDIR" : "ENOENT";
    for (Executable call :
        List.<Executable>of(() -> directory.delete(below), () -> directory.status(below))) {
      var failure = assertThrows(FileSystemException.class, call);
      assertTrue(failure.getMessage().contains(onTheWay), failure::getMessage);
    }
    fails(FileAlreadyExistsException.class, "EEXIST", () -> directory.createDirectory(p("file")));
    // java.nio's empty path is the directory itself.
    assertTrue(directory.status(p("")).isDirectory());
    fails(FileAlreadyExistsException.class, "EEXIST", () -> directory.createDirectory(p("")));
    assertThrows(NullPointerException.class, () -> directory.createDirectoryAsync(null));
    assertThrows(NullPointerException.class, () -> directory.deleteFile(p("a"), null, null));
    try (var zip = FileSystems.newFileSystem(dir.resolve("z.zip"), Map.of("create", "true"))) {
      var foreign = zip.getPath("a");
      assertThrows(ProviderMismatchException.class, () -> directory.createDirectoryAsync(foreign));
      assertThrows(ProviderMismatchException.class, () -> directory.openFileAsync(foreign));
      assertThrows(
          ProviderMismatchException.class,
          () -> directory.createSymbolicLinkAsync(p("a"), foreign));
    }
  }

  @DriverTest
  void aClosedDirectoryRefusesEverything(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var directory = AsyncDirectory.open(runtime, dir);
    var made = directory.createDirectoryAsync(p("made"));
    directory.close();
    Waits.get(made, "what was begun before the close");
    directory.close();
    for (Executable call :
        List.<Executable>of(
            () -> directory.createDirectory(p("a")),
            () -> directory.openFile(p("a")),
            () -> directory.list(),
            () -> directory.nextEntries(),
            () -> directory.status(),
            () -> directory.force())) {
      assertThrows(ClosedChannelException.class, call);
    }
    var other = AsyncDirectory.open(runtime, dir);
    var closedTarget =
        Waits.failure(
            other.renameAsync(p("made"), directory, p("b"), RenameOption.REPLACE), "a rename");
    assertTrue(closedTarget instanceof ClosedChannelException, closedTarget::toString);
    driver.closeAndWait(runtime);
    assertThrows(ShutdownChannelGroupException.class, () -> other.createDirectoryAsync(p("a")));
    assertThrows(ShutdownChannelGroupException.class, other::listAsync);
    Waits.get(other.closeAsync(), "a close after the end");
  }

  @DriverTest
  void directoriesOfTwoLoopsDoNotMix(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var loops = runtime.loops();
    try (var one = Waits.get(on(loops.getFirst()), "a directory");
        var other = Waits.get(on(loops.getLast()), "a directory")) {
      var failure =
          assertThrows(
              IllegalArgumentException.class,
              () -> one.renameAsync(p("a"), other, p("b"), RenameOption.REPLACE));
      assertTrue(failure.getMessage().contains("another loop"), failure::getMessage);
    }
  }

  private CompletableFuture<AsyncDirectory> on(EventLoop loop) {
    return AsyncFiles.of(loop).openDirectoryAsync(dir);
  }

  @DriverTest
  void anOpenThatIsCancelledLeavesNothingOpen(TestRuntime driver) throws Exception {
    var directory = open(driver);
    Files.createDirectory(dir.resolve("sub"));
    for (int i = 0; i < 200; i++) {
      var opening = directory.openDirectoryAsync(p("sub"));
      opening.cancel(true);
      Waits.settled(opening, "an open");
      if (!opening.isCompletedExceptionally()) {
        opening.join().close();
      }
    } // what is left open fails the test when it ends
    assertFalse(directory.list().isEmpty());
  }
}
