package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.linger;
import io.gyre.bindings.sockaddr_storage;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.ListenRequest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;

/** What is done to sockets at once: none of these calls blocks. Confined to the loop's thread. */
final class Sockets {
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
        set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_REUSEADDR(), 1);
      }
      if (request.reusePort()) {
        set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_REUSEPORT(), 1);
      }
      for (var option : request.options().entrySet()) {
        setOption(fd, subject, option.getKey(), option.getValue());
      }
      if (SocketAddresses.family(address) == Libc.AF_INET6()) {
        set(fd, subject, Libc.IPPROTO_IPV6(), Libc.IPV6_V6ONLY(), 0); // as java.nio has it
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

  void setOption(int fd, String subject, SocketOption<?> option, Object v) throws IOException {
    if (option.equals(StandardSocketOptions.TCP_NODELAY)) {
      set(fd, subject, Libc.IPPROTO_TCP(), Libc.TCP_NODELAY(), toInt(v));
    } else if (option.equals(StandardSocketOptions.SO_KEEPALIVE)) {
      set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_KEEPALIVE(), toInt(v));
    } else if (option.equals(StandardSocketOptions.SO_RCVBUF)) {
      set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_RCVBUF(), notNegative(option, v));
    } else if (option.equals(StandardSocketOptions.SO_SNDBUF)) {
      set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_SNDBUF(), notNegative(option, v));
    } else if (option.equals(StandardSocketOptions.SO_REUSEADDR)) {
      set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_REUSEADDR(), toInt(v));
    } else if (option.equals(StandardSocketOptions.SO_LINGER)) {
      int seconds = (Integer) v;
      linger.l_onoff(value, seconds < 0 ? 0 : 1);
      linger.l_linger(value, Math.max(0, seconds));
      check(
          "setsockopt " + option.name(),
          syscalls.setsockopt(fd, Libc.SOL_SOCKET(), Libc.SO_LINGER(), value),
          subject);
    } else {
      throw new UnsupportedOperationException(
          "socket option " + option.name() + " is not supported");
    }
  }

  private static int notNegative(SocketOption<?> option, Object v) {
    int number = (Integer) v;
    if (number < 0) {
      throw new IllegalArgumentException(option.name() + " must not be negative: " + number);
    }
    return number;
  }

  private static int toInt(Object v) {
    return (Boolean) v ? 1 : 0;
  }

  private void set(int fd, String subject, int level, int name, int number) throws IOException {
    value.set(JAVA_INT, 0, number);
    check(
        "setsockopt",
        syscalls.setsockopt(fd, level, name, value.asSlice(0, Integer.BYTES)),
        subject);
  }

  private static void check(String call, int result, String subject) throws IOException {
    if (result < 0) {
      throw Errors.socket(call, -result, subject);
    }
  }
}
