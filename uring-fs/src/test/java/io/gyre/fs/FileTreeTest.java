package io.gyre.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.FileType;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

/** Walks, copies and removals of whole trees. */
class FileTreeTest {
  @TempDir Path dir;

  private FileTree trees(TestRuntime driver) throws IOException {
    return FileTree.on(driver.start());
  }

  private Path makeTree() throws IOException {
    var root = Files.createDirectory(dir.resolve("tree"));
    for (int i = 0; i < 5; i++) {
      var sub = Files.createDirectories(root.resolve("d" + i + "/deeper/deepest"));
      Files.writeString(sub.resolve("file"), "deep " + i);
      Files.writeString(root.resolve("d" + i + "/file"), "x".repeat(i));
    }
    Files.createSymbolicLink(root.resolve("link"), Path.of("d0"));
    Files.createSymbolicLink(root.resolve("dangling"), Path.of("nowhere"));
    Files.createDirectory(root.resolve("empty"));
    return root;
  }

  /** What the JDK finds: each path with what can be compared of it. */
  private static Map<Path, String> snapshot(Path root) throws IOException {
    var found = new TreeMap<Path, String>();
    try (var paths = Files.walk(root)) {
      for (var path : (Iterable<Path>) paths::iterator) {
        var permissions = Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS);
        var what =
            Files.isSymbolicLink(path)
                ? "-> " + Files.readSymbolicLink(path)
                : PosixFilePermissions.toString(permissions)
                    + (Files.isDirectory(path) ? " directory" : " " + Files.readString(path));
        found.put(root.relativize(path), what);
      }
    }
    return found;
  }

  @DriverTest
  void aWalkSeesWhatTheJdkSees(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    for (int parallelism : new int[] {1, 3, 64}) {
      var seen = new HashSet<Path>();
      var open = new HashSet<Path>();
      var visitor =
          new TreeVisitor() {
            @Override
            public FileVisitResult visit(TreeEntry entry) {
              assertTrue(seen.add(entry.path()), () -> entry + " twice");
              assertTrue(
                  entry.depth() == 0 || open.contains(entry.path().getParent()),
                  () -> entry + " before its directory");
              assertEquals(entry.type(), entry.status().type());
              assertEquals(
                  root.relativize(entry.path()).getNameCount(), Math.max(1, entry.depth()));
              if (entry.type() == FileType.DIRECTORY) {
                open.add(entry.path());
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult leave(TreeEntry directory) {
              assertTrue(open.remove(directory.path()), () -> directory + " left twice");
              return FileVisitResult.CONTINUE;
            }
          };
      var summary = trees.walk(root, TreeOptions.DEFAULT.withParallelism(parallelism), visitor);
      assertEquals(Set.of(), open, "not left");
      try (var expected = Files.walk(root)) {
        assertEquals(Set.copyOf(expected.toList()), seen);
      }
      assertEquals(new TreeSummary(10, 17, 2, 0, 40, 0), summary);
      assertEquals(
          new TreeSummary(10, 17, 2, 0, 0, 0),
          trees.walk(
              root,
              TreeOptions.DEFAULT.withParallelism(parallelism).withoutStatus(),
              entry -> FileVisitResult.CONTINUE));
    }
  }

  @DriverTest
  void aWalkCanBeCutShort(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    var top = trees.walk(root, TreeOptions.DEFAULT.withMaxDepth(1), e -> FileVisitResult.CONTINUE);
    assertEquals(new TreeSummary(0, 7, 2, 0, 0, 0), top);
    var withoutSubtrees =
        trees.walk(
            root,
            TreeOptions.DEFAULT,
            e -> e.depth() == 1 ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE);
    assertEquals(top, withoutSubtrees);
    var seen = new AtomicInteger();
    trees.walk(
        root,
        TreeOptions.DEFAULT.withParallelism(1),
        e -> seen.incrementAndGet() == 4 ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE);
    assertEquals(4, seen.get());
    seen.set(0);
    trees.walk(
        root,
        TreeOptions.DEFAULT.withParallelism(1),
        e -> {
          seen.incrementAndGet();
          return e.depth() == 1 ? FileVisitResult.SKIP_SIBLINGS : FileVisitResult.CONTINUE;
        });
    assertEquals(2, seen.get(), "the root, and one in it");
  }

  @DriverTest
  void whatAVisitorThrowsEndsTheWalk(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    var thrown = new IllegalStateException("the visitor's");
    for (var options : List.of(TreeOptions.DEFAULT, TreeOptions.DEFAULT.withoutStatus())) {
      var failure =
          Waits.failure(
              trees.walkAsync(
                  root,
                  options,
                  entry -> {
                    if (entry.depth() == 2) {
                      throw thrown;
                    }
                    return FileVisitResult.CONTINUE;
                  }),
              "the walk with " + options);
      assertSame(thrown, failure);
    }
  }

  @DriverTest
  void linksAreFollowedOnlyWhenAskedAndLoopsAreTold(TestRuntime driver) throws Exception {
    var root = makeTree();
    Files.createSymbolicLink(root.resolve("d1/deeper/up"), Path.of("../.."));
    var failed = new ArrayList<Exception>();
    var seen = new HashSet<Path>();
    var visitor =
        new TreeVisitor() {
          @Override
          public FileVisitResult visit(TreeEntry entry) {
            seen.add(root.relativize(entry.path()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult failed(Path path, Exception cause) {
            failed.add(cause);
            return FileVisitResult.CONTINUE;
          }
        };
    var trees = trees(driver);
    trees.walk(root, TreeOptions.DEFAULT, visitor);
    assertFalse(seen.contains(Path.of("link/file")));
    assertEquals(List.of(), failed);
    trees.walk(root, TreeOptions.DEFAULT.followingLinks(), visitor);
    assertTrue(seen.contains(Path.of("link/deeper/deepest/file")), seen::toString);
    assertTrue(seen.contains(Path.of("dangling")), seen::toString);
    var loop = assertInstanceOf(FileSystemLoopException.class, failed.getFirst());
    assertEquals(root.resolve("d1/deeper/up").toString(), loop.getFile());
    assertEquals(1, failed.size(), failed::toString);
  }

  @DriverTest
  void aDirectoryWithManyEntriesIsWalkedAndRemoved(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("wide"));
    for (int i = 0; i < 10_000; i++) {
      Files.createFile(root.resolve("file-" + i));
    }
    var trees = trees(driver);
    var names = new HashSet<Path>();
    var options = TreeOptions.DEFAULT.withoutStatus();
    var walked =
        trees.walk(
            root,
            options,
            e -> {
              names.add(e.path().getFileName());
              return FileVisitResult.CONTINUE;
            });
    assertEquals(10_000, walked.files());
    assertEquals(10_001, names.size());
    var removed = trees.delete(root, options, TreeProgress.NONE);
    assertEquals(10_000, removed.files());
    assertFalse(Files.exists(root));
  }

  @DriverTest
  void manyFilesAreCopiedTogether(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("wide"));
    for (int i = 0; i < 200; i++) {
      Files.writeString(root.resolve("file-" + i), "content of " + i);
    }
    var copy = dir.resolve("copy");
    trees(driver).copy(root, copy, TreeOptions.DEFAULT.durably(), TreeProgress.NONE);
    assertEquals(snapshot(root), snapshot(copy));
  }

  private static final int HALF = 30;
  private static final Path LONG_NAME = Path.of("n".repeat(100));

  /** Two halves, each short enough to be made by its path, of which one is then moved into the other. */
  private Path makeDeepTree() throws IOException {
    var top = Files.createDirectory(dir.resolve("deep"));
    var lower = Files.createDirectory(dir.resolve("lower"));
    var bottom = deepIn(lower);
    Files.writeString(Files.createDirectories(bottom).resolve("file"), "at the bottom");
    Files.move(lower, Files.createDirectories(deepIn(top)).resolve("lower"));
    return top;
  }

  private static Path deepIn(Path directory) {
    var path = directory;
    for (int i = 0; i < HALF; i++) {
      path = path.resolve(LONG_NAME);
    }
    return path;
  }

  @DriverTest(drivers = "uring")
  void aTreeDeeperThanAnyPathIsWalkedCopiedAndRemoved(TestRuntime driver) throws Exception {
    var top = makeDeepTree();
    var trees = trees(driver);
    var copy = dir.resolve("copy");
    int directories = 2 * HALF + 2;
    for (int parallelism : new int[] {1, 32}) {
      var options = TreeOptions.DEFAULT.withParallelism(parallelism);
      var copied = trees.copy(top, copy, options, TreeProgress.NONE);
      assertEquals(new TreeSummary(1, directories, 0, 0, 13, 0), copied);
      var longest = new AtomicInteger();
      var walked =
          trees.walk(
              copy,
              options,
              e -> {
                longest.accumulateAndGet(e.path().toString().length(), Math::max);
                return FileVisitResult.CONTINUE;
              });
      assertEquals(copied, walked);
      assertTrue(longest.get() > 4096, () -> "not deep: " + longest);
      assertEquals(directories, trees.delete(copy, options, TreeProgress.NONE).directories());
      assertFalse(Files.exists(copy));
    }
    trees.delete(top, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertFalse(Files.exists(top));
  }

  @DriverTest(drivers = "nio")
  void aTreeDeeperThanAnyPathIsNamedAsWhatItIs(TestRuntime driver) throws Exception {
    var top = makeDeepTree();
    try {
      var trees = trees(driver);
      var failure =
          assertThrows(
              FileSystemException.class,
              () -> trees.walk(top, TreeOptions.DEFAULT, e -> FileVisitResult.CONTINUE));
      assertTrue(failure.getMessage().contains("ENAMETOOLONG"), failure::getMessage);
    } finally { // for those who remove what the test has left
      Files.move(deepIn(top).resolve("lower"), dir.resolve("lower"));
    }
  }

  @DriverTest
  void aWalkOfManyDirectoriesHasFewOpen(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("wide"));
    for (int i = 0; i < 300; i++) {
      Files.createFile(Files.createDirectory(root.resolve("d" + i)).resolve("file"));
    }
    var runtime = driver.start();
    var most = new AtomicInteger();
    var walked =
        FileTree.on(runtime)
            .walk(
                root,
                TreeOptions.DEFAULT.withParallelism(4),
                e -> {
                  var open = new ArrayList<>(driver.heldSinceStart());
                  open.removeIf(held -> !held.contains("/wide"));
                  most.accumulateAndGet(open.size(), Math::max);
                  return FileVisitResult.CONTINUE;
                });
    assertEquals(301, walked.directories());
    assertTrue(most.get() >= 1, "none was seen");
    int each = driver.isUring() ? 1 : 3; // the JDK needs two more to list one
    assertTrue(most.get() <= 6 * each, () -> most + " were open");
  }

  @DriverTest
  void aWalkOfADeepTreeHasFewDirectoriesOpen(TestRuntime driver) throws Exception {
    var path = Files.createDirectory(dir.resolve("deep"));
    for (int i = 0; i < 100; i++) {
      path = Files.createDirectory(path.resolve("d"));
    }
    var runtime = driver.start();
    var most = new AtomicInteger();
    FileTree.on(runtime)
        .walk(
            dir.resolve("deep"),
            TreeOptions.DEFAULT.withParallelism(1),
            e -> {
              var open = new ArrayList<>(driver.heldSinceStart());
              open.removeIf(held -> !held.contains("/deep"));
              most.accumulateAndGet(open.size(), Math::max);
              return FileVisitResult.CONTINUE;
            });
    assertTrue(most.get() >= 1, "none was seen");
    assertTrue(most.get() < 10, () -> most + " were open");
  }

  @DriverTest
  void aCopyIsWhatItsSourceIs(TestRuntime driver) throws Exception {
    var root = makeTree();
    Files.setPosixFilePermissions(
        root.resolve("d0/file"), PosixFilePermissions.fromString("r-x-w---x"));
    Files.setPosixFilePermissions(root.resolve("d1"), PosixFilePermissions.fromString("r-x------"));
    var old = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 123_456_789));
    Files.setLastModifiedTime(root.resolve("d2"), old);
    Files.setLastModifiedTime(root.resolve("d2/file"), old);
    var copy = dir.resolve("copy");
    var trees = trees(driver);
    var progressed = new ArrayList<TreeSummary>();
    var summary =
        trees.copy(
            root,
            copy,
            TreeOptions.DEFAULT,
            new TreeProgress() {
              @Override
              public void progressed(Path path, TreeSummary soFar) {
                progressed.add(soFar);
              }
            },
            StandardCopyOption.COPY_ATTRIBUTES);
    assertEquals(snapshot(root), snapshot(copy));
    assertEquals(old, Files.getLastModifiedTime(copy.resolve("d2")));
    assertEquals(old, Files.getLastModifiedTime(copy.resolve("d2/file")));
    assertEquals(new TreeSummary(10, 17, 2, 0, 40, 0), summary);
    assertEquals(summary, progressed.getLast());
    Files.setPosixFilePermissions(root.resolve("d1"), PosixFilePermissions.fromString("rwx------"));
    Files.setPosixFilePermissions(copy.resolve("d1"), PosixFilePermissions.fromString("rwx------"));
  }

  @DriverTest
  void aCopyReplacesOnlyWhenAsked(TestRuntime driver) throws Exception {
    var root = makeTree();
    var copy = Files.createDirectory(dir.resolve("copy"));
    var trees = trees(driver);
    var there =
        assertThrows(
            FileAlreadyExistsException.class,
            () -> trees.copy(root, copy, TreeOptions.DEFAULT, TreeProgress.NONE));
    assertEquals(copy.toString(), there.getFile());
    // Things in the way, among them a link that must not be written through.
    Files.createDirectories(copy.resolve("d0"));
    var outside = Files.writeString(dir.resolve("outside"), "untouched");
    Files.createSymbolicLink(copy.resolve("d0/file"), outside);
    Files.writeString(copy.resolve("d1"), "a file where a directory shall be");
    Files.writeString(copy.resolve("more"), "stays");
    trees.copy(
        root, copy, TreeOptions.DEFAULT, TreeProgress.NONE, StandardCopyOption.REPLACE_EXISTING);
    assertEquals("untouched", Files.readString(outside));
    var copied = snapshot(copy);
    assertTrue(copied.remove(Path.of("more")).endsWith("stays"));
    assertEquals(snapshot(root), copied);
    var itself =
        assertThrows(
            FileSystemException.class,
            () ->
                trees.copy(
                    outside,
                    outside,
                    TreeOptions.DEFAULT,
                    TreeProgress.NONE,
                    StandardCopyOption.REPLACE_EXISTING));
    assertTrue(itself.getMessage().contains("same file"), itself::getMessage);
    assertEquals("untouched", Files.readString(outside));
  }

  @DriverTest
  void aDirectoryIsNotCopiedIntoItself(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    var failure =
        assertThrows(
            FileSystemException.class,
            () ->
                trees.copy(
                    root, root.resolve("d0/inside"), TreeOptions.DEFAULT, TreeProgress.NONE));
    assertTrue(failure.getMessage().contains("into itself"), failure::getMessage);
    assertEquals(root.toString(), failure.getFile());
    assertFalse(Files.exists(root.resolve("d0/inside")), "nothing is made before it is refused");
  }

  @DriverTest
  void holesStayHolesAndContentStaysContent(TestRuntime driver) throws Exception {
    var source = dir.resolve("sparse");
    long size = (64L << 20) + 4711;
    try (var channel =
        FileChannel.open(source, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("begin".getBytes(java.nio.charset.StandardCharsets.UTF_8)), 0);
      channel.write(
          ByteBuffer.wrap("middle".getBytes(java.nio.charset.StandardCharsets.UTF_8)), 20 << 20);
      channel.write(ByteBuffer.allocate(1), 40 << 20);
      channel.truncate(size);
    }
    try (var grown = FileChannel.open(source, StandardOpenOption.WRITE)) {
      grown.write(ByteBuffer.wrap(new byte[] {7}), size - 1);
    }
    var target = dir.resolve("copied");
    trees(driver).copy(source, target, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertEquals(-1, Files.mismatch(source, target));
    if (driver.isUring()) { // java.nio can't tell data from holes
      try (var runtime = driver.start();
          var file = AsyncFile.open(runtime, target, StandardOpenOption.READ)) {
        var status = file.status();
        assertTrue(status.blocks() * 512 < 1 << 20, () -> "not sparse: " + status);
      }
    }
  }

  @DriverTest
  void aLargeFileTellsItsProgressAndIsGoneWhenItIsCancelled(TestRuntime driver) throws Exception {
    var source = dir.resolve("large");
    try (var channel =
        FileChannel.open(source, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      var block = ByteBuffer.allocateDirect(1 << 20);
      for (int i = 0; i < 40; i++) {
        block.clear().put(0, (byte) i);
        channel.write(block);
      }
    }
    var trees = trees(driver);
    var target = dir.resolve("copied");
    var parts = new AtomicInteger();
    var progress =
        new TreeProgress() {
          @Override
          public void progressed(Path path, TreeSummary soFar) {
            parts.incrementAndGet();
          }
        };
    trees.copy(source, target, TreeOptions.DEFAULT, progress);
    assertEquals(-1, Files.mismatch(source, target));
    assertTrue(parts.get() > 4, () -> parts + " parts");

    var cancelled = dir.resolve("cancelled");
    var holder = new java.util.concurrent.atomic.AtomicReference<java.util.concurrent.Future<?>>();
    var cancelling =
        new TreeProgress() {
          @Override
          public void progressed(Path path, TreeSummary soFar) {
            Waits.until("the future is known", () -> holder.get() != null);
            holder.get().cancel(true);
          }
        };
    var copying = trees.copyAsync(source, cancelled, TreeOptions.DEFAULT, cancelling);
    holder.set(copying);
    Waits.settled(copying, "the copy");
    assertTrue(copying.isCancelled(), copying::toString);
    assertFalse(Files.exists(cancelled), "a part of it was left");
  }

  @DriverTest
  void aRemovalDoesNotFollowLinks(TestRuntime driver) throws Exception {
    var root = makeTree();
    var outside = Files.createDirectory(dir.resolve("outside"));
    Files.writeString(outside.resolve("precious"), "stays");
    Files.createSymbolicLink(root.resolve("d3/outside"), outside);
    var trees = trees(driver);
    var summary = trees.delete(root, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertEquals(new TreeSummary(10, 17, 3, 0, 0, 0), summary);
    assertFalse(Files.exists(root));
    assertEquals("stays", Files.readString(outside.resolve("precious")));
    assertThrows(
        NoSuchFileException.class,
        () -> trees.delete(root, TreeOptions.DEFAULT, TreeProgress.NONE));
    var link = Files.createSymbolicLink(dir.resolve("root-link"), outside);
    trees.delete(link, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
    assertTrue(Files.exists(outside.resolve("precious")));
  }

  /** What is opened is what was there: the name leads elsewhere from the first removal on. */
  @DriverTest(drivers = "uring") // java.nio goes by paths
  void aDirectorySwappedForALinkWhileItIsEmptiedLeadsNowhere(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("tree"));
    var victim = Files.createDirectory(root.resolve("victim"));
    for (int i = 0; i < 1500; i++) {
      Files.createFile(victim.resolve("file-" + i));
    }
    var outside = Files.createDirectory(dir.resolve("outside"));
    for (int i = 0; i < 1500; i++) {
      Files.createFile(outside.resolve("file-" + i));
    }
    var swapped = new AtomicInteger();
    var progress =
        new TreeProgress() {
          @Override
          public void progressed(Path path, TreeSummary soFar) {
            if (soFar.files() == 100) {
              try {
                Files.move(victim, dir.resolve("moved"));
                Files.createSymbolicLink(victim, outside);
                swapped.incrementAndGet();
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            }
          }

          @Override
          public FileVisitResult failed(Path path, Exception cause) {
            return FileVisitResult.CONTINUE;
          }
        };
    trees(driver).delete(root, TreeOptions.DEFAULT, progress);
    assertEquals(1, swapped.get());
    try (var names = Files.list(outside)) {
      assertEquals(1500, names.count());
    }
  }

  @DriverTest
  void aDirectorySwappedForALinkBeforeItIsEnteredIsNotEntered(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("tree"));
    for (var name : List.of("one", "other")) {
      Files.createFile(Files.createDirectory(root.resolve(name)).resolve("file"));
    }
    var outside = Files.createDirectory(dir.resolve("outside"));
    Files.createFile(outside.resolve("file"));
    var swapped = new ArrayList<Path>();
    var progress =
        new TreeProgress() {
          @Override
          public void progressed(Path path, TreeSummary soFar) {
            if (swapped.isEmpty()) { // one is being emptied, the other has been listed
              var other = root.resolve(path.startsWith(root.resolve("one")) ? "other" : "one");
              swapped.add(other);
              try {
                Files.move(other, dir.resolve("moved"));
                Files.createSymbolicLink(other, outside);
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            }
          }
        };
    var summary = trees(driver).delete(root, TreeOptions.DEFAULT.withParallelism(1), progress);
    assertEquals(1, swapped.size());
    assertTrue(Files.exists(outside.resolve("file")), "removed through the link");
    assertFalse(Files.exists(root));
    assertEquals(new TreeSummary(1, 2, 0, 1, 0, 0), summary);
  }

  @DriverTest
  void aDirectoryRemovedUnderAWalkIsAFailureThatMayBeIgnored(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    var failed = new ArrayList<Path>();
    var visitor =
        new TreeVisitor() {
          @Override
          public FileVisitResult visit(TreeEntry entry) {
            if (entry.path().endsWith("d2/deeper")) {
              try {
                Files.delete(entry.path().resolve("deepest/file"));
                Files.delete(entry.path().resolve("deepest"));
                Files.delete(entry.path());
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult failed(Path path, Exception cause) {
            assertInstanceOf(NoSuchFileException.class, cause);
            failed.add(root.relativize(path));
            return FileVisitResult.CONTINUE;
          }
        };
    var summary = trees.walk(root, TreeOptions.DEFAULT, visitor);
    assertEquals(List.of(Path.of("d2/deeper")), failed);
    assertEquals(new TreeSummary(9, 16, 2, 0, 34, 1), summary);
  }

  @DriverTest
  void failuresEndACopyOrAreCounted(TestRuntime driver) throws Exception {
    var root = makeTree();
    new ProcessBuilder("mkfifo", root.resolve("d4/fifo").toString()).start().waitFor();
    var trees = trees(driver);
    var fifo =
        assertThrows(
            FileSystemException.class,
            () -> trees.copy(root, dir.resolve("one"), TreeOptions.DEFAULT, TreeProgress.NONE));
    assertTrue(fifo.getMessage().contains("fifo"), fifo::getMessage);
    var failed = new ArrayList<Path>();
    var goOn =
        new TreeProgress() {
          @Override
          public FileVisitResult failed(Path path, Exception cause) {
            failed.add(path);
            return FileVisitResult.CONTINUE;
          }
        };
    var summary = trees.copy(root, dir.resolve("two"), TreeOptions.DEFAULT, goOn);
    assertEquals(List.of(root.resolve("d4/fifo")), failed);
    assertEquals(new TreeSummary(10, 17, 2, 0, 40, 1), summary);
  }

  @DriverTest
  void cancellingAWalkEndsItWithNothingOpen(TestRuntime driver) throws Exception {
    var root = makeTree();
    var trees = trees(driver);
    var seen = new AtomicInteger();
    var holder = new java.util.concurrent.CompletableFuture<java.util.concurrent.Future<?>>();
    var walking =
        trees.walkAsync(
            root,
            TreeOptions.DEFAULT.withParallelism(2),
            entry -> {
              if (seen.incrementAndGet() == 3) {
                Waits.get(holder, "the future").cancel(true);
              }
              return FileVisitResult.CONTINUE;
            });
    holder.complete(walking);
    Waits.settled(walking, "the walk");
    assertTrue(walking.isCancelled(), walking::toString);
    assertThrows(CancellationException.class, walking::join);
  }

  @DriverTest
  void namesThatAreNotUtf8AreCopiedAsTheyAre(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("tree"));
    var odd = Path.of(URI.create("file://" + root.toUri().getRawPath() + "%FF%FE"));
    Files.createDirectory(odd);
    var below = Path.of(URI.create("file://" + root.toUri().getRawPath() + "%FF%FE/caf%E9"));
    Files.writeString(below, "content");
    var copy = dir.resolve("copy");
    var trees = trees(driver);
    trees.copy(root, copy, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertEquals(
        "content", Files.readString(copy.resolve(odd.getFileName()).resolve(below.getFileName())));
    trees.delete(root, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertFalse(Files.exists(root));
  }

  @DriverTest
  void filesOfProcAreCopiedThoughTheyHaveNoSize(TestRuntime driver) throws Exception {
    var target = dir.resolve("version");
    trees(driver).copy(Path.of("/proc/version"), target, TreeOptions.DEFAULT, TreeProgress.NONE);
    assertEquals(Files.readString(Path.of("/proc/version")), Files.readString(target));
  }

  @DriverTest
  void callbacksComeOnTheLoop(TestRuntime driver) throws Exception {
    var root = makeTree();
    var runtime = driver.start();
    var loop = runtime.loop();
    var thread = new java.util.concurrent.CompletableFuture<Thread>();
    var handler =
        new java.nio.channels.CompletionHandler<TreeSummary, String>() {
          @Override
          public void completed(TreeSummary result, String attachment) {
            assertEquals("attachment", attachment);
            thread.complete(Thread.currentThread());
          }

          @Override
          public void failed(Throwable cause, String attachment) {
            thread.completeExceptionally(cause);
          }
        };
    FileTree.on(loop)
        .walk(root, TreeOptions.DEFAULT, e -> FileVisitResult.CONTINUE, "attachment", handler);
    assertSame(loop.thread(), Waits.get(thread, "the callback"));
  }

  @DriverTest
  void theEndOfTheRuntimeLeavesNoFileInPart(TestRuntime driver) throws Exception {
    var source = dir.resolve("tree");
    Files.createDirectory(source);
    Files.write(source.resolve("large"), new byte[40 << 20]);
    var runtime = driver.start();
    var target = dir.resolve("copied");
    var ends =
        new TreeProgress() {
          @Override
          public void progressed(Path path, TreeSummary soFar) {
            var _ = runtime.closeAsync(); // the first part of the file is there
          }
        };
    var copying = FileTree.on(runtime).copyAsync(source, target, TreeOptions.DEFAULT, ends);
    Waits.failure(copying, "the copy");
    assertFalse(Files.exists(target.resolve("large")), "a part of it was left");
  }

  /** Enters each directory and looks at nothing else. */
  private static class Entering extends TreeRun {
    Entering(CompositeFuture<?> owner, TreeOptions options) {
      super(owner, options);
    }

    CompletableFuture<TreeSummary> begin(Path root) {
      return run(root);
    }

    @Override
    CompletableFuture<?> handle(Place place, FileType type) {
      return place.depth() > 0 && type != FileType.DIRECTORY
          ? CompletableFuture.completedFuture(null)
          : step(() -> place.where().openDirectoryAsync(place.name(), NO_FOLLOW))
              .thenAccept(directory -> enter(new Node(place, null, hold(directory))));
    }

    @Override
    CompletableFuture<?> leave(Node node) {
      directoryCount++;
      return CompletableFuture.completedFuture(null);
    }

    @Override
    boolean keepsOpen() {
      return false;
    }

    @Override
    FileVisitResult failed(Path path, Exception cause) {
      return FileVisitResult.TERMINATE;
    }
  }

  @DriverTest
  void whatIsThrownBetweenTheStepsEndsAWalk(TestRuntime driver) throws Exception {
    var root = makeTree();
    var thrown = new IllegalStateException("between the steps");
    var walking =
        CompositeFuture.<TreeSummary>start(
            driver.start().loop(),
            owner ->
                new Entering(owner, TreeOptions.DEFAULT) {
                  @Override
                  boolean keepsOpen() {
                    throw thrown;
                  }
                }.begin(root));
    assertSame(thrown, Waits.failure(walking, "the walk"));
  }

  private static void makeWideAndDeep(Path directory, int width, int depth) throws IOException {
    for (int i = 0; i < width && depth > 0; i++) {
      makeWideAndDeep(Files.createDirectory(directory.resolve("d" + i)), width, depth - 1);
    }
  }

  @DriverTest
  void aWideAndDeepTreeHasABoundedNumberOfDirectoriesOpen(TestRuntime driver) throws Exception {
    int limit = 5;
    int depth = 4;
    for (boolean keepsOpen : new boolean[] {false, true}) {
      var root = Files.createDirectory(dir.resolve("wide-" + keepsOpen));
      makeWideAndDeep(root, 6, depth);
      var most = new AtomicInteger();
      var walking =
          CompositeFuture.<TreeSummary>start(
              driver.start().loop(),
              owner ->
                  new Entering(owner, TreeOptions.DEFAULT) {
                    private int count;

                    @Override
                    int openLimit() {
                      return limit;
                    }

                    @Override
                    AsyncDirectory hold(AsyncDirectory directory) {
                      most.accumulateAndGet(++count, Math::max);
                      return super.hold(directory);
                    }

                    @Override
                    CompletableFuture<Void> release(AsyncDirectory directory) {
                      count--;
                      return super.release(directory);
                    }

                    @Override
                    boolean keepsOpen() {
                      return keepsOpen;
                    }
                  }.begin(root));
      var walked = Waits.get(walking, "the walk");
      assertEquals(1 + 6 + 36 + 216 + 1296, walked.directories());
      assertTrue(most.get() > limit, "the limit was never met: " + most);
      assertTrue(most.get() <= limit + depth, () -> most + " were open");
    }
  }

  @DriverTest
  void asManyDirectoriesAsThatAreNoReasonToStop(TestRuntime driver) throws Exception {
    var root = Files.createDirectory(dir.resolve("wide"));
    makeWideAndDeep(root, 3, 4);
    var trees =
        CompositeFuture.<TreeSummary>start(
            driver.start().loop(),
            owner ->
                new Entering(owner, TreeOptions.DEFAULT) {
                  @Override
                  int openLimit() {
                    return 1; // the root's
                  }
                }.begin(root));
    assertEquals(1 + 3 + 9 + 27 + 81, Waits.get(trees, "the walk").directories());
  }
}
