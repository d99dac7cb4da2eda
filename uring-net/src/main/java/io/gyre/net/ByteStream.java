package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CompletableFuture;

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
 * touched; the outcome moves the position to the limit.
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
   * Writes all that remains of a buffer.
   *
   * @param src as for {@link #write(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes
   */
  default CompletableFuture<Integer> writeAsync(ByteBuffer src) {
    return IoFuture.start(loop(), future -> write(src, future, FutureHandler.INTEGER));
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
  default void close() throws IOException {
    var done = closeAsync();
    if (EventLoop.current() == null) {
      Futures.await(done);
    }
  }
}
