package io.gyre.benchmarks.peer;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How long to run: the options that every program of the comparison takes. */
public final class WindowOptions {
  @Option(
      names = "--seconds",
      defaultValue = "5",
      description = "How long to measure (${DEFAULT-VALUE}).")
  private double seconds;

  @Option(
      names = "--warmup",
      defaultValue = "1",
      description =
          "Seconds before that, at least: files go on until the JIT rests (${DEFAULT-VALUE}).")
  private double warmup;

  /** Made by picocli. */
  public WindowOptions() {}

  /**
   * Refuses what is no length of time.
   *
   * @param spec the command that was given them
   * @throws ParameterException which says so
   */
  public void check(CommandSpec spec) {
    if (!(seconds > 0) || !(warmup >= 0)) {
      throw new ParameterException(
          spec.commandLine(), "seconds must be positive, and the warm-up not negative");
    }
  }

  /** How long to measure. */
  public double seconds() {
    return seconds;
  }

  /** How long to run before that. */
  public double warmupSeconds() {
    return warmup;
  }
}
