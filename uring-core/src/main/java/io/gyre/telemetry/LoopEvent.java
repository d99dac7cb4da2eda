package io.gyre.telemetry;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.StackTrace;

/**
 * What all events tell. Each type keeps one instance that is never committed, to ask whether it is on: that allocates
 * nothing.
 */
@Category("Gyre")
@StackTrace(false) // the loop's own frames, always the same
abstract class LoopEvent extends Event {
  @Label("Loop")
  String loop;

  @Label("Driver")
  String driver;
}
