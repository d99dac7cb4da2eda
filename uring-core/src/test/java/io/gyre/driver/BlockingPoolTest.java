package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BlockingPoolTest {
  private static final long LONG = TimeUnit.HOURS.toNanos(1);

  @Test
  void neverRunsMoreTasksAtATimeThanItMay() throws InterruptedException {
    int max = 3;
    var pool = new BlockingPool("test", max, LONG);
    var running = new AtomicInteger();
    var most = new AtomicInteger();
    int tasks = 200;
    var done = new CountDownLatch(tasks);
    var together = new CountDownLatch(max);
    for (int i = 0; i < tasks; i++) {
      pool.execute(
          () -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            together.countDown();
            awaitLatch(together);
            running.decrementAndGet();
            done.countDown();
          });
      assertTrue(pool.threadCount() <= max);
    }
    awaitLatch(done);
    assertEquals(max, most.get());
    pool.release(true);
    assertEquals(0, pool.threadCount());
  }

  @Test
  void startsNoThreadWhileAnotherIsIdle() throws InterruptedException {
    var pool = new BlockingPool("test", 32, LONG);
    for (int i = 0; i < 100; i++) {
      var done = new CountDownLatch(1);
      pool.execute(done::countDown);
      awaitLatch(done);
      while (pool.idleCount() == 0) {
        Thread.onSpinWait();
      }
    }
    assertEquals(1, pool.threadCount());
    pool.release(true);
  }

  @Test
  void idleThreadsEndByThemselves() throws InterruptedException {
    var pool = new BlockingPool("test", 4, TimeUnit.MILLISECONDS.toNanos(5));
    var done = new CountDownLatch(4);
    for (int i = 0; i < 4; i++) {
      pool.execute(done::countDown);
    }
    awaitLatch(done);
    pool.joinThreads();
    assertEquals(0, pool.threadCount());
    var again = new CountDownLatch(1);
    pool.execute(again::countDown);
    awaitLatch(again);
    pool.release(true);
  }

  @Test
  void aTaskThatThrowsOrInterruptsHarmsNobody() throws InterruptedException {
    var pool = new BlockingPool("test", 1, LONG);
    pool.execute(() -> Thread.currentThread().interrupt());
    pool.execute(() -> Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> {}));
    pool.execute(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    var after = new CountDownLatch(1);
    pool.execute(
        () -> {
          if (!Thread.currentThread().isInterrupted()) {
            after.countDown();
          }
        });
    awaitLatch(after);
    assertEquals(1, pool.threadCount());
    pool.release(true);
  }

  @Test
  void whatWasLeftIsDoneBeforeTheThreadsEnd() {
    var pool = new BlockingPool("test", 1, LONG);
    var count = new AtomicInteger();
    for (int i = 0; i < 1000; i++) {
      pool.execute(count::incrementAndGet);
    }
    pool.release(true);
    assertEquals(1000, count.get());
    assertThrows(RejectedExecutionException.class, () -> pool.execute(() -> {}));
  }

  @Test
  void theSharedPoolEndsWithItsLastUser() {
    var first = BlockingPool.acquireShared();
    var second = BlockingPool.acquireShared();
    assertSame(first, second);
    first.release(true);
    second.execute(() -> {});
    second.release(true);
    var third = BlockingPool.acquireShared();
    assertNotSame(first, third);
    third.release(true);
  }

  @Test
  void aTaskForLaterIsNotEarlyAndHoldsNoThread() throws InterruptedException {
    var pool = new BlockingPool("test", 1, TimeUnit.MILLISECONDS.toNanos(1));
    long delay = TimeUnit.MILLISECONDS.toNanos(50);
    long due = System.nanoTime() + delay;
    var wasEarly = new AtomicBoolean();
    var done = new CountDownLatch(100);
    for (int i = 0; i < 100; i++) {
      pool.executeLater(
          () -> {
            wasEarly.compareAndSet(false, System.nanoTime() < due);
            done.countDown();
          },
          delay);
    }
    var between = new CountDownLatch(1);
    pool.execute(between::countDown);
    awaitLatch(between);
    awaitLatch(done);
    assertFalse(wasEarly.get());
    pool.release(true);
  }

  @Test
  void aTaskForLaterRunsThoughTheThreadThatWatchedTheClockBlocks() throws InterruptedException {
    var pool = new BlockingPool("test", 2, LONG);
    pool.execute(() -> {});
    while (pool.idleCount() == 0) {
      Thread.onSpinWait();
    }
    var done = new CountDownLatch(1);
    pool.executeLater(done::countDown, TimeUnit.MILLISECONDS.toNanos(200));
    pool.execute(() -> awaitLatch(done));
    awaitLatch(done);
    pool.release(true);
  }

  @Test
  void aTaskForLaterRunsThoughAllThreadsWereBusyWhenItCame() throws InterruptedException {
    var pool = new BlockingPool("test", 2, LONG);
    var busy = new CountDownLatch(1);
    var done = new CountDownLatch(1);
    pool.execute(
        () -> {
          busy.countDown();
          awaitLatch(done);
        });
    awaitLatch(busy);
    pool.executeLater(done::countDown, 1);
    awaitLatch(done);
    pool.release(true);
  }

  @Test
  void tasksThatAreDueTogetherRunTogether() throws InterruptedException {
    var pool = new BlockingPool("test", 2, LONG);
    var together = new CountDownLatch(2);
    for (int i = 0; i < 2; i++) {
      pool.executeLater(
          () -> {
            together.countDown();
            awaitLatch(together);
          },
          1);
    }
    awaitLatch(together);
    pool.release(true);
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
