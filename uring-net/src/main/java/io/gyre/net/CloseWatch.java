package io.gyre.net;

import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;

/** Tells that a descriptor is closed, whoever closes it. */
final class CloseWatch {
  private static final Completion ON_CLOSED = CloseWatch::closed;

  private CloseWatch() {}

  /**
   * Has something run when a descriptor was given back to the system, not when that is asked for only: until then it counts
   * against the process's limit. Called on the loop's thread.
   *
   * @param closed called once on the loop's thread, or on that of its late tasks
   */
  static void add(OperationDispatcher dispatcher, Descriptor descriptor, Runnable closed) {
    // A second close of it ends when the first one does.
    descriptor.watchClosing(() -> dispatcher.close(descriptor, true, ON_CLOSED, closed, null));
  }

  private static void closed(Operation operation, int result) {
    ((Runnable) operation.handler()).run();
  }
}
