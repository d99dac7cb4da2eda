package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.FileSource;
import io.gyre.Interest;
import io.gyre.IoHandler;
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
import io.gyre.driver.PinnedBuffers;
import io.gyre.driver.SendFlags;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

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
  private static final Completion ON_SHUTDOWN = SocketStream::shutdownEnded;
  private static final Completion ON_RECEIVE = SocketStream::receiveCompleted;
  private static final Completion ON_RECEIVE_REFUSED = SocketStream::receiveRefused;
  private static final Completion ON_READ = SocketStream::readCompleted;
  private static final Completion ON_WRITE = SocketStream::writeCompleted;
  private static final Completion ON_FILE_REFUSED = SocketStream::fileRefused;
  private static final Completion ON_FILE_TURN = SocketStream::fileTurn;

  private static final int NEVER = Integer.MAX_VALUE;

  // The ways of OpCode.SHUTDOWN.
  private static final int INPUT = 0;
  private static final int OUTPUT = 1;

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
  private final WriteQueue queue;
  private volatile int zeroCopyThreshold = NEVER; // as it was set last, by any thread

  // The loop's thread only.
  private Reading reading = Reading.NOTHING;
  private ReceiveHandler<Object> receiver;
  private Object receiverAttachment;
  private OperationScope receiverScope;
  private final Runnable onClosing = this::armReceive;
  private Operation receiveOperation;
  private boolean resumeOncePaused;
  private int writesInFlight;
  private boolean inputShutdown;
  private boolean outputShutdown;
  private int zeroCopyFrom = NEVER;

  // The file that goes out at this time, as long as parts of it are still to come to the driver;
  // meanwhile what is written waits behind it, other files included, parked in the order of the
  // calls.
  private FileSend fileSend;
  private final ArrayDeque<Operation> behindFile = new ArrayDeque<>(0);
  private boolean inputEnded;
  private OrderlyClose orderlyClose;
  private Throwable
      outputFailure; // of a write before that, which broke the connection: not all was written
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
    this.queue = new WriteQueue(loop, descriptor);
  }

  @Override
  public final EventLoop loop() {
    return loop;
  }

  /**
   * Whether it was not closed yet, by its user or by the end of the runtime. Any thread; on another than the loop's the
   * answer may be a moment old.
   *
   * @return false from the moment on that the loop has begun to close it
   */
  public final boolean isOpen() {
    return descriptor.isOpen();
  }

  /**
   * The socket options that {@link #setOption} and {@link #getOption} know here. Any thread.
   *
   * @return never changed
   */
  public final Set<SocketOption<?>> supportedOptions() {
    return OptionAccess.supportedByStreams(descriptor);
  }

  /**
   * Sets a socket option. Takes effect before any operation that is started after it, and harms none that is in flight.
   * Any thread; on another than the loop's this is done behind what that thread has started before.
   *
   * <p>With SO_LINGER of 0 the close is a reset. With more the close waits for the peer, and the loop does not: on io_uring
   * {@link #close} is done when the peer has acknowledged all data, or the time is over. NIO closes at once. What is still
   * to be sent then the system goes on sending, in both cases.
   *
   * @param option one of {@link #supportedOptions()}: {@link java.net.StandardSocketOptions} and {@code
   *     jdk.net.ExtendedSocketOptions} of TCP, and on io_uring {@link TcpOptions}
   * @param value its value
   * @param <T> the value's type
   * @return completes when it is set; fails with {@link ClosedChannelException} when the stream was closed, with
   *     UnsupportedOperationException for other options, and with an {@link IOException} that names option, address and
   *     errno when the system refuses
   * @throws IllegalArgumentException when the value is out of the option's range
   * @throws UnsupportedOperationException for an option that can only be read
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <T> CompletableFuture<Void> setOption(SocketOption<T> option, T value) {
    return OptionAccess.set(loop, descriptor, option, value);
  }

  /**
   * Reads a socket option. Any thread, as for {@link #setOption}.
   *
   * @param option one of {@link #supportedOptions()}
   * @param <T> the value's type
   * @return completes with what the system has made of it: it has a least and a largest buffer size, for instance; fails as {@link
   *     #setOption} does
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <T> CompletableFuture<T> getOption(SocketOption<T> option) {
    return OptionAccess.get(loop, descriptor, option);
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
    if (orderlyClose != null) {
      refuse(
          dispatcher.acquire(
              OpCode.RECEIVE_MULTISHOT, descriptor, ON_RECEIVE_REFUSED, handler, attachment));
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
    var code = inputShutdown ? OpCode.NOP : OpCode.RECEIVE_MULTISHOT; // one that finds the end
    receiveOperation = dispatcher.acquire(code, descriptor, ON_RECEIVE, this, null);
    // In the scope that receiving was started in, whoever resumes it.
    dispatcher.submitIn(receiveOperation, receiverScope);
  }

  @SuppressWarnings("unchecked") // set together with its attachment
  private static void receiveRefused(Operation operation, int result) {
    ((ReceiveHandler<Object>) operation.handler())
        .failed(operation.failure(result), operation.attachment());
  }

  /** As if the stream were closed. */
  private void refuse(Operation operation) {
    dispatcher.refuse(operation, Errors.closed(operation.code(), descriptor.subject()));
  }

  @Override
  public final void pauseReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::pauseReceiving);
    } else if (reading == Reading.EACH) {
      reading = Reading.PAUSING;
      resumeOncePaused = false;
      dispatcher.cancel(receiveOperation.token());
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
    var failure = result == 0 ? null : operation.failure(result);
    readingEnded(result);
    if (failure == null) {
      handler.ended(attachment);
    } else {
      handler.failed(failure, attachment);
    }
  }

  /** Nothing is being read any more: at the end of the stream (0), or after a failure. */
  private void readingEnded(int result) {
    inputEnded |= result == 0;
    if (orderlyClose != null) {
      orderlyClose.inputEnded();
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
    if (orderlyClose != null) {
      refuse(dispatcher.acquire(OpCode.RECEIVE, descriptor, Operation.NOTIFY, handler, attachment));
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
    if (inputShutdown) {
      dispatcher.submit(
          dispatcher
              .acquire(OpCode.NOP, descriptor, ON_READ, handler, attachment)
              .argument(this)); // its 0 is the end
      return;
    }
    dispatcher.submit(
        dispatcher
            .acquire(OpCode.RECEIVE, descriptor, ON_READ, handler, attachment)
            .argument(this)
            .memory(dst));
  }

  private void readOnce(int result) {
    inputEnded |= result == 0;
    if (orderlyClose == null) {
      return;
    }
    if (result <= 0) {
      orderlyClose.inputEnded();
    } else if (orderlyClose.awaitsPeer()) {
      throwInputAway(orderlyClose);
    }
  }

  /**
   * The output is shut down, and a close waits for the end of the input.
   *
   * @return false when nobody would notice that: it has been, or the reader takes nothing
   */
  final boolean awaitEnd(OrderlyClose close) {
    if (reading == Reading.NOTHING && !inputEnded) {
      throwInputAway(close);
    }
    return reading == Reading.ONCE || reading == Reading.EACH;
  }

  @SuppressWarnings("unchecked") // it takes the attachment that it is called with
  private void throwInputAway(OrderlyClose close) {
    receiver = (ReceiveHandler<Object>) (ReceiveHandler<?>) close;
    receiverAttachment = null;
    receiverScope = null;
    armReceive();
  }

  private static void readCompleted(Operation operation, int result) {
    var stream = (SocketStream) operation.argument();
    stream.reading = Reading.NOTHING;
    stream.readOnce(result);
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
      submitWrite(newWrite(handler, attachment).memory(src));
    } else {
      setOut(src.remaining(), loop::execute, () -> write(src, attachment, handler));
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
      submitWrite(newWrite(handler, attachment).memory(src));
    } else {
      setOut(
          src.byteBuffer().remaining(),
          task -> src.executePinned(loop, task),
          () -> write(src, attachment, handler));
    }
  }

  @Override
  public final <A> void write(ByteBuffer[] srcs, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      var own = srcs.clone();
      setOut(GatheredWrite.bytes(own), loop::execute, () -> write(own, attachment, handler));
      return;
    }
    var _ = GatheredWrite.bytes(srcs); // refuses before there is an operation
    if (outputShutdown) {
      refuseWrite(handler, attachment);
    } else {
      submitWrite(newWrite(handler, attachment).gather(srcs));
    }
  }

  @Override
  public final <A> void write(Buffer[] srcs, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      var own = srcs.clone();
      setOut(
          GatheredWrite.bytes(own),
          task -> PinnedBuffers.execute(loop, own, task),
          () -> write(own, attachment, handler));
      return;
    }
    var _ = GatheredWrite.bytes(srcs); // refuses before there is an operation
    if (outputShutdown) {
      refuseWrite(handler, attachment);
    } else {
      submitWrite(newWrite(handler, attachment).gather(srcs));
    }
  }

  /**
   * Counts a write once it is with the driver, which keeps all sends of a socket in the order in which they come to it.
   *
   * <p>That order is the one of the calls: from the loop's thread because each is submitted inside of its call, from
   * another because the loop's inbox is first in, first out for each thread. The driver begins none before all bytes of
   * the one before it are with the socket, short sends included: two in flight on one socket could overtake each other in
   * the kernel, when the first has to wait for room and the second finds some.
   */
  private void submitWrite(Operation operation) {
    int bytes = operation.memoryLength();
    if (bytes >= zeroCopyFrom && operation.memory() != null) {
      operation.flags(SendFlags.ZERO_COPY);
    }
    if (fileSend == null) {
      dispatcher.submit(operation);
    } else if (dispatcher.park(operation)) {
      behindFile.add(operation);
    }
    writesInFlight++;
    queue.began(bytes);
  }

  /** A write that another thread calls for, and that counts as queued on its way to the loop. */
  private void setOut(long bytes, Consumer<Runnable> way, Runnable write) {
    queue.setOut(bytes);
    try {
      way.accept(
          () -> {
            try {
              write.run();
            } finally {
              queue.arrived(bytes);
            }
          });
    } catch (RuntimeException e) {
      queue.arrived(bytes);
      throw e;
    }
  }

  private Operation newWrite(Object handler, Object attachment) {
    return dispatcher
        .acquire(OpCode.SEND, descriptor, ON_WRITE, handler, attachment)
        .argument(this);
  }

  private void refuseWrite(Object handler, Object attachment) {
    refuse(dispatcher.acquire(OpCode.SEND, descriptor, Operation.NOTIFY, handler, attachment));
  }

  private static void writeCompleted(Operation operation, int result) {
    var stream = (SocketStream) operation.argument();
    if (result < 0) {
      stream.behindFile.remove(operation); // if it was cancelled there
    }
    stream.queue.ended(operation.memoryLength());
    stream.writeEnded(result < 0 ? operation.failure(result) : null);
    Operation.NOTIFY.complete(operation, result);
  }

  private void writeEnded(Throwable failure) {
    if (failure != null && orderlyClose != null) {
      orderlyClose.writeFailed(failure);
    } else if (failure != null && outputFailure == null && isOfConnection(failure)) {
      outputFailure = failure;
    }
    if (--writesInFlight == 0) {
      submitShutdowns();
    }
  }

  /** Whether nothing can be written any more; a write that was cancelled, or had no time, says nothing of the next. */
  private static boolean isOfConnection(Throwable failure) {
    return failure instanceof SocketException || failure.getCause() instanceof SocketException;
  }

  /**
   * Sets from which size on a write of one buffer is sent without a copy, where the system can do that (io_uring, from
   * Linux 6.0); elsewhere, and for gathered writes, files and buffers on the heap it changes nothing that can be seen.
   * Any thread; takes effect for writes that it calls after this.
   *
   * <p>Such a write ends when the <em>peer's system</em> has acknowledged all of it, since until then the kernel may send
   * it again, from the buffer itself: later by a round trip at least, and with a peer that takes nothing never, but for
   * the connection's end. {@link #queuedBytes()} counts it until then. {@link #close()} need not wait for it, {@link
   * #shutdownOutput()} does, and so do a cancellation and the end of a scope once the kernel has taken it.
   *
   * <p>Whether it is worth it depends on network and machine, so that it is off unless set: it saves a copy, and costs a
   * second completion and, unless the buffer is of the loop's own {@linkplain EventLoop#buffers() pool}, pinning its
   * pages. To a peer on the same host, and on network cards without scatter and checksum, the kernel copies all the same.
   * Measure with your own; below some 8 KB it is rarely a gain.
   *
   * @param bytes from 1; {@link Integer#MAX_VALUE}, as at first, for never
   * @throws IllegalArgumentException for another number
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final void setZeroCopyThreshold(int bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("the threshold must be at least 1 byte: " + bytes);
    }
    zeroCopyThreshold = bytes;
    if (loop.inLoop()) {
      zeroCopyFrom = bytes;
    } else {
      loop.execute(() -> zeroCopyFrom = bytes); // behind the writes that were called before
    }
  }

  /**
   * From which size on writes are sent without a copy. Any thread.
   *
   * @return bytes; {@link Integer#MAX_VALUE} for never
   */
  public final int zeroCopyThreshold() {
    return zeroCopyThreshold;
  }

  // ---- files

  /**
   * Sends a part of a file, after what was written before and before what is written after: like {@link
   * java.nio.channels.FileChannel#transferTo}, but all of it. The file's content goes through one buffer of the runtime;
   * it is the user's affair that it does not change meanwhile.
   *
   * @param file open for reading, and of the same loop as this stream; it may be closed when this has ended
   * @param position where to begin in it, in bytes
   * @param count how many bytes; fewer only when it fails
   * @param attachment given to the handler
   * @param handler takes the count; fails with a {@link FileTransferException} when the file has fewer bytes, or can't be
   *     read; with what a write fails with when the connection does
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative number, a sum beyond {@link Long#MAX_VALUE}, or a file of another
   *     loop
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void sendFile(
      FileSource file,
      long position,
      long count,
      A attachment,
      CompletionHandler<Long, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    checkSendFile(file, position, count);
    if (loop.inLoop()) {
      startSendFile(new FileSend(this, file.descriptor(), position, count, attachment, handler));
      return;
    }
    setOut(count, loop::execute, () -> sendFile(file, position, count, attachment, handler));
  }

  private void checkSendFile(FileSource file, long position, long count) {
    if (position < 0 || count < 0 || position + count < 0) {
      throw new IllegalArgumentException(
          "send file: position "
              + position
              + " and count "
              + count
              + " must not be negative, nor"
              + " end beyond "
              + Long.MAX_VALUE);
    }
    if (!file.loop().equals(loop)) {
      throw new IllegalArgumentException(
          file + " belongs to another loop than " + this + ": open it on that of the stream");
    }
    if (!file.isReadable()) {
      throw new NonReadableChannelException();
    }
  }

  private void startSendFile(FileSend send) {
    if (outputShutdown) {
      refuse(
          dispatcher
              .acquire(OpCode.SEND_FILE, descriptor, ON_FILE_REFUSED, null, null)
              .argument(send));
      return;
    }
    var turn =
        dispatcher.acquire(OpCode.SEND_FILE, descriptor, ON_FILE_TURN, this, null).argument(send);
    if (dispatcher.park(turn)) {
      if (fileSend == null) {
        fileSend = send;
        dispatcher.unpark(turn);
      } else {
        behindFile.add(turn);
      }
    }
    writesInFlight++;
    queue.began(send.left());
  }

  private static void fileRefused(Operation operation, int result) {
    ((FileSend) operation.argument()).tell(operation.failure(result));
  }

  private static void fileTurn(Operation turn, int result) {
    var send = (FileSend) turn.argument();
    var stream = (SocketStream) turn.handler();
    if (result < 0) {
      stream.behindFile.remove(turn);
      send.fail(turn.failure(result));
    } else if (send.isCancelled()) {
      send.fail(turn.failure(-Errno.ECANCELED.number()));
    } else {
      send.begin(turn.scope());
    }
  }

  /** What was written behind the file may follow: nothing of the file is to come any more. */
  @SuppressWarnings("ReferenceEquality") // this very transfer
  final void lastPartIsWithTheDriver(FileSend send) {
    if (fileSend != send) {
      return;
    }
    fileSend = null;
    for (var o = behindFile.poll(); o != null; o = behindFile.poll()) {
      if (o.argument() instanceof FileSend following) {
        fileSend = following;
        dispatcher.unpark(o);
        return;
      }
      dispatcher.submitParked(o);
    }
  }

  final void partSent(int bytes) {
    queue.ended(bytes);
  }

  final void fileSendEnded(FileSend send, Throwable failure) {
    queue.ended(send.left());
    lastPartIsWithTheDriver(send);
    writeEnded(failure);
  }

  /**
   * Sends a part of a file.
   *
   * @param file as for {@link #sendFile(FileSource, long, long, Object, CompletionHandler)}
   * @param position where to begin in it, in bytes
   * @param count how many bytes
   * @return completes with the count
   */
  public final CompletableFuture<Long> sendFileAsync(FileSource file, long position, long count) {
    return IoFuture.start(
        loop, future -> sendFile(file, position, count, future, FutureHandler.of()));
  }

  /**
   * Sends a part of a file, and waits.
   *
   * @param file as for {@link #sendFile(FileSource, long, long, Object, CompletionHandler)}
   * @param position where to begin in it, in bytes
   * @param count how many bytes
   * @return the count
   * @throws FileTransferException when the file has fewer bytes, or can't be read
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  public final long sendFile(FileSource file, long position, long count) throws IOException {
    Futures.requireMayWait();
    return Futures.await(sendFileAsync(file, position, count));
  }

  // ---- how much is queued

  @Override
  public final long queuedBytes() {
    return queue.queuedBytes();
  }

  @Override
  public final boolean isWritable() {
    return queue.isWritable();
  }

  @Override
  public final WriteBufferWaterMark writeBufferWaterMark() {
    return queue.mark();
  }

  @Override
  public final void setWriteBufferWaterMark(WriteBufferWaterMark mark) {
    Objects.requireNonNull(mark, "mark");
    queue.setMark(mark);
    if (loop.inLoop()) {
      queue.markWasSet();
    } else {
      loop.execute(queue::markWasSet);
    }
  }

  @Override
  public final <A> void writable(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      queue.await(attachment, handler);
    } else {
      loop.execute(() -> queue.await(attachment, handler));
    }
  }

  /**
   * Says that no more will be read: what has not been delivered yet, and what the peer sends from now on, is dropped.
   * Reading that is under way or is started later finds the end of the stream; what is just being received may still be
   * delivered before. Writing goes on. The peer is not told: to it the stream ends with the close, and if it has sent
   * meanwhile what nobody took, with a reset.
   *
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   * @see <a href="https://man7.org/linux/man-pages/man2/shutdown.2.html">shutdown(2): SHUT_RD</a>
   */
  public final <A> void shutdownInput(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> shutdownInput(attachment, handler));
      return;
    }
    inputShutdown = true;
    dispatcher.submit(
        dispatcher
            .acquire(OpCode.SHUTDOWN, descriptor, Operation.NOTIFY, handler, attachment)
            .flags(INPUT));
    if (reading == Reading.PAUSING || reading == Reading.PAUSED) {
      resumeReceiving(); // nothing is in flight that would find the end
    }
  }

  /**
   * Says that no more will be read.
   *
   * @return completes when it is said
   * @see #shutdownInput(Object, IoHandler)
   */
  public final CompletableFuture<Void> shutdownInputAsync() {
    return IoFuture.start(loop, future -> shutdownInput(future, FutureHandler.VOID));
  }

  /**
   * Says that no more will be read, and waits until that is done.
   *
   * @throws IOException when the connection is broken
   * @throws IllegalStateException on a loop's thread
   * @see #shutdownInput(Object, IoHandler)
   */
  public final void shutdownInput() throws IOException {
    Futures.requireMayWait();
    Futures.await(shutdownInputAsync());
  }

  @Override
  public final <A> void shutdownOutput(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> shutdownOutput(attachment, handler));
      return;
    }
    outputShutdown = true;
    var shutdown =
        dispatcher
            .acquire(OpCode.SHUTDOWN, descriptor, ON_SHUTDOWN, handler, attachment)
            .argument(this)
            .flags(OUTPUT);
    if (writesInFlight == 0) {
      dispatcher.submit(shutdown);
    } else if (dispatcher.park(shutdown)) {
      shutdownsOnceWritten.add(shutdown);
    }
  }

  private void submitShutdowns() {
    for (var s = shutdownsOnceWritten.poll(); s != null; s = shutdownsOnceWritten.poll()) {
      dispatcher.submitParked(s);
    }
  }

  /** One that was ended while it waited is not to be submitted any more. */
  private static void shutdownEnded(Operation operation, int result) {
    if (result < 0) {
      ((SocketStream) operation.argument()).shutdownsOnceWritten.remove(operation);
    }
    Operation.NOTIFY.complete(operation, result);
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
      if (fileSend != null) {
        fileSend.cancel(); // whose turn may have come, with nothing in flight yet
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

  @Override
  public final <A> void closeOnceWritten(
      Duration limit, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    OrderlyClose.checked(limit);
    if (!loop.inLoop()) {
      loop.execute(() -> closeOnceWritten(limit, attachment, handler));
      return;
    }
    if (orderlyClose != null) {
      orderlyClose.add(attachment, handler);
      return;
    }
    orderlyClose = new OrderlyClose(this, limit);
    if (outputFailure != null) {
      orderlyClose.writeFailed(outputFailure);
    }
    orderlyClose.add(attachment, handler);
    orderlyClose.begin();
  }
}
