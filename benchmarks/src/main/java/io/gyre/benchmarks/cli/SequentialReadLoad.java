package io.gyre.benchmarks.cli;

import io.gyre.fs.AsyncFile;

/** Reads of one block after the other, and from the start again, in callback style. */
final class SequentialReadLoad extends CallbackReadLoad {
  private long next;

  SequentialReadLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file, fileBytes, block, depth);
  }

  @Override
  long nextBlock(long blocks) {
    long block = next;
    next = block + 1 == blocks ? 0 : block + 1;
    return block;
  }
}
