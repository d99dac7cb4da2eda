package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.PollSource;
import io.gyre.Registration;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A {@link ByteStream} that is a connected socket, of whatever address family: what goes in and out of its descriptor,
 * and in which order.
 *
 * <p>From the loop's thread and with pooled buffers nothing is allocated; a buffer that is read into or written from is
 * the kernel's from the call to the outcome.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_RECV with
 *     IORING_RECV_MULTISHOT (kernel 6.0), IORING_OP_SEND, IORING_OP_SHUTDOWN</a>
 */
public abstract sealed class SocketStream implements ByteStream permits TcpStream {
  private static final Completion ON_RECEIVE = SocketStream::receiveCompleted;
  private static final Completion ON_READ = SocketStream::readCompleted;
  private static final Completion ON_WRITE = SocketStream::writeCompleted;

  /** What reading is under way. */
  private enum Reading {
    NOTHING,
    ONCE,
    EACH,
    PAUSING,
    PAUSED
  }

  // For the address families, which add operations of their own on the same descriptor.
  final EventLoop loop;
  final OperationDispatcher dispatcher;
  final Descriptor descriptor;

  private final PollSource pollSource;

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

  /**
   * Takes a connected socket over.
   *
   * @param loop whose the socket is
   * @param descriptor of the driver of that loop
   */
  SocketStream(EventLoop loop, Descriptor descriptor) {
    this.loop = loop;
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
    this.pollSource = PollSource.of(loop, descriptor);
  }

  @Override
  public final EventLoop loop() {
    return loop;
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
  public final <T> CompletableFuture<Void> setOption(SocketOption<T> option, T value) {
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

  @Override
  @SuppressWarnings(
      "unchecked") // the handler is called with the attachment given along, and no other
  public final <A> void receiveEach(A attachment, ReceiveHandler<? super A> handler) {
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

  @Override
  public final void pauseReceiving() {
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

  @Override
  public final void resumeReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::resumeReceiving);
    } else if (reading == Reading.PAUSING) {
      resumeOncePaused = true;
    } else if (reading == Reading.PAUSED) {
      armReceive();
    }
  }

  private static void receiveCompleted(Operation operation, int result) {
    ((SocketStream) operation.handler()).receiveOutcome(operation, result);
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

  @Override
  public final <A> void read(ByteBuffer dst, A attachment, IoHandler<? super A> handler) {
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
    ((SocketStream) operation.argument()).reading = Reading.NOTHING;
    if (result == 0) {
      @SuppressWarnings("unchecked") // set together with its attachment
      var handler = (IoHandler<Object>) operation.handler();
      handler.completed(-1, operation.attachment());
    } else {
      Operation.NOTIFY.complete(operation, result);
    }
  }

  @Override
  public final <A> void write(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
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

  @Override
  public final <A> void write(Buffer src, A attachment, IoHandler<? super A> handler) {
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
    var stream = (SocketStream) operation.argument();
    if (--stream.writesInFlight == 0) {
      stream.submitShutdowns();
    }
    Operation.NOTIFY.complete(operation, result);
  }

  @Override
  public final <A> void shutdownOutput(A attachment, IoHandler<? super A> handler) {
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

  @Override
  public final void cancelAll() {
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
  public final <A> void poll(Interest interest, A attachment, IoHandler<? super A> handler) {
    pollSource.poll(interest, attachment, handler);
  }

  /**
   * Waits until the connection is ready, once.
   *
   * @param interest what to wait for
   * @return completes with a mask for {@link io.gyre.Readiness}; cancelling it cancels the poll
   */
  public final CompletableFuture<Integer> pollAsync(Interest interest) {
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
  public final <A> Registration pollMultishot(
      Interest interest, A attachment, IoHandler<? super A> handler) {
    return pollSource.pollMultishot(interest, attachment, handler);
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  public final Descriptor descriptor() {
    return descriptor;
  }

  @Override
  public final <A> void close(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> close(attachment, handler));
      return;
    }
    dispatcher.close(descriptor, true, Operation.NOTIFY, handler, attachment);
  }
}
