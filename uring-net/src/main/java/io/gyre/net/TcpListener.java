package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.PollSource;
import io.gyre.Registration;
import io.gyre.driver.AcceptFlags;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.LoopFuture;
import io.gyre.driver.MovingSocket;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import io.gyre.driver.RateLimitedLog;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.channels.AcceptPendingException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A socket that accepts TCP connections, IPv4 or IPv6. Belongs to one loop, and so do the connections that it accepts.
 * For all loops of a runtime there is {@link TcpServer}.
 *
 * <p>With a {@linkplain ListenOptions#maxConnections() bound} it accepts while fewer of its connections are open, and then
 * leaves the rest in the backlog until one is closed. The bound is kept exactly: each connection is accepted by an
 * operation of its own, since a multishot accept takes all that wait before anybody can say stop. So a listener with a
 * bound takes one connection a turn, one without all that there are.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_ACCEPT with
 *     IORING_ACCEPT_MULTISHOT (kernel 5.19)</a>
 */
public final class TcpListener implements AutoCloseable {
  private static final Completion ON_ACCEPT = TcpListener::acceptCompleted;
  private static final Duration BACK_OFF = Duration.ofMillis(100);
  private static final Duration WARNING_INTERVAL = Duration.ofSeconds(10);

  private final EventLoop loop;
  private final OperationDispatcher dispatcher;
  private final Descriptor descriptor;
  private final PollSource pollSource;
  private final InetSocketAddress localAddress;
  private final ListenOptions options;

  // The loop's thread only.
  private int open; // connections accepted and not closed yet, if there is a bound on them
  private Operation parked; // an accept that waits until there are fewer, or null
  private Placement placement; // null where all connections are this loop's
  private boolean each;
  private boolean backingOff;
  private final Runnable onClosing = this::arm;
  private final RateLimitedLog backOffLog = new RateLimitedLog(TcpListener.class, WARNING_INTERVAL);
  private CompletionHandler<TcpStream, Object> handler;
  private Object attachment;
  private OperationScope scope;

  private TcpListener(
      EventLoop loop,
      Descriptor descriptor,
      InetSocketAddress localAddress,
      ListenOptions options) {
    this.loop = loop;
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
    this.pollSource = PollSource.of(loop, descriptor);
    this.localAddress = localAddress;
    this.options = options;
  }

  /**
   * Listens on one of a runtime's loops, and waits until it does.
   *
   * @param runtime whose {@link IoRuntime#loop()} the listener will belong to
   * @param address where; port 0 lets the system choose
   * @return a listener that does not accept yet: see {@link #acceptEach}
   * @throws java.net.BindException when the address is in use, is not this machine's, or is not allowed
   * @throws IOException for any other reason that the system names
   * @throws UnresolvedAddressException for an unresolved address
   * @throws IllegalStateException on a loop's thread
   */
  public static TcpListener bind(IoRuntime runtime, InetSocketAddress address) throws IOException {
    return bind(runtime, address, ListenOptions.DEFAULT);
  }

  /**
   * Listens on one of a runtime's loops, and waits until it does.
   *
   * @param runtime whose {@link IoRuntime#loop()} the listener will belong to
   * @param address where; port 0 lets the system choose
   * @param options how
   * @return a listener that does not accept yet: see {@link #acceptEach}
   * @throws IOException as for {@link #bind(IoRuntime, InetSocketAddress)}
   * @throws UnsupportedOperationException for a socket option that the driver does not know
   */
  public static TcpListener bind(
      IoRuntime runtime, InetSocketAddress address, ListenOptions options) throws IOException {
    return bind(runtime.loop(), address, options);
  }

  /**
   * Listens on a chosen loop, and waits until it does.
   *
   * @param loop whose the listener will be
   * @param address where; port 0 lets the system choose
   * @param options how
   * @return a listener that does not accept yet: see {@link #acceptEach}
   * @throws IOException as for {@link #bind(IoRuntime, InetSocketAddress)}
   * @throws UnsupportedOperationException for a socket option that the driver does not know
   */
  public static TcpListener bind(EventLoop loop, InetSocketAddress address, ListenOptions options)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(bindAsync(loop, address, options));
  }

  /**
   * Listens on a chosen loop.
   *
   * @param loop whose the listener will be
   * @param address where; port 0 lets the system choose
   * @param options how
   * @return completes with a listener that does not accept yet: see {@link #acceptEach}
   */
  public static CompletableFuture<TcpListener> bindAsync(
      EventLoop loop, InetSocketAddress address, ListenOptions options) {
    Objects.requireNonNull(options, "options");
    if (address.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
    var future = new LoopFuture<TcpListener>();
    loop.execute(
        () -> {
          try {
            var driver = loop.dispatcher().driver();
            tryStreamOptions(loop, address, options);
            var socket =
                driver.listen(
                    new ListenRequest(
                        address,
                        options.backlog(),
                        options.reuseAddress(),
                        options.reusePort(),
                        options.options()));
            var listener = new TcpListener(loop, socket, driver.localAddress(socket), options);
            if (!future.complete(listener)) {
              loop.dispatcher().discard(socket); // cancelled meanwhile: nobody takes it
            }
          } catch (IOException | RuntimeException e) {
            future.completeExceptionally(e);
          }
        });
    return future;
  }

  /** Who asks for what no connection can have is to learn it now, and not from each connection. */
  private static void tryStreamOptions(
      EventLoop loop, InetSocketAddress address, ListenOptions options) throws IOException {
    if (!options.streamOptions().isEmpty()) {
      var socket = loop.dispatcher().driver().socket(address);
      try {
        setOptions(loop, socket, options.streamOptions());
      } finally {
        loop.dispatcher().discard(socket);
      }
    }
  }

  @SuppressWarnings("unchecked") // ListenOptions has checked the types
  private static void setOptions(
      EventLoop loop, Descriptor socket, Map<SocketOption<?>, Object> options) throws IOException {
    for (var option : options.entrySet()) {
      loop.dispatcher()
          .driver()
          .setOption(socket, (SocketOption<Object>) option.getKey(), option.getValue());
    }
  }

  /**
   * The loop that the listener, and what it accepts, belongs to.
   *
   * @return the loop
   */
  public EventLoop loop() {
    return loop;
  }

  /**
   * Where it listens.
   *
   * @return address and port, also when the system chose the port
   */
  public InetSocketAddress localAddress() {
    return localAddress;
  }

  /**
   * Whether it was not closed yet, by its user or by the end of the runtime. Any thread; on another than the loop's the
   * answer may be a moment old.
   *
   * @return false from the moment on that the loop has begun to close it
   */
  public boolean isOpen() {
    return descriptor.isOpen();
  }

  /**
   * The socket options that {@link #setOption} and {@link #getOption} know here. Any thread.
   *
   * @return never changed
   */
  public Set<SocketOption<?>> supportedOptions() {
    return descriptor.supportedOptions();
  }

  /**
   * Sets a socket option. What Linux lets a connection inherit, most of them, those have that are established from now on.
   * Any thread; on another than the loop's this is done behind what that thread has started before.
   *
   * @param option one of {@link #supportedOptions()}
   * @param value its value
   * @param <T> the value's type
   * @return completes when it is set; fails as for {@link TcpStream#setOption}
   * @throws IllegalArgumentException when the value is out of the option's range
   * @throws UnsupportedOperationException for an option that can only be read
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <T> CompletableFuture<Void> setOption(SocketOption<T> option, T value) {
    return OptionAccess.set(loop, descriptor, option, value);
  }

  /**
   * Reads a socket option. Any thread, as for {@link #setOption}.
   *
   * @param option one of {@link #supportedOptions()}
   * @param <T> the value's type
   * @return completes with what the system has made of it; fails as {@link #setOption} does
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <T> CompletableFuture<T> getOption(SocketOption<T> option) {
    return OptionAccess.get(loop, descriptor, option);
  }

  /**
   * Accepts every connection until the listener is closed. When this process has no descriptors left it logs that,
   * pauses for a moment and goes on. At the bound on connections it pauses until one is closed.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread for each connection, which it then owns and must close; {@code failed}
   *     is the last call
   * @param <A> the attachment's type
   * @throws AcceptPendingException when the listener is accepting already; from another thread than the loop's this
   *     comes to the handler
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void acceptEach(A attachment, CompletionHandler<TcpStream, ? super A> handler) {
    accept(true, attachment, handler, null);
  }

  /** The same for connections of several loops; the handler is called on that of the connection, or with the failure. */
  <A> void acceptEach(
      A attachment, CompletionHandler<TcpStream, ? super A> handler, Placement where) {
    accept(true, attachment, handler, where);
  }

  /**
   * Accepts one connection.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the connection, which it then owns and must close
   * @param <A> the attachment's type
   * @throws AcceptPendingException when the listener is accepting already; from another thread than the loop's this
   *     comes to the handler
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void accept(A attachment, CompletionHandler<TcpStream, ? super A> handler) {
    accept(false, attachment, handler, null);
  }

  /**
   * Accepts one connection.
   *
   * @return completes with the connection, which the caller owns and must close
   */
  public CompletableFuture<TcpStream> acceptAsync() {
    return IoFuture.start(loop, future -> accept(future, FutureHandler.of()));
  }

  @SuppressWarnings(
      "unchecked") // the handler is called with the attachment given along, and no other
  private <A> void accept(
      boolean all, A with, CompletionHandler<TcpStream, ? super A> then, Placement where) {
    Objects.requireNonNull(then, "handler");
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              accept(all, with, then, where);
            } catch (AcceptPendingException e) {
              then.failed(e, with);
            }
          });
      return;
    }
    if (handler != null) {
      throw new AcceptPendingException();
    }
    handler = (CompletionHandler<TcpStream, Object>) then;
    attachment = with;
    each = all;
    placement = where;
    scope = dispatcher.scope();
    arm();
  }

  private void arm() {
    backingOff = false;
    descriptor.unwatchClosing(onClosing);
    var code = each && !isBounded() ? OpCode.ACCEPT_MULTISHOT : OpCode.ACCEPT;
    var accept = dispatcher.acquire(code, descriptor, ON_ACCEPT, this, null);
    if (placement != null) {
      accept.flags(AcceptFlags.TO_MOVE);
    }
    // In the scope that accepting was started in, whatever made it start again.
    if (open < options.maxConnections()) {
      dispatcher.submitIn(accept, scope);
    } else {
      park(accept);
    }
  }

  private boolean isBounded() {
    return options.maxConnections() != ListenOptions.UNLIMITED;
  }

  /** It counts as under way, so that closes and cancellations find it, but no driver has it. */
  private void park(Operation accept) {
    var outer = dispatcher.scope();
    dispatcher.setScope(scope);
    try {
      parked = dispatcher.park(accept) ? accept : null;
    } finally {
      dispatcher.setScope(outer);
    }
  }

  /** There is one connection fewer. Any thread. */
  private void connectionClosed() {
    if (!loop.inLoop()) {
      try {
        loop.execute(this::connectionClosed);
      } catch (ShutdownChannelGroupException e) {
        // It accepts nothing any more.
      }
      return;
    }
    open--;
    var accept = parked;
    if (accept != null) {
      parked = null;
      dispatcher.submitParked(accept);
    }
  }

  private static void acceptCompleted(Operation operation, int result) {
    ((TcpListener) operation.handler()).acceptOutcome(operation, result);
  }

  private void acceptOutcome(Operation operation, int result) {
    if (result >= 0) {
      deliver(operation);
      return;
    }
    parked = null;
    if (!descriptor.isClosing()) {
      switch (Errno.of(-result)) {
        case ECONNABORTED, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, EINTR, EAGAIN -> {
          arm(); // that connection failed before it was accepted: accept(2) says to go on
          return;
        }
        case EMFILE, ENFILE, ENOBUFS, ENOMEM -> {
          backOff(operation.failure(result));
          return;
        }
        case null, default -> {}
      }
    }
    finish(operation.failure(result));
  }

  private void deliver(Operation operation) {
    var then = handler;
    var with = attachment;
    var socket = operation.newDescriptor();
    if (isBounded()) {
      open++;
    }
    if (each && !operation.hasMore()) {
      arm(); // before the handler, so that it may cancel that
    }
    if (placement != null) {
      move(socket, then, with);
      return;
    }
    var stream = take(loop, socket);
    if (stream == null) {
      if (!each) {
        arm();
      }
      return;
    }
    if (!each) {
      handler = null;
      attachment = null;
    }
    then.completed(stream, with);
  }

  /**
   * Makes a stream of what was accepted. On the thread of the loop that has it.
   *
   * @return null when the peer is gone already, and with it its address: nobody takes this connection
   */
  private TcpStream take(EventLoop of, Descriptor socket) {
    if (isBounded()) {
      CloseWatch.add(of.dispatcher(), socket, this::connectionClosed);
    }
    var driver = of.dispatcher().driver();
    try {
      setOptions(of, socket, options.streamOptions());
      return new TcpStream(of, socket, driver.localAddress(socket), driver.remoteAddress(socket));
    } catch (IOException e) {
      of.dispatcher().discard(socket);
      return null;
    }
  }

  // ---- connections of other loops

  /**
   * Brings a connection to the loop that is to have it, through that one's inbox: what this thread has done to it
   * happens before what that one does.
   */
  private void move(Descriptor socket, CompletionHandler<TcpStream, Object> then, Object with) {
    var target = placement.next();
    var moving = dispatcher.driver().detach(socket);
    if (target == loop) {
      arrive(target, moving, then, with);
      return;
    }
    try {
      target.execute(() -> arrive(target, moving, then, with));
    } catch (ShutdownChannelGroupException e) {
      lost(target, moving);
    }
  }

  private void arrive(
      EventLoop target,
      MovingSocket moving,
      CompletionHandler<TcpStream, Object> then,
      Object with) {
    Descriptor socket;
    try {
      socket = target.dispatcher().driver().attach(moving);
    } catch (ShutdownChannelGroupException e) { // it has ended meanwhile
      lost(target, moving);
      return;
    }
    var stream = take(target, socket);
    if (stream == null) {
      placement.lost(target);
    } else {
      then.completed(stream, with);
    }
  }

  private void lost(EventLoop target, MovingSocket moving) {
    moving.close();
    placement.lost(target);
    if (isBounded()) {
      connectionClosed();
    }
  }

  private void backOff(Throwable cause) {
    backingOff = true;
    // Nothing is in flight that would tell the handler of a close. An accept on a closing
    // descriptor fails, which does.
    descriptor.watchClosing(onClosing);
    loop.schedule(
        BACK_OFF,
        () -> {
          if (backingOff) {
            arm();
          }
        });
    // Last: a class that it needs may not be had without a descriptor.
    backOffLog.warn("{} pauses accepting: {}", this, cause.getMessage());
  }

  private void finish(Throwable cause) {
    var then = handler;
    var with = attachment;
    handler = null;
    attachment = null;
    scope = null;
    then.failed(cause, with);
  }

  /**
   * Asks that accepting be cancelled: its handler fails, and the listener stays open. Any thread; on another than the
   * loop's this covers what that thread has started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public void cancelAll() {
    if (!loop.inLoop()) {
      loop.execute(this::cancelAll);
    } else {
      if (backingOff) {
        arm(); // nothing is in flight on the handler's behalf: this is, and ends at once
      }
      dispatcher.cancelAll(descriptor);
    }
  }

  /**
   * Waits until the listener is ready, once. Any thread; an accept under way at the same time may take what the
   * event announced.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link io.gyre.Readiness}
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   * @see PollSource
   */
  public <A> void poll(Interest interest, A attachment, IoHandler<? super A> handler) {
    pollSource.poll(interest, attachment, handler);
  }

  /**
   * Waits until the listener is ready, once.
   *
   * @param interest what to wait for
   * @return completes with a mask for {@link io.gyre.Readiness}; cancelling it cancels the poll
   */
  public CompletableFuture<Integer> pollAsync(Interest interest) {
    return pollSource.pollAsync(interest);
  }

  /**
   * Reports readiness until it is cancelled or the listener is closed. Any thread. How often, see {@link PollSource}.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link io.gyre.Readiness}; {@code failed} is
   *     the last call
   * @param <A> the attachment's type
   * @return what cancels it
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> Registration pollMultishot(
      Interest interest, A attachment, IoHandler<? super A> handler) {
    return pollSource.pollMultishot(interest, attachment, handler);
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  /**
   * Stops listening. A connection that is accepted at this moment still goes to the handler.
   *
   * @return completes when the port is free
   */
  public CompletableFuture<Void> closeAsync() {
    return Futures.closing(
        future ->
            loop.execute(
                () ->
                    dispatcher.close(
                        descriptor, true, Operation.NOTIFY, FutureHandler.VOID, future)));
  }

  /**
   * Stops listening, and waits until the port is free; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  @Override
  public String toString() {
    return "listener on " + localAddress;
  }
}
