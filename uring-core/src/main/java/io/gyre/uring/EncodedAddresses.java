package io.gyre.uring;

import io.gyre.bindings.Libc;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.UnsupportedAddressTypeException;

/**
 * Socket addresses in the kernel's form, those of lately, so that a send to one of them allocates nothing. One that
 * meets another's place replaces it. Confined to the loop's thread.
 */
final class EncodedAddresses {
  private static final int KNOWN = 256;
  private static final int WORDS = Messages.NAME_BYTES / Long.BYTES;
  private static final int IPV4_BYTES = 16;
  private static final int IPV6_BYTES = 28;
  private static final long MAPPED = 0xFFFF_0000L; // of ::ffff:a.b.c.d, the bytes before the four

  private final InetSocketAddress[] known = new InetSocketAddress[KNOWN];
  private final long[] words = new long[KNOWN * WORDS];
  private final boolean[] knownV6 = new boolean[KNOWN];

  /**
   * Writes a {@code struct sockaddr_in} or {@code sockaddr_in6}.
   *
   * @param isV6 the socket's family; an IPv4 address is mapped for one of IPv6
   * @param to memory of {@link Messages#NAME_BYTES}
   * @return its length
   */
  int write(InetSocketAddress address, boolean isV6, long to) {
    int place = (address.hashCode() * 0x9E37_79B9) >>> 24; // 256 places
    if (knownV6[place] != isV6
        || !address.equals(known[place])
        || (isV6 && words[place * WORDS + 3] != scope(address))) { // equals leaves that out
      encode(address, isV6, place * WORDS);
      known[place] = address;
      knownV6[place] = isV6;
    }
    for (int i = 0; i < WORDS; i++) {
      Memory.putLong(to + (long) i * Long.BYTES, words[place * WORDS + i]);
    }
    return isV6 ? IPV6_BYTES : IPV4_BYTES;
  }

  private void encode(InetSocketAddress address, boolean isV6, int at) {
    var bytes = ByteBuffer.wrap(address.getAddress().getAddress()).order(ByteOrder.LITTLE_ENDIAN);
    long port = Short.reverseBytes((short) address.getPort()) & 0xFFFFL;
    long first = (isV6 ? Libc.AF_INET6() : Libc.AF_INET()) | (port << Short.SIZE);
    if (!isV6) {
      if (bytes.capacity() != Integer.BYTES) {
        throw new UnsupportedAddressTypeException(); // IPv6 on a socket of IPv4
      }
      words[at] = first | ((long) bytes.getInt(0) << Integer.SIZE);
      words[at + 1] = 0;
      return;
    }
    words[at] = first;
    if (bytes.capacity() == Integer.BYTES) {
      words[at + 1] = 0;
      words[at + 2] = MAPPED | ((bytes.getInt(0) & 0xFFFF_FFFFL) << Integer.SIZE);
      words[at + 3] = 0;
    } else {
      words[at + 1] = bytes.getLong(0);
      words[at + 2] = bytes.getLong(Long.BYTES);
      words[at + 3] = scope(address);
    }
  }

  private static int scope(InetSocketAddress address) {
    return address.getAddress() instanceof Inet6Address v6 ? v6.getScopeId() : 0;
  }
}
