package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads that are started again from their own completion. The channel has no other way to read than to block a thread:
 * reads past the page cache have a thread each, and cached ones, which hardly block, as many as there are processors.
 */
final class AsyncFileChannelReads {
  private AsyncFileChannelReads() {}

  static ReadResult run(ReadSettings settings, long size) throws IOException, InterruptedException {
    var window = new ReadWindow();
    int processors = Runtime.getRuntime().availableProcessors();
    int threads = settings.direct() ? settings.depth() : Math.min(processors, settings.depth());
    var ended = new CountDownLatch(settings.depth());
    ExecutorService pool =
        Executors.newFixedThreadPool(threads, work -> new Worker(work, window.newTally()));
    try (pool;
        var channel =
            AsynchronousFileChannel.open(settings.file(), ReadPeer.options(settings), pool)) {
      for (int i = 0; i < settings.depth(); i++) {
        var positions = new ReadWindow.Positions(settings.seed() + i, size, settings.block());
        new Read(channel, settings.block(), positions, window, ended).start(System.nanoTime());
      }
      window.run(settings.warmupSeconds(), settings.seconds());
      ended.await();
    }
    return window.result();
  }

  /** Handlers run on the pool's threads: what they count is found without a look-up. */
  private static final class Worker extends Thread {
    final ReadWindow.Tally tally;

    Worker(Runnable work, ReadWindow.Tally tally) {
      super(work);
      this.tally = tally;
    }
  }

  private static final class Read implements CompletionHandler<Integer, Void> {
    private final AsynchronousFileChannel channel;
    private final ByteBuffer buffer;
    private final ReadWindow.Positions positions;
    private final ReadWindow window;
    private final CountDownLatch ended;
    private long startNanos;

    Read(
        AsynchronousFileChannel channel,
        int block,
        ReadWindow.Positions positions,
        ReadWindow window,
        CountDownLatch ended) {
      this.channel = channel;
      this.buffer = ReadPeer.buffer(block);
      this.positions = positions;
      this.window = window;
      this.ended = ended;
    }

    void start(long now) {
      startNanos = now;
      channel.read(buffer.clear(), positions.next(), null, this);
    }

    @Override
    public void completed(Integer result, Void attachment) {
      long now = System.nanoTime();
      var phase = window.phase();
      tally().completed(phase, now - startNanos, !buffer.hasRemaining());
      if (phase == ReadWindow.Phase.OVER) {
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

    private static ReadWindow.Tally tally() {
      return ((Worker) Thread.currentThread()).tally;
    }
  }
}
