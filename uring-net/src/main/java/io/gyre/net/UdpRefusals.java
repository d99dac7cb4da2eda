package io.gyre.net;

import io.gyre.driver.Errors;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.channels.UnsupportedAddressTypeException;

/**
 * Refuses what can't be sent, with the exceptions of java.nio, which have no constructor that takes a message: each says
 * it all the same, under the name that users know and catch.
 */
final class UdpRefusals {
  private UdpRefusals() {}

  /** Refuses where nothing can be sent to from a socket. */
  static void requireReachable(String call, InetSocketAddress remote, InetSocketAddress local) {
    if (remote.isUnresolved()) {
      throw new Unresolved(call + " " + remote + ": the name was not resolved");
    }
    if (remote.getPort() == 0) {
      throw new IllegalArgumentException(
          call + " " + Errors.format(remote) + ": nobody receives on port 0");
    }
    if (remote.getAddress() instanceof Inet6Address
        && !(local.getAddress() instanceof Inet6Address)) {
      throw new OtherFamily(
          call
              + " "
              + Errors.format(remote)
              + ": the socket is bound to "
              + Errors.format(local)
              + ", an address of IPv4; bind one of IPv6, which reaches both");
    }
  }

  static RuntimeException notConnected(InetSocketAddress local) {
    return new NotConnected(
        "send from "
            + Errors.format(local)
            + ": the socket is not connected: connect it, or name an address");
  }

  static RuntimeException connectedElsewhere(InetSocketAddress to, InetSocketAddress remote) {
    return new Connected(
        "send "
            + Errors.format(to)
            + ": the socket is connected to "
            + Errors.format(remote)
            + " and sends only there: disconnect it first");
  }

  private static final class Unresolved extends UnresolvedAddressException {
    private static final long serialVersionUID = 1L;
    private final String message;

    Unresolved(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return UnresolvedAddressException.class.getName() + ": " + message;
    }
  }

  private static final class OtherFamily extends UnsupportedAddressTypeException {
    private static final long serialVersionUID = 1L;
    private final String message;

    OtherFamily(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return UnsupportedAddressTypeException.class.getName() + ": " + message;
    }
  }

  private static final class NotConnected extends NotYetConnectedException {
    private static final long serialVersionUID = 1L;
    private final String message;

    NotConnected(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return NotYetConnectedException.class.getName() + ": " + message;
    }
  }

  private static final class Connected extends AlreadyConnectedException {
    private static final long serialVersionUID = 1L;
    private final String message;

    Connected(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }

    @Override
    public String toString() {
      return AlreadyConnectedException.class.getName() + ": " + message;
    }
  }
}
