package io.gyre.nio;

import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.SocketOption;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectableChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Opens channels that don't block. */
final class TcpChannels {
  private TcpChannels() {}

  static ServerSocketChannel openListener(InetSocketAddress address, String subject)
      throws IOException {
    return open(ServerSocketChannel::open, address, subject);
  }

  static SocketChannel openSocket(InetSocketAddress remote, String subject) throws IOException {
    return open(SocketChannel::open, remote, subject);
  }

  static void setReusePort(ServerSocketChannel channel) throws IOException {
    if (!channel.supportedOptions().contains(StandardSocketOptions.SO_REUSEPORT)) {
      throw new UnsupportedOperationException(
          "SO_REUSEPORT is not supported here: only one socket can listen on a port");
    }
    channel.setOption(StandardSocketOptions.SO_REUSEPORT, true);
  }

  @SuppressWarnings("unchecked") // whoever made the pair has seen to it that the types agree
  static void setOption(ServerSocketChannel channel, SocketOption<?> option, Object value)
      throws IOException {
    channel.setOption((SocketOption<Object>) option, value);
  }

  @FunctionalInterface
  private interface Opener<C extends SelectableChannel> {
    C open(ProtocolFamily family) throws IOException;
  }

  private static <C extends SelectableChannel> C open(
      Opener<C> opener, InetSocketAddress address, String subject) throws IOException {
    C channel;
    try {
      channel = opener.open(family(address));
    } catch (UnsupportedOperationException e) { // there is no IPv6 here, or it was switched off
      throw Errors.socket("socket", Errno.EAFNOSUPPORT.number(), subject);
    } catch (IOException e) {
      throw Failures.ofCall("socket", subject, e);
    }
    channel.configureBlocking(false);
    return channel;
  }

  /**
   * Exactly the family of the address, as the kernel is asked for on io_uring. Left to itself the JDK opens sockets that
   * speak both.
   */
  private static ProtocolFamily family(InetSocketAddress address) {
    return address.getAddress() instanceof Inet6Address
        ? StandardProtocolFamily.INET6
        : StandardProtocolFamily.INET;
  }
}
