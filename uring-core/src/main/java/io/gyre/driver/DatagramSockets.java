package io.gyre.driver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Set;

/**
 * What a driver does to datagram sockets at once: none of these calls blocks. Confined to the loop's thread. What they
 * send and receive are operations.
 */
public interface DatagramSockets {
  /** The options that datagram sockets have on every driver. */
  Set<SocketOption<?>> OPTIONS =
      Set.of(
          StandardSocketOptions.SO_SNDBUF,
          StandardSocketOptions.SO_RCVBUF,
          StandardSocketOptions.SO_BROADCAST,
          StandardSocketOptions.SO_REUSEADDR,
          StandardSocketOptions.SO_REUSEPORT,
          StandardSocketOptions.IP_TOS,
          StandardSocketOptions.IP_MULTICAST_IF,
          StandardSocketOptions.IP_MULTICAST_TTL,
          StandardSocketOptions.IP_MULTICAST_LOOP);

  /**
   * How to open a socket.
   *
   * @param local where it receives; port 0 lets the system choose
   * @param reuseAddress SO_REUSEADDR
   * @param reusePort SO_REUSEPORT
   * @param bufferCount buffers of its own for {@link OpCode#RECEIVE_MESSAGE_MULTISHOT}, a power of two from 2 to 32768
   * @param bufferBytes size of each of them
   * @param coalescing whether datagrams of one sender that follow one another may come as one: UDP_GRO
   */
  record Request(
      InetSocketAddress local,
      boolean reuseAddress,
      boolean reusePort,
      int bufferCount,
      int bufferBytes,
      boolean coalescing) {}

  /**
   * Opens a socket and binds it.
   *
   * @param request how
   * @return the socket
   * @throws IOException as {@link Errors} names it, for instance a {@link java.net.BindException}
   */
  Descriptor open(Request request) throws IOException;

  /**
   * Connects a socket: it sends there, and receives from there only.
   *
   * @param socket an open socket
   * @param remote the peer of a socket that is not connected; null to receive from all again
   * @throws IOException as {@link Errors} names it
   */
  void connect(Descriptor socket, InetSocketAddress remote) throws IOException;

  /**
   * Sets an option.
   *
   * @param socket an open socket
   * @param option one of {@link #OPTIONS}
   * @param value its value
   * @param <T> the value's type
   * @throws IOException when the system refuses
   * @throws IllegalArgumentException for a value that makes no sense
   * @throws UnsupportedOperationException for another option
   */
  <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException;

  /**
   * Asks for an option.
   *
   * @param socket an open socket
   * @param option one of {@link #OPTIONS}
   * @param <T> the value's type
   * @return its value
   * @throws IOException when the system does not tell
   * @throws UnsupportedOperationException for another option
   */
  <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException;

  /** What is done to a membership in a multicast group. */
  enum Membership {
    /** Receives what is sent to the group, by anybody or by one source. */
    JOIN,
    /** Ends a membership. */
    DROP,
    /** Receives no longer what a source sends to a group that was joined. */
    BLOCK,
    /** Receives it again. */
    UNBLOCK
  }

  /**
   * Changes a membership in a multicast group.
   *
   * @param socket an open socket
   * @param change what to do
   * @param group a multicast address
   * @param networkInterface where
   * @param source of whom; null for anybody
   * @throws IOException as {@link Errors} names it
   */
  void change(
      Descriptor socket,
      Membership change,
      InetAddress group,
      NetworkInterface networkInterface,
      InetAddress source)
      throws IOException;
}
