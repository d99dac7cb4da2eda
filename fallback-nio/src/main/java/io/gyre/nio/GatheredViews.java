package io.gyre.nio;

import io.gyre.driver.BufferVector;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;

/**
 * The buffers of a send of several, as views whose position and limit are ours to move. Made once for each such send, and
 * kept as its driver state. Confined to the loop's thread.
 */
final class GatheredViews {
  private final ByteBuffer[] views;
  private int first; // that has something left

  private GatheredViews(Operation operation) {
    var vector = operation.vector();
    views = new ByteBuffer[vector.count()];
    for (int i = 0; i < views.length; i++) {
      int position = vector.position(i);
      views[i] =
          vector
              .memory(i)
              .duplicate()
              .clear()
              .position(position)
              .limit(position + vector.length(i));
    }
  }

  static GatheredViews of(Operation operation) {
    if (operation.driverState() instanceof GatheredViews made) {
      return made;
    }
    var made = new GatheredViews(operation);
    operation.setDriverState(made);
    return made;
  }

  /**
   * Writes the next part, which is all that is left unless much of that is on the heap: the JDK copies it through native
   * memory of its size.
   *
   * @return whether the channel has taken all of the part
   */
  boolean writePart(GatheringByteChannel channel, Operation operation) throws IOException {
    while (first < views.length && !views[first].hasRemaining()) {
      first++;
    }
    int end = first;
    int onHeap = 0;
    long asked = 0;
    while (end < views.length && end - first < BufferVector.MAX_COUNT) {
      var view = views[end];
      if (!view.isDirect()) {
        int rest = Views.HEAP_CHUNK_BYTES - onHeap;
        if (view.remaining() > rest) {
          break;
        }
        onHeap += view.remaining();
      }
      asked += view.remaining();
      end++;
    }
    if (end == first && end < views.length) {
      return writeChunk(channel, operation, views[first]);
    }
    long count = channel.write(views, first, end - first);
    operation.setTransferred(operation.transferred() + (int) count);
    return count == asked;
  }

  /** A part of one large buffer on the heap. */
  private static boolean writeChunk(
      GatheringByteChannel channel, Operation operation, ByteBuffer view) throws IOException {
    int limit = view.limit();
    view.limit(view.position() + Views.HEAP_CHUNK_BYTES);
    try {
      int count = channel.write(view);
      operation.setTransferred(operation.transferred() + count);
      return count == Views.HEAP_CHUNK_BYTES;
    } finally {
      view.limit(limit);
    }
  }
}
