package io.gyre.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.testing.ChildJvm;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** A file gets new content in one step, or keeps the old. */
class FileReplacementTest {
  private static final int BYTES = 200_000;

  @TempDir Path dir;

  private static ByteBuffer content(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private List<Path> names() throws IOException {
    try (var names = Files.list(dir)) {
      return names.map(Path::getFileName).toList();
    }
  }

  @DriverTest
  void aFileIsCreatedOrReplaced(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var path = dir.resolve("file");
    files.replace(path, content("first"));
    assertEquals("first", Files.readString(path));
    var inodeBefore = Files.getAttribute(path, "unix:ino");
    try (var old = files.openFile(path)) {
      Waits.get(files.replaceAsync(path, content("second, which is longer")), "the second");
      assertEquals("second, which is longer", Files.readString(path));
      assertFalse(inodeBefore.equals(Files.getAttribute(path, "unix:ino")), "written in place");
      assertEquals(5, old.size(), "who has the old file open keeps it");
    }
    files.replace(
        path,
        file ->
            file.writeAsync(content("it"), 3).thenCompose(n -> file.writeAsync(content("By "), 0)));
    assertEquals("By it", Files.readString(path));
    files.replace(path, content(""));
    assertEquals("", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
    assertThrows(
        NoSuchFileException.class, () -> files.replace(dir.resolve("no/file"), content("")));
    assertThrows(IllegalArgumentException.class, () -> files.replace(Path.of("/"), content("")));
  }

  @DriverTest
  void permissionsAreKeptWhenAsked(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var path = Files.writeString(dir.resolve("file"), "old");
    var permissions = PosixFilePermissions.fromString("r--rwx--x");
    Files.setPosixFilePermissions(path, permissions);
    files.replace(path, content("new"), ReplaceOption.KEEP_PERMISSIONS);
    assertEquals(permissions, Files.getPosixFilePermissions(path));
    assertEquals("new", Files.readString(path));
    var fresh = dir.resolve("fresh");
    files.replace(fresh, content("new"), ReplaceOption.KEEP_PERMISSIONS);
    var usual = Files.getPosixFilePermissions(Files.createFile(dir.resolve("usual")));
    assertEquals(usual, Files.getPosixFilePermissions(fresh));
    files.replace(path, content("newer"));
    assertEquals(usual, Files.getPosixFilePermissions(path));
  }

  @DriverTest
  void aLinkIsReplacedItself(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var pointedTo = Files.writeString(dir.resolve("pointed-to"), "stays");
    var link = Files.createSymbolicLink(dir.resolve("link"), pointedTo);
    files.replace(link, content("new"), ReplaceOption.KEEP_PERMISSIONS);
    assertTrue(Files.isRegularFile(link, LinkOption.NOFOLLOW_LINKS));
    assertEquals("stays", Files.readString(pointedTo));
  }

  @DriverTest
  void whatTheWriterFailsWithIsTheFailure(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var path = Files.writeString(dir.resolve("file"), "old");
    var mine = new IOException("mine"); // made again where the call waits
    assertSame(
        mine,
        assertThrows(
                IOException.class,
                () -> files.replace(path, file -> CompletableFuture.failedFuture(mine)))
            .getCause());
    var thrown = new IllegalStateException("mine, too");
    assertSame(
        thrown,
        assertThrows(
                IllegalStateException.class,
                () ->
                    files.replace(
                        path,
                        file -> {
                          throw thrown;
                        }))
            .getCause());
    assertEquals("old", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
  }

  @DriverTest
  void cancellingLeavesTheOldContentOrTheNew(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var path = Files.writeString(dir.resolve("file"), "old");
    var never = new CompletableFuture<Void>();
    var begun = new CompletableFuture<Void>();
    var replacing =
        files.replaceAsync(
            path,
            file -> {
              begun.complete(null);
              return never;
            });
    Waits.get(begun, "the writer");
    replacing.cancel(true);
    files.loop().execute(() -> never.complete(null)); // what it does is not the runtime's to end
    Waits.settled(replacing, "the replacement");
    assertTrue(replacing.isCancelled(), replacing::toString);
    assertEquals("old", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
  }

  @DriverTest
  void theEndOfTheRuntimeLeavesNoTemporaryFile(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var files = AsyncFiles.of(runtime);
    var path = Files.writeString(dir.resolve("file"), "old");
    var replacing = new ArrayList<CompletableFuture<Void>>();
    for (int i = 0; i < 20; i++) {
      replacing.add(files.replaceAsync(path, ByteBuffer.wrap(new byte[BYTES])));
    }
    driver.closeAndWait(runtime);
    for (var future : replacing) {
      Waits.settled(future, "a replacement");
    }
    assertEquals(List.of(Path.of("file")), names());
  }

  @DriverTest
  void aFailureAtAnyStepLeavesTheOldContentAndNothingElse(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    var steps = replaceFailing(driver, path, -1);
    assertEquals("new", Files.readString(path));
    // In this order: what the name leads to, and then the name, must be durable.
    assertEquals(
        List.of(
            OpCode.OPEN,
            OpCode.ATTRIBUTES,
            OpCode.OPEN,
            OpCode.WRITE,
            OpCode.SET_ATTRIBUTES,
            OpCode.FSYNC,
            OpCode.CLOSE,
            OpCode.RENAME,
            OpCode.FSYNC,
            OpCode.CLOSE),
        steps);
    int rename = steps.indexOf(OpCode.RENAME);
    for (int step = 0; step < steps.size(); step++) {
      if (steps.get(step) == OpCode.CLOSE) {
        continue; // Linux closes whatever it says
      }
      replaceFailing(driver, path, step);
      assertEquals(step <= rename ? "old" : "new", Files.readString(path), steps + " at " + step);
      assertEquals(List.of(Path.of("file")), names(), steps + " at " + step);
    }
  }

  /** What was asked for until it had ended. */
  private List<OpCode> replaceFailing(TestRuntime driver, Path path, int step) throws IOException {
    Files.writeString(path, "old");
    var failing = new FailingDriver(driver.configuration().driver());
    var runtime = driver.startOn(failing, builder -> builder);
    try {
      var files = AsyncFiles.of(runtime);
      failing.fail(runtime.loop(), step, Errno.EIO);
      var replacing = files.replaceAsync(path, content("new"), ReplaceOption.KEEP_PERMISSIONS);
      if (step < 0) {
        Waits.get(replacing, "the replacement");
      } else {
        var failure = Waits.failure(IOException.class, replacing, "the replacement");
        assertTrue(failure.getMessage().contains("EIO"), failure::getMessage);
      }
      return failing.asked(runtime.loop());
    } finally {
      driver.closeAndWait(runtime);
    }
  }

  /** Replaces a file again and again, and is killed. */
  static final class Killed {
    private Killed() {}

    /** Begins with {@code driver path milliseconds}. */
    public static void main(String[] args) throws Exception {
      try (var runtime = IoRuntime.builder().driver(args[0]).start()) {
        var files = AsyncFiles.of(runtime);
        var path = Path.of(args[1]);
        int killAfter = Integer.parseInt(args[2]);
        for (int i = 0; ; i++) {
          var content = new byte[BYTES];
          Arrays.fill(content, (byte) ('a' + i % 26));
          if (i == killAfter) {
            // While this goes on.
            new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid())).start();
          }
          files.replace(path, ByteBuffer.wrap(content));
        }
      }
    }
  }

  @DriverTest
  void aKilledProcessLeavesTheOldContentOrTheNewWhole(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    for (int killAfter = 0; killAfter < 3; killAfter++) {
      Files.write(path, new byte[BYTES]);
      var result =
          ChildJvm.of(
                  Killed.class,
                  driver.configuration().driver(),
                  path.toString(),
                  Integer.toString(killAfter))
              .run();
      assertEquals(128 + 9, result.status(), result::output);
      var left = Files.readAllBytes(path);
      assertEquals(BYTES, left.length);
      for (byte b : left) {
        assertEquals(left[0], b, "a mixture");
      }
    }
  }

  @DriverTest
  void aWriterMayEndOnAnyThread(TestRuntime driver) throws Exception {
    var files = AsyncFiles.of(driver.start());
    var path = Files.writeString(dir.resolve("file"), "old");
    files.replace(
        path,
        file ->
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return file.write(content("new"), 0);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                },
                task -> Thread.ofPlatform().start(task)),
        ReplaceOption.KEEP_PERMISSIONS);
    assertEquals("new", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
  }

  @DriverTest
  void aWriterThatOutlivesTheRuntimeLeavesNoTemporaryFile(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var path = Files.writeString(dir.resolve("file"), "old");
    var writing = new CompletableFuture<Void>();
    var begun = new CompletableFuture<Void>();
    var replacing =
        AsyncFiles.of(runtime)
            .replaceAsync(
                path,
                file -> {
                  begun.complete(null);
                  return writing;
                },
                ReplaceOption.KEEP_PERMISSIONS);
    Waits.get(begun, "the writer");
    driver.closeAndWait(runtime);
    writing.complete(null);
    Waits.failure(replacing, "the replacement");
    assertEquals("old", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
  }

  private interface Ending {
    void by(CompletableFuture<Void> replacing, CancelScope scope, IoRuntime runtime)
        throws Exception;
  }

  /** A replacement whose writer never ends. */
  private Throwable endOfOneThatNeverEnds(TestRuntime driver, CancelScope scope, Ending ending)
      throws Exception {
    var runtime = driver.start();
    var files = AsyncFiles.of(runtime);
    var path = Files.writeString(dir.resolve("file"), "old");
    var begun = new CompletableFuture<Void>();
    var replacing =
        scope.call(
            () ->
                files.replaceAsync(
                    path,
                    file ->
                        file.writeAsync(content("part"), 0)
                            .thenCompose(
                                n -> {
                                  begun.complete(null);
                                  return new CompletableFuture<Void>();
                                })));
    Waits.get(begun, "the writer");
    ending.by(replacing, scope, runtime);
    var failure = Waits.get(replacing.handle((nothing, cause) -> cause), "the replacement");
    assertEquals("old", Files.readString(path));
    assertEquals(List.of(Path.of("file")), names());
    driver.closeAndWait(runtime);
    return failure;
  }

  @DriverTest
  void aWriterThatNeverEndsIsEndedByCancelling(TestRuntime driver) throws Exception {
    var failure =
        endOfOneThatNeverEnds(driver, new CancelScope(), (future, s, r) -> future.cancel(true));
    var message = assertInstanceOf(CancellationException.class, failure).getMessage();
    assertEquals("replace " + dir.resolve("file") + " was cancelled", message);
  }

  @DriverTest
  void aWriterThatNeverEndsIsEndedByItsScope(TestRuntime driver) throws Exception {
    var failure = endOfOneThatNeverEnds(driver, new CancelScope(), (f, s, r) -> s.cancel());
    assertInstanceOf(CancellationException.class, failure);
    var late =
        endOfOneThatNeverEnds(
            driver, CancelScope.withTimeout(Duration.ofMillis(500)), (f, s, r) -> {});
    var message = assertInstanceOf(InterruptedIOException.class, late).getMessage();
    assertTrue(message.contains(dir.resolve("file") + ": timed out"), message);
  }

  @DriverTest
  void aWriterThatNeverEndsIsEndedByTheRuntimes(TestRuntime driver) throws Exception {
    var failure =
        endOfOneThatNeverEnds(
            driver, new CancelScope(), (f, s, runtime) -> driver.closeAndWait(runtime));
    assertInstanceOf(ShutdownChannelGroupException.class, failure);
  }

  @DriverTest
  void whatFollowsAWriterIsNotOfTheScopeInWhichItHasEnded(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var path = Files.writeString(dir.resolve("file"), "old");
    var theirs = new CompletableFuture<Void>();
    var begun = new CompletableFuture<EventLoop>();
    var replacing =
        AsyncFiles.of(runtime)
            .replaceAsync(
                path,
                file ->
                    file.writeAsync(content("new"), 0)
                        .thenCompose(
                            n -> {
                              begun.complete(file.loop());
                              return theirs;
                            }));
    var loop = Waits.get(begun, "the writer");
    var ended = new CancelScope();
    ended.cancel();
    loop.execute(() -> ended.run(() -> theirs.complete(null)));
    Waits.get(replacing, "the replacement");
    assertEquals("new", Files.readString(path));
  }

  @DriverTest
  void aWriterMayCancelWhatIsUnderWayOnItsFile(TestRuntime driver) throws Exception {
    var path = Files.writeString(dir.resolve("file"), "old");
    var replacing =
        AsyncFiles.of(driver.start())
            .replaceAsync(
                path,
                file ->
                    file.writeAsync(content("part"), 0)
                        .thenRun(file::cancelAll)
                        .thenCompose(n -> file.writeAsync(content("done"), 0)));
    Waits.get(replacing, "the replacement");
    assertEquals("done", Files.readString(path));
  }
}
