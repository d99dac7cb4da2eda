package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.IoRuntime;

/** Which drivers this machine has. */
final class Drivers {
  private Drivers() {}

  static void assumeAvailable(String driver) {
    var report =
        IoRuntime.probeDrivers().stream()
            .filter(d -> d.name().equals(driver))
            .findFirst()
            .orElseThrow();
    assumeTrue(report.availability().available(), report.availability().reason());
  }
}
