package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** Handlers hold all receive buffers. */
@Name("io.gyre.OutOfBuffers")
@Label("Out of Receive Buffers")
@Description("Receives pause until handlers release buffers (ENOBUFS)")
final class OutOfBuffersEvent extends LoopEvent {
  private static final OutOfBuffersEvent TYPE = new OutOfBuffersEvent();

  @Label("Times")
  @Description("How many receives since the last such event")
  long times;

  static void record(String loop, String driver, long times) {
    if (TYPE.isEnabled()) {
      var event = new OutOfBuffersEvent();
      event.loop = loop;
      event.driver = driver;
      event.times = times;
      event.commit();
    }
  }
}
