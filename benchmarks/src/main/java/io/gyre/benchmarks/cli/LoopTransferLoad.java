package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.load.GroupSync;
import io.gyre.fs.AsyncFile;

/** Transfers that are started again on the loop, from their own completions. */
abstract class LoopTransferLoad extends TransferLoad {
  private final GroupSync sync;

  /**
   * Makes a load.
   *
   * @param sync makes each write durable before it counts; null when that is not wanted
   */
  LoopTransferLoad(
      AsyncFile file,
      Access access,
      BlockPlan plan,
      long fileBytes,
      int block,
      int depth,
      GroupSync sync) {
    super(file, access, plan, fileBytes, block, depth);
    this.sync = sync;
  }

  /** Reads into the request's memory, or writes it, from a position on. */
  abstract void transfer(Request request, long position);

  @Override
  final void start(Request request, long now) {
    if (take(request, now)) {
      transfer(request, prepare(request));
    } else {
      retire();
    }
  }

  final void transferred(int result, Request request) {
    var complaint = complaint(result);
    if (complaint != null) {
      failed(complaint);
    } else if (sync != null) {
      sync.await(request);
    } else {
      ended(request);
    }
  }

  @Override
  final void ended(Request request) {
    // The moment at which one ends is the one at which the next begins.
    long now = turnNanos();
    record(request.startNanos, now);
    plan.ended(request);
    if (stopping) {
      retire();
    } else {
      start(request, now);
    }
  }

  @Override
  final long syncs() {
    return sync == null ? 0 : sync.syncs();
  }
}
