package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.sockaddr_in;
import io.gyre.bindings.sockaddr_in6;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;

/** Between {@link InetSocketAddress} and {@code struct sockaddr_in}, {@code sockaddr_in6}. */
final class SocketAddresses {
  private static final ValueLayout.OfShort NETWORK_SHORT =
      JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

  private SocketAddresses() {}

  static int family(InetSocketAddress address) {
    return address.getAddress() instanceof Inet6Address ? Libc.AF_INET6() : Libc.AF_INET();
  }

  static MemorySegment encode(Arena arena, InetSocketAddress address) {
    var bytes = MemorySegment.ofArray(address.getAddress().getAddress());
    if (address.getAddress() instanceof Inet6Address v6) {
      var segment = arena.allocate(sockaddr_in6.layout());
      sockaddr_in6.sin6_family(segment, (short) Libc.AF_INET6());
      segment.set(NETWORK_SHORT, sockaddr_in6.sin6_port$offset(), (short) address.getPort());
      sockaddr_in6.sin6_scope_id(segment, v6.getScopeId());
      MemorySegment.copy(bytes, 0, segment, sockaddr_in6.sin6_addr$offset(), bytes.byteSize());
      return segment;
    }
    var segment = arena.allocate(sockaddr_in.layout());
    sockaddr_in.sin_family(segment, (short) Libc.AF_INET());
    segment.set(NETWORK_SHORT, sockaddr_in.sin_port$offset(), (short) address.getPort());
    MemorySegment.copy(bytes, 0, segment, sockaddr_in.sin_addr$offset(), bytes.byteSize());
    return segment;
  }

  /** Returns null for a family that is not IP's. */
  static InetSocketAddress decode(MemorySegment storage) {
    int family = storage.get(JAVA_SHORT, sockaddr_in.sin_family$offset());
    try {
      if (family == Libc.AF_INET()) {
        var bytes = storage.asSlice(sockaddr_in.sin_addr$offset(), 4).toArray(JAVA_BYTE);
        int port = storage.get(NETWORK_SHORT, sockaddr_in.sin_port$offset()) & 0xFFFF;
        return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
      }
      if (family == Libc.AF_INET6()) {
        var bytes = storage.asSlice(sockaddr_in6.sin6_addr$offset(), 16).toArray(JAVA_BYTE);
        int port = storage.get(NETWORK_SHORT, sockaddr_in6.sin6_port$offset()) & 0xFFFF;
        int scope = sockaddr_in6.sin6_scope_id(storage);
        // An IPv4 peer of a dual-stack socket comes as ::ffff:a.b.c.d, which getByAddress unwraps.
        var address = InetAddress.getByAddress(bytes);
        return new InetSocketAddress(
            address instanceof Inet6Address && scope != 0
                ? Inet6Address.getByAddress(null, bytes, scope)
                : address,
            port);
      }
      return null;
    } catch (UnknownHostException e) {
      throw new AssertionError(e); // only thrown for a wrong length
    }
  }
}
