package io.gyre.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.driver.DriverCounters.Counter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/**
 * What a loop promises, whatever drives it. Each driver's module has a test class that extends
 * this.
 */
public abstract class EventLoopContract {
  private static final int MANY = 10_000;

  /** For those who extend it. */
  protected EventLoopContract() {}

  @DriverTest
  void nopCompletesWithZeroOnTheLoopsThread(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<String>();

    loop.nop("from another thread", recorder);
    recorder.await(1);
    loop.execute(() -> loop.nop("from the loop", recorder));

    var outcomes = recorder.await(2);
    assertEquals("from another thread", outcomes.get(0).attachment());
    assertEquals("from the loop", outcomes.get(1).attachment());
    for (var outcome : outcomes) {
      assertNull(outcome.cause());
      assertEquals(0, outcome.result());
      assertSame(loop.thread(), outcome.thread());
    }
  }

  @DriverTest
  void handlerIsNeverCalledFromInsideTheCallThatSubmitted(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int rounds = 2_000;
    var calledInside = new AtomicInteger();
    var done = new CountDownLatch(1);
    var chain =
        new IoHandler<Integer>() {
          private boolean submitting;

          void submit(int left) {
            submitting = true;
            loop.nop(left, this);
            submitting = false;
          }

          @Override
          public void completed(int result, Integer left) {
            if (submitting) {
              calledInside.incrementAndGet();
            }
            if (left > 0) {
              submit(left - 1); // recursion, if handlers were called inside
            } else {
              done.countDown();
            }
          }

          @Override
          public void failed(Throwable cause, Integer left) {
            throw new AssertionError("nop " + left, cause);
          }
        };

    loop.execute(() -> chain.submit(rounds));

    Waits.await(done, "a chain of " + rounds + " nops");
    assertEquals(0, calledInside.get());
  }

  @DriverTest
  void tenThousandNopsAtOnceCompleteInOrder(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<Integer>();

    loop.execute(() -> IntStream.range(0, MANY).forEach(i -> loop.nop(i, recorder)));

    recorder.await(MANY);
    recorder.checkExactlyOnce(MANY);
    var order = recorder.outcomes().stream().map(Outcome::attachment).toList();
    assertEquals(IntStream.range(0, MANY).boxed().toList(), order);
    assertTrue(recorder.outcomes().stream().allMatch(Outcome::succeeded));
    assertEquals(0, loop.counters().get(Counter.STALE));
  }

  @DriverTest
  void tenTimesTheRingFromHandlersCompletes(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<Integer>();
    int width = 40;
    var fanOut =
        new IoHandler<Integer>() {
          @Override
          public void completed(int result, Integer number) {
            for (int i = 0; i < width; i++) {
              loop.nop(number * width + i, recorder);
            }
          }

          @Override
          public void failed(Throwable cause, Integer number) {
            throw new AssertionError("nop " + number, cause);
          }
        };

    loop.execute(() -> IntStream.range(0, width).forEach(i -> loop.nop(i, fanOut)));

    recorder.await(width * width);
    recorder.checkExactlyOnce(width * width);
  }

  @DriverTest
  void nopsOfManyThreadsCompleteOnceEachAndInTheOrderOfTheirThread(TestRuntime driver)
      throws Exception {
    var loop = driver.start().loop();
    int threads = 4;
    int each = 2_500;
    var recorders = new ArrayList<Recorder<Integer>>();
    var workers = new ArrayList<Thread>();
    for (int t = 0; t < threads; t++) {
      var recorder = new Recorder<Integer>();
      recorders.add(recorder);
      workers.add(
          Thread.ofPlatform()
              .name("submitter-" + t)
              .start(() -> IntStream.range(0, each).forEach(i -> loop.nop(i, recorder))));
    }
    workers.forEach(Waits::join);

    for (var recorder : recorders) {
      recorder.await(each);
      recorder.checkExactlyOnce(each);
      assertEquals(
          IntStream.range(0, each).boxed().toList(),
          recorder.outcomes().stream().map(Outcome::attachment).toList());
    }
  }

  @DriverTest
  void countersCountWhatWasDone(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<Integer>();

    loop.execute(() -> IntStream.range(0, 1_000).forEach(i -> loop.nop(i, recorder)));
    recorder.await(1_000);

    Waits.until("1000 submitted", () -> loop.counters().get(Counter.SUBMITTED) >= 1_000);
    Waits.until("1000 completed", () -> loop.counters().get(Counter.COMPLETED) >= 1_000);
    assertTrue(loop.counters().get(Counter.ENTERS) > 0);
    assertEquals(driver.configuration().driver(), loop.capabilities().driver());
  }

  @DriverTest
  void handlersThatThrowDoNotBreakTheLoop(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var thrown = driver.expectThrown();
    var recorder = new Recorder<Integer>();
    int count = 300;
    var thrower =
        new IoHandler<Integer>() {
          @Override
          public void completed(int result, Integer number) {
            recorder.completed(result, number);
            switch (number % 3) {
              case 0 -> throw new IllegalStateException("thrown by " + number);
              case 1 -> throw new AssertionError("thrown by " + number);
              default -> {}
            }
          }

          @Override
          public void failed(Throwable cause, Integer number) {
            recorder.failed(cause, number);
          }
        };

    loop.execute(() -> IntStream.range(0, count).forEach(i -> loop.nop(i, thrower)));

    recorder.await(count);
    Waits.until("200 exceptions", () -> thrown.size() >= 200);
    recorder.checkExactlyOnce(count);
    var messages = thrown.stream().map(Throwable::getMessage).toList();
    assertEquals(
        IntStream.range(0, count).filter(i -> i % 3 != 2).mapToObj(i -> "thrown by " + i).toList(),
        messages);
  }

  @DriverTest
  void anExceptionHandlerThatThrowsDoesNotBreakTheLoop(TestRuntime driver) throws Exception {
    var loop =
        driver
            .start(
                b ->
                    b.exceptionHandler(
                        t -> {
                          throw new IllegalStateException("the handler of exceptions");
                        }))
            .loop();
    var recorder = new Recorder<Integer>();

    loop.execute(
        () -> {
          throw new IllegalArgumentException("a task");
        });
    loop.nop(1, recorder);

    assertTrue(recorder.awaitOne().succeeded());
  }

  @DriverTest
  void tasksThatThrowDoNotBreakTheLoop(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var thrown = driver.expectThrown();
    var recorder = new Recorder<Integer>();

    for (int i = 0; i < 10; i++) {
      int number = i;
      loop.execute(
          () -> {
            throw new IllegalArgumentException("task " + number);
          });
      loop.schedule(
          Duration.ZERO,
          () -> {
            throw new IllegalArgumentException("timer " + number);
          });
    }
    loop.nop(1, recorder);

    recorder.await(1);
    Waits.until("20 exceptions", () -> thrown.size() == 20);
  }

  @DriverTest
  void aStackOverflowInAHandlerDoesNotBreakTheLoop(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var thrown = driver.expectThrown();
    var recorder = new Recorder<Integer>();

    loop.execute(() -> recurse(0));
    loop.nop(1, recorder);

    assertTrue(recorder.awaitOne().succeeded());
    assertInstanceOf(StackOverflowError.class, thrown.poll());
  }

  @SuppressWarnings("InfiniteRecursion") // meant
  private static long recurse(long depth) {
    return recurse(depth + 1) + 1;
  }

  @DriverTest
  void tasksRunInTheOrderOfTheirThreadAndNeverInsideExecute(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int each = 5_000;
    var orders = new ArrayList<List<Integer>>();
    var workers = new ArrayList<Thread>();
    for (int t = 0; t < 3; t++) {
      List<Integer> order = Collections.synchronizedList(new ArrayList<>());
      orders.add(order);
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> IntStream.range(0, each).forEach(i -> loop.execute(() -> order.add(i)))));
    }
    workers.forEach(Waits::join);
    for (var order : orders) {
      Waits.until(() -> each + " tasks, ran " + order.size(), () -> order.size() == each);
      assertEquals(IntStream.range(0, each).boxed().toList(), order);
    }

    List<String> events = Collections.synchronizedList(new ArrayList<>());
    loop.execute(
        () -> {
          loop.execute(() -> events.add("inner"));
          events.add("outer");
        });
    Waits.until("both tasks", () -> events.size() == 2);
    assertEquals(List.of("outer", "inner"), events);
  }

  @DriverTest
  void noWakeUpIsLostInThousandsOfRoundTripsFromAnotherThread(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var random = Seeds.random(1);
    var answered = new Semaphore(0);
    for (int i = 0; i < 4_000; i++) {
      // The loop is on its way to sleep: hit it there, at another point each time.
      long spinUntil = System.nanoTime() + random.nextInt(60_000);
      while (System.nanoTime() < spinUntil) {
        Thread.onSpinWait();
      }
      loop.execute(answered::release);
      assertTrue(
          answered.tryAcquire(20, TimeUnit.SECONDS), "round " + i + ": the loop was not woken");
    }
  }

  @DriverTest
  void noWakeUpIsLostBetweenTwoLoops(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var first = runtime.loops().get(0);
    var second = runtime.loops().get(1);
    var done = new CountDownLatch(1);
    var left = new AtomicInteger(10_000);
    var ping =
        new Runnable() {
          @Override
          public void run() {
            int now = left.decrementAndGet();
            if (now == 0) {
              done.countDown();
            } else {
              (EventLoop.current() == first ? second : first).execute(this);
            }
          }
        };

    first.execute(ping);

    Waits.await(done, "10000 hops between two loops, left " + left);
  }

  @DriverTest
  void aLoopThatEndsMayBeWokenByAnotherLoopAllTheWhile(TestRuntime driver) throws Exception {
    var waker = driver.start().loop();
    for (int round = 0; round < 20; round++) {
      var ending = driver.start();
      var target = ending.loop();
      var given = new AtomicInteger();
      var ran = new AtomicInteger();
      var refused = new CountDownLatch(1);
      var hammer =
          new Runnable() {
            @Override
            public void run() {
              try {
                target.execute(ran::incrementAndGet);
                given.incrementAndGet();
                waker.execute(this);
              } catch (ShutdownChannelGroupException e) {
                refused.countDown();
              }
            }
          };
      waker.execute(hammer);
      Waits.until("some tasks", () -> ran.get() > 10);
      driver.closeAndWait(ending);
      Waits.await(refused, "the refusal of tasks");
      Waits.until(() -> ran + " of " + given + " tasks", () -> ran.get() == given.get());
    }
  }

  @DriverTest
  void wakeUpsOfManyThreadsAreNotLost(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var workers = new ArrayList<Thread>();
    var failures = new AtomicInteger();
    for (int t = 0; t < 3; t++) {
      workers.add(
          Thread.ofPlatform()
              .name("pinger-" + t)
              .start(
                  () -> {
                    var answered = new Semaphore(0);
                    for (int i = 0; i < 1_500; i++) {
                      loop.execute(answered::release);
                      try {
                        if (!answered.tryAcquire(20, TimeUnit.SECONDS)) {
                          failures.incrementAndGet();
                          return;
                        }
                      } catch (InterruptedException e) {
                        failures.incrementAndGet();
                        return;
                      }
                    }
                  }));
    }
    workers.forEach(Waits::join);
    assertEquals(0, failures.get(), "threads whose wake-up was lost");
  }

  @DriverTest
  void scheduledTasksRunInTheOrderOfTheirTimesAndNotEarly(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    List<Long> early = Collections.synchronizedList(new ArrayList<>());
    var done = new CountDownLatch(5);
    loop.execute(
        () -> {
          long now = System.nanoTime();
          for (int delay : new int[] {40, 5, 20, 0, 30}) {
            loop.schedule(
                Duration.ofMillis(delay),
                () -> {
                  long after = System.nanoTime() - now;
                  if (after < TimeUnit.MILLISECONDS.toNanos(delay)) {
                    early.add(after);
                  }
                  order.add(delay);
                  done.countDown();
                });
          }
        });

    Waits.await(done, "5 timers");
    assertEquals(List.of(0, 5, 20, 30, 40), order);
    assertEquals(List.of(), early);
  }

  @DriverTest
  void timersOfTheSameMomentKeepTheirOrderAndPastOnesRunAtOnce(TestRuntime driver)
      throws Exception {
    var loop = driver.start().loop();
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    var done = new CountDownLatch(1_001);

    for (int i = 0; i < 1_000; i++) {
      int number = i;
      loop.schedule(
          Duration.ofMillis(-5),
          () -> {
            order.add(number);
            done.countDown();
          });
    }
    loop.schedule(Duration.ofMillis(1), done::countDown);

    Waits.await(done, "1001 timers");
    assertEquals(IntStream.range(0, 1_000).boxed().toList(), order);
  }

  @DriverTest
  void aTimerWakesAnIdleLoopAndAnIdleLoopDoesNotSpin(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var cpu = ManagementFactory.getThreadMXBean();
    var fired = new CompletableFuture<Long>();

    loop.execute(
        () -> {
          long before = cpu.getCurrentThreadCpuTime();
          loop.schedule(
              Duration.ofMillis(200), () -> fired.complete(cpu.getCurrentThreadCpuTime() - before));
        });

    long spentNs = Waits.get(fired, "a timer of 200 ms");
    assertTrue(spentNs < 50_000_000, "200 ms of idling cost " + spentNs + " ns of CPU time");
  }

  @DriverTest
  void interruptingTheLoopsThreadNeitherEndsItNorMakesItSpin(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<Integer>();

    loop.thread().interrupt();
    loop.nop(1, recorder);

    assertTrue(recorder.awaitOne().succeeded());
    var cpu = ManagementFactory.getThreadMXBean();
    var fired = new CompletableFuture<Long>();
    loop.execute(
        () -> {
          long before = cpu.getCurrentThreadCpuTime();
          loop.schedule(
              Duration.ofMillis(200), () -> fired.complete(cpu.getCurrentThreadCpuTime() - before));
        });
    long spentNs = Waits.get(fired, "a timer of 200 ms");
    assertTrue(spentNs < 50_000_000, "200 ms of idling cost " + spentNs + " ns of CPU time");
  }

  @DriverTest
  void aFloodOfTasksDoesNotStarveOperations(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var stop = new AtomicBoolean();
    var flood =
        new Runnable() {
          @Override
          public void run() {
            if (!stop.get()) {
              loop.execute(this);
              loop.execute(() -> {});
            }
          }
        };
    var recorder = new Recorder<Integer>();

    loop.execute(flood);
    for (int i = 0; i < 100; i++) {
      loop.nop(i, recorder);
    }

    try {
      recorder.await(100);
    } finally {
      stop.set(true);
    }
  }

  @DriverTest
  void aFloodOfOperationsStarvesNeitherTasksNorTimers(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var stop = new AtomicBoolean();
    var flood =
        new IoHandler<Integer>() {
          @Override
          public void completed(int result, Integer number) {
            if (!stop.get()) {
              loop.nop(number, this);
            }
          }

          @Override
          public void failed(Throwable cause, Integer number) {
            stop.set(true);
          }
        };
    var ran = new CountDownLatch(110);

    loop.execute(() -> IntStream.range(0, 64).forEach(i -> loop.nop(i, flood)));
    for (int i = 0; i < 100; i++) {
      loop.execute(ran::countDown);
    }
    for (int i = 0; i < 10; i++) {
      loop.schedule(Duration.ofMillis(i), ran::countDown);
    }

    try {
      Waits.await(ran, "100 tasks and 10 timers");
      assertFalse(stop.get());
    } finally {
      stop.set(true);
    }
  }

  @DriverTest
  void closingTwiceIsHarmless(TestRuntime driver) throws Exception {
    var runtime = driver.start();

    driver.closeAndWait(runtime);
    driver.closeAndWait(runtime);

    Waits.join(runtime.loops().getFirst().thread());
  }

  @DriverTest
  void closingFromAHandlerEndsTheRuntime(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var returned = new CountDownLatch(1);

    loop.nop(
        null,
        new IoHandler<Object>() {
          @Override
          public void completed(int result, Object attachment) {
            runtime.close();
            runtime.close();
            returned.countDown();
          }

          @Override
          public void failed(Throwable cause, Object attachment) {
            throw new AssertionError(cause);
          }
        });

    Waits.await(returned, "close to return on the loop's thread");
    Waits.join(loop.thread());
  }

  @DriverTest
  void closingFromManyThreadsWithThousandsInFlightResolvesEachOnce(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var recorder = new Recorder<Integer>();
    int count = 5_000;
    var submitted = new CountDownLatch(1);

    loop.execute(
        () -> {
          IntStream.range(0, count).forEach(i -> loop.nop(i, recorder));
          submitted.countDown();
        });
    Waits.await(submitted, "the submission");
    var closers =
        IntStream.range(0, 8)
            .mapToObj(i -> Thread.ofPlatform().name("closer-" + i).start(runtime::close))
            .toList();
    closers.forEach(Waits::join);

    recorder.checkExactlyOnce(count);
    for (var outcome : recorder.outcomes()) {
      assertTrue(
          outcome.succeeded() || isCancellation(outcome.cause()), () -> "outcome " + outcome);
    }
  }

  private static boolean isCancellation(Throwable cause) {
    return cause instanceof CancellationException
        || cause instanceof ClosedChannelException
        || cause instanceof ShutdownChannelGroupException;
  }

  @DriverTest
  void handlersThatSubmitAgainDoNotHoldUpTheEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var started = new AtomicInteger();
    var ended = new AtomicInteger();
    var again =
        new IoHandler<Integer>() {
          @Override
          public void completed(int result, Integer number) {
            ended.incrementAndGet();
            started.incrementAndGet();
            loop.nop(number, this);
          }

          @Override
          public void failed(Throwable cause, Integer number) {
            ended.incrementAndGet();
          }
        };

    loop.execute(
        () -> {
          for (int i = 0; i < 100; i++) {
            started.incrementAndGet();
            loop.nop(i, again);
          }
        });
    Waits.until("10000 outcomes", () -> ended.get() > 10_000);
    long before = System.nanoTime();
    driver.closeAndWait(runtime);

    assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
    assertEquals(started.get(), ended.get());
  }

  @DriverTest
  void afterTheEndEverythingIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    driver.closeAndWait(runtime);

    var recorder = new Recorder<Integer>();
    assertThrows(ShutdownChannelGroupException.class, () -> loop.execute(() -> {}));
    assertThrows(ShutdownChannelGroupException.class, () -> loop.nop(1, recorder));
    assertThrows(ShutdownChannelGroupException.class, () -> loop.schedule(Duration.ZERO, () -> {}));
    assertEquals(0, recorder.count());
  }

  @DriverTest
  void aPendingTimerDoesNotHoldUpTheEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    runtime.loop().schedule(Duration.ofHours(1), () -> {});
    runtime.loop().schedule(Duration.ofDays(100_000), () -> {});
    var recorder = new Recorder<Integer>();
    runtime.loop().nop(1, recorder);
    recorder.await(1);

    long before = System.nanoTime();
    driver.closeAndWait(runtime);
    assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
  }

  @DriverTest
  void executeRacingWithCloseLosesNoTask(TestRuntime driver) throws Exception {
    for (int round = 0; round < 60; round++) {
      var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
      var loop = runtime.loop();
      var ran = new AtomicInteger();
      int accepted = raceWithClose(runtime, number -> loop.execute(ran::incrementAndGet));
      int number = round;
      Waits.until(
          () -> "round " + number + ": " + accepted + " tasks taken, " + ran.get() + " ran",
          () -> ran.get() == accepted);
    }
  }

  @DriverTest
  void nopsRacingWithCloseResolveOnceEach(TestRuntime driver) throws Exception {
    for (int round = 0; round < 60; round++) {
      var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
      var loop = runtime.loop();
      var recorder = new Recorder<Integer>();
      int accepted = raceWithClose(runtime, number -> loop.nop(number, recorder));
      recorder.await(accepted);
      recorder.checkExactlyOnce(accepted);
    }
  }

  @DriverTest
  void whoGoesOnSubmittingDoesNotHoldUpTheEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var running = new CountDownLatch(2);
    var refused = new CountDownLatch(2);
    for (int t = 0; t < 2; t++) {
      Thread.ofPlatform()
          .name("flooder-" + t)
          .start(
              () -> {
                var slow = new Semaphore(20_000); // bounds what waits, not how long it goes on
                running.countDown();
                try {
                  while (true) {
                    slow.acquireUninterruptibly();
                    loop.execute(slow::release);
                  }
                } catch (ShutdownChannelGroupException e) {
                  refused.countDown();
                }
              });
    }
    Waits.await(running, "two threads that submit");

    long before = System.nanoTime();
    driver.closeAndWait(runtime);

    assertTrue(System.nanoTime() - before < 5_000_000_000L, "the end came only at the deadline");
    Waits.await(refused, "both threads to be refused");
  }

  /**
   * Calls an action from three threads until it is refused, while another closes; counts what was
   * accepted.
   */
  private static int raceWithClose(IoRuntime runtime, java.util.function.IntConsumer action)
      throws Exception {
    var accepted = new AtomicInteger();
    var numbers = new AtomicInteger();
    var barrier = new CyclicBarrier(4);
    var unexpected = new AtomicReference<Throwable>();
    var workers = new ArrayList<Thread>();
    for (int t = 0; t < 3; t++) {
      workers.add(
          Thread.ofPlatform()
              .name("racer-" + t)
              .start(
                  () -> {
                    try {
                      barrier.await();
                      for (int i = 0; i < 10_000; i++) {
                        action.accept(numbers.getAndIncrement());
                        accepted.incrementAndGet();
                      }
                    } catch (ShutdownChannelGroupException e) {
                      // the end of the race
                    } catch (Exception e) {
                      unexpected.set(e);
                    }
                  }));
    }
    barrier.await();
    long spinUntil = System.nanoTime() + ThreadLocalRandom.current().nextInt(300_000);
    while (System.nanoTime() < spinUntil) {
      Thread.onSpinWait();
    }
    var end = runtime.closeAsync();
    workers.forEach(Waits::join);
    Waits.get(end, "the end of " + runtime);
    if (unexpected.get() != null) {
      throw new AssertionError(unexpected.get());
    }
    return accepted.get();
  }

  @DriverTest
  void loopsAreGivenInTurnButALoopGivesItself(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(3)));

    assertEquals(3, runtime.loops().size());
    var first = runtime.loop();
    var second = runtime.loop();
    assertNotSame(first, second);
    assertNotSame(second, runtime.loop());
    assertSame(first, runtime.loop());
    for (var loop : runtime.loops()) {
      var seen = new CompletableFuture<List<EventLoop>>();
      loop.execute(() -> seen.complete(List.of(runtime.loop(), EventLoop.current())));
      assertEquals(List.of(loop, loop), Waits.get(seen, "a task"));
      assertSame(runtime, loop.runtime());
      assertFalse(loop.inLoop());
    }
    assertNull(EventLoop.current());
    assertThrows(UnsupportedOperationException.class, () -> runtime.loops().removeFirst());
  }

  @DriverTest
  void buffersOfALoopComeBackFromManyThreads(TestRuntime driver) throws Exception {
    var pool = driver.start().loop().buffers();
    var pattern = new Pattern(Seeds.SEED);
    var workers = new ArrayList<Thread>();
    var failure = new AtomicReference<Throwable>();
    for (int t = 0; t < 4; t++) {
      long salt = t;
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    var random = Seeds.random(salt);
                    try {
                      for (int i = 0; i < 2_000; i++) {
                        int bytes = 1 + random.nextInt(10_000);
                        var buffer = pool.acquire(bytes);
                        long position = random.nextInt();
                        pattern.fill(buffer.byteBuffer(), position);
                        Thread.onSpinWait();
                        pattern.check(buffer.byteBuffer(), 0, bytes, position);
                        buffer.release();
                      }
                    } catch (Throwable e) {
                      failure.set(e);
                    }
                  }));
    }
    workers.forEach(Waits::join);
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }

  @DriverTest
  void manyRuntimesLiveSideBySide(TestRuntime driver) throws Exception {
    var runtimes = new ArrayList<IoRuntime>();
    for (int i = 0; i < 8; i++) {
      runtimes.add(driver.start(b -> b.bufferPoolBytes(1 << 20)));
    }
    var recorder = new Recorder<Integer>();
    for (int i = 0; i < 800; i++) {
      runtimes.get(i % 8).loop().nop(i, recorder);
    }
    recorder.await(800);
    recorder.checkExactlyOnce(800);
  }

  @DriverTest
  void startingWithADriverThatDoesNotExistNamesThoseThatDo(TestRuntime driver) throws IOException {
    var name = driver.configuration().driver();
    var failure =
        assertThrows(IllegalArgumentException.class, () -> driver.start(b -> b.driver("floppy")));
    assertTrue(failure.getMessage().contains("floppy"), failure::getMessage);
    assertTrue(failure.getMessage().contains(name), failure::getMessage);
  }

  @DriverTest
  void tasksCarryTheScopeOfTheirGiverAcrossThreadsAndLoops(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var first = runtime.loops().get(0);
    var second = runtime.loops().get(1);
    var scope = new CancelScope();
    scope.cancel();
    var recorder = new Recorder<String>();
    scope.run(
        () -> {
          first.execute(() -> first.nop("a task's", recorder));
          first.execute(() -> second.execute(() -> second.nop("a task's task's", recorder)));
        });
    first.execute(() -> first.nop("outside", recorder));
    for (var outcome : recorder.await(3)) {
      if (outcome.attachment().equals("outside")) {
        assertNull(outcome.cause());
      } else {
        assertInstanceOf(CancellationException.class, outcome.cause(), outcome.attachment());
      }
    }
  }

  @DriverTest
  void whatAHandlerStartsIsNotInTheScopeOfItsOperation(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var scope = new CancelScope();
    var recorder = new Recorder<String>();
    scope.run(
        () ->
            loop.nop(
                "first",
                new IoHandler<>() {
                  @Override
                  public void completed(int result, String attachment) {
                    scope.cancel();
                    loop.nop("second", recorder);
                  }

                  @Override
                  public void failed(Throwable cause, String attachment) {
                    recorder.failed(cause, attachment);
                  }
                }));
    var outcome = recorder.awaitOne();
    assertEquals("second", outcome.attachment());
    assertNull(outcome.cause());
  }

  @DriverTest
  void aThrowingTaskLeavesTheScopeBehind(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var thrown = driver.expectThrown();
    var scope = new CancelScope();
    scope.run(
        () ->
            loop.execute(
                () -> {
                  throw new IllegalStateException("meant to");
                }));
    Waits.until("the exception", () -> !thrown.isEmpty());
    scope.cancel();
    var recorder = new Recorder<String>();
    loop.execute(() -> loop.nop("after", recorder));
    assertNull(recorder.awaitOne().cause());
    assertThrows(
        IllegalStateException.class,
        () ->
            scope.run(
                () -> {
                  throw new IllegalStateException("meant to");
                }));
  }
}
