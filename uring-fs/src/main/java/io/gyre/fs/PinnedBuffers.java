package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.driver.BufferAccess;

/** Keeps pooled buffers from going home on their way from another thread to the loop. */
final class PinnedBuffers {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private PinnedBuffers() {}

  /** Pins all, or none. Returns the generations. */
  static int[] pin(Buffer[] buffers) {
    var generations = new int[buffers.length];
    for (int i = 0; i < buffers.length; i++) {
      try {
        generations[i] = BUFFERS.pin(buffers[i]);
      } catch (RuntimeException e) {
        unpin(buffers, generations, i);
        throw e;
      }
    }
    return generations;
  }

  static void unpin(Buffer[] buffers, int[] generations) {
    unpin(buffers, generations, buffers.length);
  }

  private static void unpin(Buffer[] buffers, int[] generations, int count) {
    for (int i = 0; i < count; i++) {
      BUFFERS.unpin(buffers[i], generations[i]);
    }
  }

  /** Runs something on the loop; until then none of the buffers goes home. The array is nobody else's. */
  static void execute(EventLoop loop, Buffer[] buffers, Runnable start) {
    var generations = pin(buffers);
    try {
      loop.execute(
          () -> {
            try {
              start.run();
            } finally {
              unpin(buffers, generations);
            }
          });
    } catch (RuntimeException e) {
      unpin(buffers, generations);
      throw e;
    }
  }
}
