package io.gyre.benchmarks.cli;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** How long to run, for every command that measures. */
final class WindowOptions {
  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "5",
      description =
          "How long to measure, after the warm-up; decimals are fine. Default: ${DEFAULT-VALUE}.")
  double seconds;

  @Option(
      names = "--warmup",
      paramLabel = "S",
      defaultValue = "1.5",
      description =
          "How long to run before measuring, at least: it goes on until the JIT rests, up to five"
              + " times as long. Default: ${DEFAULT-VALUE}.")
  double warmup;

  void check(CommandSpec spec) {
    if (!(seconds >= 0.05 && seconds <= 86_400)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--seconds must be from 0.05 to 86400: " + seconds);
    }
    if (!(warmup >= 0 && warmup <= 3600)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--warmup must be from 0 to 3600: " + warmup);
    }
  }

  long nanos() {
    return (long) (seconds * 1e9);
  }

  long warmupNanos() {
    return (long) (warmup * 1e9);
  }
}
