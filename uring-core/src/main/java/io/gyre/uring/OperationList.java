package io.gyre.uring;

import io.gyre.driver.Operation;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A first-in-first-out list through {@link Operation#next()}: adding allocates nothing. An operation is in one at most. */
final class OperationList {
  private Operation head;
  private Operation tail;
  private int size;

  boolean isEmpty() {
    return head == null;
  }

  int size() {
    return size;
  }

  Operation first() {
    return head;
  }

  void forEach(Consumer<Operation> action) {
    for (var o = head; o != null; o = o.next()) {
      action.accept(o);
    }
  }

  boolean any(Predicate<Operation> matches) {
    for (var o = head; o != null; o = o.next()) {
      if (matches.test(o)) {
        return true;
      }
    }
    return false;
  }

  void add(Operation operation) {
    operation.setNext(null);
    if (tail == null) {
      head = operation;
    } else {
      tail.setNext(operation);
    }
    tail = operation;
    size++;
  }

  Operation removeFirst() {
    var first = head;
    head = first.next();
    if (head == null) {
      tail = null;
    }
    first.setNext(null);
    size--;
    return first;
  }

  boolean remove(Operation operation) {
    int before = size;
    removeIf(o -> o == operation, o -> {});
    return size < before;
  }

  /** Takes out what matches and hands it over; the rest keeps its order. */
  void removeIf(Predicate<Operation> matches, Consumer<Operation> removed) {
    for (int i = size; i > 0; i--) {
      var operation = removeFirst();
      if (matches.test(operation)) {
        removed.accept(operation);
      } else {
        add(operation);
      }
    }
  }
}
