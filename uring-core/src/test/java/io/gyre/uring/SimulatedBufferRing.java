package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.gyre.bindings.io_uring_buf;
import io.gyre.bindings.io_uring_buf_reg;
import io.gyre.bindings.io_uring_buf_ring;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/** The kernel's side of a ring of provided buffers, which it takes in order. */
final class SimulatedBufferRing {
  private final long ring;
  private final int entries;
  private int head;
  private int seen;

  /** Buffers that are the kernel's to fill. */
  private final BitSet held = new BitSet();

  private final Map<Integer, Long> addresses = new HashMap<>();

  /** A buffer that was taken, to be filled. */
  record Taken(int id, long address, int length) {}

  SimulatedBufferRing(MemorySegment registration) {
    ring = io_uring_buf_reg.ring_addr(registration);
    entries = io_uring_buf_reg.ring_entries(registration);
    SimulatedKernel.require(
        Integer.bitCount(entries) == 1 && (ring & 4095) == 0, "a buffer ring that is misaligned");
  }

  /** Looks at what was published: a buffer that is here already must not come again. */
  void look() {
    int tail = Memory.ALL.get(JAVA_SHORT, ring + io_uring_buf_ring.tail$offset()) & 0xFFFF;
    for (; seen != tail; seen = seen + 1 & 0xFFFF) {
      var buffer = entry(seen);
      SimulatedKernel.require(!held.get(buffer.id), "buffer " + buffer.id + " provided twice");
      held.set(buffer.id);
      var before = addresses.putIfAbsent(buffer.id, buffer.address);
      SimulatedKernel.require(
          before == null || before == buffer.address, "buffer " + buffer.id + " has moved");
    }
    SimulatedKernel.require((seen - head & 0xFFFF) <= entries, "more buffers than places");
  }

  private Taken entry(int position) {
    var entry = memory(position);
    return new Taken(
        io_uring_buf.bid(entry) & 0xFFFF, io_uring_buf.addr(entry), io_uring_buf.len(entry));
  }

  private MemorySegment memory(int position) {
    return Memory.ALL.asSlice(
        ring + (position & entries - 1) * io_uring_buf.sizeof(), io_uring_buf.layout());
  }

  boolean isEmpty() {
    look();
    return head == seen;
  }

  /** Takes the next buffer. Only when there is one. */
  Taken take() {
    var taken = entry(head);
    head = head + 1 & 0xFFFF;
    held.clear(taken.id);
    return taken;
  }

  /** Takes the next buffer for fewer bytes than it has, as the kernel does when it knows how much there is to come. */
  void shorten(RandomGenerator random) {
    if (!isEmpty()) {
      var entry = memory(head);
      io_uring_buf.len(entry, 1 + random.nextInt(io_uring_buf.len(entry)));
    }
  }

  /** Overwrites a buffer that is the kernel's: nobody may look at it any more. */
  void scribble(RandomGenerator random) {
    if (!isEmpty()) {
      var buffer = entry(head + random.nextInt(seen - head & 0xFFFF));
      Memory.ALL.asSlice(buffer.address, buffer.length).fill((byte) random.nextInt());
    }
  }

  int available() {
    look();
    return seen - head & 0xFFFF;
  }

  /** How many there are, the kernel's or not. */
  int buffers() {
    return addresses.size();
  }
}
