package io.gyre.net;

import io.gyre.driver.MessageHeader;
import java.net.InetSocketAddress;

/**
 * How a datagram came: who sent it, how long it is, and whether that is all of it. Filled anew for each datagram, so that
 * receiving allocates nothing.
 *
 * <p>One that {@link UdpSocket#receiveEach} hands over says this until its handler returns, and is then the next
 * datagram's. One that the caller of {@link UdpSocket#receive(java.nio.ByteBuffer, Datagram, Object, io.gyre.IoHandler)}
 * gave, or that a future or a method that waits returned, is the caller's.
 */
public final class Datagram {
  final MessageHeader header = new MessageHeader();
  int length;

  /** Makes one that says nothing yet. */
  public Datagram() {}

  /**
   * How many bytes there are of it.
   *
   * @return bytes, 0 for an empty datagram; less than were sent if it {@linkplain #isTruncated() is truncated}
   */
  public int length() {
    return length;
  }

  /**
   * Who sent it, to be answered there. The object is made at the first call and kept for the sender's next datagrams, for
   * as long as no other sender takes its place: a socket of many peers that does not ask for it allocates nothing.
   *
   * @return address and port; an IPv4 sender's is IPv4 on a socket of IPv6, too
   */
  public InetSocketAddress sender() {
    return header.sender();
  }

  /**
   * The sender's port, which is asked for without making an object.
   *
   * @return from 0 to 65535
   */
  public int senderPort() {
    return header.senderPort();
  }

  /**
   * Whether another datagram came from the same address and port. Makes no object.
   *
   * @param other of a socket of the same runtime
   * @return true if so
   */
  public boolean hasSameSender(Datagram other) {
    return header.hasSenderOf(other.header);
  }

  /**
   * Whether it was longer than the buffer; the rest of it is lost.
   *
   * @return true if so
   */
  public boolean isTruncated() {
    return header.isTruncated();
  }

  /**
   * Of several datagrams of one sender that came as one (UDP_GRO), how long each is; the last may be shorter. See {@link
   * UdpSocket.Options#coalescing()}.
   *
   * @return bytes; 0 when it is one datagram
   */
  public int segmentSize() {
    return header.segmentSize();
  }

  @Override
  public String toString() {
    return length
        + " bytes of "
        + sender()
        + (isTruncated() ? ", truncated" : "")
        + (segmentSize() > 0 ? ", in segments of " + segmentSize() : "");
  }
}
