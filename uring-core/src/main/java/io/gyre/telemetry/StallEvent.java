package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;

/** A loop is stuck. Recorded by the watchdog while it lasts, so the stack is a field. */
@Name("io.gyre.Stall")
@Label("Stall")
@Description("A handler or task blocks a loop; nothing else on the loop goes on meanwhile")
final class StallEvent extends LoopEvent {
  private static final StallEvent TYPE = new StallEvent();

  @Label("Loop Thread")
  Thread loopThread;

  @Label("Busy For")
  @Description("How long when it was noticed; it may last on")
  @Timespan(Timespan.NANOSECONDS)
  long busyFor;

  @Label("Stack")
  @Description("Where the loop's thread was, a frame a line")
  String stack;

  static void record(String loop, String driver, Thread thread, long busyNanos, String stack) {
    if (TYPE.isEnabled()) {
      var event = new StallEvent();
      event.loop = loop;
      event.driver = driver;
      event.loopThread = thread;
      event.busyFor = busyNanos;
      event.stack = stack;
      event.commit();
    }
  }
}
