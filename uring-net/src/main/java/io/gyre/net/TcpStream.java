package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A TCP connection, IPv4 or IPv6.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_CONNECT</a>
 */
public final class TcpStream extends SocketStream {
  private static final Completion ON_CONNECT = TcpStream::connected;

  private final InetSocketAddress remoteAddress;
  private final InetSocketAddress localAddress;

  TcpStream(
      EventLoop loop, Descriptor descriptor, InetSocketAddress local, InetSocketAddress remote) {
    super(loop, descriptor);
    this.localAddress = local;
    this.remoteAddress = remote;
  }

  /** What a connect needs until it ends. */
  private record Connecting<A>(
      EventLoop loop,
      InetSocketAddress remote,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {}

  /**
   * Connects, and waits.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param remote the peer, resolved
   * @return a connected stream
   * @throws java.net.ConnectException when nobody listens there
   * @throws java.net.NoRouteToHostException when there is no way there
   * @throws java.net.SocketTimeoutException when the peer does not answer, by the system's time-out
   * @throws IOException for any other reason that the system names
   * @throws UnresolvedAddressException for an unresolved address
   * @throws IllegalStateException on a loop's thread
   */
  public static TcpStream connect(IoRuntime runtime, InetSocketAddress remote) throws IOException {
    Futures.requireMayWait();
    return Futures.await(connectAsync(runtime, remote));
  }

  /**
   * Connects.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param remote the peer, resolved
   * @return completes with a connected stream
   * @throws UnresolvedAddressException for an unresolved address
   */
  public static CompletableFuture<TcpStream> connectAsync(
      IoRuntime runtime, InetSocketAddress remote) {
    var loop = runtime.loop();
    return IoFuture.start(loop, future -> connect(loop, remote, future, FutureHandler.of()));
  }

  /**
   * Connects on a chosen loop.
   *
   * @param loop whose the stream will be
   * @param remote the peer, resolved
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @throws UnresolvedAddressException for an unresolved address
   */
  public static <A> void connect(
      EventLoop loop,
      InetSocketAddress remote,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (remote.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
    var connecting = new Connecting<A>(loop, remote, attachment, handler);
    // Always as a task: opening the socket may fail at once, and no outcome comes inside this call.
    loop.execute(() -> startConnect(connecting));
  }

  private static <A> void startConnect(Connecting<A> connecting) {
    var dispatcher = connecting.loop.dispatcher();
    Descriptor socket;
    try {
      socket = dispatcher.driver().socket(connecting.remote);
    } catch (IOException | ShutdownChannelGroupException e) {
      connecting.handler.failed(e, connecting.attachment);
      return;
    }
    dispatcher.submit(
        dispatcher
            .acquire(OpCode.CONNECT, socket, ON_CONNECT, null, connecting)
            .argument(connecting.remote));
  }

  @SuppressWarnings("unchecked") // the attachment was made by connect
  private static void connected(Operation operation, int result) {
    var connecting = (Connecting<Object>) operation.attachment();
    var socket = operation.descriptor();
    var dispatcher = connecting.loop.dispatcher();
    if (result < 0) {
      var failure = operation.failure(result);
      dispatcher.discard(socket);
      connecting.handler.failed(failure, connecting.attachment);
      return;
    }
    try {
      var local = dispatcher.driver().localAddress(socket);
      var stream = new TcpStream(connecting.loop, socket, local, connecting.remote);
      connecting.handler.completed(stream, connecting.attachment);
    } catch (IOException e) {
      dispatcher.discard(socket);
      connecting.handler.failed(e, connecting.attachment);
    }
  }

  /**
   * The peer's address.
   *
   * @return address and port
   */
  public InetSocketAddress remoteAddress() {
    return remoteAddress;
  }

  /**
   * This end's address.
   *
   * @return address and port
   */
  public InetSocketAddress localAddress() {
    return localAddress;
  }

  @Override
  public String toString() {
    return "tcp " + localAddress + " to " + remoteAddress;
  }
}
