package io.gyre.driver;

import io.gyre.driver.DriverCounters.Counter;
import io.gyre.telemetry.FlightEvents;
import java.time.Duration;
import java.util.Objects;

/**
 * What one loop and its driver tell about themselves: counters for those who ask, Flight Recorder events for those who
 * record, and a log line, not too often, for what somebody should know.
 *
 * <p>The loop says when a turn begins, the driver when it begins and ends to wait. That is enough to know from another
 * thread whether the loop goes on, without a look at the clock on the loop.
 *
 * <p>Confined to the loop's thread, but for what is said of any thread.
 */
public final class LoopTelemetry {
  private static final Duration LOG_INTERVAL = Duration.ofSeconds(10);

  private final String loop;
  private final String driver;
  private final DriverCounters counters = new DriverCounters();
  private final SharedCounter wakeUpsSent = new SharedCounter();
  private final SharedCounter wakeUpsByMessage = new SharedCounter();
  private final SharedCounter stalls = new SharedCounter();
  private final SharedCounter inlineReads = new SharedCounter();

  private final RateLimitedLog overflowLog;
  private final RateLimitedLog buffersLog;
  private long overflowsTold;
  private long outOfBuffersTold;

  /** Not null while a flight recording asks for what happens in each turn. */
  private TurnRecording recording;

  /**
   * Makes a loop's telemetry; the loop does this.
   *
   * @param loop its name
   * @param driver its driver's name
   */
  public LoopTelemetry(String loop, String driver) {
    this(loop, driver, warnings(), warnings());
  }

  LoopTelemetry(String loop, String driver, RateLimitedLog overflowLog, RateLimitedLog buffersLog) {
    this.loop = Objects.requireNonNull(loop, "loop");
    this.driver = Objects.requireNonNull(driver, "driver");
    this.overflowLog = overflowLog;
    this.buffersLog = buffersLog;
  }

  private static RateLimitedLog warnings() {
    return new RateLimitedLog(LoopTelemetry.class, LOG_INTERVAL);
  }

  /**
   * The loop's name. Any thread.
   *
   * @return its thread's name
   */
  public String loop() {
    return loop;
  }

  /**
   * The driver's name. Any thread.
   *
   * @return {@code uring} or {@code nio}
   */
  public String driver() {
    return driver;
  }

  /**
   * The counters that the loop and its driver write. Any thread may read them.
   *
   * @return the live counters
   */
  public DriverCounters counters() {
    return counters;
  }

  /**
   * A turn begins, and the one before it has ended. The loop says so, at the end once more.
   *
   * @param inFlight how many operations are not resolved
   */
  public void beginTurn(int inFlight) {
    counters.add(Counter.TURNS, 1);
    counters.set(Counter.IN_FLIGHT, inFlight);
    if (counters.get(Counter.OVERFLOWS) != overflowsTold) {
      tellOverflow();
    }
    if (counters.get(Counter.OUT_OF_BUFFERS) != outOfBuffersTold) {
      tellOutOfBuffers();
    }
    if (recording != null || FlightEvents.wantTurns()) {
      recordTurn();
    }
  }

  private void recordTurn() {
    if (recording != null) {
      recording.endTurn();
    }
    if (!FlightEvents.wantTurns()) {
      recording = null;
      return;
    }
    if (recording == null) {
      recording = new TurnRecording(loop, driver, counters);
    }
    recording.beginTurn();
  }

  private void tellOverflow() {
    long count = counters.get(Counter.OVERFLOWS);
    FlightEvents.overflow(loop, driver, count - overflowsTold);
    overflowLog.warn(
        "{}: the completion queue overflowed, {} times so far; nothing is lost, but it costs time:"
            + " raise completionEntries",
        loop,
        count);
    overflowsTold = count;
  }

  private void tellOutOfBuffers() {
    long count = counters.get(Counter.OUT_OF_BUFFERS);
    FlightEvents.outOfBuffers(loop, driver, count - outOfBuffersTold);
    buffersLog.warn(
        "{}: handlers hold all receive buffers, {} receives had to wait so far: release buffers"
            + " sooner, or raise receiveBuffers",
        loop,
        count);
    counters.lower(Counter.FREE_RECEIVE_BUFFERS_LOW, 0);
    outOfBuffersTold = count;
  }

  /** The driver is about to wait for the kernel, with nothing to do until then. It says so, once a wait. */
  public void beginWait() {
    counters.add(Counter.WAITS, 1);
    if (recording != null) {
      recording.beginWait();
    }
  }

  /** The wait has ended. The driver says so before it resolves anything. */
  public void endWait() {
    counters.add(Counter.WAITS_ENDED, 1);
    if (recording != null) {
      recording.endWait();
    }
  }

  /** The loop has nothing to do, and begins to look for something without sleeping. */
  public void beginSpin() {
    counters.add(Counter.SPINS, 1);
    if (recording != null) {
      recording.beginWait();
    }
  }

  /**
   * The loop looks no longer.
   *
   * @param paidOff whether there is something to do; if not, it sleeps
   */
  public void endSpin(boolean paidOff) {
    counters.add(Counter.SPINS_ENDED, 1);
    if (paidOff) {
      counters.add(Counter.SPINS_PAID_OFF, 1);
    }
    if (recording != null) {
      recording.endWait();
    }
  }

  /**
   * A cancellation was asked for. The driver says so.
   *
   * @param operation what is to end, or {@code ALL}
   * @param subject the path or address that it works on; empty for all
   */
  public void cancelRequested(String operation, String subject) {
    counters.add(Counter.CANCELS, 1);
    FlightEvents.cancel(loop, driver, operation, subject);
  }

  /**
   * Whether the loop has nothing to do: it waits in the kernel, or spins. Any thread.
   *
   * @return true between {@link #beginWait()} and {@link #endWait()}, {@link #beginSpin()} and {@link #endSpin}
   */
  public boolean isWaiting() {
    return counters.get(Counter.WAITS) != counters.get(Counter.WAITS_ENDED)
        || counters.get(Counter.SPINS) != counters.get(Counter.SPINS_ENDED);
  }

  /**
   * A number that grows with each turn and each wait. While it does not, and the loop does not wait, it is in one
   * handler or task, or in a few that are slow. Any thread.
   *
   * @return a sum of counters that only grow, so the same sum means the same counters
   */
  public long progress() {
    return counters.get(Counter.TURNS)
        + counters.get(Counter.WAITS)
        + counters.get(Counter.WAITS_ENDED)
        + counters.get(Counter.SPINS)
        + counters.get(Counter.SPINS_ENDED);
  }

  /** A wake-up was sent to the loop. Any thread. */
  public void wakeUpSent() {
    wakeUpsSent.increment();
  }

  /**
   * How many wake-ups were sent. Any thread.
   *
   * @return a count
   */
  public long wakeUpsSent() {
    return wakeUpsSent.get();
  }

  /** One of the wake-ups {@linkplain #wakeUpSent sent} was a message of another loop. Any thread. */
  public void wakeUpWasMessage() {
    wakeUpsByMessage.increment();
  }

  /**
   * How many of the wake-ups sent were messages of other loops. Any thread.
   *
   * @return a count
   */
  public long wakeUpsByMessage() {
    return wakeUpsByMessage.get();
  }

  /** A waiting thread has read by itself what was there. Any thread. */
  public void readInline() {
    inlineReads.increment();
  }

  /**
   * How many reads waiting threads have done by themselves. Any thread.
   *
   * @return a count
   */
  public long inlineReads() {
    return inlineReads.get();
  }

  /**
   * The loop is stuck: counts that and records it. The watchdog does this.
   *
   * @param thread the loop's thread
   * @param busyNanos for how long, so far
   * @param stack where, a frame a line
   */
  public void stalled(Thread thread, long busyNanos, String stack) {
    FlightEvents.stall(loop, driver, thread, busyNanos, stack);
    stalls.increment();
  }

  /**
   * How often the loop was stuck. Any thread.
   *
   * @return a count
   */
  public long stalls() {
    return stalls.get();
  }
}
