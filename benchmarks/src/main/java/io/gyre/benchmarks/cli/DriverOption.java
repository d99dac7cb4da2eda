package io.gyre.benchmarks.cli;

import io.gyre.IoRuntime;
import java.util.Locale;
import picocli.CommandLine.Option;

/** {@code --driver}, for every command that starts a runtime. */
final class DriverOption {
  /** What may be asked for. */
  enum Choice {
    AUTO,
    URING,
    NIO;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads a choice. */
  static final class Converter extends Choices<Choice> {
    Converter() {
      super(Choice.class);
    }
  }

  @Option(
      names = "--driver",
      converter = Converter.class,
      paramLabel = "DRIVER",
      description =
          "${COMPLETION-CANDIDATES}: auto takes io_uring where it works, the others require that"
              + " one. Default: the system property gyre.driver, else auto.")
  Choice choice;

  IoRuntime.Builder builder() {
    var builder = IoRuntime.builder();
    return choice == null ? builder : builder.driver(choice.toString());
  }
}
