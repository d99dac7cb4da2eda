package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads that append to one file and wait until what they wrote is durable. Whoever finds nobody forcing does it, for
 * all that was written before; the others wait for it.
 */
final class GroupCommitAppends {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition forced = lock.newCondition();
  private final FileChannel channel;
  private final AtomicLong forces = new AtomicLong();

  // Under the lock.
  private long written;
  private long durable;
  private boolean forcing;

  private GroupCommitAppends(FileChannel channel) {
    this.channel = channel;
  }

  static FileResult run(FileSettings settings) throws IOException, InterruptedException {
    var window = new FileWindow();
    List<Thread> threads = new ArrayList<>();
    try (var channel =
        FileChannel.open(
            settings.path(),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      var log = new GroupCommitAppends(channel);
      for (int i = 0; i < settings.depth(); i++) {
        var data = ByteBuffer.allocateDirect(settings.block());
        threads.add(
            Thread.ofPlatform().name("append-" + i).start(() -> log.appendAll(data, window)));
      }
      window.run(settings, log.forces::get);
      for (var thread : threads) {
        thread.join();
      }
    }
    return window.result("append");
  }

  private void appendAll(ByteBuffer data, FileWindow window) {
    var tally = window.newTally();
    try {
      long start = System.nanoTime();
      for (var phase = window.phase(); phase != FileWindow.Phase.OVER; phase = window.phase()) {
        append(data.clear());
        long now = System.nanoTime();
        tally.completed(window.phase(), now - start, true);
        start = now;
      }
    } catch (IOException e) {
      tally.failed(e);
    }
  }

  private void append(ByteBuffer data) throws IOException {
    lock.lock();
    try {
      while (data.hasRemaining()) {
        written += channel.write(data, written);
      }
      long end = written;
      while (durable < end) {
        if (forcing) {
          forced.awaitUninterruptibly();
        } else {
          force();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Covers what was written when it began; others write meanwhile. */
  private void force() throws IOException {
    long covered = written;
    forcing = true;
    lock.unlock();
    try {
      channel.force(false);
      forces.incrementAndGet();
    } finally {
      lock.lock();
      forcing = false;
      forced.signalAll();
    }
    durable = covered;
  }
}
