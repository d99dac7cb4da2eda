package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.Seeds;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import org.junit.jupiter.api.Test;

class OperationTableTest {
  @Test
  void aTokenFindsItsOperationUntilThatIsReleased() {
    var table = new OperationTable(4);
    var operation = table.acquire();
    long token = operation.token();

    assertSame(operation, table.find(token));
    table.release(operation);
    assertNull(table.find(token));

    var again = table.acquire();
    assertSame(operation, again, "the slot used last is used next");
    assertNotEquals(token, again.token());
    assertNull(table.find(token), "the stale generation finds nothing in the reused slot");
    assertSame(again, table.find(again.token()));
  }

  @Test
  void tokensOfSlotsThatDoNotExistFindNothing() {
    var table = new OperationTable(4);
    assertNull(table.find(4));
    assertNull(table.find(-1));
    assertNull(table.find(Long.MIN_VALUE));
    assertNull(table.find(0xFFFF_FFFFL));
  }

  @Test
  void theTableGrowsAndKeepsWhatIsLive() {
    var table = new OperationTable(2);
    var live = new ArrayList<Operation>();
    var tokens = new HashSet<Long>();
    for (int i = 0; i < 1_000; i++) {
      var operation = table.acquire();
      live.add(operation);
      assertTrue(tokens.add(operation.token()));
    }
    assertEquals(1_000, table.liveCount());
    assertTrue(table.capacity() >= 1_000);
    for (var operation : live) {
      assertSame(operation, table.find(operation.token()));
    }
    live.forEach(table::release);
    assertEquals(0, table.liveCount());
  }

  @Test
  void noSlotIsEverTwoOperations() {
    var table = new OperationTable(2);
    var random = Seeds.random(3);
    var live = new ArrayList<Operation>();
    var stale = new ArrayList<Long>();
    for (int i = 0; i < 20_000; i++) {
      if (live.isEmpty() || random.nextInt(100) < 51) {
        live.add(table.acquire());
      } else {
        var operation = live.remove(random.nextInt(live.size()));
        stale.add(operation.token());
        table.release(operation);
      }
      assertEquals(live.size(), table.liveCount());
    }
    assertEquals(live.size(), new HashSet<>(live).size());
    for (long token : stale) {
      assertNull(table.find(token), () -> "seed " + Seeds.SEED);
    }
  }

  @Test
  void aReleasedSlotHoldsOnToNothingThatTheUserGave() {
    var table = new OperationTable(1);
    var operation = table.acquire();
    operation.code = OpCode.READ;
    operation.descriptor = new FakeDriver.FakeDescriptor("x");
    operation.completion = (o, r) -> {};
    operation.handler = "handler";
    operation.attachment = "attachment";
    operation.argument("argument").flags(3).memory(ByteBuffer.allocate(3));
    operation.setDriverState("state");
    operation.setNewDescriptor(new FakeDriver.FakeDescriptor("y"));
    operation.setFailure(new IllegalStateException());
    operation.setTransferred(5);
    operation.more = true;

    table.release(operation);

    assertNull(operation.handler());
    assertNull(operation.attachment());
    assertNull(operation.argument());
    assertNull(operation.memory());
    assertNull(operation.lease());
    assertNull(operation.driverState());
    assertNull(operation.newDescriptor());
    assertNull(operation.received());
    assertNull(operation.failure);
    assertEquals(0, operation.flags());
    assertEquals(0, operation.transferred());
    assertEquals(false, operation.hasMore());
  }

  @Test
  void generationsMayWrapAround() {
    var table = new OperationTable(1);
    var operation = table.acquire();
    operation.token |= (long) Integer.MAX_VALUE << 32;
    long token = operation.token();
    assertSame(operation, table.find(token));
    table.release(operation);
    var again = table.acquire();
    assertEquals(Integer.MIN_VALUE, (int) (again.token() >>> 32));
    assertSame(again, table.find(again.token()));
    assertNull(table.find(token));
  }
}
