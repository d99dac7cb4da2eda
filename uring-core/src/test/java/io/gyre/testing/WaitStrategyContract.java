package io.gyre.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.WaitStrategy;
import io.gyre.driver.DriverCounters.Counter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * What holds however a loop waits, whatever drives it. Each driver's module has a test class that extends this.
 */
public abstract class WaitStrategyContract {
  private static final Duration HOUR = Duration.ofHours(1);

  /** One of each kind, and some together. */
  private static final List<WaitStrategy> STRATEGIES =
      List.of(
          WaitStrategy.park(),
          WaitStrategy.spin(),
          WaitStrategy.spinThenPark(Duration.ofNanos(20_000)),
          WaitStrategy.spinThenPark(HOUR),
          WaitStrategy.park().withSubmissionPolling(Duration.ofMillis(1)),
          WaitStrategy.spin().withSubmissionPolling(Duration.ofMillis(2)),
          WaitStrategy.park().withMinWait(Duration.ofNanos(200_000), 8),
          WaitStrategy.spinThenPark(Duration.ofNanos(10_000))
              .withSubmissionPolling(Duration.ofMillis(1))
              .withMinWait(Duration.ofNanos(50_000), 4));

  /** For those who extend it. */
  protected WaitStrategyContract() {}

  /** Something to check of a loop that waits in some way. */
  private interface Check {
    void on(IoRuntime runtime, EventLoop loop) throws Exception;
  }

  private static void withEach(TestRuntime driver, Check check) throws Exception {
    for (var strategy : STRATEGIES) {
      var runtime = driver.start(b -> b.waitStrategy(strategy));
      try {
        check.on(runtime, runtime.loop());
      } catch (AssertionError e) {
        throw new AssertionError("waiting by: " + strategy + ": " + e.getMessage(), e);
      }
      driver.closeAndWait(runtime);
    }
  }

  @DriverTest
  void tasksOfOtherThreadsAreNeverForgotten(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          var random = Seeds.random(11);
          for (int i = 0; i < 300; i++) {
            var ran = new CountDownLatch(1);
            loop.execute(ran::countDown);
            Waits.await(ran, "task " + i);
            pauseSometimes(random); // so that the loop is found at every point on its way to sleep
          }
        });
  }

  private static void pauseSometimes(Random random) {
    if (random.nextInt(3) == 0) {
      long until = System.nanoTime() + random.nextInt(60_000);
      while (System.nanoTime() < until) {
        Thread.onSpinWait();
      }
    }
    if (random.nextInt(20) == 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  @DriverTest
  void tasksOfManyThreadsAtOnceAllRun(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          int each = 500;
          var ran = new CountDownLatch(3 * each);
          var threads =
              IntStream.range(0, 3)
                  .mapToObj(
                      n ->
                          Thread.ofPlatform()
                              .start(
                                  () -> {
                                    var random = Seeds.random(n);
                                    for (int i = 0; i < each; i++) {
                                      loop.execute(ran::countDown);
                                      pauseSometimes(random);
                                    }
                                  }))
                  .toList();
          threads.forEach(Waits::join);
          Waits.await(ran, "tasks of three threads");
        });
  }

  @DriverTest
  void operationsCompleteOnceEachAndInOrder(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          int count = 3_000;
          var recorder = new Recorder<Integer>();
          loop.execute(
              () -> IntStream.range(0, count / 2).forEach(i -> loop.nop(i, recorder))); // at once
          IntStream.range(count / 2, count).forEach(i -> loop.nop(i, recorder)); // and one by one

          recorder.await(count);
          recorder.checkExactlyOnce(count);
          assertEquals(
              IntStream.range(0, count).boxed().toList(),
              recorder.outcomes().stream().map(Outcome::attachment).toList());
        });
  }

  @DriverTest
  void timersEndAWaitAndAreNeverEarly(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          var random = Seeds.random(12);
          List<String> early = Collections.synchronizedList(new ArrayList<>());
          for (int i = 0; i < 30; i++) {
            int delay = random.nextInt(i % 2 == 0 ? 100_000 : 3_000_000);
            var ran = new CountDownLatch(1);
            long before = System.nanoTime();
            loop.scheduleNanos(
                delay,
                () -> {
                  long after = System.nanoTime() - before;
                  if (after < delay) {
                    early.add(after + " of " + delay + " ns");
                  }
                  ran.countDown();
                });
            Waits.await(ran, "a timer of " + delay + " ns, and nothing else to end the wait");
          }
          assertEquals(List.of(), early);
        });
  }

  @DriverTest
  void aTimerThatIsAddedEndsAWaitForALaterOne(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          loop.schedule(HOUR, () -> {});
          var ran = new CountDownLatch(1);
          loop.schedule(Duration.ofMillis(1), ran::countDown);
          Waits.await(ran, "the sooner timer");
        });
  }

  @DriverTest
  void anIdleLoopEndsWhenItIsAskedTo(TestRuntime driver) throws Exception {
    withEach(
        driver,
        (runtime, loop) -> {
          awaitIdle(loop);
          driver.closeAndWait(runtime);
          Waits.join(loop.thread());
        });
  }

  private static void awaitIdle(EventLoop loop) {
    Waits.until(
        "a wait of " + loop,
        () -> loop.stats().waits() + loop.stats().spins() > 0 && loop.stats().inboxDepth() == 0);
  }

  @DriverTest
  void aLoopThatSpinsIsNeverWokenByACall(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.waitStrategy(WaitStrategy.spin())).loop();
    awaitIdle(loop);

    for (int i = 0; i < 200; i++) {
      var ran = new CountDownLatch(1);
      loop.execute(ran::countDown);
      Waits.await(ran, "task " + i);
    }

    var stats = loop.stats();
    assertEquals(0, stats.wakeUpsSent());
    assertEquals(0, stats.wakeUpsTaken());
    assertEquals(0, stats.waits(), "it never slept");
  }

  @DriverTest(drivers = "uring")
  void aLoopThatSpinsMakesNoSystemCallWhileThereIsNothingToDo(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.waitStrategy(WaitStrategy.spin())).loop();
    awaitIdle(loop);
    long before = loop.stats().kernelCalls();

    for (int i = 0; i < 200; i++) {
      var ran = new CountDownLatch(1);
      loop.execute(ran::countDown);
      Waits.await(ran, "task " + i);
    }

    assertEquals(before, loop.stats().kernelCalls());
  }

  @DriverTest
  void spinsAreCountedAndSaidToHavePaidOffOrNot(TestRuntime driver) throws Exception {
    var strategy = WaitStrategy.spinThenPark(Duration.ofNanos(1));
    var parking = driver.start(b -> b.waitStrategy(strategy)).loop();
    var spinning = driver.start(b -> b.waitStrategy(WaitStrategy.spin())).loop();
    Waits.until("a sleep after a spin", () -> parking.stats().waits() > 0);
    awaitIdle(spinning);

    var ran = new CountDownLatch(2);
    parking.execute(ran::countDown);
    spinning.execute(ran::countDown);
    Waits.await(ran, "both tasks");

    Waits.until("a spin that paid off", () -> spinning.stats().spinsPaidOff() > 0);
    assertTrue(parking.stats().spins() >= parking.stats().waits(), parking.stats()::toString);
    assertTrue(parking.stats().spins() > parking.stats().spinsPaidOff(), "one led to a sleep");
  }

  @DriverTest
  void aLoopThatSpinsForLongerThanTheThresholdIsNotStuck(TestRuntime driver) throws Exception {
    var threshold = Duration.ofMillis(5);
    var runtime = driver.start(b -> b.waitStrategy(WaitStrategy.spin()).stallThreshold(threshold));
    var loop = runtime.loop();
    awaitIdle(loop);
    var watchdogLooked = new CountDownLatch(1);
    // The watchdog's own proof that it has looked often enough: a loop of another runtime that is
    // stuck meanwhile, and for longer.
    var stuck = driver.start(b -> b.stallThreshold(threshold.multipliedBy(4))).loop();
    stuck.execute(
        () -> {
          Waits.until("the watchdog sees a stall", () -> stuck.stats().stalls() > 0);
          watchdogLooked.countDown();
        });
    Waits.await(watchdogLooked, "a stall elsewhere");

    assertEquals(0, loop.stats().stalls());
    var counters = loop.counters();
    assertEquals(
        counters.get(Counter.SPINS),
        counters.get(Counter.SPINS_ENDED) + 1,
        "it spins all the time");
  }

  @DriverTest
  void eachLoopWaitsInItsOwnWay(TestRuntime driver) throws Exception {
    var runtime =
        driver.start(
            b ->
                b.scheduler(Scheduler.threadPerCore(2))
                    .waitStrategy(i -> i == 0 ? WaitStrategy.spin() : WaitStrategy.park()));
    Waits.until("a spin and a sleep", () -> spinsAndSleeps(runtime));
    var ran = new CountDownLatch(2);
    runtime.loops().forEach(l -> l.execute(ran::countDown));
    Waits.await(ran, "a task on each");

    assertEquals(0, runtime.loops().get(0).stats().waits());
    assertEquals(0, runtime.loops().get(1).stats().spins());
  }

  private static boolean spinsAndSleeps(IoRuntime runtime) {
    var loops = runtime.loops();
    return loops.get(0).stats().spins() > 0 && loops.get(1).stats().waits() > 0;
  }

  @DriverTest
  void aHandlerThatThrowsWhileTheLoopSpinsIsReported(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    var loop = driver.start(b -> b.waitStrategy(WaitStrategy.spin())).loop();
    loop.execute(
        () -> {
          throw new IllegalStateException("a task's own");
        });
    Waits.until("the report", () -> !thrown.isEmpty());
    var ran = new CountDownLatch(1);
    loop.execute(ran::countDown);
    Waits.await(ran, "the next task");
    assertEquals(1, loop.counters().get(Counter.EXCEPTIONS));
  }

  @DriverTest
  void aStrategyThatIsMissingIsRefusedAtStart(TestRuntime driver) {
    assertThrows(NullPointerException.class, () -> driver.start(b -> b.waitStrategy(i -> null)));
  }
}
