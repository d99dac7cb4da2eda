package io.gyre.nio;

import static io.gyre.Readiness.READABLE;
import static io.gyre.Readiness.WRITABLE;

import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/**
 * Who polls a channel. What the selector reports is noted in the operations, and told by the turn's steps.
 *
 * <p>The selector goes on reporting for as long as a channel is ready (level-triggered), and so do multishots here.
 */
final class PollSide {
  private static final int READ = SelectionKey.OP_READ | SelectionKey.OP_ACCEPT;

  private final NioSelectable channel;
  private final Outcomes outcomes;

  // Each operation's transferred() is what was reported for it and not told yet.
  private final OperationQueue waiting = new OperationQueue();
  private int reportedCount;

  PollSide(NioSelectable channel, Outcomes outcomes) {
    this.channel = channel;
    this.outcomes = outcomes;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  void add(Operation operation) {
    waiting.add(operation);
  }

  /** What of the selector's has to be asked for in the name of all. */
  int ops() {
    int ops = 0;
    for (var o = waiting.peek(); o != null; o = o.next()) {
      ops |= opsFor(o.flags());
    }
    return ops;
  }

  private int opsFor(int interest) {
    int ops = 0;
    int valid = channel.channel().validOps();
    if ((interest & READABLE) != 0) {
      ops |= valid & READ;
    }
    if ((interest & WRITABLE) != 0) {
      boolean connects =
          channel.channel() instanceof SocketChannel socket && socket.isConnectionPending();
      ops |= connects ? SelectionKey.OP_CONNECT : valid & SelectionKey.OP_WRITE;
    }
    return ops;
  }

  /** The selector says what is ready. */
  void ready(int ops) {
    for (var o = waiting.peek(); o != null; o = o.next()) {
      int ready = opsFor(o.flags()) & ops;
      if (ready != 0) {
        if (o.transferred() == 0) {
          reportedCount++;
        }
        boolean reads = (ready & READ) != 0;
        boolean writes = (ready & ~READ) != 0;
        o.setTransferred(o.transferred() | (reads ? READABLE : 0) | (writes ? WRITABLE : 0));
      }
    }
  }

  boolean canProceed() {
    return reportedCount > 0;
  }

  /** Tells one of those that something was reported for. */
  void proceed() {
    var operation = waiting.peek();
    while (operation.transferred() == 0) {
      operation = operation.next();
    }
    int mask = operation.transferred();
    operation.setTransferred(0);
    reportedCount--;
    if (operation.code() == OpCode.POLL) {
      waiting.remove(operation);
      outcomes.resolve(operation, mask);
    } else {
      outcomes.resolveMore(
          operation, mask); // may cancel the operation: nothing of it is touched after this
    }
  }

  void remove(Operation operation) {
    waiting.remove(operation);
  }

  void cancel(Operation operation) {
    if (waiting.remove(operation)) {
      if (operation.transferred() != 0) {
        reportedCount--;
      }
      outcomes.queueCancelled(operation);
    }
  }

  void cancelAll() {
    reportedCount = 0;
    outcomes.queueCancelled(waiting);
  }
}
