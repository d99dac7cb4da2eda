package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.PinnedBuffers;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * A connection that bytes go through in both directions, in order and without gaps: a socket, or what is laid over one.
 *
 * <p>It belongs to one {@linkplain #loop() loop} for life: handlers run on that loop's thread, never from inside the
 * call that started the operation, and must not block. Any thread may call; from the loop's thread it costs no hop.
 *
 * <p>Data comes in one of two ways, one at a time: {@link #receiveEach} hands over each piece in a buffer of the
 * runtime as it arrives, and holds no memory while nothing does; {@link #read(ByteBuffer, Object, IoHandler)} fills a
 * buffer of the caller's once.
 *
 * <p>Writes go out in the order in which they were called, and each completes when all of its bytes are with whatever
 * carries the stream. From the call to the outcome the buffer is the stream's: its content and position must not be
 * touched; the outcome moves the position to the limit. When a write has failed or was cancelled, the position tells how
 * much of it went out.
 *
 * <p>Writes queue without bound. Who produces more than the peer takes asks {@link #isWritable()}, and stops until {@link
 * #writable(Object, IoHandler)}; who waits for each write need not.
 *
 * <p>Who implements this writes the callbacks; the futures and the methods that wait are made of them. Cancelling such a
 * future, or interrupting a thread that waits, cancels the operation that the callback's method has started: it is
 * called in the future's {@link io.gyre.driver.OperationScope}, which goes along with {@link EventLoop#execute}.
 */
public interface ByteStream extends AutoCloseable {
  /**
   * The loop that the stream belongs to.
   *
   * @return the loop
   */
  EventLoop loop();

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
  <A> void receiveEach(A attachment, ReceiveHandler<? super A> handler);

  /**
   * Asks that {@link #receiveEach} pause, so that the peer is held back once the system's own buffers are full. What
   * was received by the kernel before is still delivered: the handler may be called some more times. Without effect
   * when nothing is being received.
   */
  void pauseReceiving();

  /** Goes on after {@link #pauseReceiving}. Without effect when receiving is not paused. */
  void resumeReceiving();

  /**
   * Reads once into what remains of a buffer.
   *
   * @param dst filled from its position on; the stream's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, at least 1 unless nothing remained, or -1 at the end of the stream
   * @param <A> the attachment's type
   * @throws ReadPendingException when the stream is being read already; from another thread than the loop's this
   *     comes to the handler
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  <A> void read(ByteBuffer dst, A attachment, IoHandler<? super A> handler);

  /**
   * Reads once into what remains of a buffer.
   *
   * @param dst as for {@link #read(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes, or -1 at the end of the stream
   */
  default CompletableFuture<Integer> readAsync(ByteBuffer dst) {
    return IoFuture.start(loop(), future -> read(dst, future, FutureHandler.INTEGER));
  }

  /**
   * Reads once into what remains of a buffer, and waits.
   *
   * @param dst filled from its position on
   * @return the number of bytes, or -1 at the end of the stream
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default int read(ByteBuffer dst) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAsync(dst));
  }

  /**
   * Writes all that remains of a buffer, after what was written before.
   *
   * @param src written from its position on; the stream's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  <A> void write(ByteBuffer src, A attachment, IoHandler<? super A> handler);

  /**
   * Writes all that remains of a pooled buffer, after what was written before.
   *
   * @param src written from its position on; the stream's until the outcome, even if it is released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalStateException when the buffer was released
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  <A> void write(Buffer src, A attachment, IoHandler<? super A> handler);

  /**
   * Writes all that remains of each of several buffers, one after the other, with nothing between them.
   *
   * @param srcs each written from its position on, and the stream's until the outcome; the array is not looked at again
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained in all of them
   * @param <A> the attachment's type
   * @throws IllegalArgumentException when that is more than an {@code int} can tell
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  default <A> void write(ByteBuffer[] srcs, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var own = srcs.clone();
    GatheredWrite.bytes(own);
    if (loop().inLoop()) {
      GatheredWrite.start(this, own, attachment, handler);
    } else {
      loop().execute(() -> GatheredWrite.start(this, own, attachment, handler));
    }
  }

  /**
   * Writes all that remains of each of several pooled buffers, one after the other, with nothing between them.
   *
   * @param srcs each written from its position on, and the stream's until the outcome, even if it is released meanwhile;
   *     the array is not looked at again
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained in all of them
   * @param <A> the attachment's type
   * @throws IllegalStateException when one was released: then none is written
   * @throws IllegalArgumentException as for {@link #write(ByteBuffer[], Object, IoHandler)}
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  default <A> void write(Buffer[] srcs, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var own = srcs.clone();
    GatheredWrite.bytes(own);
    if (loop().inLoop()) {
      GatheredWrite.start(this, own, attachment, handler);
    } else {
      PinnedBuffers.execute(loop(), own, () -> GatheredWrite.start(this, own, attachment, handler));
    }
  }

  /**
   * Writes all that remains of a buffer.
   *
   * @param src as for {@link #write(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes
   */
  default CompletableFuture<Integer> writeAsync(ByteBuffer src) {
    return IoFuture.start(loop(), future -> write(src, future, FutureHandler.INTEGER));
  }

  /**
   * Writes all that remains of a pooled buffer.
   *
   * @param src as for {@link #write(Buffer, Object, IoHandler)}
   * @return completes with the number of bytes
   */
  default CompletableFuture<Integer> writeAsync(Buffer src) {
    return IoFuture.start(loop(), future -> write(src, future, FutureHandler.INTEGER));
  }

  /**
   * Writes all that remains of each of several buffers.
   *
   * @param srcs as for {@link #write(ByteBuffer[], Object, IoHandler)}
   * @return completes with the number of bytes
   */
  default CompletableFuture<Integer> writeAsync(ByteBuffer[] srcs) {
    return IoFuture.start(loop(), future -> write(srcs, future, FutureHandler.INTEGER));
  }

  /**
   * Writes all that remains of each of several pooled buffers.
   *
   * @param srcs as for {@link #write(Buffer[], Object, IoHandler)}
   * @return completes with the number of bytes
   */
  default CompletableFuture<Integer> writeAsync(Buffer[] srcs) {
    return IoFuture.start(loop(), future -> write(srcs, future, FutureHandler.INTEGER));
  }

  /**
   * Writes all that remains of a buffer, and waits.
   *
   * @param src written from its position on
   * @return the number of bytes
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default int write(ByteBuffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src));
  }

  /**
   * Writes all that remains of a pooled buffer, and waits.
   *
   * @param src written from its position on
   * @return the number of bytes
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default int write(Buffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src));
  }

  /**
   * Writes all that remains of each of several buffers, and waits.
   *
   * @param srcs as for {@link #write(ByteBuffer[], Object, IoHandler)}
   * @return the number of bytes
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default int write(ByteBuffer[] srcs) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(srcs));
  }

  /**
   * Writes all that remains of each of several pooled buffers, and waits.
   *
   * @param srcs as for {@link #write(Buffer[], Object, IoHandler)}
   * @return the number of bytes
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default int write(Buffer[] srcs) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(srcs));
  }

  /**
   * How many bytes were given to write and have not gone out. Any thread: what the calling thread has called for is in it
   * until it has gone out.
   *
   * @return bytes; of a buffer that has gone out in part, all of them
   */
  long queuedBytes();

  /**
   * Whether it is sensible to write more now: false from the moment that more than {@link
   * WriteBufferWaterMark#highBytes()} are queued until they are {@link WriteBufferWaterMark#lowBytes()} or fewer. Writes
   * are taken either way. Any thread.
   *
   * @return true if so
   */
  boolean isWritable();

  /**
   * When it is writable. Any thread.
   *
   * @return the marks, {@link WriteBufferWaterMark#DEFAULT} at first
   */
  WriteBufferWaterMark writeBufferWaterMark();

  /**
   * Sets when it is writable. Any thread.
   *
   * @param mark the marks
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  void setWriteBufferWaterMark(WriteBufferWaterMark mark);

  /**
   * Waits until it {@linkplain #isWritable() is writable}: at the next turn if it is already. When the handler is called,
   * another of them may have written again.
   *
   * @param attachment given to the handler
   * @param handler takes how many bytes may be written until it no longer is writable
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  <A> void writable(A attachment, IoHandler<? super A> handler);

  /**
   * Waits until it is writable.
   *
   * @return completes with how many bytes may be written until it no longer is; cancelling it ends the wait
   */
  default CompletableFuture<Integer> writableAsync() {
    return IoFuture.start(loop(), future -> writable(future, FutureHandler.INTEGER));
  }

  /**
   * Waits until it is writable.
   *
   * @return how many bytes may be written until it no longer is
   * @throws IOException when the stream is closed meanwhile
   * @throws IllegalStateException on a loop's thread
   */
  default int writable() throws IOException {
    Futures.requireMayWait();
    return Futures.await(writableAsync());
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
  <A> void shutdownOutput(A attachment, IoHandler<? super A> handler);

  /**
   * Says that no more will be written.
   *
   * @return completes when it is said
   */
  default CompletableFuture<Void> shutdownOutputAsync() {
    return IoFuture.start(loop(), future -> shutdownOutput(future, FutureHandler.VOID));
  }

  /**
   * Says that no more will be written, and waits until that is done.
   *
   * @throws IOException when the connection fails
   * @throws IllegalStateException on a loop's thread
   */
  default void shutdownOutput() throws IOException {
    Futures.requireMayWait();
    Futures.await(shutdownOutputAsync());
  }

  /**
   * Asks that everything in flight on this stream be cancelled. It stays open. A write may have gone out in part, which
   * its buffer's position tells. Any thread; on another than the loop's this covers what that thread has started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  void cancelAll();

  /**
   * Closes the connection: what is in flight is cancelled and fails with an {@link
   * java.nio.channels.AsynchronousCloseException}, then the socket is closed.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the stream was closed before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed the stream
   */
  <A> void close(A attachment, IoHandler<? super A> handler);

  /**
   * Closes the connection.
   *
   * @return completes when it is closed
   */
  default CompletableFuture<Void> closeAsync() {
    return Futures.closing(future -> close(future, FutureHandler.VOID));
  }

  /**
   * Closes the connection, and waits for that; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  default void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  /**
   * Closes the connection without losing what was written before: lets the writes go out, says that there are no more, as
   * {@link #shutdownOutput} does, waits until the peer has done so too, and closes; or closes when the time is over.
   * Nothing that is written or read from now on is taken. What is being read goes on to be; what nobody reads is thrown
   * away. If receiving is paused, the peer is not waited for.
   *
   * @param limit how long all of this may take; 0 closes at the next occasion. Of several calls the first one's counts.
   * @param attachment given to the handler
   * @param handler takes 0 when all was written, whether the peer has ended its side or not; fails with a {@link
   *     java.net.SocketTimeoutException} when not all was written in time, or with what a write failed with. The
   *     connection is closed in any case.
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative limit
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed the stream
   */
  default <A> void closeOnceWritten(Duration limit, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var close = new OrderlyClose(this, OrderlyClose.checked(limit));
    close.add(attachment, handler);
    if (loop().inLoop()) {
      close.begin();
    } else {
      loop().execute(close::begin);
    }
  }

  /**
   * Closes the connection without losing what was written before.
   *
   * @param limit as for {@link #closeOnceWritten(Duration, Object, IoHandler)}
   * @return completes when it is closed
   */
  default CompletableFuture<Void> closeOnceWrittenAsync(Duration limit) {
    return Futures.closing(future -> closeOnceWritten(limit, future, FutureHandler.VOID));
  }

  /**
   * Closes the connection without losing what was written before, and waits for that.
   *
   * @param limit as for {@link #closeOnceWritten(Duration, Object, IoHandler)}
   * @throws java.net.SocketTimeoutException when not all was written in time; it is closed then, too
   * @throws IOException when a write has failed
   * @throws IllegalStateException on a loop's thread
   */
  default void closeOnceWritten(Duration limit) throws IOException {
    Futures.requireMayWait();
    Futures.await(closeOnceWrittenAsync(limit));
  }

  /**
   * The stream for threads that may wait, virtual ones above all: each read waits until there is something, and is -1 at
   * the end. Not buffered. An interrupt ends the read with an {@link java.io.InterruptedIOException}, and the stream stays
   * open, where that of a {@link java.net.Socket} is closed under a virtual thread; closing it closes the connection, as
   * there.
   *
   * @return a view, which need not be closed if this is
   */
  default InputStream inputStream() {
    return new StreamInput(this);
  }

  /**
   * The stream for threads that may wait: each write waits until it has gone out, as {@link #write(ByteBuffer)} does. Not
   * buffered. An interrupt ends the write with an {@link java.io.InterruptedIOException}, which tells how much went out;
   * closing it closes the connection, as that of a {@link java.net.Socket} does: what was written goes out, and what
   * nobody has read by then may cost the peer what it has not read yet, other than with {@link #closeOnceWritten}.
   *
   * @return a view, which need not be closed if this is
   */
  default OutputStream outputStream() {
    return new StreamOutput(this);
  }

  /**
   * What comes in, by the rules of reactive streams, for one subscriber. It gets pieces as {@link #receiveEach} does, on
   * the loop's thread, owns each buffer and must {@linkplain Buffer#release() release} it. With no demand receiving pauses,
   * so that the peer is held back. Cancelling the subscription leaves the stream open, paused for good.
   *
   * @return a publisher; a second subscriber is told that there is one
   */
  default Flow.Publisher<Buffer> publisher() {
    return new StreamPublisher(this);
  }

  /**
   * Writes what a publisher brings, with backpressure by {@link #writeBufferWaterMark()}.
   *
   * @return for one subscription
   */
  default StreamSubscriber subscriber() {
    return new StreamSubscriber(this);
  }
}
