package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.cli.TransferLoad.Request;
import java.util.SplittableRandom;

/** Blocks at random. */
class RandomBlocks extends BlockPlan {
  private static final long SEED = 42;

  final long blocks;
  private long random;

  /** The same ones in every run. */
  RandomBlocks(long blocks) {
    this(blocks, SEED);
  }

  RandomBlocks(long blocks, long seed) {
    this.blocks = blocks;
    this.random = new SplittableRandom(seed).nextLong() | 1;
  }

  @Override
  long next(Request request) {
    return draw();
  }

  /** xorshift64: a shift or three an offset. */
  final long draw() {
    long x = random;
    x ^= x << 13;
    x ^= x >>> 7;
    x ^= x << 17;
    random = x;
    return Math.unsignedMultiplyHigh(x, blocks);
  }
}
