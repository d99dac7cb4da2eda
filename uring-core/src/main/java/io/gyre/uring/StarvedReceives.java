package io.gyre.uring;

import io.gyre.driver.Operation;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Receives that found no buffer, in line for one. While there is a line, each that is armed again takes one buffer and
 * goes to its end; a multishot would take all there are, and the next in line would find none, again and again.
 *
 * <p>A multishot that was armed before there was a line may still take buffers from those whose turn it is. They keep
 * their places. It can do so only until it has found no buffer itself.
 */
final class StarvedReceives {
  /** The driver state of a receive that is armed for one buffer. */
  private static final Object ONE_BUFFER = new Object();

  private final OperationList passedOver = new OperationList();
  private final OperationList line = new OperationList();

  /** Whether a receive is to take one buffer, and then to let others have theirs. */
  static boolean takesOne(Operation operation) {
    return operation.driverState() == ONE_BUFFER;
  }

  boolean isEmpty() {
    return passedOver.isEmpty() && line.isEmpty();
  }

  /** A receive found no buffer: to the end of the line, or back to the front of it if it was its turn. */
  void add(Operation operation) {
    if (takesOne(operation)) {
      passedOver.add(operation);
    } else {
      line.add(operation);
    }
  }

  /** A receive had its turn, and is to go on: to the end of the line. */
  void addLast(Operation operation) {
    line.add(operation);
  }

  Operation removeFirst() {
    var first = passedOver.isEmpty() ? line.removeFirst() : passedOver.removeFirst();
    first.setDriverState(ONE_BUFFER);
    return first;
  }

  boolean remove(Operation operation) {
    return passedOver.remove(operation) || line.remove(operation);
  }

  /** Takes out what matches and hands it over; the rest keeps its order. */
  void removeIf(Predicate<Operation> matches, Consumer<Operation> removed) {
    passedOver.removeIf(matches, removed);
    line.removeIf(matches, removed);
  }
}
