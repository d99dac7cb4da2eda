package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.driver.BufferAccess;

/** Keeps pooled buffers from going home on their way from another thread to the loop. */
final class PinnedBuffers {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private PinnedBuffers() {}

  /** Runs something on the loop; until then none of the buffers goes home. The array is nobody else's. */
  static void execute(EventLoop loop, Buffer[] buffers, Runnable start) {
    var generations = new int[buffers.length];
    int pinned = 0;
    try {
      for (; pinned < buffers.length; pinned++) {
        generations[pinned] = BUFFERS.pin(buffers[pinned]);
      }
      loop.execute(
          () -> {
            try {
              start.run();
            } finally {
              unpin(buffers, generations, buffers.length);
            }
          });
    } catch (RuntimeException e) {
      unpin(buffers, generations, pinned);
      throw e;
    }
  }

  private static void unpin(Buffer[] buffers, int[] generations, int count) {
    for (int i = 0; i < count; i++) {
      BUFFERS.unpin(buffers[i], generations[i]);
    }
  }
}
