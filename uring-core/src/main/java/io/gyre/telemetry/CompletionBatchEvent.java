package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** What ended in one turn. */
@Name("io.gyre.CompletionBatch")
@Label("Completion Batch")
@Description(
    "Outcomes taken in one turn, from the end of its wait, or its beginning if it did not wait, to"
        + " its end: mostly the time of their handlers")
@Enabled(false)
public final class CompletionBatchEvent extends LoopEvent {
  private static final CompletionBatchEvent TYPE = new CompletionBatchEvent();

  @Label("Completed")
  @Description("Outcomes taken")
  long completed;

  @Label("In Flight")
  @Description("Operations not resolved at the end of the turn")
  long inFlight;

  /** Made when its time begins; {@link #begin()} it then. */
  public CompletionBatchEvent() {}

  /**
   * Whether a recording asks for it.
   *
   * @return true if so
   */
  public static boolean isOn() {
    return TYPE.isEnabled();
  }

  /**
   * Records it, after {@link #end()}.
   *
   * @param loopName the loop's name
   * @param driverName the driver's name
   * @param completedCount how many outcomes
   * @param inFlightCount how many operations are left
   */
  public void record(String loopName, String driverName, long completedCount, long inFlightCount) {
    if (shouldCommit()) {
      loop = loopName;
      driver = driverName;
      completed = completedCount;
      inFlight = inFlightCount;
      commit();
    }
  }
}
