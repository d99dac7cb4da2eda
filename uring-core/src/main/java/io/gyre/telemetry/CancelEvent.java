package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** Somebody wants operations to end early. */
@Name("io.gyre.Cancel")
@Label("Cancel")
@Description("A cancellation was asked for; what races with it may succeed all the same")
final class CancelEvent extends LoopEvent {
  private static final CancelEvent TYPE = new CancelEvent();

  @Label("Operation")
  @Description("What is to end; ALL for everything that is in flight on the subject")
  String operation;

  @Label("Subject")
  @Description("The path or address that it works on; empty for all of the loop")
  String subject;

  static void record(String loop, String driver, String operation, String subject) {
    if (TYPE.isEnabled()) {
      var event = new CancelEvent();
      event.loop = loop;
      event.driver = driver;
      event.operation = operation;
      event.subject = subject;
      event.commit();
    }
  }
}
