package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.PollSource;
import io.gyre.Registration;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A TCP connection, IPv4 or IPv6.
 *
 * <p>It belongs to one {@linkplain #loop() loop} for life: handlers run on that loop's thread and must not block. Any
 * thread may call; from the loop's thread it costs no hop and, with pooled buffers, allocates nothing.
 *
 * <p>Data comes in one of two ways, one at a time: {@link #receiveEach} hands over each piece in a buffer of the
 * runtime as it arrives, and holds no memory while nothing does; {@link #read(ByteBuffer, Object, IoHandler)} fills a
 * buffer of the caller's once.
 *
 * <p>Writes go out in the order in which they were called, and each completes when all of its bytes are with the
 * system. From the call to the outcome the buffer is the kernel's: its content and position must not be touched; the
 * outcome moves the position to the limit.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_RECV with
 *     IORING_RECV_MULTISHOT (kernel 6.0), IORING_OP_SEND, IORING_OP_CONNECT, IORING_OP_SHUTDOWN</a>
 */
public final class TcpStream implements AutoCloseable {
  private static final Completion ON_CONNECT = TcpStream::connected;
  private static final Completion ON_RECEIVE = TcpStream::receiveCompleted;
  private static final Completion ON_READ = TcpStream::readCompleted;
  private static final Completion ON_WRITE = TcpStream::writeCompleted;

  /** What reading is under way. */
  private enum Reading {
    NOTHING,
    ONCE,
    EACH,
    PAUSING,
    PAUSED
  }

  private final EventLoop loop;
  private final OperationDispatcher dispatcher;
  private final Descriptor descriptor;
  private final PollSource pollSource;
  private final InetSocketAddress remoteAddress;
  private final InetSocketAddress localAddress;

  // The loop's thread only.
  private Reading reading = Reading.NOTHING;
  private ReceiveHandler<Object> receiver;
  private Object receiverAttachment;
  private OperationScope receiverScope;
  private final Runnable onClosing = this::armReceive;
  private Operation receiveOperation;
  private boolean resumeOncePaused;
  private int writesInFlight;
  private boolean outputShutdown;
  private final ArrayDeque<Operation> shutdownsOnceWritten = new ArrayDeque<>(0);

  TcpStream(
      EventLoop loop, Descriptor descriptor, InetSocketAddress local, InetSocketAddress remote) {
    this.loop = loop;
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
    this.pollSource = PollSource.of(loop, descriptor);
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
   * The loop that the stream belongs to.
   *
   * @return the loop
   */
  public EventLoop loop() {
    return loop;
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

  /**
   * Sets a socket option. Takes effect before any operation that is started after it.
   *
   * @param option one of {@link java.net.StandardSocketOptions}: TCP_NODELAY, SO_KEEPALIVE, SO_RCVBUF, SO_SNDBUF,
   *     SO_LINGER, SO_REUSEADDR
   * @param value its value
   * @param <T> the value's type
   * @return completes when it is set; fails with UnsupportedOperationException for other options
   */
  public <T> CompletableFuture<Void> setOption(SocketOption<T> option, T value) {
    Objects.requireNonNull(value, "value");
    var done = new CompletableFuture<Void>();
    if (loop.inLoop()) {
      applyOption(option, value, done);
    } else {
      loop.execute(() -> applyOption(option, value, done));
    }
    return done;
  }

  private <T> void applyOption(SocketOption<T> option, T value, CompletableFuture<Void> done) {
    if (descriptor.isClosing()) {
      done.completeExceptionally(new ClosedChannelException());
      return;
    }
    try {
      dispatcher.driver().setOption(descriptor, option, value);
      done.complete(null);
    } catch (IOException | RuntimeException e) {
      done.completeExceptionally(e);
    }
  }

  /**
   * Receives until the stream ends: every piece of data goes to the handler, in order, in a buffer of the runtime.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @throws ReadPendingException when the stream is being read already; from another thread than the loop's this
   *     comes to the handler
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  @SuppressWarnings(
      "unchecked") // the handler is called with the attachment given along, and no other
  public <A> void receiveEach(A attachment, ReceiveHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              receiveEach(attachment, handler);
            } catch (ReadPendingException e) {
              handler.failed(e, attachment);
            }
          });
      return;
    }
    if (reading != Reading.NOTHING) {
      throw new ReadPendingException();
    }
    receiver = (ReceiveHandler<Object>) handler;
    receiverAttachment = attachment;
    receiverScope = dispatcher.scope();
    armReceive();
  }

  private void armReceive() {
    descriptor.unwatchClosing(onClosing);
    reading = Reading.EACH;
    receiveOperation =
        dispatcher.acquire(OpCode.RECEIVE_MULTISHOT, descriptor, ON_RECEIVE, this, null);
    // In the scope that receiving was started in, whoever resumes it.
    dispatcher.submitIn(receiveOperation, receiverScope);
  }

  /**
   * Asks that {@link #receiveEach} pause, so that the peer is held back once the system's own buffers are full. What
   * was received by the kernel before is still delivered: the handler may be called some more times. Without effect
   * when nothing is being received.
   */
  public void pauseReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::pauseReceiving);
    } else if (reading == Reading.EACH) {
      reading = Reading.PAUSING;
      resumeOncePaused = false;
      dispatcher.driver().cancel(receiveOperation);
    } else {
      resumeOncePaused = false;
    }
  }

  /** Goes on after {@link #pauseReceiving}. Without effect when receiving is not paused. */
  public void resumeReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::resumeReceiving);
    } else if (reading == Reading.PAUSING) {
      resumeOncePaused = true;
    } else if (reading == Reading.PAUSED) {
      armReceive();
    }
  }

  private static void receiveCompleted(Operation operation, int result) {
    ((TcpStream) operation.handler()).receiveOutcome(operation, result);
  }

  private void receiveOutcome(Operation operation, int result) {
    if (result > 0) {
      receiver.received(operation.received(), receiverAttachment);
      return;
    }
    receiveOperation = null;
    boolean pausing = reading == Reading.PAUSING;
    if (result < 0
        && pausing
        && !descriptor.isClosing()
        && isCancellation(result)
        && (receiverScope == null || receiverScope.refusal(operation) == null)) {
      if (resumeOncePaused) {
        armReceive();
      } else {
        reading = Reading.PAUSED;
        // Nothing is in flight that would tell the receiver of a close. An operation on a closing
        // descriptor fails, which does.
        descriptor.watchClosing(onClosing);
      }
      return;
    }
    var handler = receiver;
    var attachment = receiverAttachment;
    reading = Reading.NOTHING;
    receiver = null;
    receiverAttachment = null;
    receiverScope = null;
    if (result == 0) {
      handler.ended(attachment);
    } else {
      handler.failed(operation.failure(result), attachment);
    }
  }

  private static boolean isCancellation(int result) {
    return result == -Errno.ECANCELED.number();
  }

  /**
   * Reads once into what remains of a buffer.
   *
   * @param dst filled from its position on; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, at least 1 unless nothing remained, or -1 at the end of the stream
   * @param <A> the attachment's type
   * @throws ReadPendingException when the stream is being read already; from another thread than the loop's this
   *     comes to the handler
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(ByteBuffer dst, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (dst.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              read(dst, attachment, handler);
            } catch (ReadPendingException e) {
              handler.failed(e, attachment);
            }
          });
      return;
    }
    if (reading != Reading.NOTHING) {
      throw new ReadPendingException();
    }
    if (!dst.hasRemaining()) {
      dispatcher.submit(
          dispatcher.acquire(OpCode.NOP, descriptor, Operation.NOTIFY, handler, attachment));
      return;
    }
    reading = Reading.ONCE;
    dispatcher.submit(
        dispatcher
            .acquire(OpCode.RECEIVE, descriptor, ON_READ, handler, attachment)
            .argument(this)
            .memory(dst));
  }

  private static void readCompleted(Operation operation, int result) {
    ((TcpStream) operation.argument()).reading = Reading.NOTHING;
    if (result == 0) {
      @SuppressWarnings("unchecked") // set together with its attachment
      var handler = (IoHandler<Object>) operation.handler();
      handler.completed(-1, operation.attachment());
    } else {
      Operation.NOTIFY.complete(operation, result);
    }
  }

  /**
   * Reads once into what remains of a buffer.
   *
   * @param dst as for {@link #read(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes, or -1 at the end of the stream
   */
  public CompletableFuture<Integer> readAsync(ByteBuffer dst) {
    return IoFuture.start(loop, future -> read(dst, future, FutureHandler.INTEGER));
  }

  /**
   * Reads once into what remains of a buffer, and waits.
   *
   * @param dst filled from its position on
   * @return the number of bytes, or -1 at the end of the stream
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  public int read(ByteBuffer dst) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAsync(dst));
  }

  /**
   * Writes all that remains of a buffer, after what was written before.
   *
   * @param src written from its position on; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      if (outputShutdown) {
        refuseWrite(handler, attachment);
        return;
      }
      dispatcher.submit(newWrite(handler, attachment).memory(src));
      writesInFlight++;
    } else {
      loop.execute(() -> write(src, attachment, handler));
    }
  }

  /**
   * Writes all that remains of a pooled buffer, after what was written before.
   *
   * @param src written from its position on; the kernel's until the outcome, even if it is released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalStateException when the buffer was released
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(Buffer src, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      if (outputShutdown) {
        refuseWrite(handler, attachment);
        return;
      }
      dispatcher.submit(newWrite(handler, attachment).memory(src));
      writesInFlight++;
    } else {
      src.executePinned(loop, () -> write(src, attachment, handler));
    }
  }

  private Operation newWrite(Object handler, Object attachment) {
    return dispatcher
        .acquire(OpCode.SEND, descriptor, ON_WRITE, handler, attachment)
        .argument(this);
  }

  private void refuseWrite(Object handler, Object attachment) {
    writesInFlight++;
    dispatcher.refuse(
        newWrite(handler, attachment), Errors.closed(OpCode.SEND, descriptor.subject()));
  }

  private static void writeCompleted(Operation operation, int result) {
    var stream = (TcpStream) operation.argument();
    if (--stream.writesInFlight == 0) {
      stream.submitShutdowns();
    }
    Operation.NOTIFY.complete(operation, result);
  }

  /**
   * Writes all that remains of a buffer.
   *
   * @param src as for {@link #write(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes
   */
  public CompletableFuture<Integer> writeAsync(ByteBuffer src) {
    return IoFuture.start(loop, future -> write(src, future, FutureHandler.INTEGER));
  }

  /**
   * Writes all that remains of a buffer, and waits.
   *
   * @param src written from its position on
   * @return the number of bytes
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  public int write(ByteBuffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src));
  }

  /**
   * Says that no more will be written: the peer sees the end of the stream after all that was written before. Reading
   * goes on.
   *
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void shutdownOutput(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> shutdownOutput(attachment, handler));
      return;
    }
    outputShutdown = true;
    shutdownsOnceWritten.add(
        dispatcher
            .acquire(OpCode.SHUTDOWN, descriptor, Operation.NOTIFY, handler, attachment)
            .flags(1));
    if (writesInFlight == 0) {
      submitShutdowns();
    }
  }

  private void submitShutdowns() {
    for (var s = shutdownsOnceWritten.poll(); s != null; s = shutdownsOnceWritten.poll()) {
      dispatcher.submit(s);
    }
  }

  /**
   * Says that no more will be written.
   *
   * @return completes when it is said
   */
  public CompletableFuture<Void> shutdownOutputAsync() {
    return IoFuture.start(loop, future -> shutdownOutput(future, FutureHandler.VOID));
  }

  /**
   * Says that no more will be written, and waits until that is done.
   *
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  public void shutdownOutput() throws IOException {
    Futures.requireMayWait();
    Futures.await(shutdownOutputAsync());
  }

  /**
   * Asks that everything in flight on this stream be cancelled. It stays open. A write may have gone out in part, which
   * its buffer's position tells. Any thread; on another than the loop's this covers what that thread has started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public void cancelAll() {
    if (!loop.inLoop()) {
      loop.execute(this::cancelAll);
    } else {
      if (reading == Reading.PAUSING) {
        reading = Reading.EACH; // the receiver is told of this cancellation, not paused by it
      } else if (reading == Reading.PAUSED) {
        armReceive(); // nothing is in flight on its behalf: this is, and ends at once
      }
      dispatcher.cancelAll(descriptor);
    }
  }

  /**
   * Waits until the connection is ready, once. Any thread; a read or write under way at the same time may take what the
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
   * Waits until the connection is ready, once.
   *
   * @param interest what to wait for
   * @return completes with a mask for {@link io.gyre.Readiness}; cancelling it cancels the poll
   */
  public CompletableFuture<Integer> pollAsync(Interest interest) {
    return pollSource.pollAsync(interest);
  }

  /**
   * Reports readiness until it is cancelled or the connection is closed. Any thread. How often, see {@link PollSource}.
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
   * Closes the connection: what is in flight is cancelled and fails with an {@link
   * java.nio.channels.AsynchronousCloseException}, then the socket is closed.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the stream was closed before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed the stream
   */
  public <A> void close(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> close(attachment, handler));
      return;
    }
    dispatcher.close(descriptor, true, Operation.NOTIFY, handler, attachment);
  }

  /**
   * Closes the connection.
   *
   * @return completes when it is closed
   */
  public CompletableFuture<Void> closeAsync() {
    var future = new CompletableFuture<Void>();
    try {
      close(future, FutureHandler.VOID);
    } catch (ShutdownChannelGroupException e) {
      future.complete(null); // the runtime's end has closed it
    }
    return future;
  }

  /**
   * Closes the connection, and waits for that; on a loop's thread it does not wait.
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
    return "tcp " + localAddress + " to " + remoteAddress;
  }
}
