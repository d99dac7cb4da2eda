package io.gyre.fs;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.IoRuntime;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Arrays;

/** Writes to a small disk until it is full, in several ways, and compares what it was told with what is there. */
final class FullDiskWork {
  private static final int DISK_BYTES = 256 << 10;
  private static final Pattern PATTERN = new Pattern(Seeds.SEED);

  private final IoRuntime runtime;
  private final Path path;

  private FullDiskWork(IoRuntime runtime, Path path) {
    this.runtime = runtime;
    this.path = path;
  }

  /** One write; gives how many bytes it says went. */
  @FunctionalInterface
  private interface Writing {
    long write(AsyncFile file, long position) throws IOException;
  }

  public static void main(String... arguments) throws IOException {
    try (var runtime = IoRuntime.builder().driver(arguments[0]).start()) {
      System.out.println("driver=" + runtime.driverName());
      var work = new FullDiskWork(runtime, Path.of(arguments[1], "file"));
      // A page is there or not: chunks that are none of whole pages end in the middle of one.
      for (int chunk : new int[] {4096, 5000, 100_000, 2 * DISK_BYTES}) {
        work.fill(
            (file, at) -> file.write(PATTERN.fill(ByteBuffer.allocate(chunk), at), at), WRITE);
        work.fill(
            (file, at) -> file.write(PATTERN.fill(ByteBuffer.allocateDirect(chunk), at), at),
            WRITE);
        work.fill((file, at) -> file.write(parts(chunk, at), at), WRITE);
        work.fill(
            (file, at) -> file.write(PATTERN.fill(ByteBuffer.allocate(chunk), at), 0), APPEND);
      }
      work.fillAtOnce(WRITE);
      work.fillAtOnce(APPEND);
    }
    System.out.println("checked");
  }

  private static ByteBuffer[] parts(int bytes, long at) {
    int third = bytes / 3;
    return new ByteBuffer[] {
      PATTERN.fill(ByteBuffer.allocate(third), at),
      PATTERN.fill(ByteBuffer.allocateDirect(third), at + third),
      PATTERN.fill(ByteBuffer.allocate(bytes - 2 * third), at + 2L * third)
    };
  }

  private void fill(Writing writing, OpenOption option) throws IOException {
    long written = 0;
    try (var file = AsyncFile.open(runtime, path, CREATE_NEW, option)) {
      while (true) {
        long count = writing.write(file, written);
        require(count > 0, "a write gave " + count);
        written += count;
      }
    } catch (FileSystemException e) {
      require(e.getMessage().contains("ENOSPC"), e.getMessage());
      require(e.getMessage().contains("write"), e.getMessage());
      require(path.toString().equals(e.getFile()), e.getMessage());
    }
    check(written);
  }

  private void check(long written) throws IOException {
    require(written > DISK_BYTES / 2, "it was full after " + written + " bytes");
    var there = Files.readAllBytes(path);
    require(there.length == written, written + " bytes were reported, " + there.length + " exist");
    require(Arrays.equals(there, PATTERN.bytes(0, there.length)), "other bytes than were written");
    Files.delete(path);
  }

  /** Asks for more than there is room for. */
  private void fillAtOnce(OpenOption option) throws IOException {
    var all = PATTERN.fill(ByteBuffer.allocateDirect(2 * DISK_BYTES), 0);
    long written = -1;
    try (var file = AsyncFile.open(runtime, path, CREATE_NEW, option)) {
      file.writeFully(all, 0);
    } catch (PartialTransferException e) {
      require(e.getMessage().contains("ENOSPC"), e.getMessage());
      written = e.bytesTransferred();
    }
    require(all.position() == written, "the position is " + all.position());
    check(written);
  }

  private static void require(boolean condition, String complaint) {
    if (!condition) {
      throw new AssertionError(complaint);
    }
  }
}
