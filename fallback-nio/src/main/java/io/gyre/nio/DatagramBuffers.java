package io.gyre.nio;

import io.gyre.Buffer;
import io.gyre.LeaseTracker;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Operation;
import io.gyre.driver.ReturnedBuffers;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;

/**
 * The buffers that a datagram socket receives into, so that a flood takes none that streams wait for. Each lies in
 * memory of one byte more: what reaches that byte was longer than the buffer. Confined to the loop's thread, but for
 * {@link #recycle}.
 */
final class DatagramBuffers implements Buffer.Owner {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final int ALIGNMENT = 64;

  private final Thread owner = Thread.currentThread();
  private final Waker waker;
  private final LeaseTracker tracker;
  private final Runnable cameBack;
  private final int bufferBytes;
  private final ByteBuffer[] roomier;
  private final Buffer[] free;
  private int freeCount;
  private final ReturnedBuffers returned;

  /**
   * Makes buffers, all of them free.
   *
   * @param cameBack called when one came back
   */
  DatagramBuffers(int count, int bytes, Waker waker, LeaseTracker tracker, Runnable cameBack) {
    this.waker = waker;
    this.tracker = tracker;
    this.cameBack = cameBack;
    this.bufferBytes = bytes;
    this.returned = new ReturnedBuffers(waker.sleepFlag());
    this.free = new Buffer[count];
    this.roomier = new ByteBuffer[count];
    long stride = ((long) bytes + ALIGNMENT) & -ALIGNMENT; // at least one byte more
    // Held by the garbage collector: who keeps a view for too long never points at freed memory.
    var memory = Arena.ofAuto().allocate(count * stride, ALIGNMENT);
    for (int id = count - 1; id >= 0; id--) {
      free[freeCount++] = BUFFERS.create(this, memory.asSlice(id * stride, bytes), id);
      roomier[id] = memory.asSlice(id * stride, bytes + 1).asByteBuffer();
    }
  }

  int bufferBytes() {
    return bufferBytes;
  }

  /** A buffer that is not lent yet, or null. */
  Buffer take() {
    if (freeCount == 0) {
      collectReturned();
    }
    return freeCount == 0 ? null : free[--freeCount];
  }

  /** The memory of a buffer that was taken, with a byte more behind it. */
  ByteBuffer roomier(Buffer taken) {
    return roomier[taken.id()].clear();
  }

  /** Lends a buffer that was taken, with what it was filled with. */
  Buffer lend(Buffer taken, int received, Operation receiver) {
    var lent = BUFFERS.lend(taken, tracker, receiver);
    lent.byteBuffer().clear().limit(received);
    return lent;
  }

  /** Takes back a buffer that is not lent. */
  void giveBack(Buffer buffer) {
    free[freeCount++] = buffer;
  }

  @Override
  public void recycle(Buffer buffer) {
    if (Thread.currentThread() == owner) {
      giveBack(buffer);
      cameBack.run();
    } else if (returned.add(buffer)) {
      waker.wakeClaimed();
    }
  }

  void starving(boolean value) {
    returned.starving(value);
  }

  /** Whether other threads gave back buffers that the socket waits for. */
  boolean hasReturned() {
    return returned.areAwaited();
  }

  /** Takes over what other threads gave back; returns whether there was anything. */
  boolean collectReturned() {
    boolean any = false;
    for (var buffer = returned.poll(); buffer != null; buffer = returned.poll()) {
      giveBack(buffer);
      any = true;
    }
    return any;
  }
}
