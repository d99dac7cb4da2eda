package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.cli.TransferLoad.Request;

/** One block after the other, and from the start again. */
final class SequentialBlocks extends BlockPlan {
  private final long blocks;
  private long next;

  SequentialBlocks(long blocks) {
    this.blocks = blocks;
  }

  @Override
  long next(Request request) {
    long block = next;
    next = block + 1 == blocks ? 0 : block + 1;
    return block;
  }
}
