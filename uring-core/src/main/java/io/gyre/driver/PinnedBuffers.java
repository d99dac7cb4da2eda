package io.gyre.driver;

import io.gyre.Buffer;
import io.gyre.EventLoop;

/**
 * Keeps several pooled buffers from going home where no operation does: on their way from another thread to the loop, or
 * from one operation to the next.
 */
public final class PinnedBuffers {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private PinnedBuffers() {}

  /**
   * Pins all, or none.
   *
   * @param buffers leased
   * @return their generations, to be given to {@link #unpin}
   * @throws IllegalStateException when one was released
   */
  public static int[] pin(Buffer[] buffers) {
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

  /**
   * Lets them go home again.
   *
   * @param buffers what was pinned
   * @param generations what {@link #pin} returned
   */
  public static void unpin(Buffer[] buffers, int[] generations) {
    unpin(buffers, generations, buffers.length);
  }

  private static void unpin(Buffer[] buffers, int[] generations, int count) {
    for (int i = 0; i < count; i++) {
      BUFFERS.unpin(buffers[i], generations[i]);
    }
  }

  /**
   * Runs something on a loop; until then none of the buffers goes home.
   *
   * @param loop where to run it
   * @param buffers leased; the array is nobody else's
   * @param start run on the loop's thread
   * @throws IllegalStateException when one was released
   */
  public static void execute(EventLoop loop, Buffer[] buffers, Runnable start) {
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
