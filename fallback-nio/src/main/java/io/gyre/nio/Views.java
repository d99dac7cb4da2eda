package io.gyre.nio;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Operation;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Views of the memory of operations on sockets, whose position and limit are ours to move; those of the user's buffer
 * are not. A view of pooled memory is made once and used for ever, so that a transfer allocates nothing; that of a
 * user's own buffer is made once for each operation.
 *
 * <p>A view's position and limit are set anew before each use: two operations may send from one buffer at a time.
 * Confined to the loop's thread.
 */
final class Views {
  /**
   * How much of a heap buffer is moved at a time: the JDK copies it through a native buffer of that size, which it
   * keeps for the thread's next transfer.
   */
  static final int HEAP_CHUNK_BYTES = 128 << 10;

  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final Buffer.Owner receiveBuffers;
  private Buffer.Owner pool;
  private ByteBuffer[] ofReceiveBuffers = new ByteBuffer[64];
  private ByteBuffer[] ofPool = new ByteBuffer[64];

  Views(Buffer.Owner receiveBuffers) {
    this.receiveBuffers = receiveBuffers;
  }

  /** Names the loop's own pool, whose buffers have small numbers; from others a view is made each time. */
  void register(BufferPool loopPool) {
    this.pool = BUFFERS.owner(loopPool);
  }

  /** What of an operation's memory is not transferred yet, or the first part of it. */
  ByteBuffer remaining(Operation operation) {
    var view = view(operation);
    int done = operation.transferred();
    int length = operation.memoryLength() - done;
    if (!view.isDirect()) {
      length = Math.min(length, HEAP_CHUNK_BYTES);
    }
    int position = operation.memoryPosition() + done;
    return view.clear().position(position).limit(position + length);
  }

  private ByteBuffer view(Operation operation) {
    var lease = operation.lease();
    if (lease != null && lease.isOwnedBy(receiveBuffers)) {
      int id = lease.id();
      ofReceiveBuffers = withRoomFor(id, ofReceiveBuffers);
      return cached(ofReceiveBuffers, id, lease);
    }
    if (lease != null && lease.isOwnedBy(pool)) {
      int id = lease.id();
      ofPool = withRoomFor(id, ofPool);
      return cached(ofPool, id, lease);
    }
    if (operation.driverState() instanceof ByteBuffer made) {
      return made;
    }
    var made = operation.memory().duplicate();
    operation.setDriverState(made);
    return made;
  }

  private static ByteBuffer cached(ByteBuffer[] views, int id, Buffer buffer) {
    var view = views[id];
    // Pooled memory is cut anew at times: the same number, another length.
    if (view == null || view.capacity() != buffer.capacity()) {
      view = BUFFERS.view(buffer).duplicate();
      views[id] = view;
    }
    return view;
  }

  private static ByteBuffer[] withRoomFor(int id, ByteBuffer[] views) {
    return id < views.length ? views : Arrays.copyOf(views, Math.max(id + 1, views.length * 2));
  }
}
