package io.gyre.driver;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Objects;

/**
 * How a datagram came: who sent it, and whether it is whole. Written by the driver for each outcome of a receive, in
 * place, so that a datagram allocates nothing. Confined to the loop's thread while the receive is under way.
 *
 * <p>A driver that reads the address as bytes leaves them here, and the object is made when somebody asks for it; those
 * of senders that were seen lately are kept.
 */
public final class MessageHeader {
  private static final int IPV4_BYTES = 4;
  private static final int IPV6_BYTES = 16;
  private static final int KNOWN = 64;

  // The address as two big-endian words, of which IPv4 fills the lower half of the second.
  private boolean isV6;
  private long high;
  private long low;
  private int scope;
  private int port;

  private InetSocketAddress sender; // null until it is asked for, and where there is none
  private boolean hasRaw;
  private boolean truncated;
  private int segmentSize;

  /** Senders by a hash of their address: one that meets another's place replaces it, so that a flood fills nothing. */
  private InetSocketAddress[] known;

  private long[] knownHigh;
  private long[] knownLow;
  private long[] knownRest;

  /** Makes one that says nothing. */
  public MessageHeader() {}

  /**
   * For drivers: how the datagram came.
   *
   * @param value who sent it, or null where that is not told
   * @param isTruncated whether it was longer than the memory
   * @param segments how many bytes each of the datagrams has that came as one; 0 when it is one
   */
  public void set(InetSocketAddress value, boolean isTruncated, int segments) {
    sender = value;
    hasRaw = false;
    truncated = isTruncated;
    segmentSize = segments;
  }

  /**
   * For drivers: how the datagram came, with the sender's address in raw form.
   *
   * @param ipv6 of which kind the address is
   * @param upper its first 8 bytes, big-endian; 0 for IPv4
   * @param lower its last 8 bytes, big-endian; for IPv4 its 4
   * @param scopeId of IPv6, 0 for none
   * @param portNumber from 0 to 65535
   * @param isTruncated as for {@link #set}
   * @param segments as there
   */
  public void setRaw(
      boolean ipv6,
      long upper,
      long lower,
      int scopeId,
      int portNumber,
      boolean isTruncated,
      int segments) {
    isV6 = ipv6;
    high = upper;
    low = lower;
    scope = scopeId;
    port = portNumber;
    sender = null;
    hasRaw = true;
    truncated = isTruncated;
    segmentSize = segments;
  }

  /**
   * Whether the datagram was longer than the memory for it; the rest of it is lost.
   *
   * @return true if so
   */
  public boolean isTruncated() {
    return truncated;
  }

  /**
   * How many bytes each of the datagrams has that came as one.
   *
   * @return 0 when it is one
   */
  public int segmentSize() {
    return segmentSize;
  }

  /**
   * The sender's port.
   *
   * @return from 0 to 65535
   */
  public int senderPort() {
    return hasRaw ? port : sender == null ? 0 : sender.getPort();
  }

  /**
   * Whether another datagram came from the same address and port. Makes no object.
   *
   * @param other of the same driver
   * @return true if so
   */
  public boolean hasSenderOf(MessageHeader other) {
    if (hasRaw && other.hasRaw) {
      return high == other.high && low == other.low && rest() == other.rest();
    }
    return Objects.equals(sender(), other.sender());
  }

  /** What of the address is not in its two words. */
  private long rest() {
    return ((long) scope << 32) | (isV6 ? 1L << 16 : 0) | port;
  }

  /**
   * Who sent it.
   *
   * @return address and port; null where the kernel does not tell
   */
  public InetSocketAddress sender() {
    if (sender == null && hasRaw) {
      sender = lookUp();
    }
    return sender;
  }

  private InetSocketAddress lookUp() {
    if (known == null) {
      known = new InetSocketAddress[KNOWN];
      knownHigh = new long[KNOWN];
      knownLow = new long[KNOWN];
      knownRest = new long[KNOWN];
    }
    long rest = rest();
    long hash = (high * 31 + low) * 31 + rest;
    int place = (int) ((hash * 0x9E37_79B9_7F4A_7C15L) >>> 58); // 64 places
    var found = known[place];
    if (found == null
        || knownHigh[place] != high
        || knownLow[place] != low
        || knownRest[place] != rest) {
      found = new InetSocketAddress(address(), port);
      known[place] = found;
      knownHigh[place] = high;
      knownLow[place] = low;
      knownRest[place] = rest;
    }
    return found;
  }

  private InetAddress address() {
    var bytes = new byte[isV6 ? IPV6_BYTES : IPV4_BYTES];
    for (int i = 0; i < bytes.length; i++) {
      int fromEnd = bytes.length - 1 - i;
      long word = fromEnd < Long.BYTES ? low : high;
      bytes[i] = (byte) (word >>> ((fromEnd & (Long.BYTES - 1)) * Byte.SIZE));
    }
    try {
      // An IPv4 sender comes to an IPv6 socket as ::ffff:a.b.c.d, which getByAddress unwraps.
      var address = InetAddress.getByAddress(bytes);
      return address instanceof Inet6Address && scope != 0
          ? Inet6Address.getByAddress(null, bytes, scope)
          : address;
    } catch (UnknownHostException e) {
      throw new AssertionError(e); // only thrown for a wrong length
    }
  }
}
