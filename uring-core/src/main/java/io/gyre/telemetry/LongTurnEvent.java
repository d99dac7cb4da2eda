package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;

/** A loop kept others waiting. */
@Name("io.gyre.LongTurn")
@Label("Long Turn")
@Description("A loop ran handlers and tasks for long without looking for what is ready")
@Threshold("20 ms")
public final class LongTurnEvent extends LoopEvent {
  private static final LongTurnEvent TYPE = new LongTurnEvent();

  @Label("Tasks")
  @Description("Tasks and timers that ran meanwhile")
  long tasks;

  @Label("Completed")
  @Description("Outcomes taken meanwhile")
  long completed;

  /** Made when its time begins; {@link #begin()} it then. */
  public LongTurnEvent() {}

  /**
   * Whether a recording asks for it.
   *
   * @return true if so
   */
  public static boolean isOn() {
    return TYPE.isEnabled();
  }

  /**
   * Records it if it was long, after {@link #end()}.
   *
   * @param loopName the loop's name
   * @param driverName the driver's name
   * @param taskCount how many tasks and timers
   * @param completedCount how many outcomes
   */
  public void record(String loopName, String driverName, long taskCount, long completedCount) {
    if (shouldCommit()) {
      loop = loopName;
      driver = driverName;
      tasks = taskCount;
      completed = completedCount;
      commit();
    }
  }
}
