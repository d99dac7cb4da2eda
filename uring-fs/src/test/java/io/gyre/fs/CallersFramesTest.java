package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.driver.Errno;
import io.gyre.driver.Futures;
import io.gyre.driver.ShortTransfers;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What calls that wait throw tells where they were called. */
class CallersFramesTest {
  @TempDir Path dir;

  /** Whose frame is looked for. */
  private static void here(Executable call) throws Throwable {
    call.execute();
  }

  private static <X extends Throwable> X thrown(Class<X> type, Executable call) {
    var failure = assertThrows(type, () -> here(call));
    assertTrue(shows(failure), () -> "not seen who called: " + trace(failure));
    return failure;
  }

  private static boolean shows(Throwable failure) {
    return Arrays.stream(failure.getStackTrace())
        .anyMatch(
            frame ->
                frame.getClassName().equals(CallersFramesTest.class.getName())
                    && frame.getMethodName().equals("here"));
  }

  private static String trace(Throwable failure) {
    var text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @DriverTest
  void filesThrowTheSameExceptionsWithThem(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var missing = dir.resolve("missing");
    var absent =
        thrown(NoSuchFileException.class, () -> AsyncFile.open(runtime, missing, READ).close());
    assertEquals(missing.toString(), absent.getFile());
    assertEquals("open: ENOENT (No such file or directory)", absent.getReason());
    assertEquals(absent.getMessage(), absent.getCause().getMessage());

    var path = Files.write(dir.resolve("file"), new byte[10]);
    var files = AsyncFiles.of(runtime);
    thrown(FileAlreadyExistsException.class, () -> files.createDirectory(path));
    var file = AsyncFile.open(runtime, path, READ, WRITE);
    thrown(EOFException.class, () -> file.readFully(ByteBuffer.allocate(20), 0));
    thrown(EOFException.class, () -> file.readFully(ByteBuffer.allocate(20)));
    var cancelled = new CancelScope();
    cancelled.cancel();
    thrown(
        CancellationException.class,
        () -> cancelled.call(() -> file.write(ByteBuffer.allocate(1), 0)));
    file.close();
    thrown(AsynchronousCloseException.class, () -> file.read(ByteBuffer.allocate(20), 0));
    thrown(AsynchronousCloseException.class, () -> file.write(ByteBuffer.allocate(20)));
  }

  @DriverTest
  void whatOnlyGyreThrowsHasThemBeside(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.room(3, Errno.ENOSPC);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), WRITE, CREATE)) {
      var stop =
          assertThrows(
              PartialTransferException.class,
              () -> here(() -> file.writeFully(ByteBuffer.allocate(10), 0)));
      assertEquals(3, stop.bytesTransferred());
      assertTrue(shows(stop.getSuppressed()[0]), () -> trace(stop));
    }
  }

  @DriverTest
  void streamsThrowTheSameExceptionsWithThem(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.badByte(5);
    var path = Files.write(dir.resolve("file"), new byte[10]);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ, WRITE)) {
      var in = file.inputStream(ReadAhead.DEFAULT);
      thrown(FileSystemException.class, in::read);
      in.close();
      disk.room(0, Errno.ENOSPC);
      var out = file.outputStream(WriteBehind.DEFAULT);
      out.write(1);
      thrown(FileSystemException.class, out::flush);
      thrown(IOException.class, out::close);
    }
  }

  @DriverTest
  void oneFailureThatSeveralAreToldOfShowsEachItself(TestRuntime driver) throws Exception {
    var opening = AsyncFile.openAsync(driver.start(), dir.resolve("missing"), READ);
    var cause = Waits.failure(NoSuchFileException.class, opening, "an open");
    for (int i = 0; i < 3; i++) {
      var failure = thrown(NoSuchFileException.class, () -> Futures.await(opening));
      assertSame(cause, failure.getCause());
    }
    assertEquals(0, cause.getSuppressed().length);
  }
}
