package io.gyre.driver;

import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.Map;

/**
 * What a driver is asked to listen with.
 *
 * @param address where; port 0 lets the system choose
 * @param backlog how many connections may wait to be accepted, from 1
 * @param reuseAddress whether a port whose connections are just ending may be had, SO_REUSEADDR
 * @param reusePort whether several sockets may listen there and share the connections, SO_REUSEPORT
 * @param options set before the socket is bound, each with a value of its type
 */
public record ListenRequest(
    InetSocketAddress address,
    int backlog,
    boolean reuseAddress,
    boolean reusePort,
    Map<SocketOption<?>, Object> options) {
  /** Keeps the options as they are. */
  public ListenRequest {
    options = Map.copyOf(options);
  }

  /**
   * Asks for a listener as servers have it: SO_REUSEADDR, and no further options.
   *
   * @param address where
   * @param backlog how many connections may wait to be accepted
   * @param reusePort whether several sockets may listen there
   */
  public ListenRequest(InetSocketAddress address, int backlog, boolean reusePort) {
    this(address, backlog, true, reusePort, Map.of());
  }
}
