package io.gyre.uring;

import static io.gyre.uring.Syscalls.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.sockaddr_storage;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.util.Locale;

/** Opens datagram sockets and changes what they are: none of these calls blocks. Confined to the loop's thread. */
final class Datagrams implements DatagramSockets {
  // Of linux/in.h; the group comes behind the interface, the source behind the group.
  private static final int MCAST_JOIN_GROUP = 42;
  private static final int MCAST_BLOCK_SOURCE = 43;
  private static final int MCAST_UNBLOCK_SOURCE = 44;
  private static final int MCAST_LEAVE_GROUP = 45;
  private static final int MCAST_JOIN_SOURCE_GROUP = 46;
  private static final int MCAST_LEAVE_SOURCE_GROUP = 47;
  private static final int IP_MULTICAST_ALL = 49;
  private static final int IPV6_MULTICAST_ALL = 29; // of linux/in6.h
  private static final long GROUP = Long.BYTES;
  private static final long SOURCE = GROUP + sockaddr_storage.sizeof();
  private static final long SOURCE_REQUEST_BYTES = SOURCE + sockaddr_storage.sizeof();

  /** Takes a descriptor of the kernel in. */
  @FunctionalInterface
  interface Opened {
    UringDescriptor descriptor(String subject, int fd);
  }

  private final Syscalls syscalls = new Syscalls();
  private final DatagramOptions options = new DatagramOptions(syscalls);
  private final EncodedAddresses addresses = new EncodedAddresses();
  private final MemorySegment name = Arena.ofAuto().allocate(sockaddr_storage.layout());
  private final Sockets sockets;
  private final Opened opened;
  private final boolean coalesces;

  Datagrams(Sockets sockets, Opened opened, CapabilityReport report) {
    this.sockets = sockets;
    this.opened = opened;
    this.coalesces = report.uses(KernelFeature.UDP_GRO);
  }

  @Override
  public Descriptor open(Request request) throws IOException {
    var local = request.local();
    var subject = Errors.format(local);
    boolean isV6 = local.getAddress() instanceof Inet6Address;
    int family = SocketAddresses.family(local);
    int type = Libc.SOCK_DGRAM() | Libc.SOCK_CLOEXEC(); // blocking on purpose, see Sockets.open
    int fd = check("socket", syscalls.socket(family, type, Libc.IPPROTO_UDP()), subject);
    try {
      options.set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_REUSEADDR(), request.reuseAddress());
      options.set(fd, subject, Libc.SOL_SOCKET(), Libc.SO_REUSEPORT(), request.reusePort());
      if (isV6) {
        // As java.nio has it.
        options.set(fd, subject, Libc.IPPROTO_IPV6(), Libc.IPV6_V6ONLY(), false);
        options.trySet(fd, Libc.IPPROTO_IPV6(), IPV6_MULTICAST_ALL, false); // Linux 4.20
      }
      // As java.nio has it: else it receives of any group that somebody on this host has joined.
      options.set(fd, subject, Libc.IPPROTO_IP(), IP_MULTICAST_ALL, false);
      if (coalesces && request.coalescing()) {
        options.set(fd, subject, Libc.SOL_UDP(), Libc.UDP_GRO(), true);
      }
      check("bind", syscalls.bind(fd, encode(local, isV6)), subject);
      // The system may have chosen the port: messages name the one that it is.
      var bound = Errors.format(sockets.localAddress(fd, subject));
      var descriptor = opened.descriptor(bound, fd);
      descriptor.datagrams = new DatagramState(isV6, request.bufferCount(), request.bufferBytes());
      return descriptor;
    } catch (IOException | RuntimeException e) {
      Libc.close(fd);
      throw e;
    }
  }

  private MemorySegment encode(InetSocketAddress address, boolean isV6) {
    return name.asSlice(0, addresses.write(address, isV6, name.address()));
  }

  @Override
  public void connect(Descriptor socket, InetSocketAddress remote) throws IOException {
    var descriptor = (UringDescriptor) socket;
    boolean isV6 = descriptor.datagrams.isV6;
    int fd = descriptor.fd;
    if (remote != null) {
      check("connect", syscalls.connect(fd, encode(remote, isV6)), Errors.format(remote));
      return;
    }
    var subject = socket.subject();
    var before = sockets.localAddress(fd, subject);
    name.fill((byte) 0);
    name.set(JAVA_SHORT, 0, (short) Libc.AF_UNSPEC());
    check("disconnect", syscalls.connect(fd, name.asSlice(0, Short.BYTES)), subject);
    var after = sockets.localAddress(fd, subject);
    if (after.getPort() == 0) {
      // Who let the system choose the port loses it.
      var again = new InetSocketAddress(after.getAddress(), before.getPort());
      check("bind", syscalls.bind(fd, encode(again, isV6)), subject);
    }
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException {
    options.set((UringDescriptor) socket, option, value);
  }

  @Override
  @SuppressWarnings("unchecked") // the value has the type that its option names
  public <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException {
    return (T) options.get((UringDescriptor) socket, option);
  }

  @Override
  public void change(
      Descriptor socket,
      Membership change,
      InetAddress group,
      NetworkInterface networkInterface,
      InetAddress source)
      throws IOException {
    boolean isV6 = group instanceof Inet6Address;
    try (var arena = Arena.ofConfined()) {
      var request = arena.allocate(SOURCE_REQUEST_BYTES, Long.BYTES);
      request.set(JAVA_INT, 0, networkInterface.getIndex());
      addresses.write(new InetSocketAddress(group, 0), isV6, request.address() + GROUP);
      if (source != null) {
        addresses.write(new InetSocketAddress(source, 0), isV6, request.address() + SOURCE);
      }
      int level = isV6 ? Libc.IPPROTO_IPV6() : Libc.IPPROTO_IP();
      var value = request.asSlice(0, source == null ? SOURCE : SOURCE_REQUEST_BYTES);
      int result =
          syscalls.setsockopt(((UringDescriptor) socket).fd, level, name(change, source), value);
      check(
          change.name().toLowerCase(Locale.ROOT) + " group",
          result,
          group.getHostAddress() + " on " + networkInterface.getName());
    }
  }

  private static int name(Membership change, InetAddress source) {
    return switch (change) {
      case JOIN -> source == null ? MCAST_JOIN_GROUP : MCAST_JOIN_SOURCE_GROUP;
      case DROP -> source == null ? MCAST_LEAVE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
      case BLOCK -> MCAST_BLOCK_SOURCE;
      case UNBLOCK -> MCAST_UNBLOCK_SOURCE;
    };
  }
}
