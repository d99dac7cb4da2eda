package io.gyre.uring;

import static io.gyre.uring.KernelFeature.BUFFER_RING;

import io.gyre.Buffer;
import io.gyre.LeaseTracker;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_uring_buf;
import io.gyre.bindings.io_uring_buf_reg;
import io.gyre.bindings.io_uring_buf_ring;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Operation;
import io.gyre.driver.ReturnedBuffers;
import io.gyre.driver.SleepFlag;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Buffers that the kernel picks from when data arrives (kernel 5.19), so that a connection that waits holds none.
 *
 * <p>A ring of entries in our memory. We write an entry and publish it with the tail, by store-release; the kernel takes
 * entries in order and says in the completion which buffer it filled. A buffer is the kernel's from the publication to
 * that completion, then the handler's until it is released, then comes back here: from the loop's thread at once, from
 * others through a queue.
 *
 * <p>A completion names one buffer. That of a bundle (kernel 6.10) tells the bytes of several: of that one and of those
 * behind it in the ring, whatever their numbers. So we note where each buffer's entry is, and read from the entries
 * which one follows and how much the kernel took each for: it may have made one shorter than we wrote it. Entries must
 * therefore outlive the completions that they explain. Those may come in another order than their buffers were taken
 * in, but all that the kernel takes from what we publish later is told later. So before a completion is there we append
 * no buffer twice, and a ring of twice as many places as there are buffers overwrites nothing too early.
 *
 * <pre>
 *   word                        written by  how we access it
 *   an entry's address, number  us          plain stores, published by the tail; plain loads
 *   an entry's length           us, then    plain stores, published by the tail; plain loads behind the acquire
 *                               the kernel  of the completion queue's tail
 *   tail                        us          store-release
 * </pre>
 *
 * <p>Where the kernel has no such rings, or must not use them, the same buffers are lent by {@link #pick}: a receive
 * waits without one until there is something to receive, and takes one for the moment that this takes.
 */
final class BufferRing implements Buffer.Owner {
  /** That of streams, whose entries name it by the zero that their field always holds. */
  private static final int STREAMS = 0;

  private static final long ENTRY_BYTES = io_uring_buf.sizeof();
  private static final long ADDR = io_uring_buf.addr$offset();
  private static final long LEN = io_uring_buf.len$offset();
  private static final long BID = io_uring_buf.bid$offset();
  private static final long TAIL =
      io_uring_buf_ring.tail$offset(); // lies in the first entry's spare bytes
  private static final long PAGE_BYTES = 65_536; // the largest that aarch64 has
  private static final int MOST_PLACES = 32_768; // the kernel's limit

  /**
   * The distance between buffers is a line more than their size. Small messages use the first lines of many buffers,
   * and at a distance that is a power of two those would all compete for the same few places of the cache.
   */
  private static final long CACHE_LINE_BYTES = 64;

  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final Thread owner = Thread.currentThread();
  private final WakeUp wakeUp;

  @SuppressWarnings({"unused", "FieldCanBeLocal"}) // keeps the kernel's memory reachable
  private final MemorySegment entries;

  private final long entriesAddress;
  private final int mask;
  private final int bufferBytes;

  /** How much the kernel writes in front of a buffer, which its user does not see. */
  private final int headroom;

  private final Buffer[] buffers;
  private final int[] positions; // of the entry that each buffer was appended with last

  /** In the place of the kernel's ring where that has none: those that {@link #pick} gives, from head to tail. */
  private final Buffer[] ours;

  private int head;
  private int picked;
  private int tail;
  private int published;
  private int lent;

  // The watermarks, by how many are lent: a quarter or less is left, and half or more again.
  private final int lowFrom;
  private final int enoughFrom;
  private boolean low;
  private DriverCounters counters = new DriverCounters(); // nobody's, until the driver's are there

  private LeaseTracker tracker = LeaseTracker.OFF;

  private final ReturnedBuffers returnedElsewhere;

  /** Without entries it is not the kernel's. */
  private BufferRing(
      MemorySegment entries, int places, int count, int bufferBytes, int headroom, WakeUp wakeUp) {
    this.ours = entries == null ? new Buffer[count] : null;
    // A self-test has nobody to wake: all its buffers stay on its thread.
    var sleepFlag = wakeUp == null ? new SleepFlag(() -> true) : wakeUp.sleepFlag();
    this.returnedElsewhere = new ReturnedBuffers(sleepFlag);
    this.lowFrom = count - count / 4;
    this.enoughFrom = count / 2;
    this.entries = entries;
    this.entriesAddress = entries == null ? 0 : entries.address();
    this.mask = places - 1;
    this.bufferBytes = bufferBytes;
    this.headroom = headroom;
    this.wakeUp = wakeUp;
    this.buffers = new Buffer[count];
    this.positions = new int[count];
    // Held by the garbage collector through the buffers' views; zeroed, which brings in every page.
    long stride = headroom + bufferBytes + CACHE_LINE_BYTES;
    var memory = Arena.ofAuto().allocate(count * stride, CACHE_LINE_BYTES);
    for (int i = 0; i < count; i++) {
      buffers[i] = BUFFERS.create(this, memory.asSlice(i * stride + headroom, bufferBytes), i);
      append(buffers[i]);
    }
    publish();
  }

  /** Registers a ring with the kernel, or makes one that the kernel does not know. */
  static BufferRing open(
      Ring ring, int count, int bufferBytes, WakeUp wakeUp, CapabilityReport report)
      throws IOException {
    if (!report.allows(BUFFER_RING)) {
      return create(null, count, count, bufferBytes, 0, wakeUp);
    }
    int places = places(count);
    var entries = entries(places);
    int result = register(ring, entries, places, STREAMS);
    if (result == -Errno.ENOMEM.number()) {
      throw new Ring.SetupException("io_uring_register(PBUF_RING)", -result);
    }
    if (result < 0) {
      report.refused(BUFFER_RING, -result);
      return create(null, count, count, bufferBytes, 0, wakeUp);
    }
    report.used(BUFFER_RING, count + " buffers of " + bufferBytes + " bytes");
    return create(entries, places, count, bufferBytes, 0, wakeUp);
  }

  /**
   * The same for one socket. Where the kernel refuses, it is one that the kernel does not know.
   *
   * @param group names it; 0 for one that the kernel is not to know
   * @param headroom what the kernel writes in front of each buffer
   */
  static BufferRing openOwn(
      Ring ring, int group, int count, int bufferBytes, int headroom, WakeUp wakeUp)
      throws IOException {
    if (group != STREAMS) {
      int places = places(count);
      var entries = entries(places);
      if (register(ring, entries, places, group) == 0) {
        return create(entries, places, count, bufferBytes, headroom, wakeUp);
      }
    }
    return create(null, count, count, bufferBytes, 0, wakeUp);
  }

  private static int places(int count) {
    return Math.min(2 * count, MOST_PLACES);
  }

  private static MemorySegment entries(int places) {
    return Arena.ofAuto().allocate(places * ENTRY_BYTES, PAGE_BYTES);
  }

  /** Takes a ring back from the kernel, which no receive may be using. */
  static void unregister(Ring ring, int group) {
    var argument = Arena.ofAuto().allocate(io_uring_buf_reg.layout());
    io_uring_buf_reg.bgid(argument, (short) group);
    int result = ring.register(Liburing.IORING_UNREGISTER_PBUF_RING(), argument, 1);
    if (result < 0) {
      throw new IllegalStateException(
          "io_uring_register(UNREGISTER_PBUF_RING): " + Errno.describe(-result));
    }
  }

  /** The same on any ring, for self-tests: 0 or the negated errno. */
  static int register(Ring ring, MemorySegment entries, int places) {
    return register(ring, entries, places, STREAMS);
  }

  private static int register(Ring ring, MemorySegment entries, int places, int group) {
    var argument = Arena.ofAuto().allocate(io_uring_buf_reg.layout());
    io_uring_buf_reg.ring_addr(argument, entries.address());
    io_uring_buf_reg.ring_entries(argument, places);
    io_uring_buf_reg.bgid(argument, (short) group);
    return ring.register(Liburing.IORING_REGISTER_PBUF_RING(), argument, 1);
  }

  private static BufferRing create(
      MemorySegment entries, int places, int count, int bufferBytes, int headroom, WakeUp wakeUp)
      throws IOException {
    try {
      return new BufferRing(entries, places, count, bufferBytes, headroom, wakeUp);
    } catch (OutOfMemoryError e) {
      throw new IOException(
          "no direct memory left for receive buffers; raise -XX:MaxDirectMemorySize or make"
              + " receiveBuffers fewer",
          e);
    }
  }

  /** Whether the kernel picks buffers; else the driver does, by {@link #pick}. */
  boolean isKernels() {
    return ours == null;
  }

  /** Takes a buffer for a receive to fill, to be lent with {@link #take} or given back with {@link #putBack}; or null. */
  Buffer pick() {
    if (head == tail) {
      return null;
    }
    picked++;
    return ours[head++ & mask];
  }

  /** The buffer that a completion names, lent to the handler, with what was received between position and limit. */
  Buffer take(int id, int received, Operation receiver) {
    unpick();
    var buffer = BUFFERS.lend(buffers[id], tracker, receiver);
    buffer.byteBuffer().clear().limit(received);
    if (++lent >= lowFrom && !low) {
      low = true;
      counters.add(Counter.LOW_ON_BUFFERS, 1);
    }
    return buffer;
  }

  void countIn(DriverCounters value) {
    counters = value;
  }

  /** Says who watches leases; before that nobody does. */
  void track(LeaseTracker value) {
    tracker = value;
  }

  /** Whether there are places enough to tell what a bundle consists of. */
  boolean canTellBundles() {
    return ours == null && mask + 1 >= 2 * buffers.length;
  }

  /** How many bytes the kernel took a buffer for that a completion names: that many, if it went on behind it. */
  int length(int id) {
    return Memory.getInt(entry(positions[id]) + LEN);
  }

  /** The buffer that the kernel goes on with behind another. To be asked for before that one is lent or put back. */
  int following(int id) {
    return Memory.getShort(entry(positions[id] + 1) + BID) & 0xFFFF;
  }

  /** A buffer that was filled for nobody, or not at all. */
  void putBack(int id) {
    unpick();
    append(buffers[id]);
  }

  /** What the kernel filled for nobody: a buffer, or the bundle that begins with it. */
  void putBack(int first, int bytes) {
    int current = first;
    for (int left = bytes - length(first); left > 0; left -= length(current)) {
      int following = following(current);
      append(buffers[current]);
      current = following;
    }
    append(buffers[current]);
  }

  private void unpick() {
    if (ours != null) {
      picked--;
    }
  }

  @Override
  public void recycle(Buffer buffer) {
    if (Thread.currentThread() == owner) {
      takeBack(buffer);
      return;
    }
    if (returnedElsewhere.add(buffer)) {
      wakeUp.wakeClaimed();
    }
  }

  private void takeBack(Buffer buffer) {
    if (--lent <= enoughFrom) {
      low = false;
    }
    append(buffer);
  }

  private void append(Buffer buffer) {
    if (ours != null) {
      ours[tail++ & mask] = buffer;
      return;
    }
    long entry = entry(tail);
    Memory.putLong(entry + ADDR, buffer.address() - headroom);
    Memory.putInt(entry + LEN, headroom + bufferBytes);
    Memory.putShort(entry + BID, buffer.id());
    positions[buffer.id()] = tail++;
  }

  private long entry(int position) {
    return entriesAddress + (position & mask) * ENTRY_BYTES;
  }

  /** Lets the kernel see what came back; once a turn, before the call into the kernel. */
  void publish() {
    for (var b = returnedElsewhere.poll(); b != null; b = returnedElsewhere.poll()) {
      takeBack(b);
    }
    if (ours == null && tail != published) {
      Memory.putShortRelease(entriesAddress + TAIL, tail);
      published = tail;
    }
  }

  /** How many buffers there are to receive into, after {@link #publish()}. */
  int available() {
    return buffers.length - lent - picked;
  }

  /** Says whether a receive waits for buffers. */
  void starving(boolean value) {
    returnedElsewhere.starving(value);
  }

  /** Whether buffers that a receive waits for came back from elsewhere, so that the loop must not sleep. */
  boolean hasReturned() {
    return returnedElsewhere.areAwaited();
  }

  /** Whether all are here, and the kernel sees them. */
  boolean isWhole() {
    return lent == 0 && picked == 0 && tail == published;
  }

  /** Where a buffer's memory begins for its user. */
  long address(int id) {
    return buffers[id].address();
  }

  int count() {
    return buffers.length;
  }

  int bufferBytes() {
    return bufferBytes;
  }
}
