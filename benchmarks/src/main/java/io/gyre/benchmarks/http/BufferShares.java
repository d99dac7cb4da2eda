package io.gyre.benchmarks.http;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Who may hold how much of a loop's pool, so that those who ask for much and read nothing keep it from nobody else.
 * Confined to the loop's thread.
 *
 * <ul>
 *   <li>The connections of one address hold half of the pool at most; beyond that they wait for one another.
 *   <li>Blocks are read ahead only while less than half of the pool is lent, and less than half of what the address may
 *       hold; else each connection holds one.
 *   <li>What is left to wait for then is the pool. As long as somebody waits, {@link #isShort} says whose connections have
 *       to make progress or go: see {@link StuckReaders}.
 * </ul>
 */
final class BufferShares {
  /** Listings of directories that are made or sent at a time: each takes some MiB of heap. */
  static final int MOST_LISTINGS = 16;

  private static final int NETWORK_BYTES = 8; // of IPv6: one subscriber has all of a /64

  private final BufferPool pool;
  private final long half;
  private final Runnable shortage;
  private final Map<InetAddress, Peer> peers = new HashMap<>();
  private long held; // promised included
  private int waitingForPool;
  private int listings;
  private boolean listingsWanted;

  /**
   * Divides a pool.
   *
   * @param pool the loop's
   * @param shortage run whenever somebody begins to wait
   */
  BufferShares(BufferPool pool, Runnable shortage) {
    this.pool = pool;
    this.half = pool.capacityBytes() / 2;
    this.shortage = shortage;
  }

  /** What counts as one who asks: an IPv4 address, or a network of IPv6. */
  static InetAddress asker(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return address;
    }
    var bytes = address.getAddress();
    Arrays.fill(bytes, NETWORK_BYTES, bytes.length, (byte) 0);
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError("16 bytes are an address", e);
    }
  }

  /** The share of a connection's address; to be left when the connection ends. */
  Peer join(InetAddress asker) {
    var peer = peers.computeIfAbsent(asker, Peer::new);
    peer.connections++;
    return peer;
  }

  /** Whether a block may be read ahead. */
  private boolean isPlenty(int size) {
    return waitingForPool == 0 && held + size <= half;
  }

  /** The connections of one address. */
  final class Peer {
    private final InetAddress asker;
    private final ArrayDeque<ResponseSender> line = new ArrayDeque<>(); // those beyond the share
    private long holds;
    private int connections;
    private int hasListings;

    Peer(InetAddress asker) {
      this.asker = asker;
    }

    InetAddress asker() {
      return asker;
    }

    void leave() {
      connections--;
      forgetIfGone();
    }

    /** What the kernel still holds of connections that are gone counts against those that follow. */
    private void forgetIfGone() {
      if (connections == 0 && holds == 0) {
        peers.remove(asker);
      }
    }

    /** A buffer to read ahead into, or null when there is none to spare. */
    Buffer tryAhead(int bytes) {
      int size = BufferPool.capacityFor(bytes);
      return isPlenty(size) && holds + size <= half / 2 ? take(size, bytes) : null;
    }

    /** A buffer for one who holds none; null when it has to wait, with {@link #await}. */
    Buffer tryFirst(int bytes) {
      int size = BufferPool.capacityFor(bytes);
      return line.isEmpty() && isWithin(size) ? take(size, bytes) : null;
    }

    /** Whether an address may hold so much more: whatever it is, if it holds nothing. */
    private boolean isWithin(int size) {
      return holds == 0 || holds + size <= half;
    }

    private Buffer take(int size, int bytes) {
      var buffer = pool.tryAcquire(bytes);
      if (buffer != null) {
        promise(size);
      }
      return buffer;
    }

    private void promise(int size) {
      holds += size;
      held += size;
    }

    /** Has a sender told, later, when it may have what {@link #tryFirst} had not; it may have given up by then. */
    void await(ResponseSender sender) {
      if (line.isEmpty() && isWithin(BufferPool.capacityFor(sender.nextBytes()))) {
        awaitPool(sender);
      } else {
        line.add(sender);
      }
      shortage.run();
    }

    private void awaitPool(ResponseSender sender) {
      int bytes = sender.nextBytes();
      int size = BufferPool.capacityFor(bytes);
      promise(size);
      waitingForPool++;
      var _ =
          pool.acquireAsync(bytes)
              .whenComplete(
                  (buffer, failure) -> {
                    waitingForPool--;
                    if (failure != null) {
                      gaveBack(size);
                      sender.noBuffer(failure);
                    } else {
                      sender.acquired(buffer);
                    }
                  });
    }

    /** A buffer is back in the pool. */
    void gaveBack(int size) {
      holds -= size;
      held -= size;
      forgetIfGone();
      for (var next = line.peek(); next != null; next = line.peek()) {
        if (!next.isEnded() && !isWithin(BufferPool.capacityFor(next.nextBytes()))) {
          return;
        }
        line.remove();
        if (!next.isEnded()) {
          awaitPool(next);
        }
      }
    }

    /** Whether one more directory may be listed, which it then is until {@link #listed}. */
    boolean tryList() {
      if (listings < MOST_LISTINGS && hasListings < MOST_LISTINGS / 2) {
        listings++;
        hasListings++;
        return true;
      }
      listingsWanted = true;
      shortage.run();
      return false;
    }

    void listed() {
      listings--;
      hasListings--;
      listingsWanted = false;
    }

    /** Whether somebody waits for buffers that the connections of this address hold. */
    boolean isShort() {
      return waitingForPool > 0 || !line.isEmpty();
    }

    /** Whether somebody was refused a listing, and those who have one are the same since. */
    boolean isListingWanted() {
      return listingsWanted;
    }
  }

  /** Whether somebody waits for what others hold. */
  boolean isShort() {
    if (waitingForPool > 0 || listingsWanted) {
      return true;
    }
    for (var peer : peers.values()) {
      if (peer.isShort()) {
        return true;
      }
    }
    return false;
  }
}
