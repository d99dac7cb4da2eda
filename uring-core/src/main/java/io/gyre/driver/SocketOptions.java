package io.gyre.driver;

import java.net.SocketOption;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The socket options of Linux that the JDK has no names for, and the ranges of all: what is out of range is refused
 * before the kernel sees it, on every driver alike.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/socket.7.html">socket(7)</a>
 * @see <a href="https://man7.org/linux/man-pages/man7/tcp.7.html">tcp(7)</a>
 */
public final class SocketOptions {
  /** How long sent data may stay unacknowledged before the connection fails, in milliseconds; 0 is the system's time. */
  public static final SocketOption<Integer> TCP_USER_TIMEOUT = integer("TCP_USER_TIMEOUT");

  /** How long a connection may wait to be accepted until its first data comes, in seconds; 0 is not at all. */
  public static final SocketOption<Integer> TCP_DEFER_ACCEPT = integer("TCP_DEFER_ACCEPT");

  /** How many connections that carry data in their first packet may wait to be established. */
  public static final SocketOption<Integer> TCP_FASTOPEN = integer("TCP_FASTOPEN");

  /** How many bytes not sent yet make a socket not writable. */
  public static final SocketOption<Integer> TCP_NOTSENT_LOWAT = integer("TCP_NOTSENT_LOWAT");

  /** How often the first packet of a connect is sent again. */
  public static final SocketOption<Integer> TCP_SYNCNT = integer("TCP_SYNCNT");

  /** Whether packets that are not full wait for more. */
  public static final SocketOption<Boolean> TCP_CORK = new Linux<>("TCP_CORK", Boolean.class);

  /** The name of the congestion control. */
  public static final SocketOption<String> TCP_CONGESTION =
      new Linux<>("TCP_CONGESTION", String.class);

  /** How long to poll the network device before a wait, in microseconds. */
  public static final SocketOption<Integer> SO_BUSY_POLL = integer("SO_BUSY_POLL");

  private static final int LONGEST_CONGESTION_NAME = 15; // TCP_CA_NAME_MAX with its zero

  /** What an option's number may be. */
  private record Range(int low, int high, String unit) {}

  // By name, so that those of jdk.net are found in a JVM that is without that module, too.
  private static final Map<String, Range> RANGES =
      Map.ofEntries(
          Map.entry("SO_SNDBUF", new Range(0, Integer.MAX_VALUE, "bytes")),
          Map.entry("SO_RCVBUF", new Range(0, Integer.MAX_VALUE, "bytes")),
          Map.entry("IP_TOS", new Range(0, 255, "")),
          Map.entry("TCP_KEEPIDLE", new Range(1, 32_767, "seconds")),
          Map.entry("TCP_KEEPINTERVAL", new Range(1, 32_767, "seconds")),
          Map.entry("TCP_KEEPCOUNT", new Range(1, 127, "probes")),
          Map.entry("TCP_USER_TIMEOUT", new Range(0, Integer.MAX_VALUE, "milliseconds")),
          Map.entry("TCP_DEFER_ACCEPT", new Range(0, Integer.MAX_VALUE, "seconds")),
          Map.entry("TCP_FASTOPEN", new Range(0, Integer.MAX_VALUE, "connections")),
          Map.entry("TCP_NOTSENT_LOWAT", new Range(0, Integer.MAX_VALUE, "bytes")),
          Map.entry("TCP_SYNCNT", new Range(1, 127, "packets")),
          Map.entry("SO_BUSY_POLL", new Range(0, Integer.MAX_VALUE, "microseconds")));

  private static final Set<String> READ_ONLY = Set.of("SO_INCOMING_NAPI_ID");

  /** An option of Linux. There is one of each, which is equal to itself only, as the JDK's are. */
  private static final class Linux<T> implements SocketOption<T> {
    private final String name;
    private final Class<T> type;

    Linux(String name, Class<T> type) {
      this.name = name;
      this.type = type;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Class<T> type() {
      return type;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private SocketOptions() {}

  private static SocketOption<Integer> integer(String name) {
    return new Linux<>(name, Integer.class);
  }

  /**
   * Checks what an option is to be set to.
   *
   * @param option any
   * @param value its value
   * @throws NullPointerException when either is null
   * @throws IllegalArgumentException when the value is of another type, or out of the range that the option has
   * @throws UnsupportedOperationException for an option that can only be read
   */
  public static void check(SocketOption<?> option, Object value) {
    Objects.requireNonNull(option, "option");
    Objects.requireNonNull(value, "value");
    if (!option.type().isInstance(value)) { // the caller has gone around the compiler
      throw new IllegalArgumentException(
          option.name()
              + " takes a "
              + option.type().getSimpleName()
              + ", not a "
              + value.getClass().getSimpleName());
    }
    if (READ_ONLY.contains(option.name())) {
      throw new UnsupportedOperationException(option.name() + " can be read, but not set");
    }
    var range = RANGES.get(option.name());
    if (range != null) {
      checkRange(option, range, (Integer) value);
    } else if (option.equals(TCP_CONGESTION)) {
      checkName((String) value);
    }
  }

  private static void checkRange(SocketOption<?> option, Range range, int number) {
    if (number < range.low || number > range.high) {
      throw new IllegalArgumentException(
          option.name()
              + " must be "
              + (range.high == Integer.MAX_VALUE
                  ? "at least " + range.low
                  : "from " + range.low + " to " + range.high)
              + (range.unit.isEmpty() ? "" : " " + range.unit)
              + ": "
              + number);
    }
  }

  private static void checkName(String name) {
    int length = name.getBytes(StandardCharsets.UTF_8).length;
    if (length < 1 || length > LONGEST_CONGESTION_NAME || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "TCP_CONGESTION takes a name of 1 to "
              + LONGEST_CONGESTION_NAME
              + " bytes, as in /proc/sys/net/ipv4/tcp_available_congestion_control: \""
              + name
              + "\"");
    }
  }

  /**
   * For drivers: what an option is answered with that the driver does not have.
   *
   * @param option which
   * @param subject the address
   * @param advice a clause, what to do
   * @return the exception, not thrown
   */
  public static UnsupportedOperationException unsupported(
      SocketOption<?> option, String subject, String advice) {
    return new UnsupportedOperationException(
        "socket option " + option.name() + " is not supported on " + subject + ": " + advice);
  }
}
