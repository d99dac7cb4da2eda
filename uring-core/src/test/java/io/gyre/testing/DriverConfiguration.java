package io.gyre.testing;

import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
import io.gyre.uring.KernelFeature;

/** A driver, and the sizes that it is opened with. */
public enum DriverConfiguration {
  /** io_uring as users get it. */
  URING("uring") {
    @Override
    void apply(IoRuntime.Builder builder) {}
  },
  /**
   * io_uring with rings of 4 and 8, 4 buffers of 64 bytes, and no fixed files: everything has to
   * queue; and every lease is watched.
   */
  URING_TINY("uring") {
    @Override
    void apply(IoRuntime.Builder builder) {
      builder
          .ringEntries(4)
          .completionEntries(8)
          .receiveBuffers(4, 64)
          .fixedFiles(0)
          .leakDetection(LeakDetection.FULL);
    }
  },
  /** io_uring as it is without anything of the kernel that can be done without. */
  URING_BARE("uring") {
    @Override
    void apply(IoRuntime.Builder builder) {
      for (var feature : KernelFeature.values()) {
        builder.disable(feature.configurationName());
      }
    }
  },
  /** NIO. */
  NIO("nio") {
    @Override
    void apply(IoRuntime.Builder builder) {}
  };

  private final String driver;

  DriverConfiguration(String driver) {
    this.driver = driver;
  }

  /** The driver's name. */
  public String driver() {
    return driver;
  }

  abstract void apply(IoRuntime.Builder builder);
}
