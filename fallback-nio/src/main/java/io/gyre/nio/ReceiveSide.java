package io.gyre.nio;

import io.gyre.Buffer;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** What a socket receives: operations in their order, each taken as far as the socket has data and there is a buffer. */
final class ReceiveSide {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final NioSocket socket;
  private final SocketChannel channel;
  private final ReceiveBuffers buffers;
  private final Views views;
  private final Outcomes outcomes;
  private final OperationQueue waiting = new OperationQueue();

  // False once the socket was found empty, until the selector reports it. It begins as false: what
  // was connected just now has seldom sent anything.
  private boolean mayRead;
  // Waits for a buffer. Interest in the selector's reports is given up meanwhile: they would never
  // end.
  private boolean starved;
  private Buffer granted;

  // For ReceiveBuffers: in its line, perhaps without being starved any more.
  boolean inLine;

  ReceiveSide(NioSocket socket, SocketChannel channel, DriverParts parts) {
    this.socket = socket;
    this.channel = channel;
    this.buffers = parts.buffers();
    this.views = parts.views();
    this.outcomes = parts.outcomes();
  }

  void submit(Operation operation) {
    waiting.add(operation);
    if (mayRead) {
      socket.schedule();
    } else {
      socket.want(SelectionKey.OP_READ);
    }
  }

  /** There may be something to read, were it the end of the stream or an error. */
  void ready() {
    mayRead = true;
    if (waiting.isEmpty() || starved) {
      socket.unwant(SelectionKey.OP_READ);
    } else {
      socket.schedule();
    }
  }

  boolean canProceed() {
    return mayRead && !starved && !waiting.isEmpty();
  }

  /** One read; returns whether it brought an outcome. */
  boolean proceed() {
    var operation = waiting.peek();
    return operation.code() == OpCode.RECEIVE_MULTISHOT
        ? receiveIntoLease(operation)
        : receiveIntoMemory(operation);
  }

  private boolean receiveIntoMemory(Operation operation) {
    int asked = operation.memoryLength();
    int count;
    try {
      count = channel.read(views.remaining(operation));
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      waiting.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    if (count == 0 && asked > 0) {
      exhausted();
      return false;
    }
    if (count > 0 && count < asked && operation.memory().isDirect()) {
      mayRead = false; // it gave all it had; if the stream has ended, the selector will say so
    }
    waiting.poll();
    outcomes.resolve(operation, Math.max(count, 0));
    return true;
  }

  private boolean receiveIntoLease(Operation operation) {
    var buffer = granted != null ? granted : buffers.take();
    granted = null;
    if (buffer == null) {
      starved = true;
      socket.unwant(SelectionKey.OP_READ);
      buffers.await(this);
      return false;
    }
    int count;
    try {
      count = channel.read(BUFFERS.view(buffer).clear());
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      buffers.giveBack(buffer);
      waiting.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    if (count > 0) {
      deliver(operation, buffer, count);
      return true;
    }
    buffers.giveBack(buffer);
    if (count == 0) {
      exhausted();
      return false;
    }
    waiting.poll();
    outcomes.resolve(operation, 0);
    return true;
  }

  private void deliver(Operation operation, Buffer buffer, int count) {
    if (count < buffers.bufferBytes()) {
      // It gave all it had. If it has more meanwhile, or has ended, the selector will say so.
      mayRead = false;
      socket.want(SelectionKey.OP_READ);
    }
    operation.setReceived(buffers.lend(buffer, count, operation));
    outcomes.resolveMore(
        operation, count); // may cancel the operation: nothing of it is touched after this
  }

  private void exhausted() {
    mayRead = false;
    socket.want(SelectionKey.OP_READ);
  }

  /** A buffer came back and this side is the first in line; false if it wants none any more. */
  boolean grant(Buffer buffer) {
    if (!starved) {
      return false;
    }
    starved = false;
    granted = buffer;
    socket.schedule();
    return true;
  }

  void cancel(Operation operation) {
    if (waiting.remove(operation)) {
      outcomes.queueCancelled(operation);
      stopWaitingForBuffer();
      socket.schedule(); // another may have come to the front
    }
  }

  void cancelAll() {
    outcomes.queueCancelled(waiting);
    stopWaitingForBuffer();
  }

  private void stopWaitingForBuffer() {
    starved = false;
    if (granted != null) {
      var buffer = granted;
      granted = null;
      buffers.giveBack(buffer);
    }
  }
}
