package io.gyre.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.ScheduledTask;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.TimerWheel;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.io.TempDir;

/** What a loop's timers promise, whatever drives it. Each driver's module has a test class that extends this. */
public abstract class TimerContract {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration TICK = Duration.ofMillis(1);

  /** For those who extend it. */
  protected TimerContract() {}

  /** Runs something on the loop, and gives what it gave. */
  private static <T> T on(EventLoop loop, Callable<T> what) {
    var result = new CompletableFuture<T>();
    loop.execute(
        () -> {
          try {
            result.complete(what.call());
          } catch (Throwable t) {
            result.completeExceptionally(t);
          }
        });
    return Waits.get(result, "what was to run on the loop");
  }

  private static int pending(EventLoop loop) {
    return on(loop, () -> loop.timers().size());
  }

  @DriverTest
  void nanosecondDelaysAreNotCutShortAndKeepTheirOrder(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int rounds = 300;
    var random = Seeds.random(5);
    List<String> early = Collections.synchronizedList(new ArrayList<>());
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    var done = new CountDownLatch(rounds);
    for (int i = 0; i < rounds; i++) {
      int delay = random.nextInt(2_000_000);
      int number = i;
      long before = System.nanoTime();
      loop.scheduleNanos(
          delay,
          () -> {
            long after = System.nanoTime() - before;
            if (after < delay) {
              early.add(number + ": " + after + " of " + delay + " ns");
            }
            done.countDown();
          });
      loop.scheduleNanos(20_000_000L + i, () -> order.add(number));
    }

    Waits.await(done, rounds + " timers");
    Waits.until("the later ones", () -> order.size() == rounds);
    assertEquals(List.of(), early);
    assertEquals(order.stream().sorted().toList(), order);
  }

  @DriverTest
  void aShorterTimerShortensTheWaitThatALongerOneSet(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var fired = new CountDownLatch(2);

    loop.schedule(HOUR, fired::countDown);
    loop.schedule(
        Duration.ofMillis(10), () -> loop.schedule(Duration.ofMillis(10), fired::countDown));
    Waits.until("the second timer", () -> fired.getCount() == 1);
    loop.schedule(Duration.ofMillis(10), fired::countDown);

    Waits.await(fired, "the timer that another thread set");
  }

  @DriverTest
  void aTimerThatTheHandlerOfARefusedOperationSetsBoundsTheWait(TestRuntime driver)
      throws Exception {
    var loop = driver.start().loop();
    var fired = new CountDownLatch(1);
    var handler =
        new IoHandler<Void>() {
          @Override
          public void completed(int result, Void attachment) {}

          @Override
          public void failed(Throwable cause, Void attachment) {
            loop.schedule(TICK, fired::countDown);
          }
        };

    loop.execute(
        () -> {
          var dispatcher = loop.dispatcher();
          dispatcher.refuse(
              dispatcher.acquire(OpCode.NOP, null, Operation.NOTIFY, handler, null),
              new IOException("refused"));
        });

    Waits.await(fired, "a timer that nothing but itself wakes the loop for");
  }

  @DriverTest
  void whatIsCancelledInTimeDoesNotRunAndLeavesTheLoop(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var ran = new AtomicInteger();

    var here = loop.schedule(HOUR, ran::incrementAndGet);
    assertTrue(here.remainingNanos() > TimeUnit.MINUTES.toNanos(59), here::toString);
    assertTrue(here.remainingNanos() <= HOUR.toNanos(), here::toString);
    assertFalse(here.isDone());
    assertTrue(here.cancel());
    assertFalse(here.cancel(), "the second time it was cancelled already");
    assertTrue(here.isCancelled());
    assertTrue(here.isDone());
    assertEquals(0, pending(loop), "cancelled by another thread, and a turn later gone");

    int left =
        on(
            loop,
            () -> {
              var there = loop.schedule(TICK, ran::incrementAndGet);
              assertTrue(there.cancel());
              return loop.timers().size();
            });
    assertEquals(0, left, "cancelled on the loop, and gone at once");

    var last = new CountDownLatch(1);
    loop.schedule(Duration.ofMillis(20), last::countDown);
    Waits.await(last, "a later timer");
    assertEquals(0, ran.get());
  }

  @DriverTest
  void whatHasRunIsDoneAndCannotBeCancelled(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var self = new AtomicReference<ScheduledTask>();
    var cancelledItself = new CompletableFuture<Boolean>();

    loop.execute(
        () -> self.set(loop.schedule(TICK, () -> cancelledItself.complete(self.get().cancel()))));

    assertFalse(Waits.get(cancelledItself, "the task"));
    Waits.until("the task to be done", () -> self.get().isDone());
    assertFalse(self.get().isCancelled());
    assertFalse(self.get().cancel());
  }

  @DriverTest
  void aCancelledTaskIsLetGoAlthoughItsLoopSleeps(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var handle = new ScheduledTask[1];
    var reference = scheduleOnce(loop, handle);
    on(loop, () -> 0); // it is in the wheel

    assertTrue(handle[0].cancel());

    Waits.until(
        "the task to be collected",
        () -> {
          System.gc();
          return reference.refersTo(null);
        });
  }

  private static WeakReference<Runnable> scheduleOnce(EventLoop loop, ScheduledTask[] handle) {
    var held = new byte[1];
    Runnable task = () -> held[0]++;
    handle[0] = loop.schedule(HOUR, task);
    return new WeakReference<>(task);
  }

  @DriverTest
  void cancelRacingWithTheDeadlineHasOneOutcome(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var random = Seeds.random(6);
    int cancelled = 0;
    int rounds = 3_000;
    for (int i = 0; i < rounds; i++) {
      var ran = new AtomicInteger();
      int delay = random.nextInt(100_000);
      var handle = loop.scheduleNanos(delay, ran::incrementAndGet);
      long spinUntil = System.nanoTime() + random.nextInt(200_000);
      while (System.nanoTime() < spinUntil) {
        Thread.onSpinWait();
      }
      boolean kept = handle.cancel();
      cancelled += kept ? 1 : 0;
      Waits.until(() -> "the end of " + handle, handle::isDone);
      assertEquals(kept, handle.isCancelled());
      assertEquals(kept ? 0 : 1, ran.get(), "round " + i);
    }
    assertTrue(cancelled > 0 && cancelled < rounds, cancelled + " cancelled: nothing raced");
    assertEquals(0, pending(loop));
  }

  @DriverTest
  void noCancellationOfManyThreadsIsLost(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var workers = new ArrayList<Thread>();
    var ran = new AtomicInteger();
    var refused = new AtomicInteger();
    for (int t = 0; t < 3; t++) {
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 20_000; i++) {
                      var handle = loop.schedule(HOUR, ran::incrementAndGet);
                      if (!handle.cancel()) {
                        refused.incrementAndGet();
                      }
                    }
                  }));
    }
    workers.forEach(Waits::join);

    assertEquals(0, refused.get());
    assertEquals(0, pending(loop));
    assertEquals(0, ran.get());
  }

  @DriverTest
  void aMillionPendingCanBeCancelledAndTheLoopGoesOn(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int count = 1_000_000;
    var random = Seeds.random(7);
    var handles =
        on(
            loop,
            () -> {
              var all = new ScheduledTask[count];
              for (int i = 0; i < count; i++) {
                all[i] = loop.scheduleNanos(HOUR.toNanos() + random.nextInt(), () -> {});
              }
              return all;
            });
    var fired = new CountDownLatch(1);
    loop.schedule(TICK, fired::countDown);
    Waits.await(fired, "a timer among a million");
    assertEquals(count, pending(loop));

    int left =
        on(
            loop,
            () -> {
              for (var handle : handles) {
                assertTrue(handle.cancel());
              }
              return loop.timers().size();
            });
    assertEquals(0, left);
  }

  @DriverTest
  void aMillionDueAtOnceAllRunAndStarveNothing(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int count = 1_000_000;
    var ran = new AtomicInteger(); // the loop writes it
    var ranBeforeNop = new CompletableFuture<Integer>();
    loop.execute(
        () -> {
          for (int i = 0; i < count; i++) {
            loop.scheduleNanos(i % 1_000, () -> ran.setPlain(ran.getPlain() + 1));
          }
          loop.nop(
              null,
              new IoHandler<Void>() {
                @Override
                public void completed(int result, Void attachment) {
                  ranBeforeNop.complete(ran.getPlain());
                }

                @Override
                public void failed(Throwable cause, Void attachment) {
                  ranBeforeNop.completeExceptionally(cause);
                }
              });
        });

    assertTrue(Waits.get(ranBeforeNop, "a nop amid a million timers") < count / 2);
    Waits.until(() -> "a million timers, ran " + ran.get(), () -> on(loop, ran::getPlain) == count);
  }

  @DriverTest
  void delaysOfCenturiesNeitherOverflowNorRun(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var ran = new AtomicInteger();
    var forever = Duration.ofSeconds(Long.MAX_VALUE);

    var far =
        List.of(
            loop.schedule(forever, ran::incrementAndGet),
            loop.scheduleNanos(Long.MAX_VALUE, ran::incrementAndGet),
            loop.scheduleAtFixedRate(forever, forever, ran::incrementAndGet),
            loop.scheduleWithFixedDelay(forever, forever, ran::incrementAndGet));
    var atOnce = new CountDownLatch(2);
    loop.schedule(forever.negated(), atOnce::countDown);
    loop.scheduleNanos(Long.MIN_VALUE, atOnce::countDown);

    Waits.await(atOnce, "delays that are long past");
    assertEquals(4, pending(loop));
    for (var task : far) {
      assertTrue(task.remainingNanos() > TimeUnit.DAYS.toNanos(365 * 290), task::toString);
    }
    assertEquals(0, ran.get());
  }

  @DriverTest
  void noTimerNoticesThatTheWallClockIsStepped(TestRuntime driver, @TempDir Path folder)
      throws Exception {
    // In a process of its own, to which the C library tells another wall time. The kernel's own is
    // not stepped: a test must not set the clock of the machine.
    var source = folder.resolve("stepped_clock.c");
    try (var in = TimerContract.class.getResourceAsStream("stepped_clock.c")) {
      Files.copy(in, source);
    }
    var library = folder.resolve("stepped_clock.so").toString();
    run(new ProcessBuilder("gcc", "-shared", "-fPIC", "-o", library, source.toString(), "-ldl"));

    var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var process =
        new ProcessBuilder(
            java,
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            SteppedClockMain.class.getName(),
            driver.configuration().driver());
    process.environment().put("LD_PRELOAD", library);
    run(process);
  }

  private static void run(ProcessBuilder command) throws Exception {
    var process = command.redirectErrorStream(true).start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), () -> command.command() + " does not end");
    assertEquals(0, process.exitValue(), () -> command.command() + "\n" + output);
  }

  // ---- again and again

  @DriverTest
  void aFixedRateKeepsItsGridAndIsNeverEarly(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    long period = 2_000_000;
    List<Long> starts = Collections.synchronizedList(new ArrayList<>());
    long begin = System.nanoTime();

    var task =
        loop.scheduleAtFixedRate(
            Duration.ofNanos(3 * period),
            Duration.ofNanos(period),
            () -> starts.add(System.nanoTime() - begin));

    Waits.until("20 runs", () -> starts.size() >= 20);
    assertTrue(task.cancel());
    for (int i = 0; i < 20; i++) {
      assertTrue(starts.get(i) >= (3 + i) * period, "run " + i + " of " + starts);
    }
  }

  @DriverTest
  void aFixedRateThatFellBehindRunsOnceAndNotInABurst(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    long period = 5_000_000;
    List<Long> starts = Collections.synchronizedList(new ArrayList<>());
    var task =
        on(
            loop,
            () -> {
              long begin = System.nanoTime();
              return loop.scheduleAtFixedRate(
                  Duration.ZERO,
                  Duration.ofNanos(period),
                  () -> {
                    starts.add(System.nanoTime() - begin);
                    while (starts.size() == 1 && System.nanoTime() - begin < 20 * period) {
                      Thread.onSpinWait(); // the loop is busy for 20 periods
                    }
                  });
            });

    Waits.until("10 runs", () -> starts.size() >= 10);
    assertTrue(task.cancel());
    // The late one and the next on the grid can fall into one period; a third cannot.
    for (int i = 3; i < 10; i++) {
      long earlier = starts.get(i - 2) / period;
      assertTrue(starts.get(i) / period > earlier, "a burst: " + starts);
    }
    assertTrue(starts.get(9) >= (20 + 7) * period, "runs that were missed came late: " + starts);
  }

  @DriverTest
  void aFixedDelayBeginsWhenTheRunBeforeHasEnded(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    long delay = 1_500_000;
    List<Long> gaps = Collections.synchronizedList(new ArrayList<>());
    var task =
        loop.scheduleWithFixedDelay(
            Duration.ZERO,
            Duration.ofNanos(delay),
            new Runnable() {
              private long ended;

              @Override
              public void run() {
                long now = System.nanoTime();
                if (ended != 0) {
                  gaps.add(now - ended);
                }
                while (System.nanoTime() - now < 1_000_000) {
                  Thread.onSpinWait();
                }
                ended = System.nanoTime();
              }
            });

    Waits.until("10 gaps", () -> gaps.size() >= 10);
    assertTrue(task.cancel());
    assertTrue(gaps.stream().allMatch(gap -> gap >= delay), gaps::toString);
  }

  @DriverTest
  void aRepeatedTaskThatThrowsIsReportedAndGoesOn(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var thrown = driver.expectThrown();
    var runs = new AtomicInteger();

    var atRate =
        loop.scheduleAtFixedRate(
            Duration.ZERO,
            TICK,
            () -> {
              throw new IllegalStateException("run " + runs.incrementAndGet());
            });
    Waits.until("5 exceptions", () -> thrown.size() >= 5);
    assertTrue(atRate.cancel());
    var withDelay =
        loop.scheduleWithFixedDelay(
            Duration.ZERO,
            TICK,
            () -> {
              throw new AssertionError("run " + runs.incrementAndGet());
            });
    Waits.until(
        "5 errors", () -> thrown.stream().filter(t -> t instanceof AssertionError).count() >= 5);
    assertTrue(withDelay.cancel());
    assertEquals("run 1", thrown.peek().getMessage());
  }

  @DriverTest
  void aRepeatedTaskEndsWhenCancelledByItselfOrByAnother(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var runs = new AtomicInteger();
    var self = new AtomicReference<ScheduledTask>();
    loop.execute(
        () ->
            self.set(
                loop.scheduleAtFixedRate(
                    Duration.ZERO,
                    TICK,
                    () -> {
                      if (runs.incrementAndGet() == 3) {
                        assertTrue(self.get().cancel());
                      }
                    })));
    // Counted before it cancels: whoever sees the third run may be ahead of that.
    Waits.until("the third run", () -> runs.get() == 3);
    Waits.until("its cancellation", () -> self.get().isCancelled());

    // While it runs, from another thread: again and again, as the moment matters.
    for (int i = 0; i < 200; i++) {
      var running = new AtomicInteger();
      var other =
          loop.scheduleWithFixedDelay(Duration.ZERO, Duration.ofNanos(1), running::incrementAndGet);
      Waits.until("a run", () -> running.get() > 0);
      assertTrue(other.cancel());
      on(loop, () -> 0); // a run that was under way has ended
      int then = running.get();
      assertEquals(0, pending(loop));
      assertEquals(then, running.get());
    }
    assertEquals(3, runs.get());
  }

  @DriverTest
  void badArgumentsAreRefused(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    for (var period : List.of(Duration.ZERO, Duration.ofNanos(-1))) {
      assertThrows(
          IllegalArgumentException.class,
          () -> loop.scheduleAtFixedRate(Duration.ZERO, period, () -> {}));
      assertThrows(
          IllegalArgumentException.class,
          () -> loop.scheduleWithFixedDelay(Duration.ZERO, period, () -> {}));
    }
    assertThrows(NullPointerException.class, () -> loop.schedule(null, () -> {}));
    assertThrows(NullPointerException.class, () -> loop.schedule(TICK, null));
    assertThrows(NullPointerException.class, () -> loop.scheduleNanos(1, null));
    assertEquals(0, pending(loop));
  }

  // ---- the end, and the SPI

  @DriverTest
  void whatIsPendingAtTheEndIsDroppedAndItsHandlesSaySo(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var ran = new AtomicInteger();
    var once = loop.schedule(HOUR, ran::incrementAndGet);
    var rate = loop.scheduleAtFixedRate(HOUR, HOUR, ran::incrementAndGet);
    var late = new AtomicReference<ScheduledTask>();
    var closing = new AtomicReference<CompletableFuture<Void>>();
    on(
        loop,
        () -> {
          loop.execute(
              () -> {
                closing.set(runtime.closeAsync());
                loop.execute(() -> late.set(loop.schedule(Duration.ZERO, ran::incrementAndGet)));
              });
          return 0;
        });

    Waits.join(loop.thread());
    Waits.get(closing.get(), "the end");

    assertNotNull(late.get());
    for (var task : List.of(once, rate, late.get())) {
      assertTrue(task.isCancelled(), task::toString);
      assertFalse(task.cancel());
    }
    assertEquals(0, ran.get());
  }

  @DriverTest
  void anEntryOfTheSpiIsUsedAgainAndAgain(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var done = new CountDownLatch(1);
    var entry =
        new TimerWheel.Entry() {
          private int times;

          @Override
          protected void expired() {
            if (++times == 50) {
              done.countDown();
            } else {
              loop.timers().schedule(this, 100_000);
            }
          }
        };

    loop.execute(() -> loop.timers().schedule(entry, 100_000));

    Waits.await(done, "50 expiries of one entry");
  }
}
