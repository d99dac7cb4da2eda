package io.gyre.driver;

import io.gyre.Buffer;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The memory of a vectored operation: several buffers, of which each was as it is noted here when the operation began. A
 * slot of the {@link OperationTable} keeps the one that it had, so that vectored operations allocate nothing in the long
 * run. Confined to the loop's thread.
 */
public final class BufferVector {
  /**
   * How many buffers the system transfers at a time, Linux's IOV_MAX: a read or write leaves those beyond for the next, a
   * send goes on with them.
   */
  public static final int MAX_COUNT = 1024;

  private static final BufferAccess BUFFERS = BufferAccess.get();

  private int count;
  private boolean pooled;
  private ByteBuffer[] memory = new ByteBuffer[8];
  private int[] positions = new int[8];
  int[] lengths = new int[8]; // which tests shorten
  private Buffer[] leases = new Buffer[8];
  private int[] generations = new int[8];
  private Object driverState;

  BufferVector() {}

  /** Takes the buffers in, as many as {@code limit}. */
  void set(ByteBuffer[] buffers, int limit) {
    begin(Math.min(buffers.length, limit));
    pooled = false;
    for (int i = 0; i < count; i++) {
      note(i, buffers[i]);
    }
  }

  void set(Buffer[] buffers, int limit) {
    begin(Math.min(buffers.length, limit));
    pooled = true;
    for (int i = 0; i < count; i++) {
      leases[i] = buffers[i];
      note(i, BUFFERS.view(buffers[i])); // one that was released is refused when this is submitted
    }
  }

  private void begin(int wanted) {
    count = wanted;
    if (count > memory.length) {
      int size = Math.max(count, 2 * memory.length);
      memory = new ByteBuffer[size];
      positions = new int[size];
      lengths = new int[size];
      leases = new Buffer[size];
      generations = new int[size];
    }
  }

  private void note(int i, ByteBuffer buffer) {
    memory[i] = buffer;
    positions[i] = buffer.position();
    lengths[i] = buffer.remaining();
  }

  /** Pins all, or none. */
  void pin() {
    if (!pooled) {
      return;
    }
    for (int i = 0; i < count; i++) {
      try {
        generations[i] = BUFFERS.pin(leases[i]);
      } catch (IllegalStateException e) {
        unpin(i);
        throw e;
      }
    }
  }

  void unpin() {
    if (pooled) {
      unpin(count);
    }
  }

  private void unpin(int first) {
    for (int i = 0; i < first; i++) {
      BUFFERS.unpin(leases[i], generations[i]);
    }
  }

  /** Moves the positions by what was transferred, buffer by buffer. */
  void advance(long transferred) {
    long left = transferred;
    for (int i = 0; i < count && left > 0; i++) {
      int part = (int) Math.min(left, lengths[i]);
      // A user who moved the limit meanwhile must not be able to break the loop.
      memory[i].position(Math.min(positions[i] + part, memory[i].limit()));
      left -= part;
    }
  }

  void clear() {
    Arrays.fill(memory, 0, count, null);
    Arrays.fill(leases, 0, count, null);
    count = 0;
  }

  /**
   * How many buffers there are.
   *
   * @return at most {@link #MAX_COUNT}, but for sends
   */
  public int count() {
    return count;
  }

  /**
   * One of the buffers. Its position and limit are the user's.
   *
   * @param i from 0
   * @return the buffer
   */
  public ByteBuffer memory(int i) {
    return memory[i];
  }

  /**
   * Where in {@link #memory(int)} the transfer begins.
   *
   * @param i from 0
   * @return an index
   */
  public int position(int i) {
    return positions[i];
  }

  /**
   * How much of {@link #memory(int)} to transfer at most.
   *
   * @param i from 0
   * @return bytes
   */
  public int length(int i) {
    return lengths[i];
  }

  /**
   * The pooled buffer whose view {@link #memory(int)} is.
   *
   * @param i from 0
   * @return the buffer, or null where the memory is not pooled
   */
  public Buffer lease(int i) {
    return pooled ? leases[i] : null;
  }

  /**
   * How much there is to transfer in all.
   *
   * @return bytes
   */
  public long bytes() {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += lengths[i];
    }
    return sum;
  }

  /**
   * For drivers: what they keep with the slot, from one operation to the next.
   *
   * @return what {@link #setDriverState} set, or null
   */
  public Object driverState() {
    return driverState;
  }

  /**
   * For drivers: see {@link #driverState()}.
   *
   * @param value what to keep
   */
  public void setDriverState(Object value) {
    this.driverState = value;
  }
}
