package io.gyre.benchmarks.bench;

import io.gyre.benchmarks.peer.SmallFiles;
import io.gyre.driver.OpenRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The files that workloads use, as far as they use them: one that is in the page cache as a whole; one that is not in it
 * at all, since it was written past it, and is also what is written over; a folder of small ones; one that is served; and
 * the log that is appended to, which each arm begins anew.
 */
final class DataFiles implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int ALIGNMENT = 4096;
  private static final int SMALL_FILE_BYTES =
      8192; // with its inode, its name and a part of a block
  private static final long LOG_BYTES = 1L << 30;
  private static final long SITE_BYTES = 4L << 20;

  private static final String CACHED = "cached.data";
  private static final String DIRECT = "direct.data";
  private static final String LOG = "log.data";
  private static final String SMALL = "small";
  private static final String SITE = "site";

  private final Path folder;
  private final Sizes sizes;
  private final String noDirectBecause;

  /**
   * How much to write.
   *
   * @param bytes of a large file, a multiple of 1 MiB
   * @param smallFiles how many small ones, a power of ten
   */
  record Sizes(long bytes, int smallFiles) {}

  /**
   * Writes what some workloads need.
   *
   * @param folder where
   * @param sizes how much
   * @param workloads who needs it
   */
  DataFiles(Path folder, Sizes sizes, Collection<Workload> workloads) throws IOException {
    this.folder = folder;
    this.sizes = sizes;
    var names = new HashSet<String>();
    workloads.stream().filter(w -> w.kind().isFiles()).forEach(w -> names.add(name(w)));
    requireRoom(folder, names.stream().mapToLong(this::bytes).sum());
    String failure = null;
    try {
      if (names.contains(CACHED)) {
        write(folder.resolve(CACHED), sizes.bytes());
      }
      if (names.contains(SMALL)) {
        writeSmallFiles();
      }
      if (names.contains(SITE)) {
        writeSite(workloads);
      }
      if (names.contains(DIRECT)) {
        try {
          write(folder.resolve(DIRECT), sizes.bytes(), OpenRequest.DIRECT);
        } catch (IOException | UnsupportedOperationException e) {
          failure = "this file system has no O_DIRECT: " + e.getMessage();
        }
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
    this.noDirectBecause = failure;
  }

  private static void requireRoom(Path folder, long bytes) throws IOException {
    long needed = bytes + bytes / 2; // a full disk is a slow one
    long room = Files.getFileStore(folder).getUsableSpace();
    if (room < needed) {
      throw new IOException(
          folder
              + ": "
              + room / CHUNK_BYTES
              + " MiB are free, and the comparison needs "
              + needed / CHUNK_BYTES
              + " MiB: name another folder with --out");
    }
  }

  private long bytes(String name) {
    return switch (name) {
      case SMALL -> (long) sizes.smallFiles() * SMALL_FILE_BYTES;
      case LOG -> LOG_BYTES;
      case SITE -> SITE_BYTES;
      default -> sizes.bytes();
    };
  }

  private static String name(Workload workload) {
    return switch (workload.kind()) {
      case APPEND -> LOG;
      case SMALL_FILES -> SMALL;
      case SERVE -> SITE;
      default -> workload.direct() ? DIRECT : CACHED;
    };
  }

  /** The file or folder that a workload uses. */
  Path path(Workload workload) {
    return folder.resolve(name(workload));
  }

  Sizes sizes() {
    return sizes;
  }

  String noDirectBecause() {
    return noDirectBecause;
  }

  private void writeSmallFiles() throws IOException {
    var random = new SplittableRandom(sizes.smallFiles());
    var paths = SmallFiles.paths(folder.resolve(SMALL), sizes.smallFiles());
    for (int i = 0; i < paths.length; i++) {
      var content = new byte[SmallFiles.bytes(i)];
      random.nextBytes(content);
      Files.createDirectories(paths[i].getParent());
      Files.write(paths[i], content);
    }
  }

  private void writeSite(Collection<Workload> workloads) throws IOException {
    var site = Files.createDirectories(folder.resolve(SITE));
    for (var workload : workloads) {
      if (workload.kind() == Workload.Kind.SERVE) {
        var content = new byte[workload.bytes()];
        new SplittableRandom(workload.bytes()).nextBytes(content);
        Files.write(site.resolve(fileName(workload)), content);
      }
    }
  }

  /** What a workload asks a server of files for. */
  static String fileName(Workload workload) {
    return workload.bytes() + ".bin";
  }

  private static void write(Path file, long bytes, OpenOption... more) throws IOException {
    var options = new HashSet<OpenOption>(List.of(more));
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
    for (var name : List.of(CACHED, DIRECT, LOG)) {
      Files.deleteIfExists(folder.resolve(name));
    }
    deleteTree(folder.resolve(SMALL));
    deleteTree(folder.resolve(SITE));
  }

  /** Deletes a folder with all that is in it, if it is there. */
  static void deleteTree(Path root) throws IOException {
    if (Files.isDirectory(root)) {
      try (var tree = Files.walk(root)) {
        for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }
}
