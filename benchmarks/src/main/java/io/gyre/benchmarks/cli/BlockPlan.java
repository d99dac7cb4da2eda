package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.cli.TransferLoad.Request;

/**
 * Which block is next, and what becomes of it. Confined to the loop's thread, or called under one lock; but for {@link
 * #beforeWrite}, which different threads may call for different requests.
 */
abstract class BlockPlan {
  /** What {@link #next} returns when all is done. */
  static final long NONE = -1;

  /** The block for a request that has none in flight. */
  abstract long next(Request request);

  /** Fills what will be written. */
  void beforeWrite(Request request, long position) {}

  /** The block was read, or written, and is durable if that was asked for. */
  void ended(Request request) {}
}
