package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.driver.AttributeRequest;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.PathRequest;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.io.TempDir;

/** Operations on paths, relative to a directory's descriptor or not, as the drivers have them. */
class PathOperationTest {
  private static final int NO_FOLLOW = 1;
  private static final int DIRECTORY = 1;
  private static final int NO_REPLACE = 1;
  private static final int EXCHANGE = 2;

  @TempDir Path dir;
  private EventLoop loop;

  /** Starts an operation; its future has what it brought. */
  private CompletableFuture<Object> start(
      OpCode code, Descriptor descriptor, UnaryOperator<Operation> fill) {
    var future = new CompletableFuture<Object>();
    loop.execute(
        () -> {
          var dispatcher = loop.dispatcher();
          var operation =
              dispatcher.acquire(
                  code,
                  descriptor,
                  (o, result) -> {
                    if (result < 0) {
                      future.completeExceptionally(o.failure(result));
                    } else {
                      future.complete(o.newDescriptor() != null ? o.newDescriptor() : o.value());
                    }
                  },
                  null,
                  null);
          dispatcher.submit(fill.apply(operation));
        });
    return future;
  }

  private Object run(OpCode code, Descriptor descriptor, UnaryOperator<Operation> fill) {
    return Waits.get(start(code, descriptor, fill), code.displayName());
  }

  private Object run(OpCode code, Descriptor descriptor, String path) {
    return run(code, descriptor, o -> o.argument(new PathRequest(Path.of(path))));
  }

  private <X extends Throwable> X fail(
      Class<X> type, OpCode code, Descriptor descriptor, UnaryOperator<Operation> fill) {
    var failure = Waits.failure(start(code, descriptor, fill), code.displayName());
    assertSame(type, failure.getClass(), failure::toString);
    return type.cast(failure);
  }

  private Descriptor open(
      Descriptor directory, Path path, OpenRequest.Kind kind, OpenOption... options) {
    var request = new OpenRequest(path, Set.of(options), null, kind);
    return (Descriptor) run(OpCode.OPEN, directory, o -> o.argument(request));
  }

  private Descriptor openDirectory(TestRuntime driver) throws Exception {
    loop = driver.start().loop();
    return open(null, dir, OpenRequest.Kind.DIRECTORY);
  }

  private FileStatus status(Descriptor directory, String path, int flags) {
    return (FileStatus)
        run(
            OpCode.ATTRIBUTES,
            directory,
            o -> o.argument(new PathRequest(Path.of(path))).flags(flags));
  }

  @DriverTest
  void directoriesAreMadeAndRemovedRelativeToADescriptor(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var permissions = PosixFilePermissions.fromString("rwx------");
    run(
        OpCode.MAKE_DIRECTORY,
        directory,
        o -> o.argument(new PathRequest(Path.of("made"), null, permissions)));
    assertEquals(permissions, Files.getPosixFilePermissions(dir.resolve("made")));
    var again =
        fail(
            FileAlreadyExistsException.class,
            OpCode.MAKE_DIRECTORY,
            directory,
            o -> o.argument(new PathRequest(Path.of("made"))));
    assertEquals(dir.resolve("made").toString(), again.getFile());
    assertTrue(again.getMessage().contains("make directory: EEXIST"), again::getMessage);

    Files.createFile(dir.resolve("made/file"));
    UnaryOperator<Operation> made = o -> o.argument(new PathRequest(Path.of("made")));
    fail(
        DirectoryNotEmptyException.class,
        OpCode.REMOVE,
        directory,
        o -> made.apply(o).flags(DIRECTORY));
    var notAFile = fail(FileSystemException.class, OpCode.REMOVE, directory, made);
    assertTrue(notAFile.getMessage().contains("EISDIR"), notAFile::getMessage);
    run(OpCode.REMOVE, directory, "made/file");
    fail(
        NoSuchFileException.class,
        OpCode.REMOVE,
        directory,
        o -> o.argument(new PathRequest(Path.of("made/file"))));
    run(OpCode.REMOVE, directory, o -> made.apply(o).flags(DIRECTORY));
    assertFalse(Files.exists(dir.resolve("made")));
    run(OpCode.MAKE_DIRECTORY, directory, dir.resolve("absolute").toString());
    assertTrue(Files.isDirectory(dir.resolve("absolute")));
  }

  @DriverTest
  void filesAreOpenedAndCreatedRelativeToADescriptor(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    Files.createDirectory(dir.resolve("sub"));
    var file = open(directory, Path.of("sub/file"), OpenRequest.Kind.FILE, WRITE, CREATE_NEW);
    assertEquals(dir.resolve("sub/file").toString(), file.subject());
    run(OpCode.WRITE, file, o -> o.memory(ByteBuffer.allocate(5)).offset(0));
    assertEquals(5, Files.size(dir.resolve("sub/file")));
    var missing =
        fail(
            NoSuchFileException.class,
            OpCode.OPEN,
            directory,
            o -> o.argument(new OpenRequest(Path.of("missing"), Set.of(READ))));
    assertEquals(dir.resolve("missing").toString(), missing.getFile());
    var request = new OpenRequest(Path.of("sub/file"), Set.of(), null, OpenRequest.Kind.DIRECTORY);
    var noDirectory =
        fail(FileSystemException.class, OpCode.OPEN, directory, o -> o.argument(request));
    assertTrue(noDirectory.getMessage().contains("ENOTDIR"), noDirectory::getMessage);
    run(OpCode.FSYNC, directory, o -> o);
  }

  @DriverTest
  void aFileWithoutANameIsFoundByNobody(TestRuntime driver) throws Exception {
    openDirectory(driver);
    var file = open(null, dir, OpenRequest.Kind.UNNAMED, READ, WRITE);
    run(OpCode.WRITE, file, o -> o.memory(ByteBuffer.allocate(5)).offset(0));
    try (var names = Files.list(dir)) {
      assertEquals(List.of(), names.toList());
    }
  }

  @DriverTest
  void renamesReplaceRefuseOrExchange(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    Files.createDirectory(dir.resolve("sub"));
    var sub = open(directory, Path.of("sub"), OpenRequest.Kind.DIRECTORY);
    Files.writeString(dir.resolve("a"), "a");
    Files.writeString(dir.resolve("sub/b"), "b");
    var request = new PathRequest(Path.of("a"), Path.of("b"));
    fail(
        FileAlreadyExistsException.class,
        OpCode.RENAME,
        directory,
        o -> o.argument(request).other(sub, 0).flags(NO_REPLACE));
    if (driver.isUring()) {
      run(OpCode.RENAME, directory, o -> o.argument(request).other(sub, 0).flags(EXCHANGE));
      assertEquals("b", Files.readString(dir.resolve("a")));
      assertEquals("a", Files.readString(dir.resolve("sub/b")));
      Files.writeString(dir.resolve("a"), "a");
    } else {
      var failure =
          fail(
              UnsupportedOperationException.class,
              OpCode.RENAME,
              directory,
              o -> o.argument(request).other(sub, 0).flags(EXCHANGE));
      assertTrue(failure.getMessage().contains("exchange"), failure::getMessage);
    }
    run(OpCode.RENAME, directory, o -> o.argument(request).other(sub, 0));
    assertFalse(Files.exists(dir.resolve("a")));
    assertEquals("a", Files.readString(dir.resolve("sub/b")));
    // From the working directory to a descriptor's: the other one is null.
    var back = new PathRequest(dir.resolve("sub/b"), Path.of("c"));
    run(OpCode.RENAME, null, o -> o.argument(back).other(directory, 0).flags(NO_REPLACE));
    assertEquals("a", Files.readString(dir.resolve("c")));
  }

  @DriverTest
  void linksAreMadeAndRead(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    Files.writeString(dir.resolve("file"), "content");
    var symbolic = new PathRequest(Path.of("symbolic"), Path.of("sub/../file"));
    Files.createDirectory(dir.resolve("sub"));
    run(OpCode.SYMBOLIC_LINK, directory, o -> o.argument(symbolic));
    assertEquals("content", Files.readString(dir.resolve("symbolic")));
    assertEquals(Path.of("sub/../file"), run(OpCode.READ_LINK, directory, "symbolic"));
    var hard = new PathRequest(Path.of("file"), Path.of("hard"));
    run(OpCode.LINK, directory, o -> o.argument(hard).other(directory, 0));
    assertEquals(2, status(directory, "hard", 0).links());
    assertEquals(FileType.SYMBOLIC_LINK, status(directory, "symbolic", NO_FOLLOW).type());
    assertEquals(FileType.REGULAR, status(directory, "symbolic", 0).type());
    var noLink =
        fail(
            FileSystemException.class,
            OpCode.READ_LINK,
            directory,
            o -> o.argument(new PathRequest(Path.of("file"))));
    assertTrue(noLink.getMessage().contains("read link: EINVAL"), noLink::getMessage);
  }

  @DriverTest
  void attributesAreChangedByPathAndByDescriptor(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var path = Files.writeString(dir.resolve("file"), "content");
    Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));
    var time = FileTime.from(Instant.ofEpochSecond(1_234_567_890, 123_456_789));
    Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("r--r-----");
    var request = new AttributeRequest(Path.of("link"), null, time, permissions, -1, -1);
    run(OpCode.SET_ATTRIBUTES, directory, o -> o.argument(request));
    assertEquals(time, Files.getLastModifiedTime(path));
    assertEquals(permissions, Files.getPosixFilePermissions(path));

    var ofTheLink = new AttributeRequest(Path.of("link"), null, time, null, -1, -1);
    run(OpCode.SET_ATTRIBUTES, directory, o -> o.argument(ofTheLink).flags(NO_FOLLOW));
    assertEquals(time, Files.getLastModifiedTime(dir.resolve("link"), LinkOption.NOFOLLOW_LINKS));

    var file = open(directory, Path.of("file"), OpenRequest.Kind.FILE, READ);
    int uid = (int) Files.getAttribute(path, "unix:uid");
    int gid = (int) Files.getAttribute(path, "unix:gid");
    var before = FileTime.from(Instant.ofEpochSecond(5, 5));
    var own = new AttributeRequest(null, before, null, null, uid, gid);
    run(OpCode.SET_ATTRIBUTES, file, o -> o.argument(own));
    assertEquals(before, Files.getAttribute(path, "lastAccessTime"));
    assertEquals(time, Files.getLastModifiedTime(path));
    fail(
        NoSuchFileException.class,
        OpCode.SET_ATTRIBUTES,
        directory,
        o -> o.argument(new AttributeRequest(Path.of("none"), null, time, null, -1, -1)));
  }

  @DriverTest
  @SuppressWarnings("unchecked") // as OpCode says
  void directoriesAreListedInParts(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var expected = new HashMap<Path, FileType>();
    for (int i = 0; i < 1500; i++) {
      var name = Path.of("a file with a name that is not quite short " + i);
      Files.createFile(dir.resolve(name));
      expected.put(name, FileType.REGULAR);
    }
    Files.createDirectory(dir.resolve("sub"));
    expected.put(Path.of("sub"), FileType.DIRECTORY);
    Files.createSymbolicLink(dir.resolve("link"), Path.of("nowhere"));
    expected.put(Path.of("link"), FileType.SYMBOLIC_LINK);
    for (int round = 0; round < 2; round++) {
      int anew = round;
      var found = new HashMap<Path, FileType>();
      int parts = 0;
      var part = (List<DirectoryEntry>) run(OpCode.LIST, directory, o -> o.flags(anew));
      while (!part.isEmpty()) {
        parts++;
        for (var entry : part) {
          found.put(entry.name(), entry.type());
        }
        part = (List<DirectoryEntry>) run(OpCode.LIST, directory, o -> o);
      }
      assertEquals(expected, found);
      assertTrue(parts > 1, "all in one part");
    }
    var file = open(directory, expected.keySet().iterator().next(), OpenRequest.Kind.FILE, READ);
    fail(NotDirectoryException.class, OpCode.LIST, file, o -> o);
  }

  @DriverTest
  @SuppressWarnings("unchecked") // as OpCode says
  void namesThatAreNotUtf8GoThereAndBack(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var names = new HashSet<Path>();
    for (var escaped : List.of("%FF%FE", "caf%E9", "%C3%A9t%C3%A9", "a%2520b%20c")) {
      var absolute = Path.of(URI.create("file://" + dir.toUri().getRawPath() + escaped));
      names.add(absolute.getFileName());
    }
    for (var name : names) {
      var request = new OpenRequest(name, Set.of(WRITE, CREATE));
      run(OpCode.OPEN, directory, o -> o.argument(request));
      assertTrue(Files.exists(dir.resolve(name)), name::toString);
      var link = new PathRequest(Path.of("link"), name);
      run(OpCode.SYMBOLIC_LINK, directory, o -> o.argument(link));
      assertEquals(name, run(OpCode.READ_LINK, directory, "link"));
      run(OpCode.REMOVE, directory, "link");
    }
    var found = new HashSet<Path>();
    for (var entry : (List<DirectoryEntry>) run(OpCode.LIST, directory, o -> o)) {
      found.add(entry.name());
    }
    assertEquals(names, found);
  }

  @DriverTest
  void badPathsAreNamed(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var tooLong =
        fail(
            FileSystemException.class,
            OpCode.MAKE_DIRECTORY,
            directory,
            o -> o.argument(new PathRequest(Path.of("x".repeat(300)))));
    assertTrue(tooLong.getMessage().contains("ENAMETOOLONG"), tooLong::getMessage);
    Files.createFile(dir.resolve("file"));
    for (var code : List.of(OpCode.MAKE_DIRECTORY, OpCode.READ_LINK)) {
      var below = new PathRequest(Path.of("file/below"));
      var failure = fail(FileSystemException.class, code, directory, o -> o.argument(below));
      assertTrue(failure.getMessage().contains("ENOTDIR"), failure::getMessage);
    }
  }

  @DriverTest
  void closingADirectoryWaitsForWhatIsRelativeToIt(TestRuntime driver) throws Exception {
    var directory = openDirectory(driver);
    var started = new ArrayList<CompletableFuture<Object>>();
    var closed = new CompletableFuture<Integer>();
    loop.execute(
        () -> {
          for (int i = 0; i < 50; i++) {
            var request = new PathRequest(Path.of("d" + i));
            var future = new CompletableFuture<Object>();
            started.add(future);
            loop.dispatcher()
                .submit(
                    loop.dispatcher()
                        .acquire(
                            OpCode.MAKE_DIRECTORY,
                            directory,
                            (o, result) -> future.complete(result),
                            null,
                            null)
                        .argument(request));
          }
          loop.dispatcher()
              .close(directory, false, (o, result) -> closed.complete(result), null, null);
        });
    assertEquals(0, Waits.get(closed, "the close"));
    for (var future : started) {
      assertEquals(0, future.getNow(null));
    }
  }
}
