package io.gyre;

import java.nio.channels.ShutdownChannelGroupException;

/** Something under way that may go on for long, and what ends it. */
public final class Registration {
  private final EventLoop loop;

  // The loop's thread only. Tokens, not operations: a slot that was given back is somebody else's.
  private long[] tokens = {};
  private boolean cancelled;

  Registration(EventLoop loop) {
    this.loop = loop;
  }

  /** What was submitted. It may have been cancelled before it was. */
  void started(long... submitted) {
    tokens = submitted;
    if (cancelled) {
      cancelOperations();
    }
  }

  /**
   * Asks that it end. The handler is told so with a {@link java.util.concurrent.CancellationException}, unless it ended
   * already or ends just now in another way; until then it may be told results still. Any thread, any number of times.
   */
  public void cancel() {
    try {
      if (loop.inLoop()) {
        cancelInLoop();
      } else {
        loop.execute(this::cancelInLoop);
      }
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has cancelled it.
    }
  }

  private void cancelInLoop() {
    if (!cancelled) {
      cancelled = true;
      cancelOperations();
    }
  }

  private void cancelOperations() {
    var dispatcher = loop.dispatcher();
    for (long token : tokens) {
      var operation = dispatcher.find(token);
      if (operation != null) {
        dispatcher.driver().cancel(operation);
      }
    }
  }
}
