package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.RawHandler;
import io.gyre.driver.RawOperation;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.io.TempDir;

/** Raw operations on files of the runtime. */
class RawFileOperationTest {
  private static final int FSYNC = 3;
  private static final int READ_FIXED = 4;
  private static final int WRITE_FIXED = 5;
  private static final int FALLOCATE = 17;
  private static final int CLOSE = 19;
  private static final int PLAIN_READ = 22;
  private static final int PLAIN_WRITE = 23;
  private static final int FADVISE = 24;

  @TempDir Path folder;

  private record Told(String what, int result, Throwable cause) {}

  private static final class Tellings implements RawHandler<String> {
    final List<Told> told = new CopyOnWriteArrayList<>();

    @Override
    public void completed(int result, int completionFlags, String what) {
      told.add(new Told(what, result, null));
    }

    @Override
    public void failed(Throwable cause, int errno, String what) {
      told.add(new Told(what, -errno, cause));
    }

    List<Told> await(int count) {
      Waits.until(() -> count + " outcomes, got " + told, () -> told.size() >= count);
      return List.copyOf(told);
    }
  }

  private AsyncFile open(TestRuntime driver, String name) throws Exception {
    var file = AsyncFile.open(driver.start(), folder.resolve(name), READ, WRITE, CREATE);
    driver.own(
        () -> {
          file.close();
        });
    return file;
  }

  @DriverTest(drivers = "uring")
  void whatIsNotWrappedCanBeUsed(TestRuntime driver) throws Exception {
    var file = open(driver, "allocated");
    var tellings = new Tellings();
    var allocate = RawOperation.of(FALLOCATE).on(file.descriptor()).offset(0).addr(123_456).build();
    var _ = file.loop().submitRaw(allocate, "allocate", tellings);
    assertNull(tellings.await(1).getFirst().cause, () -> tellings.told.toString());
    assertEquals(123_456, Files.size(file.path()));

    var advise = RawOperation.of(FADVISE).on(file.descriptor()).length(4096).opFlags(3).build();
    var _ = file.loop().submitRaw(advise, "advise", tellings);
    assertNull(tellings.await(2).getLast().cause, () -> tellings.told.toString());

    var wrong = RawOperation.of(FALLOCATE).on(file.descriptor()).addr(-1).build();
    var _ = file.loop().submitRaw(wrong, "wrong", tellings);
    var message = tellings.await(3).getLast().cause.getMessage();
    assertTrue(message.contains("IORING_OP_FALLOCATE on " + file.path()), message);
    assertTrue(message.contains("EINVAL"), message);
    var close = RawOperation.of(CLOSE).on(file.descriptor());
    assertThrows(IllegalArgumentException.class, close::build);
  }

  @DriverTest(drivers = "uring")
  void writeThenFsyncThenReadInOneChain(TestRuntime driver) throws Exception {
    var file = open(driver, "chained");
    var loop = file.loop();
    var tellings = new Tellings();
    int bytes = 8192;
    // The fixed forms take only memory that is registered with the ring.
    boolean fixed = loop.capabilities().uses("registered-buffers");
    int writeCode = fixed ? WRITE_FIXED : PLAIN_WRITE;
    int readCode = fixed ? READ_FIXED : PLAIN_READ;
    for (int round = 1; round <= 50; round++) {
      var from = loop.buffers().acquire(bytes);
      var into = loop.buffers().acquire(bytes);
      fill(from, (byte) round);
      var write = RawOperation.of(writeCode).on(file.descriptor()).addr(from).build();
      var read = RawOperation.of(readCode).on(file.descriptor()).addr(into).build();
      var fsync = RawOperation.of(FSYNC).on(file.descriptor()).build();
      var _ =
          loop.chain()
              .then(write, "write", tellings)
              .then(fsync, "fsync", tellings)
              .then(read, "read", tellings)
              .submit();
      from.release();
      var told = tellings.await(3 * round).subList(3 * round - 3, 3 * round);
      assertTrue(told.stream().allMatch(t -> t.cause == null), told::toString);
      assertEquals(List.of("write", "fsync", "read"), told.stream().map(Told::what).toList());
      assertEquals(List.of(bytes, 0, bytes), told.stream().map(Told::result).toList());
      var content = new byte[bytes];
      into.byteBuffer().get(0, content);
      var expected = new byte[bytes];
      java.util.Arrays.fill(expected, (byte) round);
      assertArrayEquals(expected, content);
      into.release();
    }
  }

  private static void fill(Buffer buffer, byte value) {
    var content = buffer.byteBuffer();
    for (int i = content.position(); i < content.limit(); i++) {
      content.put(i, value);
    }
  }

  @DriverTest(drivers = "uring")
  void aClosedFileKeepsAllOfTheChainFromBeginning(TestRuntime driver) throws Exception {
    var open = open(driver, "open");
    var closed = open(driver, "closed");
    closed.close();
    var tellings = new Tellings();
    var buffer = open.loop().buffers().acquire(4096);
    var write = RawOperation.of(WRITE_FIXED).on(open.descriptor()).addr(buffer).build();
    var fsync = RawOperation.of(FSYNC).on(closed.descriptor()).build();
    var _ =
        open.loop().chain().then(write, "write", tellings).then(fsync, "fsync", tellings).submit();
    buffer.release();
    for (var told : tellings.await(2)) {
      if (told.what.equals("fsync")) {
        assertInstanceOf(ClosedChannelException.class, told.cause);
      } else {
        assertInstanceOf(CancellationException.class, told.cause);
      }
    }
    assertEquals(0, Files.size(open.path()), "nothing was written");
  }
}
