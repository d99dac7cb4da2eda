package io.gyre.nio;

import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.function.BiFunction;

/** A listening socket: accepts in the order in which it was asked to, one connection a step. */
final class NioListener extends NioSelectable {
  private final ServerSocketChannel channel;
  private final Outcomes outcomes;
  private final BiFunction<String, SocketChannel, NioSocket> adopt;
  private final OperationQueue waiting = new OperationQueue();

  // False once nobody was found waiting, until the selector reports a connection.
  private boolean mayAccept;

  /**
   * Makes a listener.
   *
   * @param adopt makes a descriptor of an accepted channel and its peer's address
   */
  NioListener(
      String subject,
      ServerSocketChannel channel,
      DriverParts parts,
      BiFunction<String, SocketChannel, NioSocket> adopt) {
    super(subject, channel, parts);
    this.channel = channel;
    this.outcomes = parts.outcomes();
    this.adopt = adopt;
    // What an accept without a descriptor left needs must be there by then: loading a class may
    // take one.
    var _ = Failures.ofCall("accept", subject, new IOException("Too many open files"));
  }

  @Override
  void submit(Operation operation) {
    switch (operation.code()) {
      case ACCEPT, ACCEPT_MULTISHOT -> {
        waiting.add(operation);
        if (mayAccept) {
          schedule();
        } else {
          want(SelectionKey.OP_ACCEPT);
        }
      }
      default ->
          outcomes.queueFailure(
              operation, Failures.misdirected(operation.code(), "a listening socket"));
    }
  }

  @Override
  void ready(int ops) {
    mayAccept = true;
    if (waiting.isEmpty()) {
      unwant(
          SelectionKey.OP_ACCEPT); // nobody accepts at present, perhaps to back off from a failure
    } else {
      schedule();
    }
  }

  @Override
  boolean canProceed() {
    return mayAccept && !waiting.isEmpty();
  }

  @Override
  boolean proceed() {
    var operation = waiting.peek();
    if (operation == null) {
      return false; // cancelled since it was scheduled
    }
    NioSocket socket;
    try {
      socket = accept();
    } catch (IOException | RuntimeException e) {
      if (Errnos.of(e) == Errno.ECONNABORTED.number()) {
        return false; // whoever it was has given up; the next may be waiting
      }
      waiting.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    if (socket == null) {
      mayAccept = false;
      want(SelectionKey.OP_ACCEPT);
      return false;
    }
    operation.setNewDescriptor(socket);
    if (operation.code() == OpCode.ACCEPT_MULTISHOT) {
      outcomes.resolveMore(
          operation, 0); // may cancel the operation: nothing of it is touched after this
    } else {
      waiting.poll();
      outcomes.resolve(operation, 0);
    }
    return true;
  }

  private NioSocket accept() throws IOException {
    var accepted = channel.accept();
    if (accepted == null) {
      return null;
    }
    try {
      accepted.configureBlocking(false);
      return adopt.apply(Errors.format((InetSocketAddress) accepted.getRemoteAddress()), accepted);
    } catch (IOException | RuntimeException e) {
      accepted.close();
      throw e;
    }
  }

  @Override
  void cancel(Operation operation) {
    if (waiting.remove(operation)) {
      outcomes.queueCancelled(operation);
    }
  }

  @Override
  void cancelAll() {
    outcomes.queueCancelled(waiting);
  }
}
