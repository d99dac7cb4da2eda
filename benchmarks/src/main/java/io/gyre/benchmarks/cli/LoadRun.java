package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.load.WarmUp;
import io.gyre.driver.DriverCounters.Counter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Lets a {@link Load} warm up, measures it for a while, and ends it. */
final class LoadRun {
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long END_TIMEOUT_SECONDS = 60;
  private static final int REHEARSALS = 10;

  private final Load load;
  private final Meter meter;
  private final Progress progress;
  private final String unit;
  private long doneBefore;
  private long operations;
  private long errors;
  private long syncsBefore;
  private long syncs;

  /**
   * Makes a run; the calling thread is the one that will watch it.
   *
   * @param load what to run
   * @param unit for the progress line: {@code reads}, {@code ops}
   * @param progress where to draw that line
   */
  LoadRun(Load load, String unit, Progress progress) {
    this.load = load;
    this.unit = unit;
    this.progress = progress;
    this.meter = new Meter(List.of(load.loop()), Thread.currentThread());
  }

  void run(long warmupNanos, long nanos) throws InterruptedException, ExecutionException {
    var loop = load.loop();
    loop.execute(load::begin);
    warmUp(warmupNanos);
    await(CompletableFuture.runAsync(this::windowBegins, loop));
    watch("measuring", nanos);
    await(CompletableFuture.runAsync(this::windowEnds, loop));
    progress.clear();
    loop.execute(load::stop);
    await(load.ended());
  }

  private void warmUp(long leastNanos) throws InterruptedException, ExecutionException {
    var warmUp = new WarmUp(leastNanos);
    watch("warming up", leastNanos / 2);
    // Rehearsed: a task on the loop is a way that its code has not gone yet. The JIT has not
    // compiled it, and throws away
    // what it had compiled when it is first gone. That is not to happen while measuring.
    for (int i = 0; i < REHEARSALS; i++) {
      await(CompletableFuture.runAsync(this::windowBegins, load.loop()));
      await(CompletableFuture.runAsync(this::windowEnds, load.loop()));
    }
    watch("warming up", leastNanos - leastNanos / 2);
    while (!warmUp.isOver() && !ends(WarmUp.ASK_NANOS)) {
      progress.show("warming up until the JIT rests");
    }
  }

  /** Lets a load do all that it has to do, which is known, and measures nothing. */
  void runToEnd(long all) throws InterruptedException, ExecutionException {
    load.loop().execute(load::begin);
    while (!ends(progress.isLive() ? PROGRESS_NANOS : Long.MAX_VALUE)) {
      long completed = load.loop().counters().get(Counter.COMPLETED);
      progress.show(String.format(Locale.ROOT, "%,d of %,d %s", completed, all, unit));
    }
    progress.clear();
  }

  private void windowBegins() {
    load.resetStatistics();
    doneBefore = load.completed();
    syncsBefore = load.syncs();
    meter.start();
  }

  private void windowEnds() {
    meter.stop();
    operations = load.completed() - doneBefore;
    errors = load.errors();
    syncs = load.syncs() - syncsBefore;
  }

  /** Draws the progress line until the time is over, or until all operations have failed. */
  private void watch(String phase, long nanos) throws InterruptedException, ExecutionException {
    long begun = System.nanoTime();
    long seenAt = begun;
    long seen = load.loop().counters().get(Counter.COMPLETED);
    for (long left = nanos; left > 0; left = nanos - (System.nanoTime() - begun)) {
      if (ends(progress.isLive() ? Math.min(left, PROGRESS_NANOS) : left)) {
        return;
      }
      long now = System.nanoTime();
      long completed = load.loop().counters().get(Counter.COMPLETED);
      progress.show(
          String.format(
              Locale.ROOT,
              "%s %.1f of %.1f s, %,.0f %s/s",
              phase,
              (now - begun) / 1e9,
              nanos / 1e9,
              (completed - seen) * 1e9 / Math.max(1, now - seenAt),
              unit));
      seen = completed;
      seenAt = now;
    }
  }

  private boolean ends(long nanos) throws InterruptedException, ExecutionException {
    try {
      load.ended().get(nanos, TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  private static void await(CompletableFuture<Void> future)
      throws InterruptedException, ExecutionException {
    try {
      future.get(END_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new CommandFailed("operations did not end within " + END_TIMEOUT_SECONDS + " s");
    }
  }

  long operations() {
    return operations;
  }

  /** The line that tells what was measured, of a load whose operations were timed. */
  String line(TimedLoad timed, String operation, String driverName) {
    return String.format(
        Locale.ROOT,
        "%1$ss/s=%2$.0f cpu_us/%1$s=%3$.3f p50_us=%4$.1f p99_us=%5$.1f enters/%1$s=%6$.4f"
            + " alloc_bytes/%1$s=%7$.2f errors=%8$d driver=%9$s",
        operation,
        meter.perSecond(operations),
        meter.cpuMicrosPer(operations),
        timed.percentileMicros(50),
        timed.percentileMicros(99),
        meter.entersPer(operations),
        meter.allocatedBytesPer(operations),
        errors(),
        driverName);
  }

  /** How many operations an fsync made durable, for the end of that line. */
  String perSync(String operation) {
    return String.format(
        Locale.ROOT, " %ss/fsync=%.1f", operation, Meter.per((double) operations, syncs));
  }

  /** How many failed: within the window, or all, when they had failed before it began. */
  long errors() {
    return load.firstFailure() == null ? errors : Math.max(1, errors);
  }

  Meter meter() {
    return meter;
  }
}
