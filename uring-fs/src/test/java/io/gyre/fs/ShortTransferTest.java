package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.Buffer;
import io.gyre.driver.ShortTransfers;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** Single transfers of which the system does only a part: at every length, the rest of the buffer is untouched. */
class ShortTransferTest {
  private static final int LENGTH = 24;
  private static final byte UNTOUCHED = 99;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private AsyncFile open(TestRuntime driver, ShortTransfers shortening) throws IOException {
    var runtime = driver.startOn(shortening, builder -> builder);
    driver.own((Closeable) runtime::close);
    return AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE, CREATE);
  }

  private static List<ByteBuffer> buffers() {
    return List.of(
        ByteBuffer.allocate(LENGTH),
        ByteBuffer.allocateDirect(LENGTH),
        ByteBuffer.allocate(LENGTH + 9).slice(5, LENGTH));
  }

  private static void spoil(ByteBuffer buffer) {
    buffer.clear();
    for (int i = 0; i < LENGTH; i++) {
      buffer.put(i, UNTOUCHED);
    }
  }

  private void check(ByteBuffer buffer, int begin, int count, long position) {
    assertEquals(begin + count, buffer.position());
    for (int i = 0; i < LENGTH; i++) {
      if (i < begin || i >= begin + count) {
        assertEquals(UNTOUCHED, buffer.get(i), "byte " + i);
      }
    }
    pattern.check(buffer, begin, begin + count, position);
  }

  @DriverTest
  void shortReadsMoveThePositionByWhatCame(TestRuntime driver) throws Exception {
    Files.write(dir.resolve("file"), pattern.bytes(0, 100));
    var shortening = new ShortTransfers(driver.configuration().driver());
    try (var file = open(driver, shortening)) {
      var pooled = file.loop().buffers().acquire(LENGTH);
      for (int most = 1; most <= LENGTH + 1; most++) {
        shortening.mostBytes(most);
        int count = Math.min(most, LENGTH - 2);
        for (var buffer : buffers()) {
          spoil(buffer);
          assertEquals(count, Waits.get(file.readAsync(buffer.position(2), most), "a read"));
          check(buffer, 2, count, most);

          spoil(buffer);
          var notCached = Set.of(TransferOption.DONTCACHE);
          assertEquals(count, file.read(buffer.position(2), most, notCached));
          check(buffer, 2, count, most);
        }
        var view = pooled.byteBuffer().limit(LENGTH);
        spoil(view);
        view.limit(LENGTH).position(2);
        assertEquals(count, Waits.get(file.readAsync(pooled, most), "a read"));
        check(view, 2, count, most);
      }
      pooled.release();
    }
  }

  @DriverTest
  void shortWritesMoveThePositionByWhatWent(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    var shortening = new ShortTransfers(driver.configuration().driver());
    try (var file = open(driver, shortening)) {
      for (int most = 1; most <= LENGTH + 1; most++) {
        shortening.mostBytes(most);
        int count = Math.min(most, LENGTH - 2);
        for (var buffer : buffers()) {
          file.truncate(0);
          pattern.fill(buffer.clear().position(2), most);
          assertEquals(count, file.write(buffer, 3));
          assertEquals(2 + count, buffer.position());
          assertEquals(3 + count, Files.size(path));
          pattern.check(Files.readAllBytes(path), 3, 3 + count, most);
        }
      }
    }
  }

  @DriverTest
  void shortVectoredTransfersMoveEachPosition(TestRuntime driver) throws Exception {
    var path = dir.resolve("file");
    var shortening = new ShortTransfers(driver.configuration().driver());
    try (var file = open(driver, shortening)) {
      var pool = file.loop().buffers();
      for (int most = 1; most <= 2 * LENGTH + 1; most++) {
        shortening.mostBytes(most);
        int count = Math.min(most, 2 * LENGTH);
        var sources =
            new ByteBuffer[] {
              pattern.fill(ByteBuffer.allocate(LENGTH), most),
              pattern.fill(ByteBuffer.allocateDirect(LENGTH), most + LENGTH)
            };
        file.truncate(0);
        assertEquals(count, file.write(sources, 1));
        assertEquals(Math.min(count, LENGTH), sources[0].position());
        assertEquals(Math.max(0, count - LENGTH), sources[1].position());
        pattern.check(Files.readAllBytes(path), 1, 1 + count, most);

        file.writeFully(sources, 1 + count);
        var targets = new Buffer[] {pool.acquire(LENGTH), pool.acquire(LENGTH)};
        for (var target : targets) {
          spoil(target.byteBuffer().limit(LENGTH));
          target.byteBuffer().limit(LENGTH);
        }
        assertEquals(count, Waits.get(file.readAsync(targets, 1), "a read"));
        check(targets[0].byteBuffer(), 0, Math.min(count, LENGTH), most);
        check(targets[1].byteBuffer(), 0, Math.max(0, count - LENGTH), most + LENGTH);
        for (var target : targets) {
          target.release();
        }
      }
    }
  }

  @DriverTest
  void whatFollowsAShortTransferBeginsBehindIt(TestRuntime driver) throws Exception {
    var shortening = new ShortTransfers(driver.configuration().driver());
    try (var file = open(driver, shortening)) {
      for (int most = 1; most <= LENGTH; most++) {
        shortening.mostBytes(most);
        file.truncate(0);
        file.position(0);
        var buffer = pattern.fill(ByteBuffer.allocateDirect(LENGTH), most);
        while (buffer.hasRemaining()) {
          file.write(buffer);
        }
        assertEquals(LENGTH, file.position());
        file.position(0);
        buffer.clear();
        spoil(buffer);
        while (buffer.hasRemaining()) {
          Waits.get(file.readAsync(buffer), "a read");
        }
        check(buffer, 0, LENGTH, most);

        var batch = new ReadBatch().add(buffer.clear(), 0).add(ByteBuffer.allocate(1), 5);
        assertEquals(most + 1, file.readBatch(batch));
        assertEquals(most, batch.result(0));
        assertEquals(1, batch.result(1));
      }
    }
  }
}
