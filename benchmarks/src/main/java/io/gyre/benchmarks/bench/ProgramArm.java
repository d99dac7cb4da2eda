package io.gyre.benchmarks.bench;

/** An arm that is a program, in a process of its own. */
abstract class ProgramArm implements Arm {
  private final Entry entry;
  final Processes processes;

  /**
   * How an arm stands in the list.
   *
   * @param name for people
   * @param family where it comes from
   * @param workload what it does
   * @param unavailableBecause why it can't run here, or null
   */
  record Entry(String name, Family family, Workload workload, String unavailableBecause) {}

  ProgramArm(Processes processes, Entry entry) {
    this.processes = processes;
    this.entry = entry;
  }

  @Override
  public final String name() {
    return entry.name;
  }

  @Override
  public final Family family() {
    return entry.family;
  }

  @Override
  public final Workload workload() {
    return entry.workload;
  }

  @Override
  public final String unavailableBecause() {
    return entry.unavailableBecause;
  }
}
