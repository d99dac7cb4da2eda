package io.gyre.fs;

import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.ShortTransfers;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.io.TempDir;

/** Streams over a disk that has a bad block, or gives less at a time than was asked for. */
class StreamFaultsTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 6;
  private static final int BYTES = BLOCKS * BLOCK + 100;

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** Collects what comes. */
  private static final class Collector implements BlockReadHandler<Void> {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CompletableFuture<Throwable> end = new CompletableFuture<>();

    @Override
    public Next block(Buffer block, Void attachment) {
      var part = new byte[block.byteBuffer().remaining()];
      block.byteBuffer().get(part);
      bytes.writeBytes(part);
      block.release();
      return Next.CONTINUE;
    }

    @Override
    public void ended(Void attachment) {
      end.complete(null);
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      end.complete(cause);
    }
  }

  /** What came, and how it ended. */
  private record Read(ByteBuffer bytes, Throwable end) {
    Read(ByteArrayOutputStream came, Throwable end) {
      this(ByteBuffer.wrap(came.toByteArray()), end);
    }
  }

  @FunctionalInterface
  private interface Way {
    Read read(AsyncFile file, ReadAhead how) throws Exception;
  }

  private static Read blocks(AsyncFile file, ReadAhead how) {
    var collector = new Collector();
    file.readBlocks(how, null, collector);
    var end = Waits.get(collector.end, "the end of the stream");
    return new Read(collector.bytes, end);
  }

  private static Read stream(AsyncFile file, ReadAhead how) {
    var bytes = new ByteArrayOutputStream();
    try (var stream = file.inputStream(how)) {
      for (int b = stream.read(); b >= 0; b = stream.read()) {
        bytes.write(b);
      }
      return new Read(bytes, null);
    } catch (IOException e) {
      return new Read(bytes, e);
    }
  }

  @DriverTest
  void partsOfEveryLengthMakeWholeBlocks(TestRuntime driver) throws Exception {
    for (int most : new int[] {1000, BLOCK - 1, BLOCK, 4 * BLOCK}) {
      for (int depth : new int[] {1, 4}) {
        for (Way way : new Way[] {StreamFaultsTest::blocks, StreamFaultsTest::stream}) {
          var read = read(driver, disk -> disk.mostBytes(most), depth, way);
          assertEquals(null, read.end);
          check(read, BYTES);
        }
      }
    }
  }

  @DriverTest
  void whatIsInFrontOfABadBlockComesBeforeItsError(TestRuntime driver) throws Exception {
    for (int bad = 0; bad <= BLOCKS; bad += 2) {
      for (int depth : new int[] {1, 4}) {
        for (Way way : new Way[] {StreamFaultsTest::blocks, StreamFaultsTest::stream}) {
          int offset = bad * BLOCK;
          var read = read(driver, disk -> disk.badByte(offset), depth, way);
          assertTrue(read.end instanceof FileSystemException, () -> "it ended with " + read.end);
          assertTrue(read.end.getMessage().contains("EIO"), read.end::getMessage);
          check(read, offset);
        }
      }
    }
  }

  private Read read(TestRuntime driver, Consumer<ShortTransfers> fault, int depth, Way way)
      throws Exception {
    var path = Files.write(dir.resolve("file"), pattern.bytes(0, BYTES));
    var disk = new ShortTransfers(driver.configuration().driver());
    fault.accept(disk);
    try (var runtime = driver.startOn(disk, b -> b);
        var file = AsyncFile.open(runtime, path, READ)) {
      var read = way.read(file, ReadAhead.DEFAULT.blockBytes(BLOCK).depth(depth));
      Waits.until("the buffers to be back", () -> file.loop().buffers().lentBytes() == 0);
      return read;
    }
  }

  private void check(Read read, int bytes) {
    assertEquals(bytes, read.bytes.remaining());
    assertEquals(ByteBuffer.wrap(pattern.bytes(0, bytes)), read.bytes);
  }
}
