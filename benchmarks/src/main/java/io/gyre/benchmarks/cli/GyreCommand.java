package io.gyre.benchmarks.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command of all commands. */
@Command(
    name = "gyre",
    version = "gyre 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    description = "Completion-based I/O for Java, over io_uring and, where that can't be had, NIO.",
    subcommands = {
      DoctorCommand.class,
      ReadCommand.class,
      NopCommand.class,
      EchoCommand.class,
      UdpCommand.class,
      ServeCommand.class,
      WalkCommand.class,
      CpCommand.class,
      FileLoadCommand.class,
      BenchCommand.class
    })
final class GyreCommand implements Runnable {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show what there is, and exit.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Print the version, and exit.")
  boolean version;

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Log what the runtime decides, and print the stack trace of a failure.")
  boolean verbose;

  @Spec CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "a command is needed: doctor, read, nop, echo, udp, serve, walk, cp or bench");
  }
}
