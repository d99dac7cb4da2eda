package io.gyre.nio;

import io.gyre.Buffer;
import io.gyre.LeaseTracker;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Operation;
import io.gyre.driver.ReturnedBuffers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * The buffers that multishot receives are filled into. When all are lent, sockets stop reading and wait here in line; a
 * buffer that comes back goes straight to the first of them, so that none is passed over for ever.
 *
 * <p>Confined to the loop's thread, but for {@link #recycle} and {@link #hasReturned}.
 */
final class ReceiveBuffers implements Buffer.Owner {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final int ALIGNMENT = 64;

  private final Thread owner = Thread.currentThread();
  private final DriverCounters counters;
  private final Waker waker;
  private final int bufferBytes;
  private final Buffer[] free;
  private int freeCount;
  private boolean low; // a quarter or less was left, and not half again since
  private LeaseTracker tracker = LeaseTracker.OFF;

  private final ReturnedBuffers returned;

  // In line for a buffer; some may have lost interest meanwhile. Not empty only while none is free.
  private final ArrayDeque<ReceiveSide> hungry = new ArrayDeque<>();

  ReceiveBuffers(DriverConfig config, DriverCounters counters, Waker waker) throws IOException {
    this.counters = counters;
    this.waker = waker;
    this.bufferBytes = config.receiveBufferBytes();
    int count = config.receiveBufferCount();
    // Held by the garbage collector: a view that a user keeps for too long can never point at freed
    // memory.
    var memory = allocate(count, bufferBytes);
    this.returned = new ReturnedBuffers(waker.sleepFlag());
    this.free = new Buffer[count];
    for (int id = count - 1; id >= 0; id--) {
      free[freeCount++] =
          BUFFERS.create(this, memory.asSlice((long) id * bufferBytes, bufferBytes), id);
    }
    counters.set(Counter.FREE_RECEIVE_BUFFERS_LOW, count);
  }

  private static MemorySegment allocate(int count, int bytes) throws IOException {
    try {
      return Arena.ofAuto().allocate((long) count * bytes, ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new IOException(
          "no memory for "
              + count
              + " receive buffers of "
              + bytes
              + " bytes: ask for fewer or smaller ones, or raise -XX:MaxDirectMemorySize",
          e);
    }
  }

  int bufferBytes() {
    return bufferBytes;
  }

  /** How many are not lent. */
  int free() {
    return freeCount + returned.size();
  }

  /** A buffer that is not lent yet, or null when there is none or others wait in line: then {@link #await} one. */
  Buffer take() {
    if (!hungry.isEmpty()) {
      return null;
    }
    if (freeCount == 0) {
      collectReturned();
    }
    if (freeCount == 0) {
      return null;
    }
    if (--freeCount <= free.length / 4 && !low) {
      low = true;
      counters.add(Counter.LOW_ON_BUFFERS, 1);
    }
    return free[freeCount];
  }

  /** Lends a buffer that was {@linkplain #take taken}, with what it was filled with. */
  Buffer lend(Buffer buffer, int received, Operation receiver) {
    var lent = BUFFERS.lend(buffer, tracker, receiver);
    lent.byteBuffer().clear().limit(received);
    return lent;
  }

  /** Says who watches leases; before that nobody does. */
  void track(LeaseTracker value) {
    tracker = value;
  }

  /** Puts a reader in line; it is {@linkplain ReceiveSide#grant granted} a buffer when its turn comes. */
  void await(ReceiveSide reader) {
    counters.add(Counter.OUT_OF_BUFFERS, 1);
    if (!reader.inLine) {
      reader.inLine = true;
      hungry.add(reader);
      returned.starving(true);
    }
  }

  /** Takes back a buffer that is not lent. */
  void giveBack(Buffer buffer) {
    for (var reader = hungry.poll(); reader != null; reader = hungry.poll()) {
      reader.inLine = false;
      if (hungry.isEmpty()) {
        returned.starving(false);
      }
      if (reader.grant(buffer)) {
        return;
      }
    }
    free[freeCount++] = buffer;
    if (freeCount >= free.length / 2) {
      low = false;
    }
  }

  /** Called by the buffer itself, on whatever thread let go of it. */
  @Override
  public void recycle(Buffer buffer) {
    if (Thread.currentThread() == owner) {
      giveBack(buffer);
      return;
    }
    if (returned.add(buffer)) {
      waker.wakeClaimed();
    }
  }

  /** Whether other threads gave back buffers that somebody waits for. */
  boolean hasReturned() {
    return returned.areAwaited();
  }

  /** Hands on what other threads gave back. */
  void collectReturned() {
    for (var buffer = returned.poll(); buffer != null; buffer = returned.poll()) {
      giveBack(buffer);
    }
  }
}
