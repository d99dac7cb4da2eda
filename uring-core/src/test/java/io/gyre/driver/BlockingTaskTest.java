package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BlockingTaskTest {
  private final BlockingPool pool = new BlockingPool("test", 1, TimeUnit.HOURS.toNanos(1));
  private final CountDownLatch finished = new CountDownLatch(1);
  private final BlockingWork<Attempt> work =
      new BlockingWork<>(pool, finished::countDown, task -> {});

  private static class Attempt extends BlockingTask {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    final AtomicInteger forgotten = new AtomicInteger();

    Attempt() {
      super(null);
    }

    @Override
    protected void perform() throws Exception {
      begun.countDown();
      goOn.await();
      tryAgainLater();
    }

    @Override
    protected void forget() {
      forgotten.incrementAndGet();
    }
  }

  @Test
  void anAttemptThatIsCancelledUnderWayGivesBackWhatItHasTaken() throws InterruptedException {
    var task = new Attempt();
    work.submit(task);
    task.begun.await();
    assertFalse(task.cancel());
    task.goOn.countDown();
    finished.await();
    assertEquals(-Errno.ECANCELED.number(), task.result());
    assertEquals(1, task.forgotten.get());
    pool.release(true);
  }

  @Test
  void anAttemptThatCannotBeRepeatedGivesBackWhatItHasTaken() throws InterruptedException {
    var task = new Attempt();
    work.submit(task);
    task.begun.await();
    pool.release(false);
    task.goOn.countDown();
    finished.await();
    assertEquals(RejectedExecutionException.class, task.failure().getClass());
    assertEquals(1, task.forgotten.get());
  }
}
