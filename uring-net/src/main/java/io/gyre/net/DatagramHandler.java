package io.gyre.net;

import io.gyre.Buffer;

/**
 * Takes what a {@link UdpSocket} receives. Called on the thread of the socket's loop, never from inside the call that
 * began to receive; must not block.
 *
 * @param <A> the attachment's type
 */
public interface DatagramHandler<A> {
  /**
   * A datagram came. Called any number of times.
   *
   * @param buffer its content, from position to limit, which may be empty; the handler owns it and must {@linkplain
   *     Buffer#release() release} it, now or later, from any thread. Buffers held are missing for receiving: when the
   *     socket's are all held, it waits, and what does not fit the system's own buffer meanwhile is lost.
   * @param datagram who sent it, and whether it is whole; the socket's, filled anew for the next one
   * @param attachment what was given when receiving began
   */
  void received(Buffer buffer, Datagram datagram, A attachment);

  /**
   * Receiving failed, or the socket was closed. The last call; the socket may be told to receive again.
   *
   * @param cause why: for instance a {@link java.net.PortUnreachableException} when a connected peer is not there, a
   *     {@link java.nio.channels.AsynchronousCloseException} after a close
   * @param attachment what was given when receiving began
   */
  void failed(Throwable cause, A attachment);
}
