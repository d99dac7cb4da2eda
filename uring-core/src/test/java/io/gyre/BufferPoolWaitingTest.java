package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The bound that pushes back: who waits for a buffer, and how. */
class BufferPoolWaitingTest {
  private static final int MIB = 1 << 20;

  private static void turn(EventLoop loop) {
    var turned = new CompletableFuture<Void>();
    loop.execute(() -> turned.complete(null));
    Waits.get(turned, "a task");
  }

  private static List<Buffer> takeAll(BufferPool pool, int bytes) {
    var all = new ArrayList<Buffer>();
    for (var b = pool.tryAcquire(bytes); b != null; b = pool.tryAcquire(bytes)) {
      all.add(b);
    }
    return all;
  }

  @DriverTest
  void whatIsFreeIsThereAtOnce(TestRuntime driver) throws Exception {
    var pool = driver.start().loop().buffers();
    var future = pool.acquireAsync(5000);
    assertTrue(future.isDone());
    try (var buffer = future.join()) {
      assertEquals(5000, buffer.byteBuffer().remaining());
    }
    assertThrows(IllegalArgumentException.class, () -> pool.acquireAsync(0));
  }

  @DriverTest
  void thoseWhoWaitAreServedInOrderAndBeforeOthers(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.bufferPoolBytes(MIB)).loop();
    var pool = loop.buffers();
    var all = takeAll(pool, 4096);
    assertEquals(256, all.size());
    var order = new ConcurrentLinkedQueue<Integer>();
    var waiting = new ArrayList<CompletableFuture<Buffer>>();
    // A large one in the middle: small ones behind it must not keep it waiting for ever.
    int[] sizes = {1, 4096, 512 << 10, 1, 4096};
    for (int i = 0; i < sizes.length; i++) {
      int number = i;
      waiting.add(
          pool.acquireAsync(sizes[i])
              .whenComplete(
                  (b, t) -> {
                    order.add(number);
                    assertSame(loop.thread(), Thread.currentThread());
                  }));
      turn(loop);
    }
    all.removeLast().release();
    Waits.get(waiting.get(0), "the first");
    assertNull(pool.tryAcquire(1), "others wait");
    assertThrows(IllegalStateException.class, () -> pool.acquire(1));
    all.removeLast().release();
    Waits.get(waiting.get(1), "the second");
    all.removeLast().release();
    turn(loop);
    turn(loop);
    assertFalse(waiting.get(3).isDone(), "not before the large one");
    // From the loop's thread and from this one.
    var half = List.copyOf(all.subList(0, 100));
    loop.execute(() -> half.forEach(Buffer::release));
    all.subList(100, all.size()).forEach(Buffer::release);
    for (var future : waiting) {
      Waits.get(future, "a buffer").release();
    }
    assertEquals(List.of(0, 1, 2, 3, 4), List.copyOf(order));
    Waits.until("all is back", () -> pool.lentBytes() == 0);
  }

  @DriverTest
  void whoGivesUpLeavesTheLineAndTakesNothing(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.bufferPoolBytes(MIB)).loop();
    var pool = loop.buffers();
    var only = pool.acquire(MIB);
    var first = pool.acquireAsync(MIB);
    var second = pool.acquireAsync(MIB);
    assertTrue(first.cancel(false));
    only.release();
    Waits.get(second, "the second").release();
    Waits.until("all is back", () -> pool.lentBytes() == 0);
    turn(loop);
    try (var again = pool.acquire(MIB)) {
      assertEquals(MIB, again.capacity());
    }
  }

  @DriverTest
  void theEndOfTheLoopEndsTheWaiting(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(MIB));
    var pool = runtime.loop().buffers();
    var only = pool.acquire(MIB);
    var waiting = pool.acquireAsync(1);
    turn(runtime.loop());
    driver.closeAndWait(runtime);
    Waits.failure(ShutdownChannelGroupException.class, waiting, "waiting");
    assertThrows(ShutdownChannelGroupException.class, () -> pool.acquireAsync(1));
    only.release();
    try (var buffer = pool.acquire(MIB)) {
      assertEquals(MIB, buffer.capacity(), "buffers outlive the loop");
    }
  }

  @DriverTest
  void whatIsInTheLoopsHandComesToOthersSoon(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.bufferPoolBytes(MIB)).loop();
    var pool = loop.buffers();
    loop.execute(() -> pool.acquire(MIB).release());
    turn(loop);
    var taken = new Buffer[1];
    Waits.until("a buffer", () -> (taken[0] = pool.tryAcquire(MIB)) != null);
    taken[0].release();
  }

  @DriverTest
  void aHundredWaitersOnAllThreadsAreAllServed(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(MIB));
    var pool = runtime.loop().buffers();
    var threads = new ArrayList<Thread>();
    var served = new ConcurrentLinkedQueue<Integer>();
    for (int t = 0; t < 8; t++) {
      int salt = t;
      Runnable work =
          () -> {
            var random = Seeds.random(salt);
            for (int i = 0; i < 300; i++) {
              int bytes = 1 + random.nextInt(MIB / 2);
              var buffer = Waits.get(pool.acquireAsync(bytes), "a buffer");
              assertEquals(bytes, buffer.byteBuffer().remaining());
              buffer.byteBuffer().put(0, (byte) salt);
              Thread.onSpinWait();
              assertEquals(salt, buffer.byteBuffer().get(0));
              buffer.release();
              served.add(i);
            }
          };
      threads.add(t % 2 == 0 ? Thread.ofPlatform().start(work) : Thread.ofVirtual().start(work));
    }
    threads.forEach(Waits::join);
    assertEquals(8 * 300, served.size());
    Waits.until("all is back", () -> pool.lentBytes() == 0);
  }
}
