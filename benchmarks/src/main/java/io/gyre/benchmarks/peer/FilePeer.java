package io.gyre.benchmarks.peer;

import io.gyre.driver.OpenRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.SplittableRandom;

/** The JDK's ways to use files. */
public enum FilePeer {
  /** Reads and writes of a {@link FileChannel}, blocking, on as many threads as are to be in flight. */
  FILE_CHANNEL("file-channel"),
  /** Reads and writes of an {@link java.nio.channels.AsynchronousFileChannel}, which block threads of a pool. */
  ASYNC_FILE_CHANNEL("async-file-channel"),
  /** Appends to one {@link FileChannel} by many threads, of which one forces for all that wait. */
  GROUP_COMMIT("group-commit"),
  /** {@link Files#readAllBytes} of small files on platform threads. */
  READ_ALL_BYTES("read-all-bytes"),
  /** The same, each file on a virtual thread of its own. */
  READ_ALL_BYTES_VIRTUAL("read-all-bytes-virtual");

  private static final int ALIGNMENT = 4096;

  private final String label;

  FilePeer(String label) {
    this.label = label;
  }

  /** As it is named on a command line. */
  public String label() {
    return label;
  }

  /**
   * The peer of that label.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static FilePeer of(String label) {
    for (var peer : values()) {
      if (peer.label.equals(label)) {
        return peer;
      }
    }
    throw new IllegalArgumentException("no peer is called '" + label + "'");
  }

  /**
   * Works for as long as the settings say.
   *
   * @throws IOException if a file cannot be opened, read or written, or holds not even one block
   */
  public FileResult run(FileSettings settings) throws IOException, InterruptedException {
    return switch (this) {
      case FILE_CHANNEL -> FileChannelTransfers.run(settings, size(settings));
      case ASYNC_FILE_CHANNEL -> AsyncFileChannelTransfers.run(settings, size(settings));
      case GROUP_COMMIT -> GroupCommitAppends.run(settings);
      case READ_ALL_BYTES -> SmallFileReads.onThreads(settings);
      case READ_ALL_BYTES_VIRTUAL -> SmallFileReads.onVirtualThreads(settings);
    };
  }

  private static long size(FileSettings settings) throws IOException {
    long size = Files.size(settings.path());
    if (size < settings.block()) {
      throw new IOException(
          settings.path() + ": " + size + " bytes hold no block of " + settings.block());
    }
    return size;
  }

  static Set<OpenOption> options(FileSettings settings) {
    var mode = settings.write() ? StandardOpenOption.WRITE : StandardOpenOption.READ;
    return settings.direct() ? Set.of(mode, OpenRequest.DIRECT) : Set.of(mode);
  }

  /** Aligned, as direct reads and writes need it; with bytes that no device can leave out. */
  static ByteBuffer buffer(FileSettings settings, long seed) {
    int block = settings.block();
    var buffer =
        ByteBuffer.allocateDirect(block + 2 * ALIGNMENT).alignedSlice(ALIGNMENT).slice(0, block);
    if (settings.write()) {
      var random = new SplittableRandom(seed);
      while (buffer.hasRemaining()) {
        buffer.put((byte) random.nextInt());
      }
    }
    return buffer;
  }
}
