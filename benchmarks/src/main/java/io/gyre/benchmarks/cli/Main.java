package io.gyre.benchmarks.cli;

import java.io.PrintWriter;
import java.nio.charset.Charset;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Where {@code ./gyre} begins. */
public final class Main {
  private static final String LOG_LEVEL_PROPERTY = "org.slf4j.simpleLogger.defaultLogLevel";

  private Main() {}

  /**
   * Runs a command and exits with its status.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    var charset = Charset.forName(System.getProperty("stdout.encoding", "UTF-8"));
    var out = new PrintWriter(System.out, true, charset);
    var err = new PrintWriter(System.err, true, charset);
    int status = run(out, err, args);
    out.flush();
    err.flush();
    System.exit(status);
  }

  /**
   * Runs a command without ending the JVM.
   *
   * @param out takes results
   * @param err takes the line that says what went wrong
   * @param args the command and its options
   * @return the exit status: 0, 1 when the work failed, 2 when the options make no sense
   */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    var gyre = new GyreCommand();
    var command =
        new CommandLine(gyre)
            .setOut(out)
            .setErr(err)
            .setUsageHelpAutoWidth(true)
            .setParameterExceptionHandler(Main::explainUsage)
            .setExecutionExceptionHandler(
                (e, failing, parsed) -> explainFailure(e, failing, gyre.verbose))
            .setExecutionStrategy(
                parsed -> {
                  // Before the first logger is made, which is when slf4j-simple looks.
                  if (gyre.verbose || System.getProperty(LOG_LEVEL_PROPERTY) == null) {
                    System.setProperty(LOG_LEVEL_PROPERTY, gyre.verbose ? "info" : "warn");
                  }
                  return new CommandLine.RunLast().execute(parsed);
                });
    try {
      int status = command.execute(args);
      if (out.checkError() && status == 0) { // a full disk: writers keep that to themselves
        err.println("gyre: the output could not be written");
        return CommandLine.ExitCode.SOFTWARE;
      }
      return status;
    } catch (Error e) { // out of memory, for instance: picocli handles exceptions only
      return explainFailure(e, command, gyre.verbose);
    }
  }

  private static int explainUsage(ParameterException e, String[] args) {
    var command = e.getCommandLine();
    var name = command.getCommandSpec().qualifiedName();
    command
        .getErr()
        .println(name + ": " + Failures.oneLine(e.getMessage()) + " (see " + name + " --help)");
    return CommandLine.ExitCode.USAGE;
  }

  private static int explainFailure(Throwable e, CommandLine command, boolean verbose) {
    var err = command.getErr();
    err.println(command.getCommandSpec().qualifiedName() + ": " + Failures.describe(e));
    if (verbose) {
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }
}
