package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OperationQueueTest {
  private final OperationDispatcher dispatcher =
      new OperationDispatcher(Throwable::printStackTrace);

  @Test
  void whatIsRemovedFromAnyPlaceLeavesTheOthersInOrder() {
    for (int removed = 0; removed < 3; removed++) {
      var queue = new OperationQueue();
      var operations = new ArrayList<>(List.of(operation(), operation(), operation()));
      operations.forEach(queue::add);
      assertTrue(queue.remove(operations.get(removed)));
      assertFalse(queue.remove(operations.remove(removed)));
      var last = operation();
      queue.add(last);
      operations.add(last);
      for (var operation : operations) {
        assertSame(operation, queue.peek());
        assertSame(operation, queue.poll());
        assertNull(operation.next());
      }
      assertNull(queue.poll());
      assertTrue(queue.isEmpty());
    }
    assertEquals(12, dispatcher.inFlight());
  }

  @Test
  void theOnlyOneCanBeRemoved() {
    var queue = new OperationQueue();
    var only = operation();
    queue.add(only);
    assertTrue(queue.remove(only));
    assertTrue(queue.isEmpty());
    queue.add(only);
    assertSame(only, queue.poll());
  }

  private Operation operation() {
    return dispatcher.acquire(OpCode.NOP, null, (operation, result) -> {}, null, null);
  }
}
