package io.gyre.benchmarks.cli;

import io.gyre.IoRuntime;

/** Rings that hold a given number of operations: all can start with one call into the kernel. */
final class RingSizes {
  private static final int MAX_ENTRIES = 32_768; // the kernel's; what is beyond waits in line
  private static final int DEFAULT_ENTRIES = 256;
  private static final int DEFAULT_COMPLETIONS = 4096;

  private RingSizes() {}

  static IoRuntime.Builder fit(IoRuntime.Builder builder, int depth) {
    int entries = Math.clamp(powerOfTwo(depth), DEFAULT_ENTRIES, MAX_ENTRIES);
    return builder
        .ringEntries(entries)
        .completionEntries(Math.max(DEFAULT_COMPLETIONS, 2 * entries));
  }

  /** The smallest power of two that is not smaller. */
  static int powerOfTwo(int value) {
    return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
  }
}
