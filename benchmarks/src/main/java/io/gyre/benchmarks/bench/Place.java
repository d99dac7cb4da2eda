package io.gyre.benchmarks.bench;

import io.gyre.IoRuntime;
import java.util.ArrayList;
import java.util.List;

/**
 * What arms are made from.
 *
 * @param processes starts them
 * @param pinning on which processors
 * @param reference the C programs
 * @param files what is read and written; null when nothing is to be run
 * @param quick whether to leave out those that say little beside the others
 * @param noUringBecause why Gyre has no io_uring here, or null
 */
record Place(
    Processes processes,
    Pinning pinning,
    Reference reference,
    DataFiles files,
    boolean quick,
    String noUringBecause) {
  /** Gyre's drivers, as they are named on a command line. */
  static final List<String> DRIVERS = List.of("uring", "nio");

  private static final String GYRE = "io.gyre.benchmarks.cli.Main";

  Place(Processes processes, Pinning pinning, Reference reference, DataFiles files, boolean quick) {
    this(processes, pinning, reference, files, quick, probe());
  }

  private static String probe() {
    return IoRuntime.probeDrivers().stream()
        .filter(d -> d.name().equals("uring"))
        .findFirst()
        .map(d -> d.availability().available() ? null : d.availability().reason())
        .orElse(null);
  }

  /** Why a driver is not to be had, or null. */
  String missingBecause(String driver) {
    return driver.equals("uring") ? noUringBecause : null;
  }

  /** Why a C reference over liburing can't run, or null. */
  String referenceMissingBecause(String program) {
    return first(reference.missingBecause(program), noUringBecause);
  }

  /** A command of Gyre in a JVM of its own. */
  static List<String> gyre(String... args) {
    return JavaCommand.of(GYRE, args);
  }

  /** Gyre on a driver, for people. */
  static String gyreName(String driver) {
    return driver.equals("uring") ? "Gyre on io_uring" : "Gyre on NIO";
  }

  /** The first that is not null, or null. */
  static String first(String... reasons) {
    for (var reason : reasons) {
      if (reason != null) {
        return reason;
      }
    }
    return null;
  }

  static List<String> join(List<String> first, List<String> second) {
    var joined = new ArrayList<>(first);
    joined.addAll(second);
    return joined;
  }
}
