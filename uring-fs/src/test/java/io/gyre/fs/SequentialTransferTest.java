package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.WritePendingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

/** Reads and writes from a file's position on. */
class SequentialTransferTest {
  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  @DriverTest
  void aFileIsReadFromItsBeginningToItsEnd(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var buffer = ByteBuffer.allocate(30);
      for (int at = 0; at < 100; at += 30) {
        assertEquals(at, file.position());
        assertEquals(Math.min(30, 100 - at), file.read(buffer.clear()));
        pattern.check(buffer, 0, buffer.position(), at);
      }
      assertEquals(100, file.position());
      assertEquals(-1, file.read(buffer.clear()));
      assertEquals(100, file.position());
      assertEquals(0, file.read(ByteBuffer.allocate(0)));
      assertSame(file, file.position(40));
      assertEquals(30, file.read(ByteBuffer.allocate(30), 5)); // at an offset: moves nothing
      assertEquals(30, Waits.get(file.readAsync(buffer.clear()), "a read"));
      pattern.check(buffer, 0, 30, 40);
      assertEquals(70, file.position());
      file.position(1000);
      assertEquals(-1, file.read(buffer.clear()));
    }
  }

  @DriverTest
  void writesFollowEachOtherAndLeaveWhatIsBeyondThePosition(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE, CREATE)) {
      for (int at = 0; at < 100; at += 25) {
        assertEquals(25, file.write(pattern.fill(ByteBuffer.allocate(25), at)));
      }
      var pooled = file.loop().buffers().acquire(50);
      pattern.fill(pooled.byteBuffer().limit(50), 100);
      assertEquals(50, Waits.get(file.writeAsync(pooled), "a write"));
      assertEquals(150, file.position());
      file.position(0);
      pooled.byteBuffer().clear().limit(50);
      assertEquals(50, Waits.get(file.readAsync(pooled), "a read"));
      pattern.check(pooled.byteBuffer(), 0, 50, 0);
      pooled.release();
      file.position(160).write(ByteBuffer.allocate(1));
      assertEquals(161, file.size());
    }
    byte[] content = Files.readAllBytes(path);
    pattern.check(content, 0, 150, 0);
  }

  @DriverTest
  void threadsThatWaitUsePooledBuffersTheSameWay(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      var pool = file.loop().buffers();
      try (var one = pool.acquire(50);
          var other = pool.acquire(30)) {
        pattern.fill(one.byteBuffer(), 0);
        assertEquals(50, file.write(one));
        pattern.fill(other.byteBuffer(), 50);
        assertEquals(30, file.write(other, 50));
        assertEquals(50, file.position(), "at an offset: moves nothing");
        file.position(20);
        one.byteBuffer().rewind();
        assertEquals(50, file.read(one));
        pattern.check(one.byteBuffer(), 0, 50, 20);
        assertEquals(70, file.position());
        other.byteBuffer().rewind();
        assertEquals(30, file.read(other, 10));
        pattern.check(other.byteBuffer(), 0, 30, 10);

        var both = new Buffer[] {one, other};
        one.byteBuffer().rewind();
        other.byteBuffer().rewind();
        assertEquals(80, file.read(both, 0));
        pattern.check(one.byteBuffer(), 0, 50, 0);
        pattern.check(other.byteBuffer(), 0, 30, 50);
        one.byteBuffer().rewind();
        other.byteBuffer().rewind();
        assertEquals(80, file.write(both, 80));
        assertEquals(160, file.size());

        pattern.fill(other.byteBuffer().rewind(), 160);
        assertEquals(30, file.write(other, 160, Set.of(TransferOption.DSYNC)));
        other.byteBuffer().rewind();
        assertEquals(30, file.read(other, 60, Set.of()));
        pattern.check(other.byteBuffer(), 0, 20, 60);
        other.byteBuffer().rewind();
        assertEquals(-1, file.read(other, 190));
        assertEquals(-1, file.position(190).read(other));
      }
      assertEquals(0, pool.lentBytes());
    }
  }

  @DriverTest
  void aPooledBufferThatWasReleasedIsRefusedAndLeavesNothingUnderWay(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      var released = file.loop().buffers().acquire(10);
      released.release();
      assertThrows(IllegalStateException.class, () -> file.read(released));
      assertThrows(IllegalStateException.class, () -> file.write(released));
      assertThrows(IllegalStateException.class, () -> file.read(released, 0));
      assertThrows(IllegalStateException.class, () -> file.write(released, 0));
      assertSame(file, file.position(0)); // which a read or write under way would refuse
    }
  }

  @DriverTest
  void whatWasOpenedWithAppendIsWrittenAtItsEnd(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 10));
    try (var file = AsyncFile.open(driver.start(), path, APPEND)) {
      assertEquals(0, file.position());
      file.write(pattern.fill(ByteBuffer.allocate(5), 10));
      file.position(0);
      file.write(pattern.fill(ByteBuffer.allocate(5), 15));
    }
    assertArrayEquals(pattern.bytes(0, 20), Files.readAllBytes(path));
  }

  @DriverTest
  void oneTransferAtATimeIsUnderWay(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    try (var file = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      var outcomes = new Recorder<String>();
      var checked = new CompletableFuture<Void>();
      file.loop()
          .execute(
              () -> {
                try {
                  file.read(ByteBuffer.allocate(10), "first", outcomes);
                  var other = ByteBuffer.allocate(10);
                  assertThrows(
                      ReadPendingException.class, () -> file.read(other, "second", outcomes));
                  assertThrows(
                      ReadPendingException.class, () -> file.write(other, "third", outcomes));
                  assertThrows(ReadPendingException.class, () -> file.position(7));
                  checked.complete(null);
                } catch (Throwable t) {
                  checked.completeExceptionally(t);
                }
              });
      Waits.get(checked, "the checks");
      assertEquals(10, outcomes.awaitOne().result());
      assertEquals(10, file.position());

      var alsoChecked = new CompletableFuture<Void>();
      file.loop()
          .execute(
              () -> {
                try {
                  file.write(ByteBuffer.allocate(10), "fourth", outcomes);
                  var other = ByteBuffer.allocate(10);
                  assertThrows(
                      WritePendingException.class, () -> file.write(other, "fifth", outcomes));
                  assertThrows(
                      WritePendingException.class, () -> file.read(other, "sixth", outcomes));
                  alsoChecked.complete(null);
                } catch (Throwable t) {
                  alsoChecked.completeExceptionally(t);
                }
              });
      Waits.get(alsoChecked, "the other checks");
      outcomes.await(2);
      assertEquals(20, file.position());
      assertEquals(10, file.read(ByteBuffer.allocate(10)));
    }
  }

  @DriverTest
  void aHandlerStartsTheNext(TestRuntime driver) throws Exception {
    int length = 1000;
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, length));
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var content = new ByteArrayOutputStream();
      var done = new CompletableFuture<byte[]>();
      var buffer = file.loop().buffers().acquire(7);
      buffer.byteBuffer().limit(7);
      file.read(
          buffer,
          "x",
          new IoHandler<String>() {
            @Override
            public void completed(int count, String attachment) {
              if (count < 0) {
                done.complete(content.toByteArray());
                return;
              }
              var bytes = new byte[count];
              buffer.byteBuffer().get(0, bytes);
              content.writeBytes(bytes);
              buffer.byteBuffer().position(0);
              file.read(buffer, attachment, this);
            }

            @Override
            public void failed(Throwable cause, String attachment) {
              done.completeExceptionally(cause);
            }
          });
      assertArrayEquals(pattern.bytes(0, length), Waits.get(done, "the whole file"));
      buffer.release();
    }
  }

  @DriverTest
  void whatFailsOrIsRefusedIsNotUnderWay(TestRuntime driver) throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, path, READ);
    Buffer released = file.loop().buffers().acquire(10);
    released.release();
    assertThrows(IllegalStateException.class, () -> file.readAsync(released));
    assertThrows(NonWritableChannelException.class, () -> file.write(ByteBuffer.allocate(1)));
    assertThrows(IllegalArgumentException.class, () -> file.position(-1));
    assertEquals(10, file.read(ByteBuffer.allocate(10)));
    file.close();
    for (int i = 0; i < 2; i++) {
      assertThrows(ClosedChannelException.class, () -> file.read(ByteBuffer.allocate(10)));
    }
    assertEquals(10, file.position());
    try (var writer = AsyncFile.open(runtime, path, WRITE)) {
      assertThrows(NonReadableChannelException.class, () -> writer.read(ByteBuffer.allocate(1)));
    }
  }

  @DriverTest
  void filesOfProcAreReadToTheirEnd(TestRuntime driver) throws Exception {
    var path = Path.of("/proc/self/cmdline");
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var content = new ByteArrayOutputStream();
      var buffer = ByteBuffer.allocate(7);
      while (file.read(buffer.clear()) > 0) {
        content.write(buffer.array(), 0, buffer.position());
      }
      assertArrayEquals(Files.readAllBytes(path), content.toByteArray());
    }
  }

  private Path pipe() throws Exception {
    var pipe = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    return pipe;
  }

  @DriverTest
  void aPipeIsReadAndWrittenInOrder(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var pipe = pipe();
    // Each open of a pipe waits for the other.
    var reader = AsyncFile.openAsync(runtime, pipe, READ);
    var to = AsyncFile.open(runtime, pipe, WRITE);
    try (var from = Waits.get(reader, "the pipe's other end")) {
      var buffer = ByteBuffer.allocateDirect(64);
      for (int at = 0; at < 200; at += 20) {
        assertEquals(20, to.write(pattern.fill(ByteBuffer.allocate(20), at)));
        assertEquals(20, from.read(buffer.clear()));
        pattern.check(buffer, 0, 20, at);
      }
      to.close();
      assertEquals(-1, from.read(buffer.clear()));
    }
  }

  @DriverTest(drivers = "uring") // a channel of java.nio that waits in a read takes no writes
  void aPipesTwoDirectionsDoNotWaitForEachOther(TestRuntime driver) throws Exception {
    try (var both = AsyncFile.open(driver.start(), pipe(), READ, WRITE)) {
      var buffer = ByteBuffer.allocateDirect(64);
      var waiting = both.readAsync(buffer);
      assertThrows(ReadPendingException.class, () -> both.readAsync(ByteBuffer.allocate(1)));
      assertEquals(20, both.write(pattern.fill(ByteBuffer.allocate(20), 0)));
      assertEquals(20, Waits.get(waiting, "the read"));
      pattern.check(buffer, 0, 20, 0);

      var cancelled = both.readAsync(buffer.clear());
      assertEquals(true, cancelled.cancel(true));
      Waits.settled(cancelled, "a read that was cancelled");
      assertEquals(true, cancelled.isCancelled());
      both.write(pattern.fill(ByteBuffer.allocate(5), 20));
      assertEquals(5, both.read(buffer.clear()));
      pattern.check(buffer, 0, 5, 20);
    }
  }
}
