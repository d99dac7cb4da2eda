package io.gyre.nio;

import java.io.IOException;
import java.nio.channels.FileChannel;

/** An open file. Its channel is used on the pool's threads. */
final class NioFile extends NioDescriptor {
  private final FileChannel channel;
  private final boolean append;

  NioFile(String path, FileChannel channel, boolean append) {
    super(path);
    this.channel = channel;
    this.append = append;
  }

  FileChannel channel() {
    return channel;
  }

  /** Whether writes go to the end of the file, wherever they were asked to go. */
  boolean isAppend() {
    return append;
  }

  @Override
  void close() throws IOException {
    channel.close();
  }
}
