package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.CompletionHandler;
import java.nio.channels.UnresolvedAddressException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A TCP connection, IPv4 or IPv6.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_CONNECT</a>
 */
public final class TcpStream extends SocketStream {
  private final InetSocketAddress remoteAddress;
  private final InetSocketAddress localAddress;

  TcpStream(
      EventLoop loop, Descriptor descriptor, InetSocketAddress local, InetSocketAddress remote) {
    super(loop, descriptor);
    this.localAddress = local;
    this.remoteAddress = remote;
  }

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
    requireResolved(remote);
    var connector = new Connector<A>(loop, remote, ConnectOptions.DEFAULT, attachment, handler);
    var scope = OperationScope.current();
    // Always as a task: opening the socket may fail at once, and no outcome comes inside this call.
    loop.execute(() -> connector.start(scope));
  }

  // ---- with options

  /**
   * Connects as the options say, and waits.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param remote the peer, resolved
   * @param options how: time limit, local address, socket options
   * @return a connected stream
   * @throws java.net.SocketTimeoutException when the options' time is over
   * @throws java.net.BindException when the local address is in use, or not this machine's
   * @throws UnsupportedOperationException for a socket option that the driver does not have
   * @throws IOException as for {@link #connect(IoRuntime, InetSocketAddress)}
   * @throws UnresolvedAddressException for an unresolved address
   * @throws IllegalStateException on a loop's thread
   */
  public static TcpStream connect(
      IoRuntime runtime, InetSocketAddress remote, ConnectOptions options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(connectAsync(runtime, remote, options));
  }

  /**
   * Connects as the options say.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param remote the peer, resolved
   * @param options how: time limit, local address, socket options
   * @return completes with a connected stream, or fails as {@link #connect(IoRuntime, InetSocketAddress, ConnectOptions)}
   *     does; cancelling it cancels the connect
   * @throws UnresolvedAddressException for an unresolved address
   */
  public static CompletableFuture<TcpStream> connectAsync(
      IoRuntime runtime, InetSocketAddress remote, ConnectOptions options) {
    Objects.requireNonNull(options, "options");
    requireResolved(remote);
    var loop = runtime.loop();
    return ConnectRace.connectAsync(
        loop, future -> new ConnectRace<>(loop, remote, options, null, future));
  }

  /**
   * Connects on a chosen loop as the options say.
   *
   * @param loop whose the stream will be
   * @param remote the peer, resolved
   * @param options how: time limit, local address, socket options
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @throws UnresolvedAddressException for an unresolved address
   */
  public static <A> void connect(
      EventLoop loop,
      InetSocketAddress remote,
      ConnectOptions options,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    Objects.requireNonNull(options, "options");
    requireResolved(remote);
    new ConnectRace<A>(loop, remote, options, attachment, handler).begin();
  }

  private static void requireResolved(InetSocketAddress remote) {
    if (remote.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
  }

  // ---- to a name

  /**
   * Connects to a host by its name, and waits. The name is resolved by the system, on a thread of {@link
   * IoRuntime#blocking}. Of several addresses those of IPv6 and IPv4 are tried in turn, the next when an attempt has failed
   * or has had its {@linkplain ConnectOptions#attemptDelay() time}; the first that answers wins, and the other attempts are
   * cancelled.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param host a name, or an address in its usual form
   * @param port 0 to 65535
   * @param options how: time limit of all of it, local address, socket options, time between attempts
   * @return a connected stream; {@link #remoteAddress()} tells which address it was
   * @throws java.net.UnknownHostException when the name has no address
   * @throws java.net.ConnectException when no address could be connected to: what the first attempt failed with is its
   *     cause, what the others did is suppressed
   * @throws java.net.SocketTimeoutException when the options' time is over; it names the addresses that were tried
   * @throws UnsupportedOperationException for a socket option that the driver does not have
   * @throws IOException when no address is of the local address's family
   * @throws java.util.concurrent.RejectedExecutionException when the blocking pool is full
   * @throws IllegalArgumentException for an empty name, or a port out of range
   * @throws IllegalStateException on a loop's thread
   */
  public static TcpStream connect(IoRuntime runtime, String host, int port, ConnectOptions options)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(connectAsync(runtime, host, port, options));
  }

  /**
   * Connects to a host by its name.
   *
   * @param runtime whose {@link IoRuntime#loop()} the stream will belong to
   * @param host a name, or an address in its usual form
   * @param port 0 to 65535
   * @param options how: time limit of all of it, local address, socket options, time between attempts
   * @return completes with a connected stream, or fails as {@link #connect(IoRuntime, String, int, ConnectOptions)} does;
   *     cancelling it cancels all attempts, and does not wait for the name's lookup, which a {@link io.gyre.CancelScope}
   *     does
   * @throws IllegalArgumentException for an empty name, or a port out of range
   */
  public static CompletableFuture<TcpStream> connectAsync(
      IoRuntime runtime, String host, int port, ConnectOptions options) {
    return connectAsync(runtime.loop(), NameResolver.SYSTEM, host, port, options);
  }

  /** The same with names from elsewhere: for tests. */
  static CompletableFuture<TcpStream> connectAsync(
      EventLoop loop, NameResolver resolver, String host, int port, ConnectOptions options) {
    Objects.requireNonNull(options, "options");
    return ConnectRace.connectAsync(
        loop, future -> new ConnectRace<>(loop, resolver, host, port, options, null, future));
  }

  /**
   * Connects on a chosen loop to a host by its name.
   *
   * @param loop whose the stream will be
   * @param host a name, or an address in its usual form
   * @param port 0 to 65535
   * @param options how: time limit of all of it, local address, socket options, time between attempts
   * @param attachment given to the handler
   * @param handler called on the loop's thread; what it is told of failures, see {@link #connect(IoRuntime, String, int,
   *     ConnectOptions)}
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for an empty name, or a port out of range
   */
  public static <A> void connect(
      EventLoop loop,
      String host,
      int port,
      ConnectOptions options,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    Objects.requireNonNull(options, "options");
    new ConnectRace<A>(loop, NameResolver.SYSTEM, host, port, options, attachment, handler).begin();
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
