package io.gyre.benchmarks.bench;

import java.io.IOException;

/** Somebody who does a workload. */
public interface Arm {
  /** Where an arm comes from; the ceiling is what the others are held against. */
  enum Family {
    /** What this machine can do: C over liburing where there is such a program, else the best in C. */
    CEILING,
    /** C otherwise. */
    C,
    /** Gyre. */
    GYRE,
    /** The JDK's own. */
    JDK,
    /** Netty. */
    NETTY
  }

  /**
   * For people.
   *
   * @return unique within the workload
   */
  String name();

  /**
   * Where it comes from.
   *
   * @return its family
   */
  Family family();

  /**
   * What it does.
   *
   * @return the workload
   */
  Workload workload();

  /**
   * Why it can't run on this machine.
   *
   * @return the reason, or null when it can
   */
  String unavailableBecause();

  /**
   * Does the workload once.
   *
   * @param timing how long
   * @return what was measured
   * @throws IOException when it failed: the message says how
   * @throws InterruptedException when the caller was interrupted; no process is left behind
   */
  Result run(Timing timing) throws IOException, InterruptedException;

  /**
   * Identifies the arm among all.
   *
   * @return workload and name
   */
  default String id() {
    return workload().id() + "/" + name();
  }
}
