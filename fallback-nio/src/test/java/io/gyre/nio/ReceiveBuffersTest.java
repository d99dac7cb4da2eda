package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReceiveBuffersTest {
  private static final int NONE = -1;

  @Test
  void twoBuffersForManySocketsLoseNoByte() throws Exception {
    var letGo = new LinkedBlockingQueue<Buffer>();
    var elsewhere = Thread.ofPlatform().daemon().start(() -> releaseAll(letGo));
    try (var rig = new Rig(2, 64)) {
      var listener = rig.listen();
      int sockets = 100;
      var sent = new ArrayList<byte[]>();
      var received = new ArrayList<Outcome>();
      for (int i = 0; i < sockets; i++) {
        var pair = rig.connect(listener);
        received.add(receiveReleasing(rig, pair, letGo, i % 2 == 0));
        var data = new byte[5000 + i];
        new Random(i).nextBytes(data);
        sent.add(data);
        rig.send(pair.client(), data);
        rig.submit(OpCode.SHUTDOWN, pair.client(), o -> o.flags(1));
      }
      for (int i = 0; i < sockets; i++) {
        assertEquals(0, rig.await(received.get(i)), "socket " + i);
        assertArrayEquals(sent.get(i), received.get(i).bytes.toByteArray(), "socket " + i);
      }
      assertTrue(rig.count(Counter.OUT_OF_BUFFERS) > 0);
    }
    elsewhere.interrupt();
    elsewhere.join();
  }

  /** Every other socket's buffers come back from another thread, which has to wake the loop for that. */
  private static Outcome receiveReleasing(
      Rig rig, Rig.Pair pair, LinkedBlockingQueue<Buffer> letGo, boolean elsewhere) {
    var outcome = elsewhere ? new Outcome().holdingBuffers() : new Outcome();
    outcome.then =
        () -> {
          if (!outcome.held.isEmpty()) {
            letGo.add(outcome.held.poll());
          }
        };
    rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
    return outcome;
  }

  private static void releaseAll(LinkedBlockingQueue<Buffer> letGo) {
    try {
      while (true) {
        letGo.take().release();
      }
    } catch (InterruptedException e) {
      // the test is over
    }
  }

  @Test
  void aBufferFromAnotherThreadEndsTheWait() throws Exception {
    try (var rig = new Rig(2, 64)) {
      var pair = rig.connect();
      var outcome = new Outcome().holdingBuffers();
      rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
      rig.send(pair.client(), new byte[64 * 50]);
      for (int piece = 1; piece <= 48; piece++) {
        int expected = piece + 1;
        rig.turnUntil("two buffers", () -> outcome.results.size() == expected);
        var buffer = outcome.held.poll();
        var thread = Thread.ofPlatform().start(buffer::release);
        while (outcome.results.size() == expected) {
          rig.driver.turn(NONE, 16);
        }
        thread.join();
      }
    }
  }

  @Test
  void aStarvedLoopWaitsInsteadOfSpinning() throws Exception {
    try (var rig = new Rig(2, 64)) {
      var pair = rig.connect();
      var outcome = new Outcome().holdingBuffers();
      rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
      rig.send(pair.client(), new byte[1000]);
      rig.turnUntil("both buffers are lent", () -> outcome.held.size() == 2);
      rig.driver.turn(0, 16);
      long begin = System.nanoTime();
      assertEquals(0, rig.driver.turn(TimeUnit.MILLISECONDS.toNanos(30), 16));
      assertTrue(System.nanoTime() - begin >= TimeUnit.MILLISECONDS.toNanos(29));
      outcome.held.forEach(Buffer::release);
    }
  }

  @Test
  void aStarvedReceiveCanBeCancelledAndBegunAgain() throws Exception {
    try (var rig = new Rig(2, 64)) {
      var pair = rig.connect();
      var holder = new Outcome().holdingBuffers();
      rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, holder);
      rig.send(pair.client(), new byte[200]);
      rig.turnUntil("both buffers are lent", () -> holder.held.size() == 2);
      rig.driver.turn(0, 16);
      rig.driver.cancel(holder.operation);
      assertEquals(-Errno.ECANCELED.number(), rig.await(holder));
      // Cancelled in line again, and with a buffer already granted.
      var again = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
      rig.driver.turn(0, 16);
      holder.held.poll().release();
      rig.driver.cancel(again.operation);
      assertEquals(-Errno.ECANCELED.number(), rig.await(again));
      var rest = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
      rig.turnUntil(
          "the rest", () -> holder.bytes.size() + again.bytes.size() + rest.bytes.size() == 200);
      holder.held.poll().release();
    }
  }

  @Test
  void otherSocketsGetTheirTurn() throws Exception {
    try (var rig = new Rig(2, 64)) {
      var listener = rig.listen();
      var greedy = rig.connect(listener);
      var modest = rig.connect(listener);
      var flood = rig.submit(OpCode.RECEIVE_MULTISHOT, greedy.server());
      var drop = rig.submit(OpCode.RECEIVE_MULTISHOT, modest.server());
      rig.send(greedy.client(), new byte[8 << 20]);
      rig.turnUntil("the flood flows", () -> flood.results.size() > 10);
      rig.send(modest.client(), new byte[1]);
      rig.turnUntil("the drop", () -> drop.bytes.size() == 1);
      assertTrue(flood.bytes.size() < 8 << 20, "the flood is still flowing");
    }
  }

  @Test
  void buffersMayComeBackAfterTheDriverWasClosed() throws IOException {
    var outcome = new Outcome().holdingBuffers();
    try (var rig = new Rig(2, 64)) {
      var pair = rig.connect();
      rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
      rig.send(pair.client(), new byte[] {9});
      rig.turnUntil("a buffer", () -> !outcome.held.isEmpty());
    }
    var buffer = outcome.held.poll();
    assertEquals(9, buffer.byteBuffer().get(0));
    buffer.release();
  }
}
