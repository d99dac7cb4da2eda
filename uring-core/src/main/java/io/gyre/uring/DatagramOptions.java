package io.gyre.uring;

import static io.gyre.uring.Syscalls.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.net.StandardSocketOptions;

/**
 * The options of datagram sockets. Those of IP are set for IPv4 and, on a socket of IPv6, which speaks both, for IPv6 as
 * well. Confined to the loop's thread.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/ip.7.html">ip(7)</a>
 */
final class DatagramOptions {
  private static final int MREQN_INTERFACE = 8; // in struct ip_mreqn, behind two addresses
  private static final int MREQN_BYTES = 12;
  private static final int MOST_IN_A_BYTE = 255;

  private final Syscalls syscalls;
  private final MemorySegment value = Arena.ofAuto().allocate(MREQN_BYTES, Long.BYTES);
  private final MemorySegment length = Arena.ofAuto().allocate(JAVA_INT);

  DatagramOptions(Syscalls syscalls) {
    this.syscalls = syscalls;
  }

  /** One that is a number in the kernel. */
  private record Named(int level, int name, int v6Name) {
    static Named ofSocket(int name) {
      return new Named(Libc.SOL_SOCKET(), name, 0);
    }

    static Named ofIp(int name, int v6Name) {
      return new Named(Libc.IPPROTO_IP(), name, v6Name);
    }
  }

  private static Named named(SocketOption<?> option) {
    if (option.equals(StandardSocketOptions.SO_SNDBUF)) {
      return Named.ofSocket(Libc.SO_SNDBUF());
    } else if (option.equals(StandardSocketOptions.SO_RCVBUF)) {
      return Named.ofSocket(Libc.SO_RCVBUF());
    } else if (option.equals(StandardSocketOptions.SO_BROADCAST)) {
      return Named.ofSocket(Libc.SO_BROADCAST());
    } else if (option.equals(StandardSocketOptions.SO_REUSEADDR)) {
      return Named.ofSocket(Libc.SO_REUSEADDR());
    } else if (option.equals(StandardSocketOptions.SO_REUSEPORT)) {
      return Named.ofSocket(Libc.SO_REUSEPORT());
    } else if (option.equals(StandardSocketOptions.IP_TOS)) {
      return Named.ofIp(Libc.IP_TOS(), Libc.IPV6_TCLASS());
    } else if (option.equals(StandardSocketOptions.IP_MULTICAST_TTL)) {
      return Named.ofIp(Libc.IP_MULTICAST_TTL(), Libc.IPV6_MULTICAST_HOPS());
    } else if (option.equals(StandardSocketOptions.IP_MULTICAST_LOOP)) {
      return Named.ofIp(Libc.IP_MULTICAST_LOOP(), Libc.IPV6_MULTICAST_LOOP());
    }
    throw new UnsupportedOperationException(
        "socket option " + option.name() + " is not one of datagram sockets");
  }

  /** How many bytes the kernel keeps is twice what it is asked for. */
  private static boolean isDoubled(SocketOption<?> option) {
    return option.equals(StandardSocketOptions.SO_SNDBUF)
        || option.equals(StandardSocketOptions.SO_RCVBUF);
  }

  void set(UringDescriptor socket, SocketOption<?> option, Object v) throws IOException {
    if (option.equals(StandardSocketOptions.IP_MULTICAST_IF)) {
      setInterface(socket, (NetworkInterface) v);
      return;
    }
    var named = named(option);
    int number = number(option, v);
    var call = "setsockopt " + option.name();
    set(call, socket, named.level, named.name, number);
    if (named.v6Name != 0 && socket.datagrams.isV6) {
      set(call, socket, Libc.IPPROTO_IPV6(), named.v6Name, number);
    }
  }

  private static int number(SocketOption<?> option, Object v) {
    if (v instanceof Boolean on) {
      return on ? 1 : 0;
    }
    int number = (Integer) v;
    int most = isDoubled(option) ? Integer.MAX_VALUE : MOST_IN_A_BYTE;
    if (number < 0 || number > most) {
      throw new IllegalArgumentException(option.name() + " must be 0 to " + most + ": " + number);
    }
    return number;
  }

  private void setInterface(UringDescriptor socket, NetworkInterface by) throws IOException {
    var call = "setsockopt IP_MULTICAST_IF";
    value.fill((byte) 0);
    value.set(JAVA_INT, MREQN_INTERFACE, by.getIndex());
    int name = Libc.IP_MULTICAST_IF();
    int result = syscalls.setsockopt(socket.fd, Libc.IPPROTO_IP(), name, value);
    check(call, result, socket.subject());
    if (socket.datagrams.isV6) {
      set(call, socket, Libc.IPPROTO_IPV6(), Libc.IPV6_MULTICAST_IF(), by.getIndex());
    }
    socket.datagrams.multicastInterface = by;
  }

  Object get(UringDescriptor socket, SocketOption<?> option) throws IOException {
    if (option.equals(StandardSocketOptions.IP_MULTICAST_IF)) {
      return socket.datagrams.multicastInterface;
    }
    var named = named(option);
    boolean six = named.v6Name != 0 && socket.datagrams.isV6;
    int level = six ? Libc.IPPROTO_IPV6() : named.level;
    value.fill((byte) 0);
    length.set(JAVA_INT, 0, Integer.BYTES);
    int name = six ? named.v6Name : named.name;
    int result = syscalls.getsockopt(socket.fd, level, name, value, length);
    check("getsockopt " + option.name(), result, socket.subject());
    int number = value.get(JAVA_INT, 0);
    if (option.type() == Boolean.class) {
      return number != 0;
    }
    return isDoubled(option) ? number / 2 : number;
  }

  void set(int fd, String subject, int level, int name, boolean on) throws IOException {
    check("setsockopt", trySet(fd, level, name, on), subject);
  }

  /** Sets what can be done without; returns 0 or the negated errno. */
  int trySet(int fd, int level, int name, boolean on) {
    value.set(JAVA_INT, 0, on ? 1 : 0);
    return syscalls.setsockopt(fd, level, name, value.asSlice(0, Integer.BYTES));
  }

  private void set(String call, UringDescriptor socket, int level, int name, int number)
      throws IOException {
    value.set(JAVA_INT, 0, number);
    int result = syscalls.setsockopt(socket.fd, level, name, value.asSlice(0, Integer.BYTES));
    check(call, result, socket.subject());
  }
}
