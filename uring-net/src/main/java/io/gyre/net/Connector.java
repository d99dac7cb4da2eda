package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errors;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Map;

/**
 * One socket on its way to one address: opened, set up, bound and connected; whatever goes wrong, it is closed. Confined
 * to the loop's thread.
 *
 * @param <A> the attachment's type
 */
final class Connector<A> {
  private static final Completion ON_CONNECT =
      (operation, result) -> ((Connector<?>) operation.attachment()).connected(operation, result);

  /** The token of no operation: the upper half of a real one is never negative. */
  private static final long NONE = -1;

  private final EventLoop loop;
  private final InetSocketAddress remote;
  private final ConnectOptions options;
  private final A attachment;
  private final CompletionHandler<TcpStream, ? super A> handler;
  private OperationScope scope;
  private long token = NONE;
  private boolean endedByScope;

  Connector(
      EventLoop loop,
      InetSocketAddress remote,
      ConnectOptions options,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    this.loop = loop;
    this.remote = remote;
    this.options = options;
    this.attachment = attachment;
    this.handler = handler;
  }

  /** Whether a socket can be bound to the one and connected to the other. */
  static boolean areOfOneFamily(InetSocketAddress one, InetSocketAddress other) {
    return one.getAddress() instanceof Inet6Address == other.getAddress() instanceof Inet6Address;
  }

  InetSocketAddress remote() {
    return remote;
  }

  /** Whether it was the caller's scope that has ended it, in which nothing more can be started. */
  boolean isEndedByScope() {
    return endedByScope;
  }

  /**
   * Begins. Opening the socket may fail at once, and then the handler is called here: this is for a task of its own.
   *
   * @param value what the operation is to be in, or null
   */
  void start(OperationScope value) {
    scope = value;
    var dispatcher = loop.dispatcher();
    Descriptor socket = null;
    try {
      socket = dispatcher.driver().socket(remote);
      prepare(socket);
    } catch (IOException | RuntimeException e) {
      if (socket != null) {
        dispatcher.discard(socket);
      }
      handler.failed(e, attachment);
      return;
    }
    var operation =
        dispatcher.acquire(OpCode.CONNECT, socket, ON_CONNECT, null, this).argument(remote);
    token = operation.token();
    dispatcher.submitIn(operation, scope);
  }

  private void prepare(Descriptor socket) throws IOException {
    for (var option : options.options().entrySet()) {
      set(socket, option);
    }
    var local = options.localAddress();
    if (local == null) {
      return;
    }
    if (!areOfOneFamily(local, remote)) {
      throw new SocketException(
          "connect "
              + Errors.format(remote)
              + ": can't be reached from "
              + Errors.format(local)
              + ", which is of another address family");
    }
    loop.dispatcher().driver().bind(socket, local);
  }

  @SuppressWarnings(
      "unchecked") // ConnectOptions has checked that each value is of its option's type
  private void set(Descriptor socket, Map.Entry<SocketOption<?>, Object> option)
      throws IOException {
    loop.dispatcher()
        .driver()
        .setOption(socket, (SocketOption<Object>) option.getKey(), option.getValue());
  }

  /** Asks that it end. The handler is told, of a connection too, if that was quicker. */
  void cancel() {
    if (token != NONE) {
      loop.dispatcher().cancel(token);
    }
  }

  private void connected(Operation operation, int result) {
    token = NONE;
    var socket = operation.descriptor();
    var dispatcher = loop.dispatcher();
    if (result < 0) {
      var failure = operation.failure(result);
      endedByScope = scope != null && scope.refusal(operation) != null;
      dispatcher.discard(socket);
      handler.failed(failure, attachment);
      return;
    }
    TcpStream stream;
    try {
      stream = new TcpStream(loop, socket, dispatcher.driver().localAddress(socket), remote);
    } catch (IOException | ShutdownChannelGroupException e) {
      dispatcher.discard(socket);
      handler.failed(e, attachment);
      return;
    }
    handler.completed(stream, attachment);
  }
}
