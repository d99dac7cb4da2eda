package io.gyre;

import io.gyre.driver.PoolMemory;

/** Makes pools without a loop, for tests that drive a driver by hand. */
public final class BufferPools {
  private BufferPools() {}

  /** A pool of its own. */
  public static BufferPool create(long bytes) {
    return new BufferPool(
        "a test", PoolMemory.plain(bytes), LeaseTracker.OFF, Thread.currentThread(), Runnable::run);
  }
}
