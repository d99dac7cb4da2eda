package io.gyre.net;

import io.gyre.driver.SocketOptions;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How to connect.
 *
 * @param timeout how long all of it may take, from the call on: the lookup of the name, and every attempt. Positive; null
 *     leaves it to the system, which tries an address that does not answer for about two minutes
 *     ({@code net.ipv4.tcp_syn_retries}) and a name server for as long as resolv.conf says
 * @param localAddress where to connect from, resolved, or null for what the system finds best. Addresses of the other
 *     family are not tried. With a port other than 0 a second attempt beside the first fails, since the first has the port
 * @param options socket options to set before the socket connects, each with its value, in this order: buffer sizes for
 *     instance, from which the window's scale is agreed on when the connection is made
 * @param attemptDelay how long an attempt has for itself before the next address is tried beside it, at least {@link
 *     #SHORTEST_ATTEMPT_DELAY}; RFC 8305 calls it the Connection Attempt Delay. An attempt that fails is followed by the
 *     next at once
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8305">RFC 8305: Happy Eyeballs Version 2</a>
 */
public record ConnectOptions(
    Duration timeout,
    InetSocketAddress localAddress,
    Map<SocketOption<?>, Object> options,
    Duration attemptDelay) {
  /** The least that RFC 8305 allows, 10 ms. */
  public static final Duration SHORTEST_ATTEMPT_DELAY = Duration.ofMillis(10);

  /** No limit but the system's, from wherever the system finds best, no options, a second attempt after 250 ms. */
  public static final ConnectOptions DEFAULT =
      new ConnectOptions(null, null, Map.of(), Duration.ofMillis(250));

  /**
   * Checks what is asked for, and keeps a copy of the options.
   *
   * @throws IllegalArgumentException when something is out of range, or an option has a value that it can't have
   * @throws UnsupportedOperationException for an option that can only be read
   * @throws UnresolvedAddressException for an unresolved local address
   */
  public ConnectOptions {
    if (timeout != null && !timeout.isPositive()) {
      throw new IllegalArgumentException("timeout must be positive: " + timeout);
    }
    if (localAddress != null && localAddress.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
    if (attemptDelay.compareTo(SHORTEST_ATTEMPT_DELAY) < 0) {
      throw new IllegalArgumentException(
          "attemptDelay must be at least " + SHORTEST_ATTEMPT_DELAY + ": " + attemptDelay);
    }
    options.forEach(SocketOptions::check);
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  /**
   * The same with another limit.
   *
   * @param value positive, or null for the system's
   * @return new options
   */
  public ConnectOptions withTimeout(Duration value) {
    return new ConnectOptions(value, localAddress, options, attemptDelay);
  }

  /**
   * The same from another address of this machine.
   *
   * @param value resolved, or null for what the system finds best
   * @return new options
   */
  public ConnectOptions withLocalAddress(InetSocketAddress value) {
    return new ConnectOptions(timeout, value, options, attemptDelay);
  }

  /**
   * The same with a socket option more, or with another value of it.
   *
   * @param option as for {@link TcpStream#setOption}
   * @param value its value
   * @param <T> the value's type
   * @return new options
   */
  public <T> ConnectOptions withOption(SocketOption<T> option, T value) {
    Objects.requireNonNull(option, "option");
    var more = new LinkedHashMap<>(options);
    more.put(option, value);
    return new ConnectOptions(timeout, localAddress, more, attemptDelay);
  }

  /**
   * The same with another time between two attempts.
   *
   * @param value at least {@link #SHORTEST_ATTEMPT_DELAY}
   * @return new options
   */
  public ConnectOptions withAttemptDelay(Duration value) {
    return new ConnectOptions(timeout, localAddress, options, value);
  }
}
