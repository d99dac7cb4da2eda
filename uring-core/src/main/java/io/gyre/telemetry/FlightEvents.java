package io.gyre.telemetry;

/**
 * The way to the events, for a JVM that may not have Flight Recorder: a run-time image that was cut down, with Gyre on
 * the class path. There everything here does nothing, and no class of {@code jdk.jfr} is looked for.
 */
public final class FlightEvents {
  /** Whether the JVM has the module {@code jdk.jfr}. A constant to the compiler. */
  public static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private FlightEvents() {}

  /**
   * Makes the events known to Flight Recorder. The first time in a JVM that takes tens of milliseconds, half a second
   * where nothing is cached: whoever starts loops spends it, so that no loop has to in its first turn.
   */
  public static void register() {
    if (PRESENT) {
      LongTurnEvent.isOn();
      CompletionBatchEvent.isOn();
      SubmissionBatchEvent.isOn();
    }
  }

  /**
   * Whether a recording asks for what happens in each turn. Meant to be asked once a turn: a check or three of static
   * state, and none before Flight Recorder was used for the first time.
   *
   * @return true if one of the events of a turn is on
   */
  public static boolean wantTurns() {
    return PRESENT
        && (LongTurnEvent.isOn() || CompletionBatchEvent.isOn() || SubmissionBatchEvent.isOn());
  }

  /**
   * The completion queue overflowed.
   *
   * @param loop the loop's name
   * @param driver the driver's name
   * @param times how often since the last event
   */
  public static void overflow(String loop, String driver, long times) {
    if (PRESENT) {
      OverflowEvent.record(loop, driver, times);
    }
  }

  /**
   * A receive found no buffer.
   *
   * @param loop the loop's name
   * @param driver the driver's name
   * @param times how often since the last event
   */
  public static void outOfBuffers(String loop, String driver, long times) {
    if (PRESENT) {
      OutOfBuffersEvent.record(loop, driver, times);
    }
  }

  /**
   * A cancellation was asked for.
   *
   * @param loop the loop's name
   * @param driver the driver's name
   * @param operation what is to end
   * @param subject the path or address that it works on
   */
  public static void cancel(String loop, String driver, String operation, String subject) {
    if (PRESENT) {
      CancelEvent.record(loop, driver, operation, subject);
    }
  }

  /**
   * A loop is stuck in a handler or task.
   *
   * @param loop the loop's name
   * @param driver the driver's name
   * @param thread the loop's thread
   * @param busyNanos for how long, so far
   * @param stack where, a frame a line
   */
  public static void stall(
      String loop, String driver, Thread thread, long busyNanos, String stack) {
    if (PRESENT) {
      StallEvent.record(loop, driver, thread, busyNanos, stack);
    }
  }
}
