package io.gyre.net;

import io.gyre.driver.SocketOptions;
import java.net.SocketOption;
import java.util.HashMap;
import java.util.Map;

/**
 * How to listen. Begin with {@link #DEFAULT}.
 *
 * @param backlog how many connections may wait to be accepted, at least 1; the system has a bound of its own
 *     ({@code net.core.somaxconn})
 * @param reuseAddress whether the port may be had while connections that a listener there had are just ending,
 *     SO_REUSEADDR; not while somebody listens there
 * @param reusePort whether several listeners may share the port, and the system spreads connections over them,
 *     SO_REUSEPORT; all of them have to ask for it
 * @param maxConnections how many of the accepted connections may be open at a time, at least 1; {@link #UNLIMITED} at
 *     first
 * @param options of the listening socket, set before it is bound, each with a value of its type: {@link
 *     java.net.StandardSocketOptions#SO_RCVBUF} for instance, which what is accepted inherits. Which there are, the driver
 *     says: NIO has those of {@link java.nio.channels.ServerSocketChannel}
 * @param streamOptions of each accepted connection, each with a value of its type: those of {@link
 *     SocketStream#setOption}, such as {@link java.net.StandardSocketOptions#TCP_NODELAY}
 */
public record ListenOptions(
    int backlog,
    boolean reuseAddress,
    boolean reusePort,
    int maxConnections,
    Map<SocketOption<?>, Object> options,
    Map<SocketOption<?>, Object> streamOptions) {
  /** No bound on the number of connections. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** A backlog of 1024, SO_REUSEADDR, a port of one's own, any number of connections, no further options. */
  public static final ListenOptions DEFAULT =
      new ListenOptions(1024, true, false, UNLIMITED, Map.of(), Map.of());

  /** Refuses what is out of range, values that are not of their option's type, and options that can only be read. */
  public ListenOptions {
    if (backlog < 1) {
      throw new IllegalArgumentException("backlog must be at least 1: " + backlog);
    }
    if (maxConnections < 1) {
      throw new IllegalArgumentException("maxConnections must be at least 1: " + maxConnections);
    }
    options = Map.copyOf(options);
    streamOptions = Map.copyOf(streamOptions);
    options.forEach(SocketOptions::check);
    streamOptions.forEach(SocketOptions::check);
  }

  /**
   * Chooses how many connections may wait to be accepted.
   *
   * @param value at least 1
   * @return new options
   */
  public ListenOptions withBacklog(int value) {
    return new ListenOptions(
        value, reuseAddress, reusePort, maxConnections, options, streamOptions);
  }

  /**
   * Chooses whether the port may be had while connections there are just ending.
   *
   * @param value true if so
   * @return new options
   */
  public ListenOptions withReuseAddress(boolean value) {
    return new ListenOptions(backlog, value, reusePort, maxConnections, options, streamOptions);
  }

  /**
   * Chooses whether several listeners may share the port.
   *
   * @param value true if so
   * @return new options
   */
  public ListenOptions withReusePort(boolean value) {
    return new ListenOptions(backlog, reuseAddress, value, maxConnections, options, streamOptions);
  }

  /**
   * Chooses how many connections may be open at a time.
   *
   * @param value at least 1
   * @return new options
   */
  public ListenOptions withMaxConnections(int value) {
    return new ListenOptions(backlog, reuseAddress, reusePort, value, options, streamOptions);
  }

  /**
   * Chooses an option of the listening socket.
   *
   * @param option which
   * @param value its value
   * @param <T> the value's type
   * @return new options
   */
  public <T> ListenOptions withOption(SocketOption<T> option, T value) {
    return new ListenOptions(
        backlog,
        reuseAddress,
        reusePort,
        maxConnections,
        with(options, option, value),
        streamOptions);
  }

  /**
   * Chooses an option of each accepted connection.
   *
   * @param option which
   * @param value its value
   * @param <T> the value's type
   * @return new options
   */
  public <T> ListenOptions withStreamOption(SocketOption<T> option, T value) {
    return new ListenOptions(
        backlog,
        reuseAddress,
        reusePort,
        maxConnections,
        options,
        with(streamOptions, option, value));
  }

  private static Map<SocketOption<?>, Object> with(
      Map<SocketOption<?>, Object> options, SocketOption<?> option, Object value) {
    var more = new HashMap<>(options);
    more.put(option, value);
    return more;
  }
}
