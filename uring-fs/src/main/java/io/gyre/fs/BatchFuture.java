package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.LoopFuture;
import java.nio.channels.ShutdownChannelGroupException;

/**
 * The future of a {@link ReadBatch}. Cancelling it cancels those reads that have not ended; it completes when all have,
 * since until then the kernel may still write to their buffers.
 */
final class BatchFuture extends LoopFuture<Integer> {
  private final EventLoop loop;
  private final BatchRun run;
  private final long start;

  private BatchFuture(OpenFile file, BatchRun run) {
    this.loop = file.loop;
    this.run = run;
    this.start = run.number() + 1;
  }

  static BatchFuture start(OpenFile file, ReadBatch batch) {
    var future = new BatchFuture(file, batch.run);
    batch.run.start(file, future, FutureHandler.INTEGER);
    return future;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (isDone()) {
      return isCancelled();
    }
    try {
      loop.execute(() -> run.cancel(start));
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has ended the reads, too.
    }
    return true;
  }
}
