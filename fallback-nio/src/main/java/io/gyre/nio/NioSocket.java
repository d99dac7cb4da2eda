package io.gyre.nio;

import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** A socket: connects, and then sends and receives, a step of the one and a step of the other. */
final class NioSocket extends NioSelectable {
  private final SocketChannel channel;
  private final Outcomes outcomes;
  private final ReceiveSide receiving;
  private final SendSide sending;
  private Operation connecting;
  private boolean mayFinishConnect;
  private boolean sendsNext;

  NioSocket(String subject, SocketChannel channel, DriverParts parts) {
    super(subject, channel, parts);
    this.channel = channel;
    this.outcomes = parts.outcomes();
    this.receiving = new ReceiveSide(this, channel, parts);
    this.sending = new SendSide(this, channel, parts);
  }

  @Override
  void submit(Operation operation) {
    switch (operation.code()) {
      case CONNECT -> connect(operation);
      case RECEIVE, RECEIVE_MULTISHOT -> receiving.submit(operation);
      case SEND -> sending.submit(operation);
      case SHUTDOWN -> shutdown(operation);
      default ->
          outcomes.queueFailure(operation, Failures.misdirected(operation.code(), "a socket"));
    }
  }

  private void connect(Operation operation) {
    try {
      if (channel.connect((InetSocketAddress) operation.argument())) {
        outcomes.queue(operation, 0);
      } else {
        connecting = operation;
        want(SelectionKey.OP_CONNECT);
      }
    } catch (IOException | RuntimeException e) {
      outcomes.queueFailure(operation, e);
    }
  }

  /** Flags are 0 for input, 1 for output, 2 for both. */
  private void shutdown(Operation operation) {
    if (operation.flags() != 1) {
      try {
        channel.shutdownInput();
      } catch (IOException | RuntimeException e) {
        outcomes.queueFailure(operation, e);
        return;
      }
      receiving.ready(); // to find the end of the stream
    }
    if (operation.flags() == 0) {
      outcomes.queue(operation, 0);
    } else {
      sending.submit(operation);
    }
  }

  @Override
  void ready(int ops) {
    if ((ops & SelectionKey.OP_CONNECT) != 0) {
      mayFinishConnect = true;
      schedule();
    }
    if ((ops & SelectionKey.OP_READ) != 0) {
      receiving.ready();
    }
    if ((ops & SelectionKey.OP_WRITE) != 0) {
      sending.ready();
    }
  }

  @Override
  boolean canProceed() {
    // While it connects, what is to be sent and received waits, as it does in the kernel.
    return connecting != null ? mayFinishConnect : receiving.canProceed() || sending.canProceed();
  }

  @Override
  boolean proceed() {
    if (!canProceed()) {
      return false; // cancelled since it was scheduled
    }
    if (connecting != null) {
      return finishConnect();
    }
    boolean both = receiving.canProceed() && sending.canProceed();
    sendsNext = both ? !sendsNext : sending.canProceed();
    return sendsNext ? sending.proceed() : receiving.proceed();
  }

  private boolean finishConnect() {
    var operation = connecting;
    mayFinishConnect = false;
    try {
      if (!channel.finishConnect()) {
        return false;
      }
      unwant(SelectionKey.OP_CONNECT);
    } catch (IOException | RuntimeException e) {
      connecting = null;
      // The JDK has closed the channel, so no report will come: what waits finds out by trying.
      receiving.ready();
      sending.ready();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    connecting = null;
    outcomes.resolve(operation, 0);
    return true;
  }

  @Override
  void cancel(Operation operation) {
    if (operation == connecting) {
      cancelConnect();
    } else {
      receiving.cancel(operation);
      sending.cancel(operation);
    }
  }

  private void cancelConnect() {
    outcomes.queueCancelled(connecting);
    connecting = null;
    mayFinishConnect = false;
    unwant(SelectionKey.OP_CONNECT);
  }

  @Override
  void cancelAll() {
    if (connecting != null) {
      cancelConnect();
    }
    receiving.cancelAll();
    sending.cancelAll();
  }

  /**
   * The channel, to be moved to another selector.
   *
   * @throws IllegalStateException when this one has it already: it would give it back at its next call only
   */
  SocketChannel unregistered() {
    if (channel.isRegistered()) {
      throw new IllegalStateException("it has been waited for already: " + this);
    }
    return channel;
  }

  InetSocketAddress remoteAddress() throws IOException {
    return (InetSocketAddress) channel.getRemoteAddress();
  }
}
