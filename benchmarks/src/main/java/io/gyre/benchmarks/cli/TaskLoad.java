package io.gyre.benchmarks.cli;

import io.gyre.fs.AsyncFile;
import java.io.IOException;

/**
 * Task style: each request is a virtual thread that waits in {@link AsyncFile}'s plain calls. What they count together
 * is under the lock of this.
 */
final class TaskLoad extends TransferLoad {
  private final TaskSync sync;

  /**
   * Makes a load.
   *
   * @param sync makes each write durable before it counts; null when that is not wanted
   */
  TaskLoad(
      AsyncFile file,
      Access access,
      BlockPlan plan,
      long fileBytes,
      int block,
      int depth,
      TaskSync sync) {
    super(file, access, plan, fileBytes, block, depth);
    this.sync = sync;
  }

  @Override
  void start(Request request, long now) {
    Thread.ofVirtual().name("gyre-task").start(() -> run(request));
  }

  private void run(Request request) {
    try {
      while (takeNext(request)) {
        transfer(request);
        ended(request);
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

  private synchronized boolean takeNext(Request request) {
    return !stopping && take(request, System.nanoTime());
  }

  private void transfer(Request request) throws IOException, InterruptedException {
    long position = prepare(request);
    int result =
        access == Access.READ
            ? file.read(request.memory, position)
            : file.write(request.memory, position);
    var complaint = complaint(result);
    if (complaint != null) {
      throw complaint;
    }
    if (sync != null) {
      sync.await();
    }
  }

  @Override
  synchronized void ended(Request request) {
    record(request.startNanos, System.nanoTime());
    plan.ended(request);
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
  long syncs() {
    return sync == null ? 0 : sync.syncs();
  }
}
