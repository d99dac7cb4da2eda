package io.gyre.driver;

import java.util.Arrays;

/**
 * All operations of a loop, by index. Slots are made in advance and taken from a stack, so that the slot used last,
 * which is in the cache, is used next. When all are taken the table doubles; it never shrinks.
 *
 * <p>Confined to the loop's thread.
 */
final class OperationTable {
  private Operation[] slots;
  private int[] free;
  private int freeCount;

  OperationTable(int initialCapacity) {
    slots = new Operation[initialCapacity];
    free = new int[initialCapacity];
    fill(0);
  }

  private void fill(int from) {
    for (int i = slots.length - 1; i >= from; i--) {
      slots[i] = new Operation(i);
      free[freeCount++] = i;
    }
  }

  Operation acquire() {
    if (freeCount == 0) {
      grow();
    }
    var operation = slots[free[--freeCount]];
    operation.live = true;
    return operation;
  }

  private void grow() {
    int capacity = slots.length;
    if (capacity > Integer.MAX_VALUE >> 2) {
      throw new IllegalStateException(
          "operation table is full: " + capacity + " operations in flight");
    }
    slots = Arrays.copyOf(slots, capacity * 2);
    free = new int[capacity * 2];
    fill(capacity);
  }

  void release(Operation operation) {
    operation.clear();
    operation.generation++;
    operation.live = false;
    free[freeCount++] = operation.index;
  }

  /** The live operation of a token, or null where the generation has passed. */
  Operation find(long token) {
    int index = (int) token;
    if (index < 0 || index >= slots.length) {
      return null;
    }
    var operation = slots[index];
    return operation.generation == (int) (token >>> 32) && operation.live ? operation : null;
  }

  int capacity() {
    return slots.length;
  }

  int liveCount() {
    return slots.length - freeCount;
  }

  Operation at(int index) {
    return slots[index];
  }
}
