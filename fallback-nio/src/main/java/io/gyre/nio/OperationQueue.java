package io.gyre.nio;

import io.gyre.driver.Operation;

/** Operations in the order in which they came, linked through their own field: queueing one allocates nothing. */
final class OperationQueue {
  private Operation head;
  private Operation tail;

  boolean isEmpty() {
    return head == null;
  }

  void add(Operation operation) {
    operation.setNext(null);
    if (tail == null) {
      head = operation;
    } else {
      tail.setNext(operation);
    }
    tail = operation;
  }

  /** The first, which stays; null when there is none. */
  Operation peek() {
    return head;
  }

  /** Takes one out of the middle; false when it is not here. */
  boolean remove(Operation operation) {
    Operation before = null;
    for (var o = head; o != null; before = o, o = o.next()) {
      if (o == operation) {
        if (before == null) {
          head = o.next();
        } else {
          before.setNext(o.next());
        }
        if (tail == o) {
          tail = before;
        }
        o.setNext(null);
        return true;
      }
    }
    return false;
  }

  /** Takes the first; null when there is none. */
  Operation poll() {
    var operation = head;
    if (operation != null) {
      head = operation.next();
      if (head == null) {
        tail = null;
      }
      operation.setNext(null);
    }
    return operation;
  }
}
