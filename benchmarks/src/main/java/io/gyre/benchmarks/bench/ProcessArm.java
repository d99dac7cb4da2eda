package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A program that measures itself, and tells the result in the last line that it prints. */
final class ProcessArm implements Arm {
  private final Processes processes;
  private final String name;
  private final Family family;
  private final Workload workload;
  private final String unavailableBecause;
  private final List<String> command;

  /**
   * Makes an arm.
   *
   * @param command the program and its arguments, but for {@code --warmup} and {@code --seconds}
   */
  ProcessArm(
      Processes processes,
      String name,
      Family family,
      Workload workload,
      String unavailableBecause,
      List<String> command) {
    this.processes = processes;
    this.name = name;
    this.family = family;
    this.workload = workload;
    this.unavailableBecause = unavailableBecause;
    this.command = command;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Family family() {
    return family;
  }

  @Override
  public Workload workload() {
    return workload;
  }

  @Override
  public String unavailableBecause() {
    return unavailableBecause;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    var timed = withTiming(command, timing);
    var output = processes.run(timed, timing.warmupSeconds() + timing.seconds());
    var result = Result.parse(output.lastLine());
    if (result == null) {
      throw new IOException(output.complaint());
    }
    return result;
  }

  static List<String> withTiming(List<String> command, Timing timing) {
    var timed = new ArrayList<>(command);
    timed.addAll(
        List.of(
            "--warmup",
            String.format(Locale.ROOT, "%.2f", timing.warmupSeconds()),
            "--seconds",
            String.format(Locale.ROOT, "%.2f", timing.seconds())));
    return timed;
  }
}
