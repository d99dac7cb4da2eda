package io.gyre.nio;

import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/**
 * What a socket sends: operations in their order, one begun when the one before it is all sent. The shutdown of this
 * direction is one of them, so that it cuts off nothing that was sent before it.
 */
final class SendSide {
  private final NioSocket socket;
  private final SocketChannel channel;
  private final Views views;
  private final Outcomes outcomes;
  private final OperationQueue waiting = new OperationQueue();

  // False once the socket's send buffer was found full, until the selector reports room.
  private boolean mayWrite = true;

  SendSide(NioSocket socket, SocketChannel channel, DriverParts parts) {
    this.socket = socket;
    this.channel = channel;
    this.views = parts.views();
    this.outcomes = parts.outcomes();
  }

  void submit(Operation operation) {
    waiting.add(operation);
    socket.schedule();
  }

  /** There is room, or an error to be told. */
  void ready() {
    mayWrite = true;
    // At once, not when it is reported for nothing: a socket has room nearly always.
    socket.unwant(SelectionKey.OP_WRITE);
    socket.schedule();
  }

  boolean canProceed() {
    return mayWrite && !waiting.isEmpty();
  }

  /** One write; returns whether it brought an outcome. */
  boolean proceed() {
    var operation = waiting.peek();
    try {
      if (operation.code() == OpCode.SHUTDOWN) {
        channel.shutdownOutput();
      } else if (!send(operation)) {
        return false;
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      waiting.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    waiting.poll();
    outcomes.resolve(operation, operation.transferred());
    return true;
  }

  /** Sends what the socket takes; returns whether all is sent. */
  private boolean send(Operation operation) throws IOException {
    if (!sendPart(operation)) {
      mayWrite = false;
      socket.want(SelectionKey.OP_WRITE);
      return false;
    }
    return operation.transferred() == operation.memoryLength();
  }

  private boolean sendPart(Operation operation) throws IOException {
    if (operation.vector() != null) {
      return GatheredViews.of(operation).writePart(channel, operation);
    }
    var view = views.remaining(operation);
    int asked = view.remaining();
    int count = channel.write(view);
    operation.setTransferred(operation.transferred() + count);
    return count == asked;
  }

  void cancel(Operation operation) {
    if (waiting.remove(operation)) {
      outcomes.queueCancelled(operation);
      socket.schedule();
    }
  }

  void cancelAll() {
    outcomes.queueCancelled(waiting);
  }
}
