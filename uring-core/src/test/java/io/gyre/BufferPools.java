package io.gyre;

/** Makes pools without a loop, for tests that drive a driver by hand. */
public final class BufferPools {
  private BufferPools() {}

  /** A pool of its own. */
  public static BufferPool create(long bytes) {
    return new BufferPool("a test", bytes);
  }
}
