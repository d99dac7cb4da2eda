package io.gyre.benchmarks.peer;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Direct buffers of one size, which outlive the connections that use them: freeing one is the collector's work. */
final class DirectBuffers {
  private final ConcurrentLinkedQueue<ByteBuffer> free = new ConcurrentLinkedQueue<>();
  private final int capacity;

  DirectBuffers(int capacity) {
    this.capacity = capacity;
  }

  ByteBuffer take() {
    var buffer = free.poll();
    return buffer == null ? ByteBuffer.allocateDirect(capacity) : buffer.clear();
  }

  void give(ByteBuffer buffer) {
    free.add(buffer);
  }
}
