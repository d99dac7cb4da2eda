package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.Seeds;
import java.util.ArrayList;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class BuddyBlocksTest {
  private static final int LARGEST = 3; // not a power of two: the last has no other half
  private static final int ORDERS = 6;
  private static final int UNITS = LARGEST << (ORDERS - 1);

  private record Block(int unit, int order) {}

  private final BuddyBlocks blocks = new BuddyBlocks(LARGEST, ORDERS);

  @Test
  void blocksNeverOverlapAndAreAllJoinedInTheEnd() {
    var random = Seeds.random(3);
    var taken = new ArrayList<Block>();
    var used = new BitSet();
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(5) < 3) {
        int order = random.nextInt(ORDERS);
        int unit = blocks.take(order);
        if (unit >= 0) {
          int end = unit + (1 << order);
          assertEquals(0, unit % (1 << order), "alignment");
          assertTrue(end <= UNITS);
          assertTrue(used.get(unit, end).isEmpty(), "overlap");
          used.set(unit, end);
          taken.add(new Block(unit, order));
        }
      } else if (!taken.isEmpty()) {
        give(taken.remove(random.nextInt(taken.size())), used);
      }
      assertEquals(UNITS - used.cardinality(), blocks.freeUnits());
    }
    while (!taken.isEmpty()) {
      give(taken.removeLast(), used);
    }
    for (int i = 0; i < LARGEST; i++) {
      assertFalse(blocks.take(ORDERS - 1) < 0, "a largest block");
    }
    assertEquals(-1, blocks.take(0));
  }

  private void give(Block block, BitSet used) {
    used.clear(block.unit, block.unit + (1 << block.order));
    blocks.give(block.unit, block.order);
  }
}
