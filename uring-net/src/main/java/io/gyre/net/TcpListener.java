package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.PollSource;
import io.gyre.Registration;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
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
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A socket that accepts TCP connections, IPv4 or IPv6. Belongs to one loop, and so do the connections that it accepts.
 *
 * <p>To accept on every loop, bind one listener for each with {@link Options#reusePort()}: the kernel spreads the
 * connections.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_ACCEPT with
 *     IORING_ACCEPT_MULTISHOT (kernel 5.19)</a>
 */
public final class TcpListener implements AutoCloseable {
  private static final Completion ON_ACCEPT = TcpListener::acceptCompleted;
  private static final Duration BACK_OFF = Duration.ofMillis(100);
  private static final Duration WARNING_INTERVAL = Duration.ofSeconds(10);

  /**
   * How to listen.
   *
   * @param backlog how many connections may wait to be accepted, from 1; the system has a bound of its own
   * @param reusePort whether several listeners may share the port, SO_REUSEPORT
   */
  public record Options(int backlog, boolean reusePort) {
    /** A backlog of 1024, and a port of one's own. */
    public static final Options DEFAULT = new Options(1024, false);

    /** Checks the range. */
    public Options {
      if (backlog < 1) {
        throw new IllegalArgumentException("backlog must be at least 1: " + backlog);
      }
    }
  }

  private final EventLoop loop;
  private final OperationDispatcher dispatcher;
  private final Descriptor descriptor;
  private final PollSource pollSource;
  private final InetSocketAddress localAddress;

  // The loop's thread only.
  private boolean each;
  private boolean backingOff;
  private final Runnable onClosing = this::arm;
  private final RateLimitedLog backOffLog = new RateLimitedLog(TcpListener.class, WARNING_INTERVAL);
  private CompletionHandler<TcpStream, Object> handler;
  private Object attachment;
  private OperationScope scope;

  private TcpListener(EventLoop loop, Descriptor descriptor, InetSocketAddress localAddress) {
    this.loop = loop;
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
    this.pollSource = PollSource.of(loop, descriptor);
    this.localAddress = localAddress;
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
    return bind(runtime.loop(), address, Options.DEFAULT);
  }

  /**
   * Listens on a chosen loop, and waits until it does.
   *
   * @param loop whose the listener will be
   * @param address where; port 0 lets the system choose
   * @param options how
   * @return a listener that does not accept yet: see {@link #acceptEach}
   * @throws IOException as for {@link #bind(IoRuntime, InetSocketAddress)}
   */
  public static TcpListener bind(EventLoop loop, InetSocketAddress address, Options options)
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
      EventLoop loop, InetSocketAddress address, Options options) {
    Objects.requireNonNull(options, "options");
    if (address.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
    var future = new CompletableFuture<TcpListener>();
    loop.execute(
        () -> {
          try {
            var driver = loop.dispatcher().driver();
            var socket = driver.listen(address, options.backlog(), options.reusePort());
            var listener = new TcpListener(loop, socket, driver.localAddress(socket));
            if (!future.complete(listener)) {
              loop.dispatcher().discard(socket); // cancelled meanwhile: nobody takes it
            }
          } catch (IOException | RuntimeException e) {
            future.completeExceptionally(e);
          }
        });
    return future;
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
   * pauses for a moment and goes on.
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
    accept(true, attachment, handler);
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
    accept(false, attachment, handler);
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
  private <A> void accept(boolean all, A with, CompletionHandler<TcpStream, ? super A> then) {
    Objects.requireNonNull(then, "handler");
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              accept(all, with, then);
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
    scope = dispatcher.scope();
    arm();
  }

  private void arm() {
    backingOff = false;
    descriptor.unwatchClosing(onClosing);
    // In the scope that accepting was started in, whatever made it start again.
    var code = each ? OpCode.ACCEPT_MULTISHOT : OpCode.ACCEPT;
    dispatcher.submitIn(dispatcher.acquire(code, descriptor, ON_ACCEPT, this, null), scope);
  }

  private static void acceptCompleted(Operation operation, int result) {
    ((TcpListener) operation.handler()).acceptOutcome(operation, result);
  }

  private void acceptOutcome(Operation operation, int result) {
    if (result >= 0) {
      deliver(operation);
      return;
    }
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
    if (!operation.hasMore()) {
      handler = null;
      attachment = null;
    }
    var socket = operation.newDescriptor();
    var driver = dispatcher.driver();
    TcpStream stream;
    try {
      stream =
          new TcpStream(loop, socket, driver.localAddress(socket), driver.remoteAddress(socket));
    } catch (IOException e) {
      // The peer is gone already, and with it its address. Nobody takes this connection.
      dispatcher.discard(socket);
      if (!operation.hasMore()) {
        handler = then;
        attachment = with;
        arm();
      }
      return;
    }
    then.completed(stream, with);
  }

  private void backOff(Throwable cause) {
    backOffLog.warn("{} pauses accepting: {}", this, cause.getMessage());
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
    var future = new CompletableFuture<Void>();
    try {
      loop.execute(
          () -> dispatcher.close(descriptor, true, Operation.NOTIFY, FutureHandler.VOID, future));
    } catch (ShutdownChannelGroupException e) {
      future.complete(null); // the runtime's end has closed it
    }
    return future;
  }

  /**
   * Stops listening, and waits until the port is free; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    var done = closeAsync();
    if (EventLoop.current() == null) {
      Futures.await(done);
    }
  }

  @Override
  public String toString() {
    return "listener on " + localAddress;
  }
}
