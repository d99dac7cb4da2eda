package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** Reads small files as a whole, a number of them at a time. */
final class SmallFileReads {
  private final Path[] paths;
  private final FileWindow window = new FileWindow();
  private final AtomicLong next = new AtomicLong();
  private final CountDownLatch ended;

  private SmallFileReads(FileSettings settings) {
    this.paths = SmallFiles.paths(settings.path(), settings.files());
    this.ended = new CountDownLatch(settings.depth());
  }

  /** On platform threads that read one after the other. */
  static FileResult onThreads(FileSettings settings) throws IOException, InterruptedException {
    var reads = new SmallFileReads(settings);
    for (int i = 0; i < settings.depth(); i++) {
      var tally = reads.window.newTally();
      Thread.ofPlatform().name("read-" + i).start(() -> reads.readAll(tally));
    }
    return reads.result(settings);
  }

  /** Each file on a virtual thread of its own, which starts the next. */
  static FileResult onVirtualThreads(FileSettings settings)
      throws IOException, InterruptedException {
    var reads = new SmallFileReads(settings);
    for (int i = 0; i < settings.depth(); i++) {
      var tally = reads.window.newTally();
      Thread.ofVirtual().start(() -> reads.readOneAndStartNext(tally, System.nanoTime()));
    }
    return reads.result(settings);
  }

  private FileResult result(FileSettings settings) throws IOException, InterruptedException {
    window.run(settings);
    ended.await();
    return window.result("file");
  }

  private void readAll(FileWindow.Tally tally) {
    long start = System.nanoTime();
    while (read(tally, start)) {
      start = System.nanoTime();
    }
    ended.countDown();
  }

  private void readOneAndStartNext(FileWindow.Tally tally, long start) {
    if (read(tally, start)) {
      long now = System.nanoTime();
      Thread.ofVirtual().start(() -> readOneAndStartNext(tally, now));
    } else {
      ended.countDown();
    }
  }

  /** Whether there is a next one. */
  private boolean read(FileWindow.Tally tally, long start) {
    var phase = window.phase();
    int file = SmallFiles.file(next.getAndIncrement(), paths.length);
    try {
      int length = Files.readAllBytes(paths[file]).length;
      tally.completed(phase, System.nanoTime() - start, length == SmallFiles.bytes(file));
    } catch (IOException e) {
      tally.failed(e);
      return false;
    }
    return phase != FileWindow.Phase.OVER;
  }
}
