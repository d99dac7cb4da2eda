package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.BlockingPool;
import io.gyre.driver.Completion;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NioDriverTest {
  private static final long NO_LIMIT = -1;

  @Test
  void manyNopsResolveOverTurnsWithinTheBudget() throws IOException {
    try (var rig = new Rig()) {
      int total = 10_000;
      var resolved = new AtomicInteger();
      Completion count = (operation, result) -> resolved.incrementAndGet();
      for (int i = 0; i < total; i++) {
        rig.dispatcher.submit(rig.dispatcher.acquire(OpCode.NOP, null, count, null, null));
      }
      assertEquals(0, resolved.get());
      int turns = 0;
      while (resolved.get() < total) {
        int before = resolved.get();
        int reported = rig.driver.turn(NO_LIMIT, 64);
        assertEquals(resolved.get() - before, reported);
        assertTrue(reported > 0 && reported <= 64, "resolved " + reported);
        turns++;
      }
      assertEquals((total + 63) / 64, turns);
      assertEquals(total, rig.count(Counter.SUBMITTED));
      assertEquals(total, rig.count(Counter.COMPLETED));
    }
  }

  @Test
  void aFloodOfNopsDoesNotStarveSockets() throws IOException {
    try (var rig = new Rig()) {
      var pair = rig.connect();
      var received = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
      keepNopsGoing(rig, received);
      var sent = rig.send(pair.client(), new byte[] {1, 2, 3});
      rig.turnUntil(
          "the bytes arrive in turns that are full",
          () -> received.bytes.size() == 3 && sent.isDone());
    }
  }

  private static void keepNopsGoing(Rig rig, Outcome until) {
    for (int i = 0; i < 2000; i++) {
      var nop = new Outcome();
      nop.then =
          () -> {
            if (until.bytes.size() == 0) {
              keepNopGoing(rig, until);
            }
          };
      rig.submit(OpCode.NOP, null, o -> o, nop);
    }
  }

  private static void keepNopGoing(Rig rig, Outcome until) {
    Completion again =
        (operation, result) -> {
          if (until.bytes.size() == 0) {
            keepNopGoing(rig, until);
          }
        };
    rig.dispatcher.submit(rig.dispatcher.acquire(OpCode.NOP, null, again, null, null));
  }

  @Test
  void aBudgetOfOneServesEverybody() throws IOException {
    try (var rig = new Rig()) {
      var pair = rig.connect();
      var received = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
      rig.send(pair.client(), new byte[] {1, 2, 3});
      keepNopGoing(rig, received);
      for (int i = 0; i < 1_000_000 && received.bytes.size() < 3; i++) {
        assertTrue(rig.driver.turn(0, 1) <= 1);
      }
      assertEquals(3, received.bytes.size());
    }
  }

  @Test
  void aHandlerThatThrowsHarmsNobody() throws IOException {
    try (var rig = new Rig()) {
      var bad = new IllegalStateException("on purpose");
      var throwing = new Outcome();
      throwing.then =
          () -> {
            throw bad;
          };
      rig.submit(OpCode.NOP, null, o -> o, throwing);
      var after = rig.submit(OpCode.NOP, null);
      assertEquals(0, rig.await(after));
      assertTrue(rig.thrown.remove(bad));
    }
  }

  @Test
  void wakeUpEndsTheWaitUnderWay() throws Exception {
    try (var rig = new Rig()) {
      long before = rig.count(Counter.WAKE_UPS);
      var loop = Thread.currentThread();
      var waker = Thread.ofPlatform().start(() -> wakeOnceItWaits(loop, rig));
      assertEquals(0, rig.driver.turn(NO_LIMIT, 16)); // ends by the wake-up or not at all
      waker.join();
      assertEquals(before + 1, rig.count(Counter.WAKE_UPS));
    }
  }

  private static void wakeOnceItWaits(Thread loop, Rig rig) {
    // In epoll_wait a thread counts as running: its stack tells.
    while (!isSelecting(loop)) {
      Thread.onSpinWait();
    }
    rig.driver.wakeUp();
  }

  private static boolean isSelecting(Thread thread) {
    for (var frame : thread.getStackTrace()) {
      if (frame.getClassName().equals(Readiness.class.getName())
          && frame.getMethodName().equals("select")) {
        return true;
      }
    }
    return false;
  }

  @Test
  void wakeUpBeforeTheWaitEndsTheNextOneOnly() throws IOException {
    try (var rig = new Rig()) {
      rig.driver.wakeUp();
      rig.driver.wakeUp();
      assertEquals(0, rig.driver.turn(NO_LIMIT, 16));
      assertEquals(1, rig.count(Counter.WAKE_UPS));
      long begin = System.nanoTime();
      rig.driver.turn(TimeUnit.MILLISECONDS.toNanos(20), 16);
      assertTrue(
          System.nanoTime() - begin >= TimeUnit.MILLISECONDS.toNanos(19), "both are used up");
    }
  }

  @Test
  void shortTimeoutsAreNotSpunAway() throws IOException {
    try (var rig = new Rig()) {
      long selectsBefore = rig.count(Counter.ENTERS);
      long begin = System.nanoTime();
      rig.driver.turn(300_000, 16);
      assertTrue(System.nanoTime() - begin >= 300_000, "the wait is not over before its time");
      assertEquals(1, rig.count(Counter.ENTERS) - selectsBefore);
    }
  }

  @Test
  void timeoutsRoundUpToMilliseconds() {
    assertEquals(1, Readiness.toMillis(1));
    assertEquals(1, Readiness.toMillis(1_000_000));
    assertEquals(2, Readiness.toMillis(1_000_001));
    assertTrue(Readiness.toMillis(Long.MAX_VALUE) > 0);
  }

  @Test
  void anInterruptDoesNotKeepTheLoopFromWaiting() throws IOException {
    try (var rig = new Rig()) {
      Thread.currentThread().interrupt();
      long begin = System.nanoTime();
      rig.driver.turn(TimeUnit.MILLISECONDS.toNanos(20), 16);
      assertTrue(System.nanoTime() - begin >= TimeUnit.MILLISECONDS.toNanos(19));
      assertFalse(Thread.interrupted());
    }
  }

  @Test
  void aFileResultEndsTheWait(@TempDir Path folder) throws IOException {
    try (var rig = new Rig()) {
      for (int i = 0; i < 200; i++) {
        var opened = rig.open(folder.resolve("no-such-file"), StandardOpenOption.READ);
        while (!opened.isDone()) {
          rig.driver.turn(NO_LIMIT, 16);
        }
        assertEquals(-Errno.ENOENT.number(), opened.result());
      }
    }
  }

  @Test
  void cancelAllEndsEveryWaitOfASocketAtOnce() throws IOException {
    try (var rig = new Rig()) {
      var listener = rig.listen();
      var accept = rig.submit(OpCode.ACCEPT_MULTISHOT, listener);
      var pair = rig.connect();
      var once = rig.receive(pair.server(), ByteBuffer.allocate(16));
      var multishot = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.client());
      rig.driver.turn(0, 16);
      assertFalse(accept.isDone() || once.isDone() || multishot.isDone());
      rig.driver.cancelAll();
      for (var outcome : new Outcome[] {accept, once, multishot}) {
        assertEquals(-Errno.ECANCELED.number(), rig.await(outcome));
        assertInstanceOf(CancellationException.class, outcome.failure);
      }
    }
  }

  @Test
  void fileWorkThatHasNotBegunIsCancelledAndTheRestEnds(@TempDir Path folder) throws Exception {
    var pool = new BlockingPool("test", 1, TimeUnit.SECONDS.toNanos(5));
    try (var rig = new Rig(2, 64, pool)) {
      var path = folder.resolve("file");
      var file = rig.openFile(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      var mayGoOn = new CountDownLatch(1);
      pool.execute(() -> awaitLatch(mayGoOn));
      var writes = new ArrayList<Outcome>();
      for (int i = 0; i < 8; i++) {
        writes.add(rig.submit(OpCode.WRITE, file, o -> o.memory(ByteBuffer.allocate(8)).offset(0)));
      }
      var single = rig.submit(OpCode.SIZE, file);
      rig.driver.cancel(single.operation);
      assertEquals(-Errno.ECANCELED.number(), rig.await(single));
      assertFalse(writes.getFirst().isDone());
      rig.driver.cancelAll(file);
      for (var write : writes) {
        assertEquals(-Errno.ECANCELED.number(), rig.await(write));
      }
      var closed = rig.close(file);
      rig.driver.cancelAll();
      mayGoOn.countDown();
      assertEquals(0, rig.await(closed), "a close is never cancelled");
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void closeLeavesNoThreads(@TempDir Path folder) throws IOException {
    var pool = new BlockingPool("test", 8, TimeUnit.HOURS.toNanos(1));
    try (var rig = new Rig(2, 64, pool)) {
      var file =
          rig.openFile(folder.resolve("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      for (int i = 0; i < 100; i++) {
        rig.submit(OpCode.SIZE, file);
      }
    }
    assertEquals(0, pool.threadCount());
  }

  @Test
  void closeUndrainedClosesWhatIsOpen(@TempDir Path folder) throws Exception {
    var pool = new BlockingPool("test", 8, TimeUnit.HOURS.toNanos(1));
    var rig = new Rig(2, 64, pool);
    var file =
        rig.openFile(folder.resolve("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    var pair = rig.connect();
    rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    rig.driver.turn(0, 16);
    rig.driver.close(false);
    assertFalse(((NioSelectable) pair.server()).channel().isOpen());
    assertFalse(((NioSelectable) pair.client()).channel().isOpen());
    pool.joinThreads();
    assertFalse(((NioFile) file).channel().isOpen());
  }
}
