package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.cli.TransferLoad.Request;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Blocks at random, each written as its next version and entered into a {@link WriteJournal}. No block is written twice
 * at a time: which of two versions came last, nobody could tell.
 */
final class StampedBlocks extends RandomBlocks {
  private final WriteJournal journal;
  private final BitSet busy = new BitSet();

  /**
   * Makes a plan.
   *
   * @param journal of at least as many blocks as there are requests, and at most 2^31 - 1
   */
  StampedBlocks(WriteJournal journal) {
    super(journal.blocks(), seed(journal));
    this.journal = journal;
  }

  /** Other blocks each time that a journal is gone on with. */
  private static long seed(WriteJournal journal) {
    long writes = 0;
    for (long block = 0; block < journal.blocks(); block++) {
      writes += journal.issued(block);
    }
    return new SplittableRandom(journal.run() + writes).nextLong();
  }

  @Override
  long next(Request request) {
    int block = busy.nextClearBit((int) draw());
    if (block >= blocks) {
      block = busy.nextClearBit(0);
    }
    busy.set(block);
    request.version = journal.issue(block);
    return block;
  }

  @Override
  void beforeWrite(Request request, long position) {
    request.stamped.stamp(journal.run(), position, request.version);
  }

  @Override
  void ended(Request request) {
    journal.acknowledge(request.block, request.version);
    busy.clear((int) request.block);
  }
}
