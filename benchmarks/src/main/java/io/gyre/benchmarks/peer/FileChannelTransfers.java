package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/** Blocking reads or writes, each thread on a channel of its own: one that is shared has a lock around its list of users. */
final class FileChannelTransfers {
  private FileChannelTransfers() {}

  static FileResult run(FileSettings settings, long size) throws IOException, InterruptedException {
    var window = new FileWindow();
    var positions = FileWindow.Positions.of(settings, size);
    List<Thread> threads = new ArrayList<>();
    List<FileChannel> channels = new ArrayList<>();
    try {
      for (int i = 0; i < settings.depth(); i++) {
        channels.add(FileChannel.open(settings.path(), FilePeer.options(settings)));
      }
      for (int i = 0; i < settings.depth(); i++) {
        var channel = channels.get(i);
        var own = positions.apply(i);
        var buffer = FilePeer.buffer(settings, settings.seed() + i);
        threads.add(
            Thread.ofPlatform()
                .name("transfer-" + i)
                .start(() -> transfer(channel, settings.write(), buffer, own, window)));
      }
      window.run(settings);
      for (var thread : threads) {
        thread.join();
      }
    } finally {
      for (var channel : channels) {
        channel.close();
      }
    }
    return window.result(settings.unit());
  }

  private static void transfer(
      FileChannel channel,
      boolean write,
      ByteBuffer buffer,
      FileWindow.Positions positions,
      FileWindow window) {
    var tally = window.newTally();
    try {
      long start = System.nanoTime();
      for (var phase = window.phase(); phase != FileWindow.Phase.OVER; phase = window.phase()) {
        long position = positions.next();
        buffer.clear();
        int length = write ? channel.write(buffer, position) : channel.read(buffer, position);
        long now = System.nanoTime();
        tally.completed(phase, now - start, length == buffer.capacity());
        start = now;
      }
    } catch (IOException e) {
      tally.failed(e);
    }
  }
}
