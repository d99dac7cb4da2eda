package io.gyre.benchmarks.bench;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many files and sockets a program may have open here: what this JVM may is what those it starts may. */
final class DescriptorLimit {
  /** What a program needs beside its connections: libraries, rings, pipes. */
  private static final int OTHERS = 200;

  private DescriptorLimit() {}

  /** Why a server can't have so many connections, or null. */
  static String tooLowFor(int connections) {
    if (!(ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix)) {
      return null; // no such limit
    }
    return tooLowFor(connections, unix.getMaxFileDescriptorCount());
  }

  static String tooLowFor(int connections, long limit) {
    long needed = (long) connections + OTHERS;
    return needed <= limit
        ? null
        : "%d descriptors are allowed, and %d needed: raise the limit with ulimit -n"
            .formatted(limit, needed);
  }
}
