package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/** Blocking reads, each thread on a channel of its own: one that is shared has a lock around its list of readers. */
final class FileChannelReads {
  private FileChannelReads() {}

  static ReadResult run(ReadSettings settings, long size) throws IOException, InterruptedException {
    var window = new ReadWindow();
    List<Thread> threads = new ArrayList<>();
    List<FileChannel> channels = new ArrayList<>();
    try {
      for (int i = 0; i < settings.depth(); i++) {
        channels.add(FileChannel.open(settings.file(), ReadPeer.options(settings)));
      }
      for (int i = 0; i < settings.depth(); i++) {
        var channel = channels.get(i);
        var positions = new ReadWindow.Positions(settings.seed() + i, size, settings.block());
        threads.add(
            Thread.ofPlatform()
                .name("read-" + i)
                .start(() -> read(channel, settings.block(), positions, window)));
      }
      window.run(settings.warmupSeconds(), settings.seconds());
      for (var thread : threads) {
        thread.join();
      }
    } finally {
      for (var channel : channels) {
        channel.close();
      }
    }
    return window.result();
  }

  private static void read(
      FileChannel channel, int block, ReadWindow.Positions positions, ReadWindow window) {
    var tally = window.newTally();
    var buffer = ReadPeer.buffer(block);
    try {
      long start = System.nanoTime();
      for (var phase = window.phase(); phase != ReadWindow.Phase.OVER; phase = window.phase()) {
        int length = channel.read(buffer.clear(), positions.next());
        long now = System.nanoTime();
        tally.completed(phase, now - start, length == block);
        start = now;
      }
    } catch (IOException e) {
      tally.failed(e);
    }
  }
}
