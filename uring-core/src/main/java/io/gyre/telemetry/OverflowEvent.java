package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** More came at once than was provided for. */
@Name("io.gyre.Overflow")
@Label("Completion Queue Overflow")
@Description(
    "The completion queue was full; the kernel kept what did not fit, which costs it memory and"
        + " time")
final class OverflowEvent extends LoopEvent {
  private static final OverflowEvent TYPE = new OverflowEvent();

  @Label("Times")
  @Description("How often since the last such event")
  long times;

  static void record(String loop, String driver, long times) {
    if (TYPE.isEnabled()) {
      var event = new OverflowEvent();
      event.loop = loop;
      event.driver = driver;
      event.times = times;
      event.commit();
    }
  }
}
