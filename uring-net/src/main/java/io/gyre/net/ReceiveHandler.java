package io.gyre.net;

import io.gyre.Buffer;

/**
 * Takes what a {@link ByteStream} receives. Called on the thread of the stream's loop, never from inside the call that
 * began to receive; must not block.
 *
 * @param <A> the attachment's type
 */
public interface ReceiveHandler<A> {
  /**
   * Data came. Called any number of times, in the order of the stream.
   *
   * @param buffer the data, from its position to its limit; the handler owns it and must {@linkplain Buffer#release()
   *     release} it, now or later, from any thread. Buffers held are missing for receiving: when all are held, every
   *     stream of the loop waits.
   * @param attachment what was given when receiving began
   */
  void received(Buffer buffer, A attachment);

  /**
   * The peer will send no more. The last call.
   *
   * @param attachment what was given when receiving began
   */
  void ended(A attachment);

  /**
   * Receiving failed, or the stream was closed. The last call.
   *
   * @param cause why: for instance a {@link java.net.SocketException} after a reset, a {@link
   *     java.nio.channels.AsynchronousCloseException} after a close
   * @param attachment what was given when receiving began
   */
  void failed(Throwable cause, A attachment);
}
