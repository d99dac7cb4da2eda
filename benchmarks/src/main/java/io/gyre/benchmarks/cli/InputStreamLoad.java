package io.gyre.benchmarks.cli;

import io.gyre.fs.AsyncFile;
import io.gyre.fs.ReadAhead;
import java.io.IOException;

/**
 * A file read through an input stream by a virtual thread, again and again, into an array of a block's size. What is timed
 * is one read. The thread's own time is the process's, not the loop's.
 */
final class InputStreamLoad extends TimedLoad {
  private final AsyncFile file;
  private final ReadAhead how;
  private final byte[] bytes;

  /**
   * Makes a load.
   *
   * @param file what to read
   * @param block bytes at a time
   * @param depth how many blocks are read ahead
   */
  InputStreamLoad(AsyncFile file, int block, int depth) {
    super(file.loop());
    this.file = file;
    this.how = ReadAhead.DEFAULT.blockBytes(block).depth(depth);
    this.bytes = new byte[block];
  }

  @Override
  void begin() {
    inFlight++;
    Thread.ofVirtual().name("gyre-stream").start(this::run);
  }

  private void run() {
    try {
      while (goesOn()) {
        readAll();
      }
      synchronized (this) {
        retire();
      }
    } catch (Throwable e) { // an Error too: whoever waits for the end would wait for ever
      synchronized (this) {
        failed(e);
      }
    }
  }

  private void readAll() throws IOException {
    try (var stream = file.inputStream(how)) {
      long before = System.nanoTime();
      while (goesOn() && stream.readNBytes(bytes, 0, bytes.length) > 0) {
        long now = System.nanoTime();
        ended(before, now);
        before = now;
      }
    }
  }

  private synchronized boolean goesOn() {
    return !stopping;
  }

  private synchronized void ended(long before, long now) {
    record(before, now);
  }

  @Override
  synchronized long completed() {
    return super.completed();
  }

  @Override
  synchronized long errors() {
    return super.errors();
  }

  @Override
  synchronized void resetStatistics() {
    super.resetStatistics();
  }

  @Override
  synchronized void stop() {
    super.stop();
  }

  @Override
  void releaseBuffers() {
    // It has none of its own.
  }
}
