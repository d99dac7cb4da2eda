package io.gyre.benchmarks.peer;

import io.gyre.driver.OpenRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** The JDK's ways to read a file at random positions. */
public enum ReadPeer {
  /** {@link FileChannel}, blocking, on as many threads as reads are to be in flight. */
  FILE_CHANNEL("file-channel"),
  /** {@link java.nio.channels.AsynchronousFileChannel}, whose reads block threads of a pool. */
  ASYNC_FILE_CHANNEL("async-file-channel");

  private static final int ALIGNMENT = 4096;

  private final String label;

  ReadPeer(String label) {
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
  public static ReadPeer of(String label) {
    for (var peer : values()) {
      if (peer.label.equals(label)) {
        return peer;
      }
    }
    throw new IllegalArgumentException("no peer is called '" + label + "'");
  }

  /**
   * Reads for as long as the settings say.
   *
   * @throws IOException if the file cannot be opened or read, or holds not even one block
   */
  public ReadResult run(ReadSettings settings) throws IOException, InterruptedException {
    long size = Files.size(settings.file());
    if (size < settings.block()) {
      throw new IOException(
          settings.file() + ": " + size + " bytes hold no block of " + settings.block());
    }
    return switch (this) {
      case FILE_CHANNEL -> FileChannelReads.run(settings, size);
      case ASYNC_FILE_CHANNEL -> AsyncFileChannelReads.run(settings, size);
    };
  }

  static Set<OpenOption> options(ReadSettings settings) {
    return settings.direct()
        ? Set.of(StandardOpenOption.READ, OpenRequest.DIRECT)
        : Set.of(StandardOpenOption.READ);
  }

  /** Aligned, as direct reads need it. */
  static ByteBuffer buffer(int block) {
    return ByteBuffer.allocateDirect(block + 2 * ALIGNMENT).alignedSlice(ALIGNMENT).slice(0, block);
  }
}
