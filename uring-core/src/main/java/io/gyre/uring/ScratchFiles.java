package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.sockaddr_storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** Descriptors that {@link SelfTest}s try things on, closed together. Sockets are Unix ones without a path. */
final class ScratchFiles implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment address = arena.allocate(sockaddr_storage.layout());
  private final MemorySegment length = arena.allocate(JAVA_INT);
  private final List<Integer> open = new ArrayList<>();

  /** The two ends of something. */
  record Pair(int input, int output) {}

  Pair pipe() throws IOException {
    var ends = arena.allocate(JAVA_INT, 2);
    check("pipe2", Libc.pipe2(ends, Libc.O_CLOEXEC()));
    return new Pair(
        own("pipe2", ends.getAtIndex(JAVA_INT, 0)), own("pipe2", ends.getAtIndex(JAVA_INT, 1)));
  }

  int eventfd() throws IOException {
    return own("eventfd", Libc.eventfd(0, Libc.EFD_CLOEXEC()));
  }

  /** A connection: what is written to the output can be received from the input. */
  Pair sockets() throws IOException {
    int listener = listener();
    int output = connect(listener);
    int input = Libc.accept4(listener, MemorySegment.NULL, MemorySegment.NULL, Libc.SOCK_CLOEXEC());
    return new Pair(own("accept4", input), output);
  }

  int listener() throws IOException {
    int fd = socket();
    // An address that is nothing but its family: the kernel chooses a name.
    address.set(JAVA_SHORT, 0, (short) Libc.AF_UNIX());
    check("bind", Libc.bind(fd, address, Short.BYTES));
    check("listen", Libc.listen(fd, 8));
    return fd;
  }

  /** Does not wait: the listener has room. */
  int connect(int listener) throws IOException {
    length.set(JAVA_INT, 0, (int) address.byteSize());
    check("getsockname", Libc.getsockname(listener, address, length));
    int fd = socket();
    check("connect", Libc.connect(fd, address, length.get(JAVA_INT, 0)));
    return fd;
  }

  private int socket() throws IOException {
    return own("socket", Libc.socket(Libc.AF_UNIX(), Libc.SOCK_STREAM() | Libc.SOCK_CLOEXEC(), 0));
  }

  /** The same over TCP, without leaving this host. */
  Pair tcpSockets() throws IOException {
    int listener = tcpSocket();
    var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    var loopback = SocketAddresses.encode(arena, any);
    check("bind", Libc.bind(listener, loopback, (int) loopback.byteSize()));
    check("listen", Libc.listen(listener, 1));
    length.set(JAVA_INT, 0, (int) address.byteSize());
    check("getsockname", Libc.getsockname(listener, address, length));
    int output = tcpSocket();
    check("connect", Libc.connect(output, address, length.get(JAVA_INT, 0)));
    int input = Libc.accept4(listener, MemorySegment.NULL, MemorySegment.NULL, Libc.SOCK_CLOEXEC());
    return new Pair(own("accept4", input), output);
  }

  private int tcpSocket() throws IOException {
    return own("socket", Libc.socket(Libc.AF_INET(), Libc.SOCK_STREAM() | Libc.SOCK_CLOEXEC(), 0));
  }

  /** Sockets of datagrams, without leaving this host: the output is connected to the input. */
  Pair udpSockets() throws IOException {
    int input = udpSocket();
    var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    var loopback = SocketAddresses.encode(arena, any);
    check("bind", Libc.bind(input, loopback, (int) loopback.byteSize()));
    length.set(JAVA_INT, 0, (int) address.byteSize());
    check("getsockname", Libc.getsockname(input, address, length));
    int output = udpSocket();
    check("connect", Libc.connect(output, address, length.get(JAVA_INT, 0)));
    return new Pair(input, output);
  }

  private int udpSocket() throws IOException {
    return own("socket", Libc.socket(Libc.AF_INET(), Libc.SOCK_DGRAM() | Libc.SOCK_CLOEXEC(), 0));
  }

  /** Sets an option that is a number; returns whether the kernel took it. */
  boolean set(int fd, int level, int name, int value) {
    var number = arena.allocateFrom(JAVA_INT, value);
    return Libc.setsockopt(fd, level, name, number, Integer.BYTES) == 0;
  }

  /** Writes a byte to a TCP socket that is not part of the stream, but makes a mark in it. */
  void writeUrgent(int fd) throws IOException {
    check("send", Libc.send(fd, arena.allocate(1), 1, Libc.MSG_OOB()) == 1 ? 0 : -1);
  }

  /** Writes so few bytes that there is always room: 0, 1, 2 ... from a first value on. */
  void write(int fd, int first, int count) throws IOException {
    var bytes = arena.allocate(count);
    fill(bytes, first);
    check("write", Libc.write(fd, bytes, count) == count ? 0 : -1);
  }

  static void fill(MemorySegment bytes, int first) {
    for (int i = 0; i < bytes.byteSize(); i++) {
      bytes.set(JAVA_BYTE, i, (byte) (first + i));
    }
  }

  /** Whether memory holds what {@link #write} wrote. */
  static boolean holds(MemorySegment bytes, int first, int count) {
    if (bytes.byteSize() < count) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if (bytes.get(JAVA_BYTE, i) != (byte) (first + i)) {
        return false;
      }
    }
    return true;
  }

  int own(String call, int fd) throws IOException {
    check(call, fd);
    open.add(fd);
    return fd;
  }

  private static void check(String call, int result) throws IOException {
    if (result < 0) {
      throw new IOException(call + " failed");
    }
  }

  @Override
  public void close() {
    open.forEach(Libc::close);
    arena.close();
  }
}
