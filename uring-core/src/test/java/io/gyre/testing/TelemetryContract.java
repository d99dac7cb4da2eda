package io.gyre.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.LoopStats;
import io.gyre.Scheduler;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import jdk.jfr.consumer.RecordedEvent;

/** What a loop tells about itself, whatever drives it. */
public abstract class TelemetryContract {
  private static final Duration SHORT = Duration.ofMillis(20);

  /** For those who extend it. */
  protected TelemetryContract() {}

  // ---- events

  @DriverTest
  void batchesAreRecordedWithTheirSizes(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("SubmissionBatch", "CompletionBatch")) {
      runNops(loop, 1_000);
      finishTurn(loop);
      events = record.stop();
    }

    for (var event : events) {
      assertEquals(loop.thread().getName(), event.getString("loop"));
      assertEquals(driver.configuration().driver(), event.getString("driver"));
      assertEquals(loop.thread().threadId(), event.getThread().getJavaThreadId());
      assertEquals(List.of("Gyre"), event.getEventType().getCategoryNames());
    }
    var stats = loop.stats();
    checkSum(events, "SubmissionBatch", "submitted", 1_000, stats.submitted());
    checkSum(events, "CompletionBatch", "completed", 1_000, stats.completed());
    checkSum(events, "SubmissionBatch", "kernelCalls", 1, stats.kernelCalls());
  }

  private static void checkSum(
      List<RecordedEvent> events, String type, String field, long atLeast, long atMost) {
    long sum = 0;
    for (var event : events) {
      if (event.getEventType().getName().equals("io.gyre." + type)) {
        sum += event.getLong(field);
      }
    }
    long all = sum;
    assertTrue(sum >= atLeast && sum <= atMost, () -> type + "." + field + ": " + all);
  }

  @DriverTest
  void aLongTurnIsRecordedWithoutAskingForMoreThanTheEvent(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var busy =
        new IoHandler<CountDownLatch>() {
          @Override
          public void completed(int result, CountDownLatch done) {
            spin();
            done.countDown();
          }

          @Override
          public void failed(Throwable cause, CountDownLatch done) {
            throw new AssertionError("nop", cause);
          }
        };
    List<RecordedEvent> events;
    try (var record = FlightRecord.start(r -> r.enable("io.gyre.LongTurn"))) {
      var done = new CountDownLatch(2);
      loop.execute(
          () -> {
            spin();
            done.countDown();
          });
      finishTurn(loop);
      loop.nop(done, busy);
      Waits.await(done, "a long task and a long handler");
      finishTurn(loop);
      events = record.stop();
    }

    for (var event : events) {
      assertEquals("io.gyre.LongTurn", event.getEventType().getName());
      assertEquals(loop.thread().getName(), event.getString("loop"));
      assertTrue(event.getDuration().compareTo(Duration.ofMillis(20)) >= 0, event::toString);
    }
    assertTrue(events.stream().anyMatch(e -> e.getLong("tasks") > 0), events::toString);
    assertTrue(events.stream().anyMatch(e -> e.getLong("completed") > 0), events::toString);
  }

  /** Longer than the event's threshold. */
  private static void spin() {
    long end = System.nanoTime() + Duration.ofMillis(25).toNanos();
    while (System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  @DriverTest
  void aCancellationIsRecordedAndCounted(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var recorder = new Recorder<String>();
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("Cancel")) {
      listenAndAccept(loop, recorder, o -> loop.dispatcher().driver().cancel(o));
      recorder.awaitOne();
      events = record.stop();
    }

    assertEquals(1, loop.stats().cancels());
    assertEquals(1, events.size(), events::toString);
    var event = events.getFirst();
    assertEquals("ACCEPT", event.getString("operation"));
    assertEquals(recorder.awaitOne().attachment(), event.getString("subject"));
    assertEquals(loop.thread().getName(), event.getString("loop"));
  }

  @DriverTest
  void whatIsOffIsNotRecordedAndAllocatesNothing(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var nops = new Nops(loop, 100_000);
    try (var record = FlightRecord.of("Cancel")) { // Flight Recorder runs, and batches are off
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 6; i++) { // the first of them warm up
        least = Math.min(least, nops.allocatedBytes());
      }
      long bytes = least;
      assertTrue(bytes < 1_000, () -> bytes + " bytes allocated for 100,000 nops");
      assertEquals(List.of(), record.stop());
    }
    try (var record = FlightRecord.of("CompletionBatch")) { // the same measurement sees them
      assertTrue(nops.allocatedBytes() > 1_000, "events must have been made");
      assertFalse(record.stop().isEmpty());
    }
  }

  /** A number of NOPs, 64 at a time, and what the loop's thread allocates for them. */
  private static final class Nops implements IoHandler<Void> {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int IN_FLIGHT = 64;

    private final EventLoop loop;
    private final int count;
    private int toStart;
    private int pending;
    private long allocated;
    private volatile CountDownLatch done;

    Nops(EventLoop loop, int count) {
      this.loop = loop;
      this.count = count;
    }

    long allocatedBytes() {
      done = new CountDownLatch(1);
      loop.execute(this::begin);
      Waits.await(done, count + " nops");
      return allocated;
    }

    private void begin() {
      toStart = count - IN_FLIGHT;
      pending = count;
      allocated = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < IN_FLIGHT; i++) {
        loop.nop(null, this);
      }
    }

    @Override
    public void completed(int result, Void attachment) {
      if (--pending == 0) {
        allocated = THREADS.getCurrentThreadAllocatedBytes() - allocated;
        done.countDown();
      } else if (toStart > 0) {
        toStart--;
        loop.nop(null, this);
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      throw new AssertionError("nop", cause);
    }
  }

  @DriverTest
  void withoutFlightRecorderInTheJvmEverythingWorks(TestRuntime driver) throws Exception {
    var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var output = Path.of(System.getProperty("java.io.tmpdir"), "without-jfr-" + driver + ".txt");
    var process =
        new ProcessBuilder(
                java,
                "--limit-modules=java.base,jdk.unsupported",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                WithoutFlightRecorder.class.getName(),
                driver.configuration().driver())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertTrue(process.waitFor(Waits.PATIENCE.toSeconds(), TimeUnit.SECONDS), "it hangs");
      var said = Files.readString(output);
      assertEquals(0, process.exitValue(), said);
      assertTrue(said.contains(WithoutFlightRecorder.DONE), said);
    } finally {
      process.destroyForcibly();
    }
  }

  // ---- stalls

  @DriverTest
  void aHandlerThatBlocksIsReportedOnceWhileItLastsAndALoopThatSleepsIsNot(TestRuntime driver)
      throws Exception {
    var runtime =
        driver.start(
            b ->
                b.scheduler(Scheduler.threadPerCore(3))
                    .stallThreshold(SHORT)
                    .bufferPoolBytes(1 << 20));
    var blocked = runtime.loops().get(0);
    var blockedLater = runtime.loops().get(1);
    var asleep = runtime.loops().get(2);
    Waits.until("the third loop to sleep", () -> isAsleep(asleep));
    var release = new CountDownLatch(1);
    List<RecordedEvent> events;
    String log;
    try (var record = FlightRecord.of("Stall");
        var err = new CapturedErr()) {
      blocked.nop(release, new Blocker());
      Waits.until("the stall of the first", () -> blocked.stats().stalls() > 0);
      blockedLater.execute(() -> Waits.await(release, "the end of the test"));
      Waits.until("the stall of the second", () -> blockedLater.stats().stalls() > 0);
      events = record.stop();
      log = err.text();
    } finally {
      release.countDown();
    }

    // In the time that the second took to be reported, the first would have been reported again.
    assertEquals(1, blocked.stats().stalls());
    assertEquals(0, asleep.stats().stalls());
    assertEquals(2, runtime.stats().total().stalls());
    assertEquals(2, events.size(), events::toString);
    var event = events.getFirst();
    assertEquals(blocked.thread().getName(), event.getString("loop"));
    assertEquals(driver.configuration().driver(), event.getString("driver"));
    assertEquals(blocked.thread().threadId(), event.getThread("loopThread").getJavaThreadId());
    assertTrue(event.getDuration("busyFor").compareTo(SHORT) >= 0, event::toString);
    assertTrue(event.getString("stack").contains("Blocker.completed"), event::toString);
    var lines = log.lines().filter(line -> line.contains("has been busy for")).toList();
    assertEquals(2, lines.size(), log);
    assertTrue(lines.getFirst().contains(blocked.thread().getName()), log);
    assertTrue(log.contains("Blocker.completed"), log);

    var recorder = new Recorder<Integer>();
    blocked.nop(1, recorder);
    assertTrue(recorder.awaitOne().succeeded(), "the loop lives");
  }

  private static final class Blocker implements IoHandler<CountDownLatch> {
    @Override
    public void completed(int result, CountDownLatch until) {
      Waits.await(until, "the end of the test");
    }

    @Override
    public void failed(Throwable cause, CountDownLatch until) {
      throw new AssertionError("nop", cause);
    }
  }

  @DriverTest
  void eachStallIsReportedAnew(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.stallThreshold(SHORT)).loop();
    for (int i = 1; i <= 3; i++) {
      long stalls = i;
      var release = new CountDownLatch(1);
      try {
        loop.execute(() -> Waits.await(release, "the report"));
        Waits.until("stall " + i, () -> loop.stats().stalls() == stalls);
      } finally {
        release.countDown();
      }
      finishTurn(loop);
    }
  }

  @DriverTest
  void theWatchdogEndsWithTheRuntimeAndCanBeSwitchedOff(TestRuntime driver) throws Exception {
    Waits.until("earlier ones to end", () -> watchdogs(driver) == 0);
    var without = driver.start(b -> b.stallThreshold(Duration.ZERO));
    assertEquals(0, watchdogs(driver));
    var runtime = driver.start();
    assertEquals(1, watchdogs(driver));
    driver.closeAndWait(runtime);
    Waits.until("the end of the watchdog", () -> watchdogs(driver) == 0);
    driver.closeAndWait(without);
  }

  private static long watchdogs(TestRuntime driver) {
    var name = "gyre-" + driver.configuration().driver() + "-watchdog";
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .count();
  }

  // ---- counters

  @DriverTest
  void statsCountTasksTimersAndExceptions(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var thrown = driver.expectThrown();
    var before = loop.stats();
    var fired = new CountDownLatch(1);

    for (int i = 0; i < 7; i++) {
      loop.execute(
          () -> {
            throw new IllegalStateException("meant");
          });
    }
    loop.execute(() -> loop.schedule(Duration.ZERO, fired::countDown));
    Waits.await(fired, "the timer");
    runNops(loop, 100);

    var after = loop.stats();
    assertEquals(7, thrown.size());
    assertEquals(7, grown(before, after, LoopStats::exceptions));
    assertEquals(1, grown(before, after, LoopStats::timers));
    assertTrue(grown(before, after, LoopStats::tasks) >= 9, after::toString);
    assertTrue(grown(before, after, LoopStats::turns) > 0, after::toString);
    assertTrue(grown(before, after, LoopStats::completed) >= 100, after::toString);
    assertTrue(after.wakeUpsSent() >= after.wakeUpsTaken(), after::toString);
    assertEquals(0, after.stale());
    assertEquals(loop.thread().getName(), after.loop());
    driver.closeAndWait(runtime);
    assertTrue(loop.stats().turns() > after.turns(), "the shutdown counts too");
  }

  private static long grown(LoopStats before, LoopStats after, ToLongFunction<LoopStats> number) {
    return number.applyAsLong(after) - number.applyAsLong(before);
  }

  @DriverTest
  void aLoopThatSleepsIsWokenOnceForEachSleepAndCountsIt(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    for (int i = 0; i < 20; i++) {
      Waits.until("the loop to sleep", () -> isAsleep(loop));
      var before = loop.stats();
      runTask(loop);
      var after = loop.stats();
      assertEquals(1, grown(before, after, LoopStats::wakeUpsSent), after::toString);
    }
    Waits.until("20 wake-ups", () -> loop.stats().wakeUpsTaken() == 20);
    assertTrue(loop.counters().get(Counter.WAITS_ENDED) >= 20);
  }

  @DriverTest
  void wakeUpsByOtherLoopsAreMessagesWhereTheDriverHasThem(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var waker = runtime.loops().get(0);
    var sleeper = runtime.loops().get(1);
    boolean byMessage =
        sleeper.capabilities().features().stream()
            .anyMatch(f -> f.name().equals("msg-ring") && f.status() == Status.USED);
    for (int i = 1; i <= 20; i++) {
      Waits.until("the loop to sleep", () -> isAsleep(sleeper));
      var ran = new CountDownLatch(1);
      waker.execute(() -> sleeper.execute(ran::countDown));
      Waits.await(ran, "a task of the other loop");
      var stats = sleeper.stats();
      assertEquals(i, stats.wakeUpsSent(), stats::toString);
      long messages = byMessage ? i : 0; // counted once it is sent, which the task may be ahead of
      Waits.until(
          () -> messages + " messages: " + sleeper.stats(),
          () -> sleeper.stats().wakeUpsByMessage() == messages);
    }
    assertEquals(0, waker.stats().wakeUpsByMessage(), "this thread is no loop");
  }

  @DriverTest
  void levelsShowWhatWaitsAndWhatIsInFlight(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var running = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    var recorder = new Recorder<Integer>();
    loop.execute(
        () -> {
          IntStream.range(0, 3).forEach(i -> loop.nop(i, recorder));
          running.countDown();
          Waits.await(release, "the test to look");
        });
    Waits.await(running, "the task");
    try {
      for (int i = 0; i < 5; i++) {
        loop.execute(() -> {});
      }
      assertEquals(5, loop.stats().inboxDepth());
      assertEquals(5, runtime.stats().total().inboxDepth());
    } finally {
      release.countDown();
    }
    recorder.await(3);
    listenAndAccept(loop, new Recorder<>(), _ -> {});
    finishTurn(loop);

    var stats = loop.stats();
    assertEquals(1, stats.inFlight(), stats::toString);
    assertEquals(0, stats.inboxDepth(), stats::toString);
    assertTrue(stats.freeReceiveBuffersLow() > 0, stats::toString);
  }

  @DriverTest
  void theSumOfARuntimeIsThatOfItsLoops(TestRuntime driver) throws Exception {
    var runtime =
        driver.start(b -> b.scheduler(Scheduler.threadPerCore(3)).bufferPoolBytes(1 << 20));
    for (var loop : runtime.loops()) {
      runNops(loop, 50);
    }
    driver.closeAndWait(runtime);

    var stats = runtime.stats();
    assertEquals(3, stats.loops().size());
    assertEquals(
        stats.loops().stream().mapToLong(LoopStats::completed).sum(), stats.total().completed());
    assertEquals(stats.loops().stream().mapToLong(LoopStats::turns).sum(), stats.total().turns());
    assertTrue(stats.total().completed() >= 150);
    assertEquals(0, stats.total().inFlight());
  }

  // ---- parts

  private static void runNops(EventLoop loop, int count) {
    var recorder = new Recorder<Integer>();
    loop.execute(() -> IntStream.range(0, count).forEach(i -> loop.nop(i, recorder)));
    recorder.await(count);
  }

  /** Starts to accept a connection that never comes; the recorder is given the listener's address. */
  private static void listenAndAccept(
      EventLoop loop, Recorder<String> recorder, Consumer<Operation> then) {
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    loop.execute(
        () -> {
          var dispatcher = loop.dispatcher();
          try {
            var listener = dispatcher.driver().listen(new ListenRequest(address, 1, false));
            var accept =
                dispatcher.acquire(
                    OpCode.ACCEPT, listener, Operation.NOTIFY, recorder, listener.subject());
            dispatcher.submit(accept);
            then.accept(accept);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Returns in a later turn than what the loop was given before: a handler ends one, and tasks begin the next. */
  private static void finishTurn(EventLoop loop) {
    runNops(loop, 1);
    runTask(loop);
  }

  private static void runTask(EventLoop loop) {
    var done = new CountDownLatch(1);
    loop.execute(done::countDown);
    Waits.await(done, "a task");
  }

  private static boolean isAsleep(EventLoop loop) {
    return loop.dispatcher().telemetry().isWaiting();
  }

  /** What is logged, for as long as this is open: slf4j-simple writes to System.err. */
  private static final class CapturedErr implements AutoCloseable {
    private final PrintStream before = System.err;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    CapturedErr() {
      System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    }

    String text() {
      return bytes.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
      System.setErr(before);
      before.print(text());
    }
  }
}
