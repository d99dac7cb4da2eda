package io.gyre.benchmarks.peer;

import java.util.function.Function;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Peers by the names that a command line knows them by. */
final class Labels {
  private Labels() {}

  /** The peer of a label; one that there is not is the command line's fault. */
  static <P> P peer(CommandSpec spec, String label, Function<String, P> byLabel) {
    try {
      return byLabel.apply(label);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
