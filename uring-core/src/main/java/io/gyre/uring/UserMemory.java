package io.gyre.uring;

import io.gyre.driver.KernelMemory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Where a user's buffer is for the kernel. A buffer on the heap, or one whose memory somebody may free (see {@link
 * KernelMemory}), is copied.
 */
final class UserMemory {
  private UserMemory() {}

  /** Where the buffer's remaining memory is, or 0 when it must be copied. */
  static long address(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      return 0;
    }
    var segment = MemorySegment.ofBuffer(buffer);
    return KernelMemory.livesWhileReferenced(segment) ? segment.address() : 0;
  }
}
