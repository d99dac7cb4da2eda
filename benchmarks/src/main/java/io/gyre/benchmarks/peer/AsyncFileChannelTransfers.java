package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads or writes that are started again from their own completion. The channel has no other way than to block a thread:
 * those past the page cache have a thread each, and cached ones, which hardly block, as many as there are processors.
 */
final class AsyncFileChannelTransfers {
  private AsyncFileChannelTransfers() {}

  static FileResult run(FileSettings settings, long size) throws IOException, InterruptedException {
    var window = new FileWindow();
    var positions = FileWindow.Positions.of(settings, size);
    int processors = Runtime.getRuntime().availableProcessors();
    int threads = settings.direct() ? settings.depth() : Math.min(processors, settings.depth());
    var ended = new CountDownLatch(settings.depth());
    ExecutorService pool =
        Executors.newFixedThreadPool(threads, work -> new Worker(work, window.newTally()));
    try (pool;
        var channel =
            AsynchronousFileChannel.open(settings.path(), FilePeer.options(settings), pool)) {
      for (int i = 0; i < settings.depth(); i++) {
        new Transfer(
                channel,
                settings.write(),
                FilePeer.buffer(settings, settings.seed() + i),
                positions.apply(i),
                window,
                ended)
            .start(System.nanoTime());
      }
      window.run(settings);
      ended.await();
    }
    return window.result(settings.unit());
  }

  /** Handlers run on the pool's threads: what they count is found without a look-up. */
  private static final class Worker extends Thread {
    final FileWindow.Tally tally;

    Worker(Runnable work, FileWindow.Tally tally) {
      super(work);
      this.tally = tally;
    }
  }

  private static final class Transfer implements CompletionHandler<Integer, Void> {
    private final AsynchronousFileChannel channel;
    private final boolean write;
    private final ByteBuffer buffer;
    private final FileWindow.Positions positions;
    private final FileWindow window;
    private final CountDownLatch ended;
    private long startNanos;

    Transfer(
        AsynchronousFileChannel channel,
        boolean write,
        ByteBuffer buffer,
        FileWindow.Positions positions,
        FileWindow window,
        CountDownLatch ended) {
      this.channel = channel;
      this.write = write;
      this.buffer = buffer;
      this.positions = positions;
      this.window = window;
      this.ended = ended;
    }

    void start(long now) {
      startNanos = now;
      if (write) {
        channel.write(buffer.clear(), positions.next(), null, this);
      } else {
        channel.read(buffer.clear(), positions.next(), null, this);
      }
    }

    @Override
    public void completed(Integer result, Void attachment) {
      long now = System.nanoTime();
      var phase = window.phase();
      tally().completed(phase, now - startNanos, !buffer.hasRemaining());
      if (phase == FileWindow.Phase.OVER) {
        ended.countDown();
      } else {
        start(now);
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      tally().failed(cause);
      ended.countDown();
    }

    private static FileWindow.Tally tally() {
      return ((Worker) Thread.currentThread()).tally;
    }
  }
}
