package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.SocketOptions;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;

/** What the kernel calls the socket options that this driver knows. */
final class OptionTable {
  /** How a value goes to the kernel and comes from there. */
  enum Form {
    FLAG,
    NUMBER,
    /** A number of bytes, of which the kernel tells the double: as much again is for itself. The JDK halves it, too. */
    BUFFER_SIZE,
    TEXT,
    /** A {@code struct linger}. */
    LINGER,
    /** A number that IPv6 has under another name. */
    TRAFFIC_CLASS
  }

  /** The kernel's names of an option. */
  record Entry(int level, int name, Form form) {}

  private static final Map<SocketOption<?>, Entry> ENTRIES = entries();

  private OptionTable() {}

  /** Returns null for an option that is none of TCP's. */
  static Entry find(SocketOption<?> option) {
    return ENTRIES.get(option);
  }

  static Set<SocketOption<?>> options() {
    return ENTRIES.keySet();
  }

  private static Map<SocketOption<?>, Entry> entries() {
    var map = new HashMap<SocketOption<?>, Entry>();
    map.put(StandardSocketOptions.SO_SNDBUF, socket(Libc.SO_SNDBUF(), Form.BUFFER_SIZE));
    map.put(StandardSocketOptions.SO_RCVBUF, socket(Libc.SO_RCVBUF(), Form.BUFFER_SIZE));
    map.put(StandardSocketOptions.SO_KEEPALIVE, socket(Libc.SO_KEEPALIVE(), Form.FLAG));
    map.put(StandardSocketOptions.SO_REUSEADDR, socket(Libc.SO_REUSEADDR(), Form.FLAG));
    map.put(StandardSocketOptions.SO_REUSEPORT, socket(Libc.SO_REUSEPORT(), Form.FLAG));
    map.put(StandardSocketOptions.SO_LINGER, socket(Libc.SO_LINGER(), Form.LINGER));
    map.put(StandardSocketOptions.TCP_NODELAY, tcp(Libc.TCP_NODELAY(), Form.FLAG));
    map.put(
        StandardSocketOptions.IP_TOS,
        new Entry(Libc.IPPROTO_IP(), Libc.IP_TOS(), Form.TRAFFIC_CLASS));
    map.put(SocketOptions.SO_BUSY_POLL, socket(Libc.SO_BUSY_POLL(), Form.NUMBER));
    map.put(SocketOptions.TCP_USER_TIMEOUT, tcp(Libc.TCP_USER_TIMEOUT(), Form.NUMBER));
    map.put(SocketOptions.TCP_DEFER_ACCEPT, tcp(Libc.TCP_DEFER_ACCEPT(), Form.NUMBER));
    map.put(SocketOptions.TCP_FASTOPEN, tcp(Libc.TCP_FASTOPEN(), Form.NUMBER));
    map.put(SocketOptions.TCP_NOTSENT_LOWAT, tcp(Libc.TCP_NOTSENT_LOWAT(), Form.NUMBER));
    map.put(SocketOptions.TCP_SYNCNT, tcp(Libc.TCP_SYNCNT(), Form.NUMBER));
    map.put(SocketOptions.TCP_CORK, tcp(Libc.TCP_CORK(), Form.FLAG));
    map.put(SocketOptions.TCP_CONGESTION, tcp(Libc.TCP_CONGESTION(), Form.TEXT));
    try {
      map.putAll(Extended.entries());
    } catch (NoClassDefFoundError e) {
      // A JVM that was cut down to less than jdk.net: nobody can name these options there.
    }
    return Map.copyOf(map);
  }

  private static Entry socket(int name, Form form) {
    return new Entry(Libc.SOL_SOCKET(), name, form);
  }

  private static Entry tcp(int name, Form form) {
    return new Entry(Libc.IPPROTO_TCP(), name, form);
  }

  /** Those of jdk.net: a class of their own, which is looked for only here. */
  private static final class Extended {
    static Map<SocketOption<?>, Entry> entries() {
      return Map.of(
          ExtendedSocketOptions.TCP_KEEPIDLE,
          tcp(Libc.TCP_KEEPIDLE(), Form.NUMBER),
          ExtendedSocketOptions.TCP_KEEPINTERVAL,
          tcp(Libc.TCP_KEEPINTVL(), Form.NUMBER),
          ExtendedSocketOptions.TCP_KEEPCOUNT,
          tcp(Libc.TCP_KEEPCNT(), Form.NUMBER),
          ExtendedSocketOptions.TCP_QUICKACK,
          tcp(Libc.TCP_QUICKACK(), Form.FLAG),
          ExtendedSocketOptions.SO_INCOMING_NAPI_ID,
          socket(Libc.SO_INCOMING_NAPI_ID(), Form.NUMBER));
    }
  }
}
