package io.gyre.driver;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * All operations of a loop, by index. Slots are made in advance and taken from a stack, so that the slot used last,
 * which is in the cache, is used next. When all are taken the table doubles; it never shrinks.
 *
 * <p>Confined to the loop's thread.
 */
final class OperationTable {
  private Operation[] slots;

  // A stack of the slots themselves, not of their indexes: one dependent load less for each
  // operation.
  private Operation[] free;
  private int freeCount;

  /** The slot given back last, or null: what a handler starts next takes it without touching the stack. */
  private Operation spare;

  OperationTable(int initialCapacity) {
    slots = new Operation[initialCapacity];
    free = new Operation[initialCapacity];
    fill(0);
  }

  private void fill(int from) {
    for (int i = slots.length - 1; i >= from; i--) {
      slots[i] = new Operation(i);
      free[freeCount++] = slots[i];
    }
  }

  Operation acquire() {
    var operation = spare;
    if (operation != null) {
      spare = null;
      return operation;
    }
    return pop();
  }

  private Operation pop() {
    int count = freeCount;
    if (count == 0) {
      grow();
      count = freeCount;
    }
    freeCount = --count;
    return free[count];
  }

  private void grow() {
    int capacity = slots.length;
    if (capacity > Integer.MAX_VALUE >> 2) {
      throw new IllegalStateException(
          "operation table is full: " + capacity + " operations in flight");
    }
    slots = Arrays.copyOf(slots, capacity * 2);
    free = new Operation[capacity * 2];
    fill(capacity);
  }

  void release(Operation operation) {
    operation.clear();
    operation.token += Operation.ONE_GENERATION;
    if (spare == null) {
      spare = operation;
    } else {
      free[freeCount++] = operation;
    }
  }

  /** The live operation of a token, or null where the generation has passed. */
  Operation find(long token) {
    int index = (int) token;
    if (index < 0 || index >= slots.length) {
      return null;
    }
    var operation = slots[index];
    // Giving a slot back moves its generation on, so equal means live.
    return operation.token == token ? operation : null;
  }

  /** All slots, in use or not: one that rests has no descriptor. */
  void forEach(Consumer<Operation> action) {
    for (var operation : slots) {
      action.accept(operation);
    }
  }

  int capacity() {
    return slots.length;
  }

  int liveCount() {
    return slots.length - freeCount - (spare == null ? 0 : 1);
  }

  /**
   * All operations that are in use when this is called; what the action takes or gives back is left out. For the end of
   * a loop, which may have come for want of memory: allocates nothing.
   */
  void forEachLive(Consumer<Operation> action) {
    var all = slots;
    for (var operation : all) {
      operation.resting = false;
    }
    for (int i = 0; i < freeCount; i++) {
      free[i].resting = true;
    }
    if (spare != null) {
      spare.resting = true;
    }
    for (var operation : all) {
      if (!operation.resting) {
        action.accept(operation);
      }
    }
  }
}
