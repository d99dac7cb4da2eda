package io.gyre.net;

import io.gyre.driver.SocketOptions;
import java.net.SocketOption;

/**
 * Options of TCP sockets that Linux has and the JDK has no names for. For those that it has, see {@link
 * java.net.StandardSocketOptions} and {@code jdk.net.ExtendedSocketOptions}.
 *
 * <p>They need io_uring: java.nio does not let them through, and there each is answered with an
 * UnsupportedOperationException. {@link TcpStream#supportedOptions()} tells.
 *
 * <p>TCP_FASTOPEN_CONNECT is not among them: with it a connect succeeds before anybody was asked, so that no attempt could
 * be told from a better one.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/tcp.7.html">tcp(7)</a>
 * @see <a href="https://man7.org/linux/man-pages/man7/socket.7.html">socket(7)</a>
 */
public final class TcpOptions {
  /**
   * How long data that was sent may stay unacknowledged before the connection fails with ETIMEDOUT, in milliseconds from 0,
   * which is as long as the system's retransmissions take (about 15 minutes). Of a connection that waits for its peer's
   * window, too.
   */
  public static final SocketOption<Integer> TCP_USER_TIMEOUT = SocketOptions.TCP_USER_TIMEOUT;

  /**
   * Of a listener: a connection is accepted when its first data has come, or this many seconds later; from 0, which is at
   * once. The kernel rounds up to the times of its retransmissions, and tells what it made of it.
   */
  public static final SocketOption<Integer> TCP_DEFER_ACCEPT = SocketOptions.TCP_DEFER_ACCEPT;

  /**
   * Of a listener: how many connections that bring data in their first packet may wait to be established, from 0. Also
   * needs bit 2 of {@code net.ipv4.tcp_fastopen}.
   */
  public static final SocketOption<Integer> TCP_FASTOPEN = SocketOptions.TCP_FASTOPEN;

  /**
   * How many bytes may wait in the socket that were not sent yet, from 0: beyond that a poll does not call it writable. So
   * less of what is written goes stale in the kernel.
   */
  public static final SocketOption<Integer> TCP_NOTSENT_LOWAT = SocketOptions.TCP_NOTSENT_LOWAT;

  /** How often the first packet of a connect is sent again before it fails with ETIMEDOUT: 1 to 127. Before it connects. */
  public static final SocketOption<Integer> TCP_SYNCNT = SocketOptions.TCP_SYNCNT;

  /** Whether packets that are not full wait for more, for 200 ms at most, or until this is set to false. */
  public static final SocketOption<Boolean> TCP_CORK = SocketOptions.TCP_CORK;

  /**
   * The name of the congestion control, 1 to 15 bytes: one of {@code net.ipv4.tcp_allowed_congestion_control}, or with
   * CAP_NET_ADMIN of {@code tcp_available_congestion_control}.
   */
  public static final SocketOption<String> TCP_CONGESTION = SocketOptions.TCP_CONGESTION;

  /**
   * How long the network device is polled before a wait, in microseconds from 0. More than the system's {@code
   * net.core.busy_read} needs CAP_NET_ADMIN.
   */
  public static final SocketOption<Integer> SO_BUSY_POLL = SocketOptions.SO_BUSY_POLL;

  private TcpOptions() {}
}
