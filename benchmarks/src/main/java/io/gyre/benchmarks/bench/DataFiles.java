package io.gyre.benchmarks.bench;

import io.gyre.driver.OpenRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/**
 * The files that are read: one that is in the page cache as a whole, and one that is not in it at all, since it was
 * written past it.
 */
final class DataFiles implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int ALIGNMENT = 4096;

  private static final String CACHED = "cached.data";
  private static final String DIRECT = "direct.data";

  private final Path folder;
  private final Path cached;
  private final Path direct;
  private final String noDirectBecause;

  /**
   * Writes both.
   *
   * @param folder where
   * @param bytes how large each is, a multiple of 1 MiB
   */
  DataFiles(Path folder, long bytes) throws IOException {
    this.folder = folder;
    this.cached = folder.resolve(CACHED);
    this.direct = folder.resolve(DIRECT);
    long room = Files.getFileStore(folder).getUsableSpace();
    if (room < 3 * bytes) {
      throw new IOException(
          folder
              + ": "
              + room / CHUNK_BYTES
              + " MiB are free, and the comparison needs "
              + 3 * bytes / CHUNK_BYTES
              + " MiB: name another folder with --out");
    }
    var failure = "";
    try {
      write(cached, bytes);
      try {
        write(direct, bytes, OpenRequest.DIRECT);
      } catch (IOException | UnsupportedOperationException e) {
        failure = "this file system has no O_DIRECT: " + e.getMessage();
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
    this.noDirectBecause = failure.isEmpty() ? null : failure;
  }

  Path file(Workload workload) {
    return workload.direct() ? direct : cached;
  }

  String noDirectBecause() {
    return noDirectBecause;
  }

  private static void write(Path file, long bytes, OpenOption... more) throws IOException {
    var options = new java.util.HashSet<OpenOption>(java.util.List.of(more));
    options.add(StandardOpenOption.CREATE);
    options.add(StandardOpenOption.TRUNCATE_EXISTING);
    options.add(StandardOpenOption.WRITE);
    var random = new SplittableRandom(bytes);
    var chunk =
        ByteBuffer.allocateDirect(CHUNK_BYTES + ALIGNMENT)
            .alignedSlice(ALIGNMENT)
            .limit(CHUNK_BYTES);
    while (chunk.hasRemaining()) {
      chunk.putLong(random.nextLong());
    }
    try (var channel = FileChannel.open(file, options)) {
      for (long written = 0; written < bytes; ) {
        chunk.putLong(0, written); // no two chunks alike
        written += channel.write(chunk.rewind());
      }
      channel.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    delete(folder);
  }

  /** Deletes what is there of the files in a folder. */
  static void delete(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(CACHED));
    Files.deleteIfExists(folder.resolve(DIRECT));
  }
}
