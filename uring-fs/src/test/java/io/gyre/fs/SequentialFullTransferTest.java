package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.ShortTransfers;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.WritePendingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;

/** Reads and writes from a file's position on that go on until all is transferred. */
class SequentialFullTransferTest {
  private static final int LENGTH = 24;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** One of the three styles, of one kind of buffer, which is transferred from its position to its limit. */
  private interface Style {
    void read(AsyncFile file, ByteBuffer memory, Buffer lease) throws IOException;

    void write(AsyncFile file, ByteBuffer memory, Buffer lease) throws IOException;
  }

  private static final Style WAITING =
      new Style() {
        @Override
        public void read(AsyncFile file, ByteBuffer memory, Buffer lease) throws IOException {
          if (lease == null) {
            file.readFully(memory);
          } else {
            file.readFully(lease);
          }
        }

        @Override
        public void write(AsyncFile file, ByteBuffer memory, Buffer lease) throws IOException {
          if (lease == null) {
            file.writeFully(memory);
          } else {
            file.writeFully(lease);
          }
        }
      };

  private static final Style FUTURE =
      new Style() {
        @Override
        public void read(AsyncFile file, ByteBuffer memory, Buffer lease) {
          Waits.get(lease == null ? file.readFullyAsync(memory) : file.readFullyAsync(lease), "it");
        }

        @Override
        public void write(AsyncFile file, ByteBuffer memory, Buffer lease) {
          Waits.get(
              lease == null ? file.writeFullyAsync(memory) : file.writeFullyAsync(lease), "it");
        }
      };

  private static final Style CALLBACK =
      new Style() {
        @Override
        public void read(AsyncFile file, ByteBuffer memory, Buffer lease) {
          var outcomes = new Recorder<String>();
          int length = memory.remaining();
          if (lease == null) {
            file.readFully(memory, "read", outcomes);
          } else {
            file.readFully(lease, "read", outcomes);
          }
          checkOne(outcomes, length, file);
        }

        @Override
        public void write(AsyncFile file, ByteBuffer memory, Buffer lease) {
          var outcomes = new Recorder<String>();
          int length = memory.remaining();
          if (lease == null) {
            file.writeFully(memory, "write", outcomes);
          } else {
            file.writeFully(lease, "write", outcomes);
          }
          checkOne(outcomes, length, file);
        }

        private void checkOne(Recorder<String> outcomes, int length, AsyncFile file) {
          var outcome = outcomes.awaitOne();
          assertNull(outcome.cause());
          assertEquals(length, outcome.result());
          assertSame(file.loop().thread(), outcome.thread());
        }
      };

  private static final List<Style> STYLES = List.of(WAITING, FUTURE, CALLBACK);

  @DriverTest
  void shortTransfersOfEveryLengthAreGoneOnWith(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    var path = dir.resolve("file");
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE);
        var lease = file.loop().buffers().acquire(LENGTH)) {
      for (int most = 1; most <= LENGTH + 1; most++) {
        disk.mostBytes(most);
        for (var style : STYLES) {
          checkOn(disk, file, style, ByteBuffer.allocate(LENGTH), null, most);
          checkOn(disk, file, style, ByteBuffer.allocateDirect(LENGTH), null, most);
          var slice = ByteBuffer.allocate(LENGTH + 9).slice(5, LENGTH);
          checkOn(disk, file, style, slice, null, most);
          checkOn(disk, file, style, lease.byteBuffer(), lease, most);
        }
      }
    }
  }

  /** Two writes, one behind the other, and two reads. */
  private void checkOn(
      ShortTransfers disk, AsyncFile file, Style style, ByteBuffer memory, Buffer lease, int most)
      throws IOException {
    int parts = (LENGTH + most - 1) / most;
    file.position(7);
    for (int i = 0; i < 2; i++) {
      pattern.fill(memory.clear().limit(LENGTH), most + i * LENGTH);
      int before = disk.count();
      style.write(file, memory, lease);
      assertEquals(parts, disk.count() - before, "writes of " + most);
      assertEquals(LENGTH, memory.position());
      assertEquals(7 + (i + 1) * LENGTH, file.position());
    }
    pattern.check(Files.readAllBytes(file.path()), 7, 7 + 2 * LENGTH, most);

    file.position(7);
    for (int i = 0; i < 2; i++) {
      memory.clear().limit(LENGTH).put(0, new byte[LENGTH]);
      style.read(file, memory.position(0), lease);
      assertEquals(LENGTH, memory.position());
      assertEquals(7 + (i + 1) * LENGTH, file.position());
      pattern.check(memory, 0, LENGTH, most + i * LENGTH);
    }
  }

  @DriverTest
  void theEndOfTheFileIsReportedAtEveryOffsetAndThePositionStandsThere(TestRuntime driver)
      throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.mostBytes(5);
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, LENGTH));
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ)) {
      for (int offset = 0; offset <= LENGTH + 1; offset++) {
        int there = Math.max(0, LENGTH - offset);
        file.position(offset);
        var buffer = ByteBuffer.allocate(LENGTH + 2);
        var end = assertThrows(EOFException.class, () -> file.readFully(buffer));
        checkEnd(file, end, buffer, offset, there);

        file.position(offset);
        var later = file.readFullyAsync(buffer.clear());
        checkEnd(file, Waits.failure(EOFException.class, later, "a read"), buffer, offset, there);

        file.position(offset);
        file.readFully(ByteBuffer.allocate(there)); // all there is
        assertEquals(offset + there, file.position());
      }
    }
  }

  private void checkEnd(
      AsyncFile file, EOFException end, ByteBuffer buffer, int offset, int there) {
    assertTrue(end.getMessage().contains("after " + there + " of " + (LENGTH + 2)), end::toString);
    assertEquals(there, buffer.position());
    assertEquals(offset + there, file.position());
    pattern.check(buffer, 0, there, offset);
  }

  @DriverTest
  void aWriteThatStopsHalfwayMovesThePositionByWhatIsThere(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.mostBytes(7);
    var path = dir.resolve("file");
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ, WRITE, CREATE)) {
      for (int fits = 0; fits < LENGTH; fits++) {
        disk.room(fits, Errno.ENOSPC);
        file.truncate(0);
        file.position(3);
        var buffer = pattern.fill(ByteBuffer.allocateDirect(LENGTH), fits);
        var stop = assertThrows(PartialTransferException.class, () -> file.writeFully(buffer));
        assertEquals(fits, stop.bytesTransferred());
        assertEquals(fits, buffer.position());
        assertEquals(3 + fits, file.position());

        disk.room(LENGTH, Errno.ENOSPC); // some was freed: the rest follows
        file.writeFully(buffer);
        assertEquals(3 + LENGTH, file.position());
        pattern.check(Files.readAllBytes(path), 3, 3 + LENGTH, fits);
      }
    }
  }

  @DriverTest
  void aReadThatStopsHalfwayMovesThePositionByWhatCame(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.mostBytes(1);
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ)) {
      for (int bad = 0; bad < LENGTH; bad++) {
        disk.badByte(bad);
        file.position(0);
        var buffer = ByteBuffer.allocateDirect(LENGTH);
        var read = file.readFullyAsync(buffer);
        var stop = Waits.failure(PartialTransferException.class, read, "a read");
        assertEquals(bad, stop.bytesTransferred());
        assertEquals(bad, buffer.position());
        assertEquals(bad, file.position());
        pattern.check(buffer, 0, bad, 0);
      }
    }
  }

  @DriverTest
  void nothingElseBeginsBetweenTwoParts(TestRuntime driver) throws Exception {
    var disk =
        new DelayedOperations(
            driver.configuration().driver(),
            operation -> operation.code() == OpCode.READ || operation.code() == OpCode.WRITE);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE, CREATE)) {
      var loop = file.loop();
      var other = ByteBuffer.allocate(1);
      var write = file.writeFullyAsync(ByteBuffer.allocateDirect(10));
      disk.awaitAsked(loop, 1);
      loop.execute(() -> disk.endSoon(0, 4));
      disk.awaitAsked(loop, 2); // the rest
      assertEquals(0, file.position(), "moved once, at the end");
      assertThrows(WritePendingException.class, () -> file.writeAsync(other));
      assertThrows(WritePendingException.class, () -> file.writeFullyAsync(other));
      assertThrows(WritePendingException.class, () -> file.readFullyAsync(other));
      assertThrows(WritePendingException.class, () -> file.readFully(other));
      assertThrows(WritePendingException.class, () -> file.position(0));
      disk.succeed(loop, 1);
      Waits.get(write, "the write");
      assertEquals(10, file.position());

      file.position(0);
      var buffer = ByteBuffer.allocateDirect(10);
      var read = file.readFullyAsync(buffer);
      disk.awaitAsked(loop, 3);
      loop.execute(() -> disk.endSoon(2, 3));
      disk.awaitAsked(loop, 4);
      assertThrows(ReadPendingException.class, () -> file.readAsync(other));
      assertThrows(ReadPendingException.class, () -> file.readFully(other));
      assertThrows(ReadPendingException.class, () -> file.writeFullyAsync(other));
      disk.fail(loop, 3, Errno.ECANCELED);
      Waits.settled(read, "a read that was cancelled");
      assertTrue(read.isCancelled(), read::toString);
      assertEquals(3, buffer.position());
      assertEquals(3, file.position());
      assertSame(file, file.position(0));
    }
  }

  @DriverTest
  void whatIsRefusedOrFailsAtOnceIsNotUnderWay(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, path, READ);
    var released = file.loop().buffers().acquire(10);
    released.release();
    assertThrows(IllegalStateException.class, () -> file.readFully(released));
    assertThrows(IllegalStateException.class, () -> file.readFullyAsync(released));
    assertThrows(NonWritableChannelException.class, () -> file.writeFully(ByteBuffer.allocate(1)));
    file.readFully(ByteBuffer.allocate(0));
    assertEquals(0, file.position());
    file.readFully(ByteBuffer.allocate(10));
    file.close();
    for (int i = 0; i < 2; i++) {
      assertThrows(ClosedChannelException.class, () -> file.readFully(ByteBuffer.allocate(10)));
    }
    assertEquals(10, file.position());
    try (var writer = AsyncFile.open(runtime, path, WRITE)) {
      assertThrows(
          NonReadableChannelException.class, () -> writer.readFully(ByteBuffer.allocate(1)));
      assertThrows(IllegalStateException.class, () -> writer.writeFully(released));
      writer.writeFully(ByteBuffer.allocate(1));
    }
  }

  @DriverTest
  void whatWasOpenedWithAppendIsWrittenAtItsEnd(TestRuntime driver) throws Exception {
    var disk = new ShortTransfers(driver.configuration().driver());
    disk.mostBytes(2);
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 10));
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, APPEND)) {
      file.writeFully(pattern.fill(ByteBuffer.allocate(5), 10));
      file.writeFully(pattern.fill(ByteBuffer.allocate(5), 15));
    }
    assertArrayEquals(pattern.bytes(0, 20), Files.readAllBytes(path));
  }

  @DriverTest
  void aPipeIsReadAndWrittenInOrder(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    // Each open of a pipe waits for the other.
    var reader = AsyncFile.openAsync(runtime, pipe, READ);
    var to = AsyncFile.open(runtime, pipe, WRITE);
    try (var from = Waits.get(reader, "the pipe's other end")) {
      var buffer = ByteBuffer.allocateDirect(100);
      var read = from.readFullyAsync(buffer);
      for (int at = 0; at < 100; at += 20) { // each ends a read, which is gone on with
        to.writeFully(pattern.fill(ByteBuffer.allocate(20), at));
      }
      Waits.get(read, "all of it");
      pattern.check(buffer, 0, 100, 0);
      to.writeFully(ByteBuffer.allocate(5));
      to.close();
      var end = assertThrows(EOFException.class, () -> from.readFully(buffer.clear()));
      assertTrue(end.getMessage().contains("after 5 of 100"), end::getMessage);
    }
  }
}
