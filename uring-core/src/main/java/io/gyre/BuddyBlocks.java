package io.gyre;

import java.util.BitSet;

/**
 * Which blocks of an arena are free, as a binary buddy system: a block is split in two halves when a smaller one is
 * wanted, and two free halves are joined again. A block of order n has 2<sup>n</sup> units and begins at a multiple of
 * that. Not thread-safe.
 */
final class BuddyBlocks {
  // For each order, the free blocks by their number at that order.
  private final BitSet[] free;
  private int freeUnits;

  /** All is free, as blocks of the largest order. */
  BuddyBlocks(int largestBlocks, int orders) {
    free = new BitSet[orders];
    for (int order = 0; order < orders; order++) {
      free[order] = new BitSet(largestBlocks << (orders - 1 - order));
    }
    free[orders - 1].set(0, largestBlocks);
    freeUnits = largestBlocks << (orders - 1);
  }

  /** Takes the free block with the lowest address of the least order that will do; its first unit, or -1. */
  int take(int order) {
    for (int from = order; from < free.length; from++) {
      int block = free[from].nextSetBit(0);
      if (block >= 0) {
        free[from].clear(block);
        while (from > order) {
          from--;
          block <<= 1;
          free[from].set(block + 1);
        }
        freeUnits -= 1 << order;
        return block << order;
      }
    }
    return -1;
  }

  /** Gives a block back, and joins it with its other half as often as that is free. */
  void give(int unit, int order) {
    int block = unit >> order;
    int at = order;
    while (at < free.length - 1 && free[at].get(block ^ 1)) {
      free[at].clear(block ^ 1);
      block >>= 1;
      at++;
    }
    free[at].set(block);
    freeUnits += 1 << order;
  }

  int freeUnits() {
    return freeUnits;
  }
}
