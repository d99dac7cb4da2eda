package io.gyre.uring;

import static io.gyre.uring.Syscalls.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.linger;
import io.gyre.bindings.sockaddr_storage;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.SocketOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketOption;

/** What is done to sockets at once: none of these calls blocks. Confined to the loop's thread. */
final class Sockets {
  /** In seconds, as the JDK has it; the kernel would take more. */
  private static final int LONGEST_LINGER = 65_535;

  private final Syscalls syscalls;
  private final MemorySegment storage = Arena.ofAuto().allocate(sockaddr_storage.layout());
  private final MemorySegment length = Arena.ofAuto().allocate(JAVA_INT);
  private final MemorySegment value = Arena.ofAuto().allocate(linger.layout());

  Sockets(Syscalls syscalls) {
    this.syscalls = syscalls;
  }

  int open(InetSocketAddress address) throws IOException {
    // Blocking on purpose: the ring answers EAGAIN at once on sockets that are not.
    int fd =
        syscalls.socket(
            SocketAddresses.family(address),
            Libc.SOCK_STREAM() | Libc.SOCK_CLOEXEC(),
            Libc.IPPROTO_TCP());
    if (fd < 0) {
      throw Errors.socket("socket", -fd, Errors.format(address));
    }
    return fd;
  }

  /** Whether there is nothing to wait for on a descriptor: epoll refuses those, of regular files for instance. */
  boolean isAlwaysReady(int fd) {
    int epoll = syscalls.epollCreate();
    if (epoll < 0) {
      return false; // it can't be found out now, and most can be waited for
    }
    int result = syscalls.epollAdd(epoll, fd, storage); // whatever event it holds
    Libc.close(epoll);
    return result == -Errno.EPERM.number();
  }

  int listen(ListenRequest request) throws IOException {
    var address = request.address();
    int fd = open(address);
    try {
      var subject = Errors.format(address);
      if (request.reuseAddress()) {
        set(fd, "setsockopt SO_REUSEADDR", subject, Libc.SOL_SOCKET(), Libc.SO_REUSEADDR(), 1);
      }
      if (request.reusePort()) {
        set(fd, "setsockopt SO_REUSEPORT", subject, Libc.SOL_SOCKET(), Libc.SO_REUSEPORT(), 1);
      }
      for (var option : request.options().entrySet()) {
        setOption(fd, subject, option.getKey(), option.getValue());
      }
      if (SocketAddresses.family(address) == Libc.AF_INET6()) {
        // As java.nio has it.
        set(fd, "setsockopt IPV6_V6ONLY", subject, Libc.IPPROTO_IPV6(), Libc.IPV6_V6ONLY(), 0);
      }
      try (var arena = Arena.ofConfined()) {
        check("bind", syscalls.bind(fd, SocketAddresses.encode(arena, address)), subject);
      }
      check("listen", syscalls.listen(fd, request.backlog()), subject);
      return fd;
    } catch (IOException | RuntimeException e) {
      Libc.close(fd);
      throw e;
    }
  }

  InetSocketAddress localAddress(int fd, String subject) throws IOException {
    length.set(JAVA_INT, 0, (int) storage.byteSize());
    check("getsockname", syscalls.getsockname(fd, storage, length), subject);
    return SocketAddresses.decode(storage);
  }

  InetSocketAddress remoteAddress(int fd, String subject) throws IOException {
    length.set(JAVA_INT, 0, (int) storage.byteSize());
    check("getpeername", syscalls.getpeername(fd, storage, length), subject);
    return SocketAddresses.decode(storage);
  }

  /** The peer's address, or null when the peer is gone already. */
  InetSocketAddress remoteAddress(int fd) {
    length.set(JAVA_INT, 0, (int) storage.byteSize());
    return syscalls.getpeername(fd, storage, length) < 0 ? null : SocketAddresses.decode(storage);
  }

  /** Lets the port be chosen only when the socket connects, if it is free to choose: then the whole 4-tuple counts. */
  void bind(int fd, String subject, InetSocketAddress address) throws IOException {
    if (address.getPort() == 0) {
      value.set(JAVA_INT, 0, 1);
      var flag = value.asSlice(0, Integer.BYTES);
      // A kernel without it (before 4.2) chooses now, which is as good.
      int _ = syscalls.setsockopt(fd, Libc.IPPROTO_IP(), Libc.IP_BIND_ADDRESS_NO_PORT(), flag);
    }
    try (var arena = Arena.ofConfined()) {
      int result = syscalls.bind(fd, SocketAddresses.encode(arena, address));
      check("bind", result, Errors.format(address) + " to connect " + subject);
    }
  }

  void setOption(int fd, String subject, SocketOption<?> option, Object v) throws IOException {
    var entry = entry(option, subject);
    var call = "setsockopt " + option.name();
    switch (entry.form()) {
      case FLAG -> set(fd, call, subject, entry.level(), entry.name(), (Boolean) v ? 1 : 0);
      case NUMBER, BUFFER_SIZE -> set(fd, call, subject, entry.level(), entry.name(), (Integer) v);
      case TRAFFIC_CLASS -> setTrafficClass(fd, call, subject, (Integer) v);
      case TEXT -> {
        try (var arena = Arena.ofConfined()) {
          var text = arena.allocateFrom((String) v);
          check(call, syscalls.setsockopt(fd, entry.level(), entry.name(), text), subject);
        }
      }
      case LINGER -> {
        int seconds = (Integer) v;
        linger.l_onoff(value, seconds < 0 ? 0 : 1);
        linger.l_linger(value, Math.clamp(seconds, 0, LONGEST_LINGER));
        check(call, syscalls.setsockopt(fd, entry.level(), entry.name(), value), subject);
      }
    }
  }

  /** A socket of IPv6 may have a peer of IPv4, so there it is set for both, as far as it takes it. */
  private void setTrafficClass(int fd, String call, String subject, int number) throws IOException {
    if (isOfIpv6(fd, subject)) {
      set(fd, call, subject, Libc.IPPROTO_IPV6(), Libc.IPV6_TCLASS(), number);
      var flag = value.asSlice(0, Integer.BYTES); // still holds the number
      int _ = syscalls.setsockopt(fd, Libc.IPPROTO_IP(), Libc.IP_TOS(), flag);
    } else {
      set(fd, call, subject, Libc.IPPROTO_IP(), Libc.IP_TOS(), number);
    }
  }

  private boolean isOfIpv6(int fd, String subject) throws IOException {
    return get(fd, "getsockopt SO_DOMAIN", subject, Libc.SOL_SOCKET(), Libc.SO_DOMAIN())
        == Libc.AF_INET6();
  }

  /** Returns a value of the option's type. */
  Object getOption(int fd, String subject, SocketOption<?> option) throws IOException {
    var entry = entry(option, subject);
    var call = "getsockopt " + option.name();
    return switch (entry.form()) {
      case FLAG -> get(fd, call, subject, entry.level(), entry.name()) != 0;
      case NUMBER -> get(fd, call, subject, entry.level(), entry.name());
      case BUFFER_SIZE -> get(fd, call, subject, entry.level(), entry.name()) / 2;
      case TRAFFIC_CLASS ->
          isOfIpv6(fd, subject)
              ? get(fd, call, subject, Libc.IPPROTO_IPV6(), Libc.IPV6_TCLASS())
              : get(fd, call, subject, Libc.IPPROTO_IP(), Libc.IP_TOS());
      case LINGER -> {
        fetch(fd, call, subject, entry, value);
        yield linger.l_onoff(value) == 0 ? -1 : linger.l_linger(value);
      }
      case TEXT -> {
        fetch(fd, call, subject, entry, storage);
        yield storage.getString(0);
      }
    };
  }

  private static OptionTable.Entry entry(SocketOption<?> option, String subject) {
    var entry = OptionTable.find(option);
    if (entry == null) {
      throw SocketOptions.unsupported(option, subject, "it is none of TCP's on Linux");
    }
    return entry;
  }

  private int get(int fd, String call, String subject, int level, int name) throws IOException {
    fetch(fd, call, subject, new OptionTable.Entry(level, name, OptionTable.Form.NUMBER), value);
    return value.get(JAVA_INT, 0);
  }

  private void fetch(
      int fd, String call, String subject, OptionTable.Entry entry, MemorySegment result)
      throws IOException {
    length.set(JAVA_INT, 0, (int) result.byteSize());
    check(call, syscalls.getsockopt(fd, entry.level(), entry.name(), result, length), subject);
  }

  private void set(int fd, String call, String subject, int level, int name, int number)
      throws IOException {
    value.set(JAVA_INT, 0, number);
    check(call, syscalls.setsockopt(fd, level, name, value.asSlice(0, Integer.BYTES)), subject);
  }
}
